//! Receipts as they are kept: the consensus part, and what servers are asked for beside it.
//!
//! **Invariant:** everything here was found out when the block was executed.

use alloy_primitives::{Address, U256};
use opal_execute::Receipt;

/// A receipt with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReceipt {
    /// The consensus part; its deposit nonce is there from Regolith.
    pub receipt: Receipt,
    /// Gas used by this transaction alone.
    pub gas_used: u64,
    /// Who sent it.
    pub sender: Address,
    /// The receiver; `None` = it created a contract.
    pub to: Option<Address>,
    /// The contract that a creation was for.
    pub contract_address: Option<Address>,
    /// What a unit of gas cost, wei.
    pub effective_gas_price: u128,
    /// L2: what the transaction paid for its place on L1 (E2); zero for deposits and on L1.
    pub l1_fee: U256,
    /// L2 from Jovian: bytes it counts for in the data-availability footprint (E6).
    pub da_size: u64,
    /// L1: gas of its blobs.
    pub blob_gas_used: u64,
}

impl StoredReceipt {
    /// Bytes it takes in memory, roughly.
    pub(crate) fn weight(&self) -> usize {
        let logs = self.receipt.logs.iter().map(|log| 200 + log.data.data.len());
        500 + logs.sum::<usize>()
    }
}
