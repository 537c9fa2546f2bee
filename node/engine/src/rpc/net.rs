//! `net`, `web3` and `rpc`: about the node itself.
//!
//! **Invariant:** this node has no peers of its own.

use super::{Api, RpcError, Table};
use alloy_primitives::{B256, Bytes, U64, keccak256};
use jsonrpsee::core::RegisterMethodError;
use serde_json::{Value, json};

/// What `web3_clientVersion` answers.
pub(crate) const CLIENT_VERSION: &str = concat!("opal/v", env!("CARGO_PKG_VERSION"));

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.quick("net_version", version)?;
    table.quick("net_listening", |_, (): ()| Ok(true))?;
    table.quick("net_peerCount", |_, (): ()| Ok(U64::ZERO))?;
    table.quick("web3_clientVersion", |_, (): ()| Ok(CLIENT_VERSION))?;
    table.quick("web3_sha3", sha3)?;
    table.quick("rpc_modules", modules)
}

fn version(api: &Api, (): ()) -> Result<String, RpcError> {
    Ok(api.engine.chain_id().to_string())
}

fn sha3(_: &Api, (data,): (Bytes,)) -> Result<B256, RpcError> {
    Ok(keccak256(data))
}

fn modules(_: &Api, (): ()) -> Result<Value, RpcError> {
    Ok(json!({
        "debug": "1.0", "eth": "1.0", "miner": "1.0", "net": "1.0", "rpc": "1.0", "txpool": "1.0",
        "web3": "1.0",
    }))
}
