//! The methods of the Engine API.
//!
//! Start with [`methods`].
//!
//! **Invariant:** what a method does is what [`Engine`](crate::Engine) does; here are only versions, forms and
//! codes.

use super::payload::{AttributesShape, Beside, PayloadShape};
use super::versions::{
    self, Era, INVALID_ATTRIBUTES, INVALID_FORKCHOICE, INVALID_PARAMS, Sent, TOO_LARGE,
    UNKNOWN_PAYLOAD, UNSUPPORTED_FORK, bare, fault,
};
use crate::rpc::shape::Transaction;
use crate::rpc::{Anything, Api, RpcError, Table};
use crate::{
    Block, BuiltBlock, EngineError, Forkchoice, ForkchoiceStatus, InsertStatus, PayloadId,
    StoredBlob,
};
use alloy_consensus::Transaction as _;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{B256, Bytes, FixedBytes, U64, U256};
use jsonrpsee::RpcModule;
use jsonrpsee::core::RegisterMethodError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// Hashes or blocks in one question.
const MAX_BLOBS: usize = 128;
const MAX_BODIES: u64 = 1_024;

/// Everything that needs a token.
pub(crate) fn methods(api: Api) -> Result<RpcModule<Api>, RegisterMethodError> {
    let mut table = Table::new(api);
    table.read("engine_forkchoiceUpdatedV1", |api, call| forkchoice(api, 1, call))?;
    table.read("engine_forkchoiceUpdatedV2", |api, call| forkchoice(api, 2, call))?;
    table.read("engine_forkchoiceUpdatedV3", |api, call| forkchoice(api, 3, call))?;
    new_payload(&mut table)?;
    table.read("engine_getPayloadV1", |api, (id,): (PayloadId,)| {
        Ok(fetched(api, 1, id)?.execution_payload)
    })?;
    table.read("engine_getPayloadV2", |api, (id,): (PayloadId,)| fetched(api, 2, id))?;
    table.read("engine_getPayloadV3", |api, (id,): (PayloadId,)| fetched(api, 3, id))?;
    table.read("engine_getPayloadV4", |api, (id,): (PayloadId,)| fetched(api, 4, id))?;
    table.read("engine_getPayloadV5", |api, (id,): (PayloadId,)| fetched(api, 5, id))?;
    table.read("engine_getPayloadBodiesByHashV1", bodies_by_hash)?;
    table.read("engine_getPayloadBodiesByRangeV1", bodies_by_range)?;
    table.read("engine_getBlobsV1", blobs_v1)?;
    table.read("engine_getBlobsV2", blobs_v2)?;
    table.quick("engine_exchangeCapabilities", |_, _: Anything| Ok(CAPABILITIES))?;
    table.quick("engine_getClientVersionV1", |_, _: Anything| Ok(client_version()))?;
    table.quick("engine_signalSuperchainV1", |_, _: Anything| Ok(PROTOCOL_VERSION))?;
    Ok(table.module)
}

fn new_payload(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("engine_newPayloadV1", |api, (payload,)| {
        insert(api, 1, payload, Received::default())
    })?;
    table.read("engine_newPayloadV2", |api, (payload,)| {
        insert(api, 2, payload, Received::default())
    })?;
    table.read("engine_newPayloadV3", |api, (payload, hashes, beacon_root)| {
        insert(api, 3, payload, Received { hashes, beacon_root, requests: None })
    })?;
    table.read("engine_newPayloadV4", |api, (payload, hashes, beacon_root, requests)| {
        insert(api, 4, payload, Received { hashes, beacon_root, requests })
    })?;
    table.read("engine_newPayloadV5", |api, (payload, hashes, beacon_root, requests)| {
        insert(api, 5, payload, Received { hashes, beacon_root, requests })
    })
}

/// What `engine_exchangeCapabilities` answers.
const CAPABILITIES: [&str; 19] = [
    "engine_forkchoiceUpdatedV1",
    "engine_forkchoiceUpdatedV2",
    "engine_forkchoiceUpdatedV3",
    "engine_getBlobsV1",
    "engine_getBlobsV2",
    "engine_getClientVersionV1",
    "engine_getPayloadBodiesByHashV1",
    "engine_getPayloadBodiesByRangeV1",
    "engine_getPayloadV1",
    "engine_getPayloadV2",
    "engine_getPayloadV3",
    "engine_getPayloadV4",
    "engine_getPayloadV5",
    "engine_newPayloadV1",
    "engine_newPayloadV2",
    "engine_newPayloadV3",
    "engine_newPayloadV4",
    "engine_newPayloadV5",
    "engine_signalSuperchainV1",
];

/// The protocol version that is supported: format 0, 9.0.0, as op-geth.
const PROTOCOL_VERSION: B256 =
    alloy_primitives::b256!("0000000000000000000000000000000000000009000000000000000000000000");

fn client_version() -> Value {
    json!([{
        "code": "OL",
        "name": "opal",
        "version": env!("CARGO_PKG_VERSION"),
        "commit": FixedBytes::<4>::ZERO,
    }])
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForkchoiceShape {
    head_block_hash: B256,
    safe_block_hash: B256,
    finalized_block_hash: B256,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusShape {
    status: &'static str,
    latest_valid_hash: Option<B256>,
    validation_error: Option<String>,
}

impl StatusShape {
    const fn valid(hash: B256) -> Self {
        Self { status: "VALID", latest_valid_hash: Some(hash), validation_error: None }
    }

    const fn syncing() -> Self {
        Self { status: "SYNCING", latest_valid_hash: None, validation_error: None }
    }

    const fn invalid(latest_valid: Option<B256>, reason: Option<String>) -> Self {
        Self { status: "INVALID", latest_valid_hash: latest_valid, validation_error: reason }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ForkchoiceAnswer {
    payload_status: StatusShape,
    payload_id: Option<PayloadId>,
}

fn engine_fault(error: EngineError) -> RpcError {
    match error {
        EngineError::UnknownPayload(_) => bare(UNKNOWN_PAYLOAD),
        EngineError::InvalidForkchoice { .. } => fault(INVALID_FORKCHOICE, error.to_string()),
        EngineError::InvalidAttributes(why) => fault(INVALID_ATTRIBUTES, why),
        other => RpcError::internal(other),
    }
}

fn forkchoice(
    api: &Api,
    version: u8,
    (state, attributes): (ForkchoiceShape, Option<AttributesShape>),
) -> Result<ForkchoiceAnswer, RpcError> {
    let answer = |payload_status| ForkchoiceAnswer { payload_status, payload_id: None };
    if let Some(attributes) = &attributes {
        versions::attributes(version, api.engine.rules(), attributes)?;
    }
    if state.head_block_hash.is_zero() {
        return Ok(answer(StatusShape::invalid(None, None)));
    }
    let state = Forkchoice {
        head: state.head_block_hash,
        safe: state.safe_block_hash,
        finalized: state.finalized_block_hash,
    };
    let head = match api.engine.forkchoice(state).map_err(engine_fault)? {
        ForkchoiceStatus::Valid { head } => head,
        ForkchoiceStatus::Syncing => return Ok(answer(StatusShape::syncing())),
    };
    let payload_id = match attributes {
        None => None,
        Some(attributes) => {
            let build = attributes.into_build().map_err(|why| fault(INVALID_ATTRIBUTES, why))?;
            Some(api.engine.build(head, build).map_err(engine_fault)?)
        }
    };
    Ok(ForkchoiceAnswer { payload_status: StatusShape::valid(head), payload_id })
}

/// What came beside a payload.
#[derive(Clone, Debug, Default)]
struct Received {
    hashes: Option<Vec<B256>>,
    beacon_root: Option<B256>,
    requests: Option<Vec<Bytes>>,
}

fn insert(
    api: &Api,
    version: u8,
    payload: PayloadShape,
    received: Received,
) -> Result<StatusShape, RpcError> {
    let rules = api.engine.rules();
    let sent = Sent {
        hashes: received.hashes.as_deref(),
        beacon_root: received.beacon_root,
        requests: received.requests.as_deref(),
    };
    versions::payload(version, rules, &payload, &sent)?;
    versions::requests(received.requests.as_deref().unwrap_or_default())?;
    if let Err(reason) = versions::op_payload(rules, &payload) {
        return Ok(StatusShape::invalid(None, Some(reason.to_owned())));
    }
    if let Err(reason) = check_blobs(&payload, received.hashes.as_deref()) {
        return Ok(StatusShape::invalid(None, Some(reason)));
    }
    let beside = Beside { beacon_root: received.beacon_root, requests: received.requests };
    let block = match payload.into_block(beside) {
        Ok(block) => block,
        Err(reason) => return Ok(StatusShape::invalid(None, Some(reason))),
    };
    Ok(match api.engine.insert(&block).map_err(engine_fault)? {
        InsertStatus::Valid { hash } => StatusShape::valid(hash),
        InsertStatus::Syncing => StatusShape::syncing(),
        InsertStatus::Invalid { latest_valid, reason } => {
            StatusShape::invalid(Some(latest_valid), Some(reason))
        }
    })
}

/// The blob hashes of the transactions must be those that came beside the payload.
fn check_blobs(payload: &PayloadShape, hashes: Option<&[B256]>) -> Result<(), String> {
    let hashes = hashes.unwrap_or_default();
    let mut found = Vec::new();
    for (index, raw) in payload.transactions.iter().enumerate() {
        let tx = Transaction::decode(raw)
            .map_err(|error| format!("invalid transaction {index}: {error}"))?;
        if let Transaction::Signed(tx) = &tx {
            found.extend_from_slice(tx.blob_versioned_hashes().unwrap_or_default());
        }
    }
    if found.len() != hashes.len() {
        return Err(format!("invalid number of versionedHashes: {hashes:?} blobHashes: {found:?}"));
    }
    match found.iter().zip(hashes).position(|(found, sent)| found != sent) {
        None => Ok(()),
        Some(index) => {
            Err(format!("invalid versionedHash at {index}: {hashes:?} blobHashes: {found:?}"))
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    execution_payload: PayloadShape,
    block_value: U256,
    #[serde(skip_serializing_if = "Option::is_none")]
    blobs_bundle: Option<BlobsBundle>,
    should_override_builder: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_requests: Option<Vec<Bytes>>,
    /// Of an OP Stack chain from Ecotone.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_beacon_block_root: Option<B256>,
}

#[derive(Clone, Debug, Default, Serialize)]
struct BlobsBundle {
    commitments: Vec<FixedBytes<48>>,
    proofs: Vec<FixedBytes<48>>,
    blobs: Vec<Bytes>,
}

fn bundle(blobs: &[Arc<StoredBlob>]) -> BlobsBundle {
    let mut bundle = BlobsBundle::default();
    for blob in blobs {
        bundle.commitments.push(blob.commitment);
        bundle.proofs.extend_from_slice(&blob.proofs);
        bundle.blobs.push(blob.blob.clone());
    }
    bundle
}

fn fetched(api: &Api, version: u8, id: PayloadId) -> Result<Envelope, RpcError> {
    let rules = api.engine.rules();
    let BuiltBlock { block, fees, blobs } = api.engine.payload(id).map_err(engine_fault)?;
    let timestamp = block.header.timestamp;
    versions::fetch(version, rules, timestamp)?;
    let era = Era::at(rules, timestamp);
    Ok(Envelope {
        execution_payload: PayloadShape::of_block(&block, rules),
        block_value: fees,
        blobs_bundle: (era >= Era::Cancun).then(|| bundle(&blobs)),
        should_override_builder: false,
        execution_requests: (era >= Era::Prague).then(|| block.requests.clone()),
        parent_beacon_block_root: block
            .header
            .parent_beacon_block_root
            .filter(|_| rules.l2().is_some()),
    })
}

#[derive(Clone, Debug, Serialize)]
struct Body {
    transactions: Vec<Bytes>,
    withdrawals: Option<Vec<Withdrawal>>,
}

fn body(block: Arc<Block>) -> Body {
    Body { transactions: block.transactions.clone(), withdrawals: block.withdrawals.clone() }
}

fn bodies_by_hash(api: &Api, (hashes,): (Vec<B256>,)) -> Result<Vec<Option<Body>>, RpcError> {
    if hashes.len() as u64 > MAX_BODIES {
        return Err(fault(TOO_LARGE, format!("requested count too large: {}", hashes.len())));
    }
    let found = hashes.into_iter().map(|hash| Ok(api.engine.block(hash)?.map(body)));
    found.collect()
}

fn bodies_by_range(api: &Api, (start, count): (U64, U64)) -> Result<Vec<Option<Body>>, RpcError> {
    let (start, count) = (start.to::<u64>(), count.to::<u64>());
    if start == 0 || count == 0 {
        let why = format!("invalid start or count, start: {start} count: {count}");
        return Err(fault(INVALID_PARAMS, why));
    }
    if count > MAX_BODIES {
        return Err(fault(TOO_LARGE, format!("requested count too large: {count}")));
    }
    let head = api.engine.heads().head.header.number;
    let last = head.min(start.saturating_add(count - 1));
    (start..=last).map(|number| Ok(api.engine.block_by_number(number)?.map(body))).collect()
}

#[derive(Clone, Debug, Serialize)]
struct BlobAndProof {
    blob: Bytes,
    proof: FixedBytes<48>,
}

#[derive(Clone, Debug, Serialize)]
struct BlobAndProofs {
    blob: Bytes,
    proofs: Vec<FixedBytes<48>>,
}

fn era_now(api: &Api) -> Era {
    Era::at(api.engine.rules(), api.engine.heads().head.header.timestamp)
}

fn check_count(hashes: &[B256]) -> Result<(), RpcError> {
    if hashes.len() > MAX_BLOBS {
        let why = format!("requested blob count too large: {}", hashes.len());
        return Err(fault(TOO_LARGE, why));
    }
    Ok(())
}

fn blobs_v1(api: &Api, (hashes,): (Vec<B256>,)) -> Result<Vec<Option<BlobAndProof>>, RpcError> {
    if !matches!(era_now(api), Era::Cancun | Era::Prague) {
        let why = "engine_getBlobsV1 is only available at Cancun/Prague fork";
        return Err(fault(UNSUPPORTED_FORK, why));
    }
    check_count(&hashes)?;
    let one = |hash| -> Result<Option<BlobAndProof>, RpcError> {
        let found = api.engine.blob(hash)?;
        Ok(found.and_then(|found| match found.proofs.as_slice() {
            [proof] => Some(BlobAndProof { blob: found.blob.clone(), proof: *proof }),
            _ => None,
        }))
    };
    hashes.into_iter().map(one).collect()
}

/// All of them with proofs of their cells, or nothing.
fn blobs_v2(api: &Api, (hashes,): (Vec<B256>,)) -> Result<Option<Vec<BlobAndProofs>>, RpcError> {
    if era_now(api) < Era::Osaka {
        return Ok(None);
    }
    check_count(&hashes)?;
    let mut all = Vec::with_capacity(hashes.len());
    for hash in hashes {
        match api.engine.blob(hash)?.filter(|blob| blob.has_cell_proofs()) {
            Some(found) => {
                all.push(BlobAndProofs { blob: found.blob.clone(), proofs: found.proofs.clone() })
            }
            None => return Ok(None),
        }
    }
    Ok(Some(all))
}
