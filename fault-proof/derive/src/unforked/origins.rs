//! The L1 blocks that batches may name as their origin, and the empty batches that a closed sequencing window
//! forces (D12).
//!
//! **Invariant:** consecutive L1 blocks, the first of them the safe head's origin or its child; at most a
//! sequencing window of them and one more.

use crate::{context::Context, fact::Pause, note::ResetReason};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use alloy_primitives::B256;
use opal_types::{L1Header, L2Ref, SingularBatch};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Origins {
    /// The L1 block the stage has come to.
    at: B256,
    blocks: VecDeque<L1Header>,
}

impl Origins {
    pub(crate) fn new(base: L1Header) -> Self {
        Self { at: base.hash, blocks: [base].into() }
    }

    /// Takes note of the L1 block that is being read, and drops those before the parent's origin.
    pub(crate) fn update(&mut self, parent: &L2Ref, cx: &Context) {
        if self.at != cx.origin.hash {
            self.at = cx.origin.hash;
            if is_behind(parent, cx) {
                self.blocks.clear();
            } else {
                self.blocks.push_back(cx.origin.clone());
            }
        }
        let origin = parent.l1_origin.number;
        let is_old = self.blocks.front().is_some_and(|first| origin > first.number);
        if is_old && self.blocks.iter().any(|block| block.number == origin) {
            self.blocks.retain(|block| block.number >= origin);
        }
    }

    /// The first block, which must fit the parent.
    pub(crate) fn epoch(&self, parent: &L2Ref) -> Result<&L1Header, Pause> {
        let mismatch = Pause::Reset(ResetReason::BatchMismatch);
        let first = self.blocks.front().ok_or(mismatch)?;
        let is_same = parent.l1_origin == first.id();
        let is_next = parent.l1_origin.number.checked_add(1) == Some(first.number);
        let fits = is_same || is_next;
        fits.then_some(first).ok_or(Pause::Reset(ResetReason::BatchMismatch))
    }

    pub(crate) const fn blocks(&self) -> &VecDeque<L1Header> {
        &self.blocks
    }

    /// The block at this height.
    pub(crate) fn at(&self, number: u64) -> Option<&L1Header> {
        self.blocks.iter().find(|block| block.number == number)
    }

    /// The empty batch that the end of the sequencing window forces, if it does.
    pub(crate) fn forced_batch(
        &mut self,
        is_dry: bool,
        parent: &L2Ref,
        cx: &Context,
    ) -> Result<SingularBatch, Pause> {
        let epoch = self.epoch(parent)?;
        let expiry = epoch.number.saturating_add(cx.config.seq_window_size);
        let at = cx.origin.number;
        let is_forced = expiry < at || (expiry == at && is_dry);
        let Some(next) = self.blocks.get(1).filter(|_| is_forced) else {
            return Err(Pause::OutOfData);
        };
        let timestamp = parent.timestamp.saturating_add(cx.config.block_time);
        let is_first = parent.l1_origin.number.checked_add(1) == Some(epoch.number);
        // Every epoch has a block, and L2 time does not fall behind the time of the next L1 block.
        if timestamp < next.timestamp || is_first {
            return Ok(SingularBatch {
                parent_hash: parent.hash,
                epoch: epoch.id(),
                timestamp,
                transactions: Vec::new(),
            });
        }
        self.blocks.pop_front();
        Err(Pause::OutOfData)
    }
}

/// Whether the L1 block that is being read comes before the parent's origin.
pub(crate) const fn is_behind(parent: &L2Ref, cx: &Context) -> bool {
    cx.origin.number < parent.l1_origin.number
}
