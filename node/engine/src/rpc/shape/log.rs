//! One log.
//!
//! **Invariant:** `logIndex` counts over the whole block.

use alloy_primitives::{Address, B256, Bytes, Log, U64};
use serde::Serialize;

/// Where a log stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) block_hash: B256,
    pub(crate) block_number: u64,
    pub(crate) timestamp: u64,
    pub(crate) transaction_hash: B256,
    pub(crate) transaction_index: u64,
    /// In the block.
    pub(crate) log_index: u64,
}

/// The JSON form.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogShape {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
    block_number: U64,
    transaction_hash: B256,
    transaction_index: U64,
    block_hash: B256,
    block_timestamp: U64,
    log_index: U64,
    removed: bool,
}

pub(crate) fn log(log: &Log, place: &Place, removed: bool) -> LogShape {
    LogShape {
        address: log.address,
        topics: log.topics().to_vec(),
        data: log.data.data.clone(),
        block_number: U64::from(place.block_number),
        transaction_hash: place.transaction_hash,
        transaction_index: U64::from(place.transaction_index),
        block_hash: place.block_hash,
        block_timestamp: U64::from(place.timestamp),
        log_index: U64::from(place.log_index),
        removed,
    }
}
