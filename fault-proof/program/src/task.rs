//! The question of the block-execution program: is this the hash of the block that these attributes give on
//! this parent?
//!
//! **Invariant:** the encoding is canonical; decoding reads all of the input or refuses it.

use crate::PreimageKey;
use alloc::vec::Vec;
use alloy_consensus::Header;
use alloy_primitives::B256;
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use opal_types::{Attributes, ChainConfig};

/// Everything about the question but the state, which is read through the oracle.
#[derive(Clone, Debug, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct BlockTask {
    /// Rules of the chain.
    pub config: ChainConfig,
    /// The block before.
    pub parent: Header,
    /// What the block must contain.
    pub attributes: Attributes,
    /// The claim.
    pub expected_hash: B256,
}

impl BlockTask {
    /// Where a program without a chain set finds its task: a local key that no dispute game uses (F4 ends at 8). An
    /// empty value says that the question is a claim about an output root.
    pub fn key() -> PreimageKey {
        PreimageKey::local(u64::from_be_bytes(*b"opalblok"))
    }

    /// RLP.
    pub fn encode(&self) -> Vec<u8> {
        alloy_rlp::encode(self)
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(mut bytes: &[u8]) -> alloy_rlp::Result<Self> {
        let task = <Self as Decodable>::decode(&mut bytes)?;
        if bytes.is_empty() { Ok(task) } else { Err(alloy_rlp::Error::UnexpectedLength) }
    }
}
