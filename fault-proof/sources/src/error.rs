//! Why there is no answer, and what to do about it.
//!
//! **Invariant:** three kinds that are never mixed: not there yet, not what it should be, and gone for good.

use alloy_primitives::B256;
use opal_client::{Remedy, RpcError};

/// What the caller should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceRemedy {
    /// Ask again later.
    Retry,
    /// L1 or L2 has another block in that place now: begin again from what is canonical.
    Reset,
    /// Asking again changes nothing: somebody has to change the set-up.
    GiveUp,
}

/// Why there is no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SourceError {
    /// It is not there (yet).
    #[error("waiting for {what}: {why}")]
    Waits {
        /// What is missing.
        what: String,
        /// Who was asked and said what.
        why: String,
    },
    /// An endpoint gave something else, and no other endpoint did better.
    #[error("wrong data for {what} from {endpoint}: {fault}")]
    Wrong {
        /// What was asked for.
        what: String,
        /// Who gave it.
        endpoint: String,
        /// What is wrong.
        fault: Fault,
    },
    /// A reorg took the block away while it was read.
    #[error("{what} is not canonical any more: block {number} is {canonical} now")]
    Reorged {
        /// What was asked for.
        what: String,
        /// Height.
        number: u64,
        /// Hash of the block that is there instead.
        canonical: B256,
    },
    /// The endpoints could not be asked.
    #[error("cannot read {what}: {error}")]
    Rpc {
        /// What was asked for.
        what: String,
        /// Why.
        error: RpcError,
    },
    /// No endpoint is there that could have it.
    #[error("cannot read {what}: {need}")]
    NotOffered {
        /// What was asked for.
        what: String,
        /// What has to be set up.
        need: String,
    },
}

impl SourceError {
    /// What now.
    pub fn remedy(&self) -> SourceRemedy {
        match self {
            // Another endpoint may come up, or this one may be mended.
            Self::Waits { .. } | Self::Wrong { .. } => SourceRemedy::Retry,
            Self::Reorged { .. } => SourceRemedy::Reset,
            Self::NotOffered { .. } => SourceRemedy::GiveUp,
            Self::Rpc { error, .. } => match error.remedy() {
                Remedy::Retry => SourceRemedy::Retry,
                Remedy::GiveUp => SourceRemedy::GiveUp,
            },
        }
    }
}

/// How data differ from what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Another block than the one asked for, or fields that are not the block's.
    #[error("block hash is {found}, not {wanted}")]
    BlockHash {
        /// Hash asked for or claimed.
        wanted: B256,
        /// Hash of what came.
        found: B256,
    },
    /// A block of another height.
    #[error("block number is {found}, not {wanted}")]
    Number {
        /// Height asked for.
        wanted: u64,
        /// Height of what came.
        found: u64,
    },
    /// A block that does not follow the one before it.
    #[error("parent is {found}, not {wanted}")]
    Parent {
        /// Hash of the block before it.
        wanted: B256,
        /// Its parent's hash.
        found: B256,
    },
    /// A list that is not the one the header commits to.
    #[error("root of the {list} is {found}, the header says {wanted}")]
    Root {
        /// Which list.
        list: &'static str,
        /// Root in the header.
        wanted: B256,
        /// Root of what came.
        found: B256,
    },
    /// A proof that does not hold.
    #[error("proof of {of} does not hold: {why}")]
    Proof {
        /// What it should prove.
        of: String,
        /// The verifier's words.
        why: String,
    },
    /// Something that cannot be read.
    #[error("{what} cannot be read: {why}")]
    Malformed {
        /// Which part.
        what: &'static str,
        /// The parser's words.
        why: String,
    },
}

/// What one endpoint did instead of answering.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// It gave something else.
    Wrong(Fault),
    /// It could not be asked.
    Rpc(RpcError),
}

impl Trouble {
    /// The same for those outside.
    pub(crate) fn about(self, what: &str, endpoint: String) -> SourceError {
        let what = what.to_owned();
        match self {
            Self::Wrong(fault) => {
                tracing::warn!(%what, %endpoint, %fault, "an endpoint gave wrong data");
                SourceError::Wrong { what, endpoint, fault }
            }
            Self::Rpc(error) => SourceError::Rpc { what, error },
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Wrong(fault)
    }
}

impl From<RpcError> for Trouble {
    fn from(error: RpcError) -> Self {
        Self::Rpc(error)
    }
}
