//! Raw headers, blocks, receipts and transactions, and the database by key.
//!
//! **Invariant:** the bytes are those that hashes and roots are taken over.

use super::super::eth::{chain_config, raw_transaction};
use super::super::{Api, RpcError, Table};
use crate::{Block, EngineError};
use alloy_eips::BlockId;
use alloy_primitives::{B256, Bytes, hex};
use alloy_rlp::Encodable;
use jsonrpsee::core::RegisterMethodError;
use serde_json::Value;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("debug_getRawHeader", |api, (at,): (BlockId,)| {
        Ok(Bytes::from(alloy_rlp::encode(api.block(at)?.header.inner())))
    })?;
    table.read("debug_getRawBlock", |api, (at,): (BlockId,)| Ok(block(&*api.block(at)?)))?;
    table.read("debug_getRawReceipts", |api, (at,): (BlockId,)| {
        let receipts = api.receipts(api.block(at)?.header.hash())?;
        Ok(receipts.iter().map(|it| it.receipt.encode()).collect::<Vec<_>>())
    })?;
    table.read("debug_getRawTransaction", raw_transaction)?;
    table.read("debug_dbGet", db_get)?;
    table.quick("debug_chainConfig", |api, (): ()| -> Result<Value, RpcError> {
        Ok(chain_config(api.engine.rules()))
    })
}

/// The block's RLP: header, transactions, no ommers, withdrawals where there can be some.
pub(crate) fn block(block: &Block) -> Bytes {
    let mut payload = Vec::new();
    block.header.inner().encode(&mut payload);
    let mut transactions = Vec::new();
    for raw in &block.transactions {
        match raw.first() {
            // A legacy transaction is a list itself; the others are wrapped in a string.
            Some(0xc0..) => transactions.extend_from_slice(raw),
            _ => raw.encode(&mut transactions),
        }
    }
    list_of(&transactions, &mut payload);
    list_of(&[], &mut payload);
    if let Some(withdrawals) = &block.withdrawals {
        withdrawals.encode(&mut payload);
    }
    let mut out = Vec::with_capacity(payload.len() + 5);
    list_of(&payload, &mut out);
    out.into()
}

fn list_of(payload: &[u8], out: &mut Vec<u8>) {
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(out);
    out.extend_from_slice(payload);
}

/// Trie nodes by their hash, and codes by theirs with `c` in front, as geth's database names them. A hash alone
/// finds codes as well.
fn db_get(api: &Api, (key,): (String,)) -> Result<Bytes, RpcError> {
    let bytes = match key.strip_prefix("0x") {
        Some(digits) => hex::decode(digits).map_err(|error| RpcError::server(error.to_string()))?,
        None => key.into_bytes(),
    };
    let found = match bytes.as_slice() {
        [b'c', hash @ ..] if hash.len() == 32 => api.engine.code(B256::from_slice(hash))?,
        hash if hash.len() == 32 => node_or_code(api, B256::from_slice(hash))?,
        _ => None,
    };
    found.ok_or_else(|| RpcError::server("not found"))
}

fn node_or_code(api: &Api, hash: B256) -> Result<Option<Bytes>, EngineError> {
    match api.engine.node(hash)? {
        Some(node) => Ok(Some(node)),
        None => api.engine.code(hash),
    }
}
