//! Why the engine refuses.
//!
//! **Invariant:** a block that is wrong is an [`crate::InsertStatus`], not an error; errors are
//! about the asker, the store, or opal itself.

use alloy_primitives::B256;
use alloy_rpc_types_engine::PayloadId;
use opal_execute::{Key, StateError};

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error("database: {0}")]
    Database(Box<redb::Error>),
    /// An entry that opal cannot have written.
    #[error("the {kind} row of {key} is malformed")]
    Malformed {
        /// What the row is.
        kind: &'static str,
        /// Its key.
        key: String,
    },
    /// An entry that must be there.
    #[error("the {kind} row of {key} is absent")]
    Lacking {
        /// What the row is.
        kind: &'static str,
        /// Its key.
        key: String,
    },
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// Why an engine cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Only the root of the first state is known.
    #[error("the genesis file has no accounts, so there is no state to start from")]
    NoAccounts,
    /// Accounts and config do not belong together.
    #[error("the genesis file gives block {found}, the rollup config names {wanted}")]
    OtherGenesis {
        /// Hash in the config.
        wanted: B256,
        /// Hash of the file's block.
        found: B256,
    },
    /// The folder holds another chain.
    #[error("the store holds a chain that starts with {stored}, the genesis file gives {wanted}")]
    OtherChain {
        /// First block in the store.
        stored: B256,
        /// First block of the file.
        wanted: B256,
    },
    /// The folder was written by another version of opal.
    #[error("the store has format {found}, this program writes format {wanted}")]
    Format {
        /// In the store.
        found: u64,
        /// This program's.
        wanted: u64,
    },
    /// The folder cannot be used.
    #[error("{path}: {error}")]
    Io {
        /// What was opened or made.
        path: String,
        /// Why not.
        error: std::io::Error,
    },
    /// The state refused the accounts.
    #[error("the first state cannot be built: {0}")]
    State(#[from] StateError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the engine did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No block was ever inserted under this hash.
    #[error("block {0} is not known")]
    UnknownBlock(B256),
    /// No payload is built under this id, or none any more.
    #[error("payload {0} is not known")]
    UnknownPayload(PayloadId),
    /// No block can have these attributes.
    #[error("payload attributes are invalid: {0}")]
    InvalidAttributes(String),
    /// Safe or finalized are not on the chain of the head.
    #[error("{label} block {hash} is not on the chain of head {head}")]
    InvalidForkchoice {
        /// The label.
        label: &'static str,
        /// The block it should be.
        hash: B256,
        /// The head beside it.
        head: B256,
    },
    /// A state that is not in the store.
    #[error("{0} is absent from the store")]
    Missing(Key),
    /// A fault in opal.
    #[error("internal fault: {0}")]
    Internal(String),
}

impl From<StateError> for EngineError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Absent(key) => Self::Missing(key),
            other => Self::Internal(other.to_string()),
        }
    }
}
