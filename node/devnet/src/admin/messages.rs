//! Supersim's methods about interop messages.
//!
//! **Invariant:** a method that needs the message index, which comes with relaying, says so.

use super::{Answer, ErrorObjectOwned, invalid};
use alloy_primitives::{Address, Bytes, U256, keccak256};
use jsonrpsee::types::{Params, error::METHOD_NOT_FOUND_CODE};
use opal_message::{Access, CROSS_L2_INBOX, Identifier, Message};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IdentifierJson {
    origin: Address,
    block_number: U256,
    log_index: U256,
    timestamp: U256,
    chain_id: U256,
    payload: Bytes,
}

/// The access list that announces the message of an identifier.
pub(super) fn access_list(params: &Params<'_>) -> Answer {
    let asked: IdentifierJson = params.one()?;
    let number = |name: &str, value: U256| {
        u64::try_from(value).map_err(|_| invalid(format!("{name} {value} has more than 64 bits")))
    };
    let log_index = u32::try_from(asked.log_index)
        .map_err(|_| invalid(format!("logIndex {} has more than 32 bits", asked.log_index)))?;
    let identifier = Identifier {
        origin: asked.origin,
        block_number: number("blockNumber", asked.block_number)?,
        log_index,
        timestamp: number("timestamp", asked.timestamp)?,
        chain_id: asked.chain_id,
    };
    let message = Message { identifier, payload_hash: keccak256(&asked.payload) };
    let Identifier { block_number, timestamp, log_index, chain_id, .. } = identifier;
    let checksum = message.checksum();
    let access = Access { block_number, timestamp, log_index, chain_id, checksum };
    Ok(json!({"accessList": [{"address": CROSS_L2_INBOX, "storageKeys": access.entries()}]}))
}

pub(super) fn not_indexed() -> Answer {
    Err(ErrorObjectOwned::owned(
        METHOD_NOT_FOUND_CODE,
        "messages are not indexed in this version",
        None::<()>,
    ))
}
