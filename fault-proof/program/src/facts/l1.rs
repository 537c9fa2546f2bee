//! The L1 chain below the head that the claim names, walked back by parent hashes.
//!
//! **Invariant:** a header is read once and kept as it came; at most a few lists of receipts are kept beside it.

use super::list::list;
use crate::{HintKind, Oracle, PreimageKey, Undetermined, reader::Reader};
use alloc::{collections::VecDeque, string::ToString, vec::Vec};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, Header};
use opal_types::{L1Config, L1Header};

/// Lists of receipts kept: a block's receipts are wanted when it is read and again when it becomes an L1 origin.
const RECEIPTS_KEPT: usize = 32;

/// Places in a header.
const TRANSACTIONS_ROOT: usize = 4;
const RECEIPTS_ROOT: usize = 5;
const NUMBER: usize = 8;

/// See the module.
#[derive(Debug)]
pub(crate) struct L1Chain {
    head_number: u64,
    /// Newest first, without gaps.
    headers: Vec<RawHeader>,
    receipts: VecDeque<(B256, Vec<Bytes>)>,
}

#[derive(Debug)]
struct RawHeader {
    hash: B256,
    rlp: Bytes,
}

impl RawHeader {
    fn read<O: Oracle>(reader: &Reader<'_, O>, hash: B256) -> Result<Self, Undetermined> {
        reader.hint(HintKind::L1BlockHeader, &[hash.as_slice()]);
        let rlp = reader.read(PreimageKey::keccak(hash), WHAT)?;
        Ok(Self { hash, rlp })
    }

    /// The field at this place, without decoding those before it.
    fn field<T: Decodable>(&self, place: usize) -> Result<T, Undetermined> {
        let find = || {
            let mut fields = Header::decode_bytes(&mut self.rlp.as_ref(), true).ok()?;
            for _ in 0..place {
                Header::decode_bytes(&mut fields, false).ok()?;
            }
            T::decode(&mut fields).ok()
        };
        find().ok_or_else(|| self.malformed())
    }

    fn malformed(&self) -> Undetermined {
        Undetermined::Malformed { key: PreimageKey::keccak(self.hash), what: WHAT.to_string() }
    }
}

const WHAT: &str = "L1 block header";

impl L1Chain {
    /// The chain that ends in this block.
    pub(crate) fn new<O: Oracle>(reader: &Reader<'_, O>, head: B256) -> Result<Self, Undetermined> {
        let head = RawHeader::read(reader, head)?;
        let head_number = head.field(NUMBER)?;
        Ok(Self { head_number, headers: [head].into(), receipts: VecDeque::new() })
    }

    /// The header at this height; `None` above the head.
    pub(crate) fn header<O: Oracle>(
        &mut self,
        reader: &Reader<'_, O>,
        number: u64,
        config: &L1Config,
    ) -> Result<Option<L1Header>, Undetermined> {
        let Some(back) = self.head_number.checked_sub(number) else { return Ok(None) };
        let back = usize::try_from(back).unwrap_or(usize::MAX);
        while self.headers.len() <= back {
            let Some(oldest) = self.headers.last() else { return Ok(None) };
            let parent = oldest.field(0)?;
            self.headers.push(RawHeader::read(reader, parent)?);
        }
        let Some(raw) = self.headers.get(back) else { return Ok(None) };
        let header =
            config.flavour.decode_sealed(&raw.rlp, raw.hash).map_err(|_| raw.malformed())?;
        Ok(Some(header))
    }

    /// A block that was walked over.
    fn raw(&self, block: &B256) -> Result<&RawHeader, Undetermined> {
        let found = self.headers.iter().find(|it| it.hash == *block);
        found.ok_or_else(|| Undetermined::Internal("an L1 block that was not read".to_string()))
    }

    /// Transactions of a block that was walked over.
    pub(crate) fn transactions<O: Oracle>(
        &self,
        reader: &Reader<'_, O>,
        block: &B256,
    ) -> Result<Vec<Bytes>, Undetermined> {
        let root = self.raw(block)?.field(TRANSACTIONS_ROOT)?;
        reader.hint(HintKind::L1Transactions, &[block.as_slice()]);
        list(reader, root, "node of an L1 transactions trie")
    }

    /// Receipts of a block that was walked over.
    pub(crate) fn receipts<O: Oracle>(
        &mut self,
        reader: &Reader<'_, O>,
        block: &B256,
    ) -> Result<Vec<Bytes>, Undetermined> {
        if let Some((_, receipts)) = self.receipts.iter().find(|(kept, _)| kept == block) {
            return Ok(receipts.clone());
        }
        let root = self.raw(block)?.field(RECEIPTS_ROOT)?;
        reader.hint(HintKind::L1Receipts, &[block.as_slice()]);
        let receipts = list(reader, root, "node of an L1 receipts trie")?;
        if self.receipts.len() >= RECEIPTS_KEPT {
            self.receipts.pop_front();
        }
        self.receipts.push_back((*block, receipts.clone()));
        Ok(receipts)
    }
}
