//! Which L2 block each L1 block made safe (N11), and what a finalized L1 block finalizes (D26).
//!
//! **Invariant:** later L1 blocks have the same or higher safe heads.

use crate::SafeUpdate;
use alloc::collections::BTreeMap;
use opal_types::{BlockId, L2Ref};

/// Safe heads by L1 height.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SafeHeads {
    by_l1: BTreeMap<u64, (BlockId, L2Ref)>,
}

impl SafeHeads {
    /// Notes a new safe head.
    pub fn record(&mut self, update: &SafeUpdate) {
        self.by_l1.insert(update.l1.number, (update.l1, update.safe));
    }

    /// The last L1 block up to this height that made blocks safe, and the safe head then. For a finalized L1
    /// block that is the finalized L2 block.
    pub fn at(&self, l1_number: u64) -> Option<&(BlockId, L2Ref)> {
        self.by_l1.range(..=l1_number).next_back().map(|(_, entry)| entry)
    }

    /// Forgets what a reset took back: everything above the new safe head.
    pub fn reset(&mut self, safe: &L2Ref) {
        self.by_l1.retain(|_, (_, head)| head.number <= safe.number);
    }
}
