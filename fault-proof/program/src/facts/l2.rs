//! The L2 chain: blocks before the agreed one from the oracle, those after it as this run derives them.
//!
//! **Invariant:** what this run derived is never asked of the oracle.

use super::list::list;
use crate::{HintKind, Oracle, PreimageKey, Undetermined, reader::Reader};
use alloc::{collections::BTreeMap, string::ToString, vec::Vec};
use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, Sealed};
use alloy_rlp::{Decodable, Header as RlpHeader};
use opal_derive::L2Block;
use opal_execute::Trie;

const WHAT: &str = "L2 block header";
/// `rlp(0)`: the key of a list's first entry.
const FIRST: [u8; 1] = [0x80];

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct L2Chain {
    openings: BTreeMap<B256, L2Block>,
    /// Transactions of the blocks that were derived.
    derived: BTreeMap<B256, Vec<Bytes>>,
}

impl L2Chain {
    /// Keeps a block that was derived.
    pub(crate) fn insert(&mut self, block: L2Block, transactions: Vec<Bytes>) {
        let hash = block.header.hash();
        self.openings.insert(hash, block);
        self.derived.insert(hash, transactions);
    }

    /// The block with this hash.
    pub(crate) fn block<O: Oracle>(
        &mut self,
        reader: &Reader<'_, O>,
        hash: &B256,
    ) -> Result<L2Block, Undetermined> {
        if let Some(block) = self.openings.get(hash) {
            return Ok(block.clone());
        }
        let header = header(reader, hash)?;
        reader.hint_l2(HintKind::L2Transactions, hash);
        let mut trie = Trie::at(header.transactions_root);
        let first_transaction = trie.value(&FIRST, &mut &*reader)?;
        let block = L2Block { header, first_transaction };
        self.openings.insert(*hash, block.clone());
        Ok(block)
    }

    /// The ancestor at this height, which may be the block itself.
    pub(crate) fn ancestor<O: Oracle>(
        &mut self,
        reader: &Reader<'_, O>,
        descendant: &B256,
        number: u64,
    ) -> Result<L2Block, Undetermined> {
        let start = match self.openings.get(descendant) {
            Some(block) => block.header.number,
            None => header(reader, descendant)?.number,
        };
        let mut hash = *descendant;
        for _ in number..start {
            hash = self.parent(reader, &hash)?;
        }
        self.block(reader, &hash)
    }

    fn parent<O: Oracle>(&self, reader: &Reader<'_, O>, hash: &B256) -> Result<B256, Undetermined> {
        if let Some(block) = self.openings.get(hash) {
            return Ok(block.header.parent_hash);
        }
        let rlp = raw_header(reader, hash)?;
        let fields = RlpHeader::decode_bytes(&mut rlp.as_ref(), true);
        let parent = fields.and_then(|mut fields| B256::decode(&mut fields));
        parent.map_err(|_| malformed(hash))
    }

    /// Transactions of a block.
    pub(crate) fn transactions<O: Oracle>(
        &self,
        reader: &Reader<'_, O>,
        hash: &B256,
    ) -> Result<Vec<Bytes>, Undetermined> {
        if let Some(transactions) = self.derived.get(hash) {
            return Ok(transactions.clone());
        }
        let root = match self.openings.get(hash) {
            Some(block) => block.header.transactions_root,
            None => header(reader, hash)?.transactions_root,
        };
        reader.hint_l2(HintKind::L2Transactions, hash);
        list(reader, root, "node of an L2 transactions trie")
    }
}

fn raw_header<O: Oracle>(reader: &Reader<'_, O>, hash: &B256) -> Result<Bytes, Undetermined> {
    reader.hint_l2(HintKind::L2BlockHeader, hash);
    reader.read(PreimageKey::keccak(*hash), WHAT)
}

/// The header with this hash. That the bytes have it is the oracle's promise, so nothing is hashed here.
pub(crate) fn header<O: Oracle>(
    reader: &Reader<'_, O>,
    hash: &B256,
) -> Result<Sealed<Header>, Undetermined> {
    let rlp = raw_header(reader, hash)?;
    let header = alloy_rlp::decode_exact(&*rlp).map_err(|_| malformed(hash))?;
    Ok(Sealed::new_unchecked(header, *hash))
}

fn malformed(hash: &B256) -> Undetermined {
    Undetermined::Malformed { key: PreimageKey::keccak(*hash), what: WHAT.to_string() }
}
