//! What gas costs: `eth_gasPrice`, `eth_maxPriorityFeePerGas`, `eth_feeHistory`, `eth_blobBaseFee`.
//!
//! **Invariant:** the next block's base fee comes from the rules that will check it.

use super::super::shape::Transaction;
use super::super::{Api, RpcError, Table};
use crate::{Block, L1Rules, Rules, StoredReceipt};
use alloy_consensus::Header;
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{U64, U256};
use jsonrpsee::core::RegisterMethodError;
use opal_types::Fork;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Lowest tip that is suggested on an OP Stack chain, wei (op-geth).
const MIN_TIP: u128 = 1_000_000;
/// Tip that is suggested on an L1 whose blocks tell nothing, wei.
const DEFAULT_TIP: u128 = 1_000_000_000;
/// Highest tip that is suggested, wei (geth).
const MAX_TIP: u128 = 500_000_000_000;
/// Blocks looked at for a tip on an L1.
const TIP_BLOCKS: u64 = 20;
/// Percentiles in one question.
const MAX_PERCENTILES: usize = 100;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_gasPrice", gas_price)?;
    table.read("eth_maxPriorityFeePerGas", |api, (): ()| Ok(U256::from(tip(api)?)))?;
    table.read("eth_blobBaseFee", blob_base_fee)?;
    table.read("eth_feeHistory", fee_history)
}

fn gas_price(api: &Api, (): ()) -> Result<U256, RpcError> {
    let base_fee = api.engine.heads().head.header.base_fee_per_gas.unwrap_or_default();
    Ok(U256::from(tip(api)?) + U256::from(base_fee))
}

fn blob_base_fee(api: &Api, (): ()) -> Result<U256, RpcError> {
    Ok(next_blob_fee(api.engine.rules(), &api.engine.heads().head))
}

/// A tip with which a transaction gets into one of the next blocks.
pub(crate) fn tip(api: &Api) -> Result<u128, RpcError> {
    let head = api.engine.heads().head;
    let tip = match api.engine.rules() {
        Rules::L2(_) => l2_tip(&head, &api.receipts(head.header.hash())?),
        Rules::L1(_) => l1_tip(api, &head)?,
    };
    Ok(tip.min(MAX_TIP))
}

/// One block builder with a known habit: only a full block is a reason to pay more.
fn l2_tip(head: &Block, receipts: &[StoredReceipt]) -> u128 {
    let largest = receipts.iter().map(|it| it.gas_used).max().unwrap_or_default();
    let header = &head.header;
    if largest > header.gas_limit || header.gas_used.saturating_add(largest) <= header.gas_limit {
        return MIN_TIP;
    }
    let tips = tips(head);
    let median = tips.get(tips.len() / 2).copied().unwrap_or_default();
    (median + median / 10).max(MIN_TIP)
}

/// The 60th percentile of the lowest tips of recent blocks.
fn l1_tip(api: &Api, head: &Arc<Block>) -> Result<u128, RpcError> {
    let mut lowest = Vec::new();
    let newest = head.header.number;
    for number in newest.saturating_sub(TIP_BLOCKS - 1)..=newest {
        if let Some(block) = api.engine.block_by_number(number)? {
            lowest.extend(tips(&block).into_iter().take(3));
        }
    }
    lowest.sort_unstable();
    let index = lowest.len().saturating_sub(1) * 60 / 100;
    Ok(lowest.get(index).copied().unwrap_or(DEFAULT_TIP))
}

/// What a block's transactions paid its maker for a unit of gas, ascending; deposits pay nothing.
fn tips(block: &Block) -> Vec<u128> {
    let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
    let decoded = block.transactions.iter().filter_map(|raw| Transaction::decode(raw).ok());
    let mut tips: Vec<u128> = decoded.map(|tx| tx.effective_tip(base_fee)).collect();
    tips.sort_unstable();
    tips
}

/// Blob base fee of the block after this one.
fn next_blob_fee(rules: &Rules, block: &Block) -> U256 {
    match rules {
        Rules::L1(rules) => next_l1_blob_fee(rules, &block.header),
        Rules::L2(config) if config.forks.active(Fork::Ecotone, block.header.timestamp) => {
            U256::ONE
        }
        Rules::L2(_) => U256::ZERO,
    }
}

fn next_l1_blob_fee(rules: &L1Rules, header: &Header) -> U256 {
    let (Some(params), Some(excess)) =
        (rules.blob_params(header.timestamp), header.excess_blob_gas)
    else {
        return U256::ZERO;
    };
    let next = params.next_block_excess_blob_gas_osaka(
        excess,
        header.blob_gas_used.unwrap_or_default(),
        header.base_fee_per_gas.unwrap_or_default(),
    );
    U256::from(params.calc_blob_fee(next))
}

/// A number of blocks, in digits of either kind.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Count {
    Plain(u64),
    Hex(U64),
}

#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct FeeHistory {
    oldest_block: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reward: Option<Vec<Vec<U256>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    base_fee_per_gas: Vec<U256>,
    gas_used_ratio: Option<Vec<f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    base_fee_per_blob_gas: Vec<U256>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blob_gas_used_ratio: Vec<f64>,
}

fn fee_history(
    api: &Api,
    (count, last, percentiles): (Count, BlockNumberOrTag, Option<Vec<f64>>),
) -> Result<FeeHistory, RpcError> {
    let percentiles = percentiles.unwrap_or_default();
    check_percentiles(&percentiles)?;
    let mut count = match count {
        Count::Plain(count) => count,
        Count::Hex(count) => count.to(),
    }
    .min(api.limits.fee_history);
    let head = api.engine.heads().head.header.number;
    if let BlockNumberOrTag::Number(asked) = last
        && asked > head
    {
        return Err(RpcError::server(format!(
            "request beyond head block: requested {asked}, head {head}"
        )));
    }
    let Some(newest) = api.by_number(last)? else { return Ok(FeeHistory::default()) };
    let newest = newest.header.number;
    count = count.min(newest - api.engine.first_block().number + 1);
    if count == 0 {
        return Ok(FeeHistory::default());
    }
    let oldest = newest + 1 - count;
    let mut history = FeeHistory { oldest_block: U64::from(oldest), ..FeeHistory::default() };
    for number in oldest..=newest {
        let Some(block) = api.engine.block_by_number(number)? else { break };
        add(&mut history, api, &block, &percentiles)?;
    }
    Ok(history)
}

fn check_percentiles(percentiles: &[f64]) -> Result<(), RpcError> {
    if percentiles.len() > MAX_PERCENTILES {
        return Err(RpcError::server(format!(
            "invalid reward percentile: over the query limit {MAX_PERCENTILES}"
        )));
    }
    let wrong = percentiles.iter().find(|it| !(0.0..=100.0).contains(*it));
    if let Some(wrong) = wrong {
        return Err(RpcError::server(format!("invalid reward percentile: {wrong:.6}")));
    }
    if percentiles.is_sorted_by(|earlier, later| earlier < later) {
        return Ok(());
    }
    Err(RpcError::server("invalid reward percentile: they must ascend"))
}

/// Adds one block; the last elements of the fee lists are always those of the block after.
fn add(
    history: &mut FeeHistory,
    api: &Api,
    block: &Block,
    percentiles: &[f64],
) -> Result<(), RpcError> {
    let header = &block.header;
    let rules = api.engine.rules();
    history.base_fee_per_gas.pop();
    history.base_fee_per_gas.push(U256::from(header.base_fee_per_gas.unwrap_or_default()));
    history.base_fee_per_gas.push(U256::from(next_base_fee(rules, header)));
    let (blob_fee, blob_limit) = blob_fee_and_limit(rules, block);
    history.base_fee_per_blob_gas.pop();
    history.base_fee_per_blob_gas.push(blob_fee);
    history.base_fee_per_blob_gas.push(next_blob_fee(rules, block));
    history.gas_used_ratio.get_or_insert_default().push(ratio(header.gas_used, header.gas_limit));
    history.blob_gas_used_ratio.push(ratio(header.blob_gas_used.unwrap_or_default(), blob_limit));
    if !percentiles.is_empty() {
        let receipts = api.receipts(header.hash())?;
        let rewards = rewards(block, &receipts, percentiles);
        history.reward.get_or_insert_default().push(rewards);
    }
    Ok(())
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Base fee of the block after this one, as if it came a second later.
pub(crate) fn next_base_fee(rules: &Rules, header: &Header) -> u64 {
    let next = match rules {
        Rules::L1(_) => crate::l1::next_base_fee(header).ok(),
        Rules::L2(config) => {
            opal_execute::next_base_fee(config, header, header.timestamp.saturating_add(1)).ok()
        }
    };
    next.or(header.base_fee_per_gas).unwrap_or_default()
}

fn blob_fee_and_limit(rules: &Rules, block: &Block) -> (U256, u64) {
    let header = &block.header;
    match rules {
        Rules::L1(rules) => match (header.excess_blob_gas, rules.blob_params(header.timestamp)) {
            (Some(excess), Some(params)) => {
                (rules.blob_base_fee(excess, header.timestamp), params.max_blob_gas_per_block())
            }
            _ => (U256::ZERO, 0),
        },
        // No blobs: geth's limit of a chain without parameters is zero.
        Rules::L2(_) => (next_blob_fee(rules, block), 0),
    }
}

/// Tips at these percentiles of the block's gas.
fn rewards(block: &Block, receipts: &[StoredReceipt], percentiles: &[f64]) -> Vec<U256> {
    let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
    let mut paid: Vec<(u128, u64)> = block
        .transactions
        .iter()
        .zip(receipts)
        .filter_map(|(raw, receipt)| {
            Some((Transaction::decode(raw).ok()?.effective_tip(base_fee), receipt.gas_used))
        })
        .collect();
    paid.sort_by_key(|(tip, _)| *tip);
    let mut index = 0;
    let mut sum = paid.first().map_or(0, |(_, gas)| *gas);
    let mut rewards = Vec::with_capacity(percentiles.len());
    for percentile in percentiles {
        let threshold = (block.header.gas_used as f64 * percentile / 100.0) as u64;
        while sum < threshold && index + 1 < paid.len() {
            index += 1;
            sum += paid.get(index).map_or(0, |(_, gas)| *gas);
        }
        rewards.push(paid.get(index).map_or(U256::ZERO, |(tip, _)| U256::from(*tip)));
    }
    rewards
}
