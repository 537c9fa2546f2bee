//! What the rollup RPC tells, field by field as the Go node writes it.
//!
//! Start with [`SyncStatus`].
//!
//! **Invariant:** names and types are the Go node's; a block that is not known is all zeros.

use alloy_primitives::B256;
use opal_types::{BlockId, L1Header, L2Ref};
use serde::{Deserialize, Serialize};

/// A block by hash and number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockIdJson {
    /// Its hash.
    pub hash: B256,
    /// Its height.
    pub number: u64,
}

/// An L1 block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L1BlockRef {
    /// Its hash.
    pub hash: B256,
    /// Its height.
    pub number: u64,
    /// Hash of its parent.
    pub parent_hash: B256,
    /// Seconds.
    pub timestamp: u64,
}

/// An L2 block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L2BlockRef {
    /// Its hash.
    pub hash: B256,
    /// Its height.
    pub number: u64,
    /// Hash of its parent.
    pub parent_hash: B256,
    /// Seconds.
    pub timestamp: u64,
    /// The L1 block that it takes its L1 attributes from.
    #[serde(rename = "l1origin")]
    pub l1_origin: BlockIdJson,
    /// Blocks with the same L1 origin before it.
    pub sequence_number: u64,
}

/// The answer of `optimism_syncStatus`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncStatus {
    /// The L1 block that derivation reads.
    pub current_l1: L1BlockRef,
    /// The same as `finalized_l1`.
    pub current_l1_finalized: L1BlockRef,
    /// Newest L1 block.
    pub head_l1: L1BlockRef,
    /// Safe L1 block.
    pub safe_l1: L1BlockRef,
    /// Finalized L1 block.
    pub finalized_l1: L1BlockRef,
    /// Newest block.
    pub unsafe_l2: L2BlockRef,
    /// Safe block, with all that it depends on.
    pub safe_l2: L2BlockRef,
    /// Finalized block.
    pub finalized_l2: L2BlockRef,
    /// Newest block derived from L1, inside an unfinished span batch.
    pub pending_safe_l2: L2BlockRef,
    /// The newest block whose dependencies are safe as far as the sequencer knows; without interop the newest one.
    /// The Go node of September 2026 has dropped the field; older clients read it.
    #[serde(default)]
    pub cross_unsafe_l2: L2BlockRef,
    /// Newest block derived from L1.
    pub local_safe_l2: L2BlockRef,
}

/// The answer of `optimism_outputAtBlock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputAtBlock {
    /// Zero.
    pub version: B256,
    /// Hash of the output root.
    pub output_root: B256,
    /// The block.
    pub block_ref: L2BlockRef,
    /// Storage root of the message passer.
    pub withdrawal_storage_root: B256,
    /// State root.
    pub state_root: B256,
    /// The heads at the time of the answer.
    pub sync_status: SyncStatus,
}

/// The answer of `optimism_safeHeadAtL1Block`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SafeHeadAtL1 {
    /// The last L1 block up to the one asked for that made blocks safe.
    pub l1_block: BlockIdJson,
    /// The safe head then.
    pub safe_head: BlockIdJson,
}

impl From<BlockId> for BlockIdJson {
    fn from(id: BlockId) -> Self {
        Self { hash: id.hash, number: id.number }
    }
}

impl From<&L1Header> for L1BlockRef {
    fn from(header: &L1Header) -> Self {
        let L1Header { hash, number, parent_hash, timestamp, .. } = *header;
        Self { hash, number, parent_hash, timestamp }
    }
}

impl From<L2Ref> for L2BlockRef {
    fn from(block: L2Ref) -> Self {
        let L2Ref { hash, number, parent_hash, timestamp, l1_origin, sequence_number } = block;
        let l1_origin = l1_origin.into();
        Self { hash, number, parent_hash, timestamp, l1_origin, sequence_number }
    }
}
