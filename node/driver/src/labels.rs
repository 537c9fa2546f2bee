//! The chain's heads by how sure they are.
//!
//! Start with [`Labels`].
//!
//! **Invariant:** finalized <= safe <= local-safe <= pending-safe <= unsafe, all on one chain.

use alloy_primitives::B256;
use opal_types::L2Ref;

/// Heads, from the newest to the surest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Newest block.
    pub unsafe_head: L2Ref,
    /// Newest block derived from L1, inside a span batch that is not finished (before Holocene).
    pub pending_safe: L2Ref,
    /// Newest block derived from L1.
    pub local_safe: L2Ref,
    /// The same, with all that it depends on; without interop that is nothing further.
    pub safe: L2Ref,
    /// Newest block derived from finalized L1 blocks.
    pub finalized: L2Ref,
}

/// What an engine is told of the labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelHashes {
    /// Newest block.
    pub head: B256,
    /// Safe block.
    pub safe: B256,
    /// Finalized block.
    pub finalized: B256,
}

impl Labels {
    /// Hashes alone.
    pub const fn hashes(&self) -> LabelHashes {
        LabelHashes {
            head: self.unsafe_head.hash,
            safe: self.safe.hash,
            finalized: self.finalized.hash,
        }
    }

    /// Whether the heights are in order.
    pub const fn is_ordered(&self) -> bool {
        self.finalized.number <= self.safe.number
            && self.safe.number <= self.local_safe.number
            && self.local_safe.number <= self.pending_safe.number
            && self.pending_safe.number <= self.unsafe_head.number
    }
}
