//! What L1 and the rollup node say of their heads.
//!
//! **Invariant:** a head that is not there yet is `None`, never a made-up one.

use crate::{Fees, L1Tip, NodeStatus};
use alloy_primitives::{Address, B256, U64, U256};
use opal_client::{Rpc, RpcError};
use opal_types::BlockId;
use serde::Deserialize;

/// A block as `optimism_syncStatus` tells it.
#[derive(Clone, Copy, Debug, Deserialize)]
struct NodeBlock {
    hash: B256,
    number: u64,
}

impl From<NodeBlock> for BlockId {
    fn from(NodeBlock { hash, number }: NodeBlock) -> Self {
        Self { number, hash }
    }
}

/// The part of `optimism_syncStatus` that is used.
#[derive(Clone, Copy, Debug, Deserialize)]
struct SyncStatus {
    current_l1: NodeBlock,
    unsafe_l2: NodeBlock,
    /// Missing in nodes from before interop, whose safe head it is.
    local_safe_l2: Option<NodeBlock>,
    safe_l2: NodeBlock,
}

/// The node's heads; `None` while it has none.
pub(crate) async fn node_status(rollup: &Rpc) -> Result<Option<NodeStatus>, RpcError> {
    let status: SyncStatus = rollup.call("optimism_syncStatus", ()).await?;
    let SyncStatus { current_l1, unsafe_l2, local_safe_l2, safe_l2 } = status;
    let local_safe = local_safe_l2.filter(|it| !it.hash.is_zero()).unwrap_or(safe_l2);
    let is_known = [current_l1, unsafe_l2, local_safe].iter().all(|it| !it.hash.is_zero());
    Ok(is_known.then(|| NodeStatus {
        current_l1: current_l1.into(),
        local_safe: local_safe.into(),
        unsafe_head: unsafe_l2.into(),
    }))
}

/// The part of an L1 block that is used.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct L1Block {
    number: U64,
    timestamp: U64,
    base_fee_per_gas: Option<U256>,
    excess_blob_gas: Option<U64>,
    /// There since Prague, which also brought the floor price of call data.
    requests_hash: Option<B256>,
}

/// The head of L1; `None` if there is none. What blobs and includers cost is asked only where it
/// matters.
pub(crate) async fn l1_tip(l1: &Rpc, needs_prices: bool) -> Result<Option<L1Tip>, RpcError> {
    let head: Option<L1Block> = l1.call("eth_getBlockByNumber", ("latest", false)).await?;
    let Some(head) = head else { return Ok(None) };
    let (blob_base_fee, tip) = match (head.excess_blob_gas, needs_prices) {
        (None, _) => (None, 0),
        (Some(_), false) => (Some(0), 0),
        (Some(_), true) => (
            l1.call_if_offered::<U256>("eth_blobBaseFee", ()).await?.map(saturated),
            l1.call_if_offered("eth_maxPriorityFeePerGas", ()).await?.map_or(0, saturated),
        ),
    };
    let fees = Fees {
        base_fee: head.base_fee_per_gas.map_or(0, saturated),
        tip,
        blob_base_fee,
        has_calldata_floor: head.requests_hash.is_some(),
    };
    Ok(Some(L1Tip { number: head.number.to(), timestamp: head.timestamp.to(), fees }))
}

fn saturated(number: U256) -> u128 {
    number.saturating_to()
}

/// How many transactions of the account wait in the pool of L1.
pub(crate) async fn pooled(l1: &Rpc, account: Address) -> Result<usize, RpcError> {
    let included: U64 = l1.call("eth_getTransactionCount", (account, "latest")).await?;
    let pending: U64 = l1.call("eth_getTransactionCount", (account, "pending")).await?;
    let count = pending.to::<u64>().saturating_sub(included.to());
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}
