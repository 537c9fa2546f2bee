//! Receipts from an RPC server's JSON, encoded again.
//!
//! **Invariant:** the type of a transaction does not matter: all receipts have the same four fields behind their type
//! byte, and deposits two more (D27). The header's root says whether the result is right; the caller checks it.

use alloy_primitives::{Address, B256, Bloom, Bytes, Log, U64, logs_bloom};
use opal_execute::Receipt;
use serde::Deserialize;

/// A receipt as `eth_getTransactionReceipt` gives it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RpcReceipt {
    #[serde(rename = "type")]
    kind: Option<U64>,
    #[serde(default)]
    status: U64,
    cumulative_gas_used: U64,
    logs_bloom: Option<Bloom>,
    logs: Vec<RpcLog>,
    deposit_nonce: Option<U64>,
    deposit_receipt_version: Option<U64>,
}

#[derive(Clone, Debug, Deserialize)]
struct RpcLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

impl RpcReceipt {
    /// The bytes that the receipts root commits to.
    pub(crate) fn encode(self) -> Bytes {
        let log = |log: RpcLog| Log::new_unchecked(log.address, log.topics, log.data);
        let logs: Vec<_> = self.logs.into_iter().map(log).collect();
        Receipt {
            tx_type: self.kind.map_or(0, |it| it.to::<u64>()).try_into().unwrap_or(u8::MAX),
            success: self.status == U64::ONE,
            cumulative_gas_used: self.cumulative_gas_used.to(),
            bloom: self.logs_bloom.unwrap_or_else(|| logs_bloom(&logs)),
            logs,
            deposit_nonce: self.deposit_nonce.map(|it| it.to()),
            has_deposit_version: self.deposit_receipt_version.is_some(),
        }
        .encode()
    }
}
