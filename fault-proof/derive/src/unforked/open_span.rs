//! The blocks of an accepted span batch that were not handed out yet (D10).
//!
//! **Invariant:** each block is turned into a batch when its turn comes, so a long span costs no more than it did
//! when it was read.

use super::origins::Origins;
use crate::context::Context;
use alloc::collections::VecDeque;
use opal_types::{L2Ref, SingularBatch, SpanBatch, SpanBlock};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenSpan {
    blocks: VecDeque<SpanBlock>,
}

impl OpenSpan {
    /// The blocks after the safe head; `None` when they fall back behind the origins that are left.
    pub(crate) fn open(batch: SpanBatch, parent: &L2Ref, origins: &Origins) -> Option<Self> {
        let mut blocks = VecDeque::from(batch.blocks);
        while blocks.front().is_some_and(|block| block.timestamp <= parent.timestamp) {
            blocks.pop_front();
        }
        // Origins only go up within a span, and that of the last block was found.
        origins.at(blocks.front()?.epoch_number)?;
        Some(Self { blocks })
    }

    /// The next batch, if it still fits the parent; else the rest is dropped.
    pub(crate) fn next(
        &mut self,
        parent: &L2Ref,
        origins: &Origins,
        cx: &Context,
    ) -> Option<SingularBatch> {
        let next = parent.timestamp.saturating_add(cx.config.block_time);
        if self.blocks.front().is_some_and(|block| block.timestamp != next) {
            self.clear();
        }
        let block = self.blocks.pop_front()?;
        Some(SingularBatch {
            parent_hash: parent.hash,
            epoch: origins.at(block.epoch_number)?.id(),
            timestamp: block.timestamp,
            transactions: block.transactions,
        })
    }

    /// Blocks left.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.blocks = VecDeque::new();
    }
}
