//! Why there is no verdict: something is absent, unreadable, or nobody can go on.
//!
//! **Invariant:** none of these is ever turned into "valid" or "invalid" (F6).

use crate::PreimageKey;
use alloc::string::{String, ToString};
use opal_execute::{Key, StateError};

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undetermined {
    /// A pre-image cannot be had.
    #[error("pre-image is absent: {key} ({what})")]
    Absent {
        /// Its key.
        key: PreimageKey,
        /// What it should be.
        what: String,
    },
    /// A pre-image is not what its place demands.
    #[error("pre-image is malformed: {key} ({what})")]
    Malformed {
        /// Its key.
        key: PreimageKey,
        /// What it should be.
        what: String,
    },
    /// State is not what its place demands, or a block is out of reach.
    #[error("state cannot be read: {0}")]
    State(StateError),
    /// The chain set of the image cannot be read.
    #[error("the chain set of the image is malformed: {0}")]
    ChainSet(alloy_rlp::Error),
    /// The claim is about a chain that the image does not know.
    #[error("chain {chain_id} is not in the chain set")]
    UnknownChain {
        /// The chain of the claim.
        chain_id: u64,
    },
    /// The agreed output root and the header of its block say different things.
    #[error("the agreed output root does not fit the header of its block {number}")]
    AgreedContradiction {
        /// Height of the block.
        number: u64,
    },
    /// Nobody can go on, the Go node neither.
    #[error("{0}")]
    Derivation(opal_derive::Fault),
    /// A fault in opal.
    #[error("internal fault: {0}")]
    Internal(String),
}

impl From<StateError> for Undetermined {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Absent(key) => {
                Self::Absent { key: oracle_key(&key), what: key.to_string() }
            }
            other => Self::State(other),
        }
    }
}

impl From<opal_derive::Fault> for Undetermined {
    fn from(fault: opal_derive::Fault) -> Self {
        Self::Derivation(fault)
    }
}

/// The key under which the oracle knows what execution asks for.
pub(crate) const fn oracle_key(key: &Key) -> PreimageKey {
    match key {
        Key::Precompile(hash) => PreimageKey::precompile_hash(*hash),
        Key::Node(hash) | Key::Code(hash) | Key::Header(hash) => PreimageKey::keccak(*hash),
    }
}
