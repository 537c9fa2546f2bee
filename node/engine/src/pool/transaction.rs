//! A transaction in the pool.
//!
//! **Invariant:** hash, sender and fields are those of the raw bytes.

use super::StoredBlob;
use crate::transaction::{BLOB, Transaction};
use alloy_consensus::{Transaction as _, Typed2718};
use alloy_primitives::{Address, B256, Bytes, U256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub struct PoolTransaction {
    /// Its hash.
    pub hash: B256,
    /// EIP-2718 encoded, without blobs.
    pub raw: Bytes,
    /// Who sent it.
    pub sender: Address,
    /// Its fields.
    pub transaction: Transaction,
    /// The blobs it came with.
    pub blobs: Vec<Arc<StoredBlob>>,
    /// Size that its L1 fee goes by.
    pub(super) fastlz: u32,
    /// Counts arrivals: of equal tips the older one goes first.
    pub(super) arrival: u64,
}

impl PoolTransaction {
    /// Its nonce.
    pub fn nonce(&self) -> u64 {
        self.transaction.nonce()
    }

    /// Its gas limit.
    pub fn gas_limit(&self) -> u64 {
        self.transaction.gas_limit()
    }

    /// Whether it carries blobs.
    pub fn has_blobs(&self) -> bool {
        self.transaction.ty() == BLOB
    }

    /// Most that it can cost its sender on L1, wei: gas, blob gas and value.
    pub fn cost(&self) -> U256 {
        let tx = &self.transaction;
        let product = |gas: u64, price: u128| U256::from(gas).saturating_mul(U256::from(price));
        let gas = product(tx.gas_limit(), tx.max_fee_per_gas());
        let blobs = product(
            tx.blob_gas_used().unwrap_or_default(),
            tx.max_fee_per_blob_gas().unwrap_or_default(),
        );
        gas.saturating_add(blobs).saturating_add(tx.value())
    }
}

/// All transactions by sender and nonce.
#[derive(Clone, Debug, Default)]
pub struct PoolContent {
    /// May go into the next block.
    pub pending: BTreeMap<Address, BTreeMap<u64, Arc<PoolTransaction>>>,
    /// Wait for a nonce before theirs.
    pub queued: BTreeMap<Address, BTreeMap<u64, Arc<PoolTransaction>>>,
}

/// How many transactions there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// May go into the next block.
    pub pending: usize,
    /// Wait for a nonce before theirs.
    pub queued: usize,
}
