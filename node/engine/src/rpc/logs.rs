//! `eth_getLogs`, and how logs are matched.
//!
//! Start with [`find`].
//!
//! **Invariant:** blocks whose bloom filter says no are not opened; a range or an answer beyond the bounds is
//! an error, never cut.

use super::shape::{LogShape, Place, log};
use super::{Api, RpcError, Table};
use crate::Block;
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, FilterBlockOption};
use jsonrpsee::core::RegisterMethodError;

/// Alternatives for one position, or addresses.
const MAX_ALTERNATIVES: usize = 1_000;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_getLogs", |api, (filter,): (Filter,)| find(api, &filter))
}

/// Refuses filters that are too wide.
pub(crate) fn check(filter: &Filter) -> Result<(), RpcError> {
    let widest = filter.topics.iter().map(|topic| topic.len()).max().unwrap_or_default();
    if widest.max(filter.address.len()) > MAX_ALTERNATIVES {
        return Err(RpcError::server("exceed max addresses or topics per search position"));
    }
    Ok(())
}

/// All logs of canonical blocks, or of one block, that match.
pub(crate) fn find(api: &Api, filter: &Filter) -> Result<Vec<LogShape>, RpcError> {
    check(filter)?;
    let mut found = Vec::new();
    match &filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let block = api.engine.block(*hash)?;
            let block = block.ok_or_else(|| RpcError::server("unknown block"))?;
            add(api, filter, &block, false, &mut found)?;
        }
        FilterBlockOption::Range { from_block, to_block } => {
            let head = api.engine.heads().head.header.number;
            let from = bound(api, *from_block, head)?;
            let to = bound(api, *to_block, head)?;
            if from > to && to < head {
                return Err(RpcError::params("invalid block range params"));
            }
            if to.saturating_sub(from) > api.limits.log_blocks {
                let most = api.limits.log_blocks;
                return Err(RpcError::server(format!("exceed maximum block range: {most}")));
            }
            for number in from..=to.min(head) {
                if let Some(block) = api.engine.block_by_number(number)? {
                    add(api, filter, &block, false, &mut found)?;
                }
            }
        }
    }
    Ok(found)
}

/// A number of the range; without one the head is meant.
fn bound(api: &Api, at: Option<BlockNumberOrTag>, head: u64) -> Result<u64, RpcError> {
    match at {
        None | Some(BlockNumberOrTag::Latest) => Ok(head),
        Some(BlockNumberOrTag::Pending) => Err(RpcError::params("pending logs are not supported")),
        Some(BlockNumberOrTag::Number(number)) => Ok(number),
        Some(label) => {
            let absent = || RpcError::server(format!("{label} header not found"));
            Ok(api.by_number(label)?.ok_or_else(absent)?.header.number)
        }
    }
}

/// Adds the logs of a block that match.
pub(crate) fn add(
    api: &Api,
    filter: &Filter,
    block: &Block,
    removed: bool,
    found: &mut Vec<LogShape>,
) -> Result<(), RpcError> {
    let header = &block.header;
    if !filter.matches_bloom(header.logs_bloom) {
        return Ok(());
    }
    let mut place = Place {
        block_hash: header.hash(),
        block_number: header.number,
        timestamp: header.timestamp,
        transaction_hash: B256::ZERO,
        transaction_index: 0,
        log_index: 0,
    };
    let receipts = api.receipts(header.hash())?;
    for (index, receipt) in receipts.iter().enumerate() {
        place.transaction_index = index as u64;
        place.transaction_hash = block.transaction_hashes.get(index).copied().unwrap_or_default();
        for entry in &receipt.receipt.logs {
            if filter.matches(entry) {
                found.push(log(entry, &place, removed));
            }
            place.log_index += 1;
        }
    }
    if found.len() > api.limits.logs {
        let most = api.limits.logs;
        return Err(RpcError::server(format!("query returned more than {most} results")));
    }
    Ok(())
}
