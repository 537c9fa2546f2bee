//! Answers derivation's requests.
//!
//! **Invariant:** what is not recorded is an error that names it, never an empty answer. Only the end of L1 is
//! an answer of its own.

use super::view::L1View;
use crate::{Archive, L1Block, Recording, ReplayError};
use alloy_primitives::{Address, B256, Bytes, U256};
use opal_derive::{Fact, L2Block, Request};
use opal_execute::{Crypto, RevmCrypto, Signature};

pub(super) fn answer(
    request: &Request,
    recording: &Recording,
    view: &L1View<'_>,
    archive: &Archive,
) -> Result<Fact, ReplayError> {
    Ok(match request {
        Request::L1Header { number } => Fact::L1Header(view.header(*number)),
        Request::L1Transactions { block } => {
            Fact::L1Transactions(l1_block(recording, *block)?.transactions.clone())
        }
        Request::L1Receipts { block } => {
            let receipts = l1_block(recording, *block)?.receipts.clone();
            let missing = ReplayError::Missing { what: "receipts of L1 block", key: *block };
            Fact::L1Receipts(receipts.ok_or(missing)?)
        }
        Request::Blobs { hashes, .. } => Fact::Blobs(blobs(recording, hashes)?),
        Request::Signer { hash, signature } => Fact::Signer(signer(hash, signature)),
        Request::L2Block { hash } => Fact::L2Block(l2_block(archive, *hash)?),
        Request::L2Ancestor { descendant, number } => {
            let missing = ReplayError::Missing { what: "L2 block", key: *descendant };
            let block = archive.ancestor(*descendant, *number).ok_or(missing)?;
            Fact::L2Ancestor(block.l2_block())
        }
        Request::L2Transactions { block } => {
            let missing = ReplayError::Missing { what: "L2 block", key: *block };
            Fact::L2Transactions(archive.transactions(*block).ok_or(missing)?.to_vec())
        }
    })
}

fn l1_block(recording: &Recording, key: B256) -> Result<&L1Block, ReplayError> {
    recording.l1_block(key).ok_or(ReplayError::Missing { what: "L1 block", key })
}

pub(super) fn l2_block(archive: &Archive, key: B256) -> Result<L2Block, ReplayError> {
    let block = archive.block(key).ok_or(ReplayError::Missing { what: "L2 block", key })?;
    Ok(block.l2_block())
}

fn blobs(recording: &Recording, hashes: &[B256]) -> Result<Vec<Bytes>, ReplayError> {
    let blob = |key: &B256| {
        let missing = ReplayError::Missing { what: "blob", key: *key };
        recording.blob(*key)?.cloned().ok_or(missing)
    };
    hashes.iter().map(blob).collect()
}

/// Who signed `hash`: r, s, parity.
fn signer(hash: &B256, signature: &[u8; 65]) -> Option<Address> {
    let (words, parity) = signature.split_at(64);
    let (r, s) = words.split_at(32);
    let signature =
        Signature { odd: parity == [1], r: U256::from_be_slice(r), s: U256::from_be_slice(s) };
    RevmCrypto.recover(hash, &signature).ok().flatten()
}
