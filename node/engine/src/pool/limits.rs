//! Bounds of the pool.
//!
//! **Invariant:** every list that strangers can make longer has one here.

/// How much the pool holds, and what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Most transactions.
    pub transactions: usize,
    /// Most bytes of transactions, blobs not counted.
    pub bytes: usize,
    /// Most transactions of one sender.
    pub per_sender: usize,
    /// Most blobs.
    pub blobs: usize,
    /// Least priority fee per gas, wei.
    pub min_tip: u128,
    /// By how much a transaction must outbid the one it replaces, percent.
    pub bump_percent: u32,
    /// The same for blob transactions.
    pub blob_bump_percent: u32,
}

impl PoolLimits {
    /// What opal uses unless told otherwise.
    pub const STANDARD: Self = Self {
        transactions: 20_000,
        bytes: 256 << 20,
        per_sender: 1_024,
        blobs: 2_048,
        min_tip: 0,
        bump_percent: 10,
        blob_bump_percent: 100,
    };
}

/// Most data of blocks that are built here, in estimated compressed bytes; `None` = no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DaLimits {
    /// Of one transaction.
    pub transaction: Option<u64>,
    /// Of all the pool's transactions in a block.
    pub block: Option<u64>,
}
