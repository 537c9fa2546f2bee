//! Derivation's questions, answered from the pre-image oracle.
//!
//! Start with [`Facts::answer`]. `l1` walks the chain below the L1 head, `l2` the chain before and after the agreed
//! block, `list` and `blob` read what blocks carry.
//!
//! **Invariant:** an answer is a function of the claim's local data: every pre-image hangs on the L1 head or the agreed
//! output root by hashes.

mod blob;
pub(crate) mod l1;
pub(crate) mod l2;
mod list;

use crate::{Oracle, Undetermined, reader::Reader};
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};
use blob::Points;
use l1::L1Chain;
use l2::L2Chain;
use opal_derive::{Fact, Request};
use opal_execute::{Crypto, Signature};
use opal_types::L1Config;

/// The 4,096 points at which a blob is read, in the order of its field elements: what the keys of the elements commit to.
pub fn blob_points() -> Vec<B256> {
    Points::new().into()
}

/// Everything that was read so far.
#[derive(Debug)]
pub(crate) struct Facts<'r, 'a, O> {
    reader: &'r Reader<'a, O>,
    config: &'r L1Config,
    l1: L1Chain,
    pub(crate) l2: L2Chain,
    points: Option<Points>,
}

impl<'r, 'a, O: Oracle> Facts<'r, 'a, O> {
    pub(crate) fn new(
        reader: &'r Reader<'a, O>,
        config: &'r L1Config,
        l1_head: B256,
    ) -> Result<Self, Undetermined> {
        let l1 = L1Chain::new(reader, l1_head)?;
        Ok(Self { reader, config, l1, l2: L2Chain::default(), points: None })
    }

    /// The answer to a request.
    pub(crate) fn answer(
        &mut self,
        request: &Request,
        crypto: &mut dyn Crypto,
    ) -> Result<Fact, Undetermined> {
        let reader = self.reader;
        Ok(match request {
            Request::L1Header { number } => {
                Fact::L1Header(self.l1.header(reader, *number, self.config)?)
            }
            Request::L1Transactions { block } => {
                Fact::L1Transactions(self.l1.transactions(reader, block)?)
            }
            Request::L1Receipts { block } => Fact::L1Receipts(self.l1.receipts(reader, block)?),
            Request::Blobs { hashes, timestamp, .. } => {
                let points = self.points.get_or_insert_with(Points::new);
                let blobs = hashes.iter().map(|hash| blob::blob(reader, points, hash, *timestamp));
                Fact::Blobs(blobs.collect::<Result<Vec<_>, _>>()?)
            }
            Request::Signer { hash, signature } => Fact::Signer(signer(hash, signature, crypto)?),
            Request::L2Block { hash } => Fact::L2Block(self.l2.block(reader, hash)?),
            Request::L2Ancestor { descendant, number } => {
                Fact::L2Ancestor(self.l2.ancestor(reader, descendant, *number)?)
            }
            Request::L2Transactions { block } => {
                Fact::L2Transactions(self.l2.transactions(reader, block)?)
            }
        })
    }
}

/// Who signed, as the EcRecover precompile says.
fn signer(
    hash: &B256,
    signature: &[u8; 65],
    crypto: &mut dyn Crypto,
) -> Result<Option<Address>, Undetermined> {
    let (words, rest) = signature.as_chunks::<32>();
    let ([r, s], [parity]) = (words, rest) else { return Ok(None) };
    let [r, s] = [*r, *s].map(U256::from_be_bytes);
    Ok(crypto.recover(hash, &Signature { odd: *parity == 1, r, s })?)
}

#[cfg(test)]
mod tests;
