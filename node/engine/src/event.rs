//! What subscribers are told.
//!
//! **Invariant:** an event is sent after the store holds what it tells of.

use crate::Block;
use alloy_primitives::B256;
use std::sync::Arc;

/// Something happened to the chain or the pool.
#[derive(Clone, Debug)]
pub enum ChainEvent {
    /// The canonical chain is another one.
    NewHead {
        /// Blocks that are on it now, oldest first; never empty. Of a very long change the newest
        /// ones.
        added: Vec<Arc<Block>>,
        /// Blocks that are no more, newest first. Of a very long change the newest ones.
        removed: Vec<Arc<Block>>,
    },
    /// A transaction entered the pool and may go into the next block.
    PendingTransaction(B256),
}
