//! What changed on the canonical chain since somebody looked last.
//!
//! Start with [`Cursor::advance`]. Filters and subscriptions both stand on it, so neither loses a block when
//! it is slow, and neither keeps a queue.
//!
//! **Invariant:** one answer after the other, removed and added blocks take the chain that was seen last to the
//! one that is seen now; only after very many blocks are the oldest left out.

use super::RpcError;
use crate::{Block, Engine};
use opal_types::BlockId;
use std::sync::Arc;

/// Most blocks in one answer.
const MAX_BLOCKS: u64 = 1_024;

/// The newest block that was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor(BlockId);

/// From one chain to the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Newest first.
    pub(crate) removed: Vec<Arc<Block>>,
    /// Oldest first.
    pub(crate) added: Vec<Arc<Block>>,
}

impl Cursor {
    /// Nothing is new yet.
    pub(crate) fn at_head(engine: &Engine) -> Self {
        Self(engine.heads().head.id())
    }

    /// What changed since the last call.
    pub(crate) fn advance(&mut self, engine: &Engine) -> Result<Changes, RpcError> {
        let head = engine.heads().head;
        let mut changes = Changes::default();
        let mut seen = self.0;
        while let Some(block) = engine.block(seen.hash)? {
            let there = engine.block_by_number(seen.number)?;
            if there.is_some_and(|there| there.header.hash() == seen.hash) {
                break;
            }
            let number = seen.number.saturating_sub(1);
            seen = BlockId { number, hash: block.header.parent_hash };
            changes.removed.push(block);
            if changes.removed.len() as u64 == MAX_BLOCKS {
                break;
            }
        }
        let newest = head.header.number;
        let oldest = (seen.number + 1).max((newest + 1).saturating_sub(MAX_BLOCKS));
        for number in oldest..=newest {
            changes.added.extend(engine.ancestor(head.header.hash(), number)?);
        }
        self.0 = head.id();
        Ok(changes)
    }
}
