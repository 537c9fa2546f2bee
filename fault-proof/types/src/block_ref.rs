//! Blocks by what links them to others.

use crate::BlockId;
use alloy_primitives::B256;

/// An L2 block: its place on its own chain, and on L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L2Ref {
    /// Block hash.
    pub hash: B256,
    /// Height.
    pub number: u64,
    /// Hash of the parent.
    pub parent_hash: B256,
    /// Timestamp, seconds.
    pub timestamp: u64,
    /// The L1 block that it takes its L1 attributes from.
    pub l1_origin: BlockId,
    /// How many blocks with the same L1 origin come before it.
    pub sequence_number: u64,
}

impl L2Ref {
    /// Height and hash.
    pub const fn id(&self) -> BlockId {
        BlockId { number: self.number, hash: self.hash }
    }
}
