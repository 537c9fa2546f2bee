//! Blocks, their transactions and receipts.
//!
//! **Invariant:** by number and label only canonical blocks are found; by hash every block that was inserted.

use super::super::shape::{
    BlockShape, ReceiptShape, TransactionShape, Transactions, block, receipts,
};
use super::super::{Api, RpcError, Table};
use crate::{Block, TransactionLocation};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, Bytes, U64};
use jsonrpsee::core::RegisterMethodError;
use serde_json::Value;
use std::sync::Arc;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_getBlockByNumber", |api, (at, full): (BlockNumberOrTag, bool)| {
        shaped(api, api.by_number(at)?, full)
    })?;
    table.read("eth_getBlockByHash", |api, (hash, full): (B256, bool)| {
        shaped(api, api.engine.block(hash)?, full)
    })?;
    table.read("eth_getHeaderByNumber", |api, (at,): (BlockNumberOrTag,)| {
        Ok(api.by_number(at)?.map(|it| super::super::shape::header(&it.header)))
    })?;
    table.read("eth_getHeaderByHash", |api, (hash,): (B256,)| {
        Ok(api.engine.block(hash)?.map(|it| super::super::shape::header(&it.header)))
    })?;
    table.read("eth_getBlockTransactionCountByNumber", |api, (at,): (BlockNumberOrTag,)| {
        Ok(api.by_number(at)?.map(|it| U64::from(it.transactions.len())))
    })?;
    table.read("eth_getBlockTransactionCountByHash", |api, (hash,): (B256,)| {
        Ok(api.engine.block(hash)?.map(|it| U64::from(it.transactions.len())))
    })?;
    table.read("eth_getBlockReceipts", block_receipts)?;
    uncles(table)?;
    transactions(table)
}

/// There are none.
fn uncles(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_getUncleCountByBlockNumber", |api, (at,): (BlockNumberOrTag,)| {
        Ok(api.by_number(at)?.map(|_| U64::ZERO))
    })?;
    table.read("eth_getUncleCountByBlockHash", |api, (hash,): (B256,)| {
        Ok(api.engine.block(hash)?.map(|_| U64::ZERO))
    })?;
    table.quick("eth_getUncleByBlockNumberAndIndex", |_, _: (BlockNumberOrTag, U64)| {
        Ok(Value::Null)
    })?;
    table.quick("eth_getUncleByBlockHashAndIndex", |_, _: (B256, U64)| Ok(Value::Null))
}

fn transactions(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_getTransactionByHash", transaction)?;
    table.read("eth_getTransactionReceipt", receipt)?;
    table.read("eth_getRawTransactionByHash", raw_transaction)?;
    table.read(
        "eth_getTransactionByBlockNumberAndIndex",
        |api, (at, index): (BlockNumberOrTag, U64)| by_index(api, api.by_number(at)?, index),
    )?;
    table.read("eth_getTransactionByBlockHashAndIndex", |api, (hash, index): (B256, U64)| {
        by_index(api, api.engine.block(hash)?, index)
    })?;
    table.read(
        "eth_getRawTransactionByBlockNumberAndIndex",
        |api, (at, index): (BlockNumberOrTag, U64)| Ok(raw_by_index(api.by_number(at)?, index)),
    )?;
    table.read("eth_getRawTransactionByBlockHashAndIndex", |api, (hash, index): (B256, U64)| {
        Ok(raw_by_index(api.engine.block(hash)?, index))
    })
}

fn shaped(
    api: &Api,
    found: Option<Arc<Block>>,
    full: bool,
) -> Result<Option<BlockShape>, RpcError> {
    let Some(found) = found else { return Ok(None) };
    let transactions = if full {
        Transactions::full(&found, &api.receipts(found.header.hash())?)?
    } else {
        Transactions::hashes(&found)
    };
    Ok(Some(block(&found, transactions)))
}

fn block_receipts(api: &Api, (at,): (BlockId,)) -> Result<Option<Vec<ReceiptShape>>, RpcError> {
    let Some(found) = api.find(at)? else { return Ok(None) };
    let stored = api.receipts(found.header.hash())?;
    Ok(Some(receipts(api.engine.rules(), &found, &stored)))
}

/// The block that holds a transaction of the canonical chain, and where in it.
pub(crate) fn included(api: &Api, hash: B256) -> Result<Option<(Arc<Block>, usize)>, RpcError> {
    let Some(TransactionLocation { block_hash, index, .. }) = api.engine.transaction(hash)? else {
        return Ok(None);
    };
    let block = api.engine.block(block_hash)?;
    let index = usize::try_from(index).map_err(RpcError::internal)?;
    Ok(block.map(|block| (block, index)))
}

fn transaction(api: &Api, (hash,): (B256,)) -> Result<Option<TransactionShape>, RpcError> {
    if let Some((block, index)) = included(api, hash)? {
        let stored = api.receipts(block.header.hash())?;
        return TransactionShape::of_block(&block, &stored, index).map(Some);
    }
    Ok(api.engine.pool().find(hash).map(|waiting| TransactionShape::of_pool(&waiting)))
}

/// The bytes of a transaction, wherever it is. geth answers nothing with no bytes.
pub(crate) fn raw_transaction(api: &Api, (hash,): (B256,)) -> Result<Bytes, RpcError> {
    if let Some((block, index)) = included(api, hash)? {
        return Ok(block.transactions.get(index).cloned().unwrap_or_default());
    }
    let waiting = api.engine.pool().find(hash);
    Ok(waiting.map(|waiting| waiting.raw.clone()).unwrap_or_default())
}

fn receipt(api: &Api, (hash,): (B256,)) -> Result<Option<ReceiptShape>, RpcError> {
    let Some((block, index)) = included(api, hash)? else { return Ok(None) };
    let stored = api.receipts(block.header.hash())?;
    Ok(receipts(api.engine.rules(), &block, &stored).into_iter().nth(index))
}

fn by_index(
    api: &Api,
    found: Option<Arc<Block>>,
    index: U64,
) -> Result<Option<TransactionShape>, RpcError> {
    let index = index.saturating_to::<usize>();
    let Some(found) = found.filter(|it| index < it.transactions.len()) else { return Ok(None) };
    let stored = api.receipts(found.header.hash())?;
    TransactionShape::of_block(&found, &stored, index).map(Some)
}

fn raw_by_index(found: Option<Arc<Block>>, index: U64) -> Bytes {
    let index = index.saturating_to::<usize>();
    found.and_then(|found| found.transactions.get(index).cloned()).unwrap_or_default()
}
