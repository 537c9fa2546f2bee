//! The paths.
//!
//! **Invariant:** numbers are decimal strings, bytes hexadecimal, and every answer has a `data`, as the
//! beacon API has it.

use super::Slots;
use super::error::Refusal;
use crate::faults::{BlobFault, Faults};
use crate::{Block, Engine, StoredBlob};
use alloy_primitives::{B256, Bytes, FixedBytes};
use axum::extract::{Path, RawQuery, State};
use axum::routing::get;
use axum::{Json, Router};
use c_kzg::{Blob, Bytes48};
use opal_client::kzg;
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::Arc;
use url::form_urlencoded;

/// Hashes in one question.
const MAX_HASHES: usize = 1_024;

#[derive(Clone, Debug)]
struct Beacon {
    engine: Engine,
    slots: Slots,
    faults: Faults,
}

type Answer<T> = Result<Json<T>, Refusal>;

pub(super) fn router(engine: Engine, slots: Slots, faults: Faults) -> Router {
    Router::new()
        .route("/eth/v1/beacon/genesis", get(genesis))
        .route("/eth/v1/config/spec", get(spec))
        .route("/eth/v1/node/version", get(version))
        .route("/eth/v1/node/health", get(|| async {}))
        .route("/eth/v1/node/syncing", get(syncing))
        .route("/eth/v1/beacon/headers", get(head_header))
        .route("/eth/v1/beacon/headers/{block_id}", get(block_header))
        .route("/eth/v1/beacon/blobs/{block_id}", get(blobs))
        .route("/eth/v1/beacon/blob_sidecars/{block_id}", get(sidecars))
        .with_state(Beacon { engine, slots, faults })
}

#[derive(Debug, Serialize)]
struct Data<T> {
    data: T,
}

/// With what clients are told about the state of the chain.
#[derive(Debug, Serialize)]
struct Judged<T> {
    execution_optimistic: bool,
    finalized: bool,
    data: T,
}

async fn genesis(State(beacon): State<Beacon>) -> Json<Data<Value>> {
    let data = json!({
        "genesis_time": beacon.slots.genesis_time.to_string(),
        "genesis_validators_root": B256::ZERO,
        "genesis_fork_version": "0x00000000",
    });
    Json(Data { data })
}

async fn spec(State(beacon): State<Beacon>) -> Json<Data<Value>> {
    let rules = beacon.engine.rules();
    let now = beacon.engine.heads().head.header.timestamp;
    let params = rules.l1().and_then(|rules| rules.blob_params(now));
    let data = json!({
        "CONFIG_NAME": "opal-devnet",
        "PRESET_BASE": "mainnet",
        "SECONDS_PER_SLOT": beacon.slots.seconds_per_slot.to_string(),
        "SLOT_DURATION_MS": beacon.slots.seconds_per_slot.saturating_mul(1_000).to_string(),
        "SLOTS_PER_EPOCH": "32",
        "MIN_GENESIS_TIME": beacon.slots.genesis_time.to_string(),
        "GENESIS_DELAY": "0",
        "DEPOSIT_CHAIN_ID": rules.chain_id().to_string(),
        "DEPOSIT_NETWORK_ID": rules.chain_id().to_string(),
        "MAX_BLOBS_PER_BLOCK": params.map_or(0, |it| it.max_blob_count).to_string(),
        "MIN_EPOCHS_FOR_BLOB_SIDECARS_REQUESTS": "4096",
    });
    Json(Data { data })
}

async fn version() -> Json<Data<Value>> {
    Json(Data { data: json!({ "version": concat!("opal/v", env!("CARGO_PKG_VERSION")) }) })
}

async fn syncing(State(beacon): State<Beacon>) -> Json<Data<Value>> {
    let head = beacon.engine.heads().head.header.timestamp;
    let data = json!({
        "head_slot": beacon.slots.of(head).to_string(),
        "sync_distance": "0",
        "is_syncing": false,
        "is_optimistic": false,
        "el_offline": false,
    });
    Json(Data { data })
}

/// Reads the store on a thread that may block.
async fn read<T: Send + 'static>(
    beacon: Beacon,
    work: impl FnOnce(&Beacon) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(move || work(&beacon)).await;
    done.map_err(|_| Refusal::Internal("the request was cut short".to_owned()))?
}

impl Beacon {
    /// The slot and the canonical blocks that a client means.
    fn find(&self, block_id: &str) -> Result<(u64, Vec<Arc<Block>>), Refusal> {
        let heads = self.engine.heads();
        let unknown = || Refusal::NotFound(format!("block {block_id} not found"));
        let hash = match block_id {
            "head" => heads.head.header.hash(),
            "genesis" => self.engine.first_block().hash,
            "justified" => heads.safe.ok_or_else(unknown)?.hash,
            "finalized" => heads.finalized.ok_or_else(unknown)?.hash,
            root if root.starts_with("0x") => root
                .parse()
                .map_err(|_| Refusal::BadRequest(format!("invalid block ID: {root}")))?,
            number => {
                let slot: u64 = number
                    .parse()
                    .map_err(|_| Refusal::BadRequest(format!("invalid block ID: {number}")))?;
                let blocks = self.slots.blocks(&self.engine, slot)?;
                return if blocks.is_empty() { Err(unknown()) } else { Ok((slot, blocks)) };
            }
        };
        let block = self.engine.block(hash)?.ok_or_else(unknown)?;
        Ok((self.slots.of(block.header.timestamp), vec![block]))
    }

    /// The blobs of some blocks, as far as faults let them through.
    fn blobs(&self, slot: u64, blocks: &[Arc<Block>]) -> Result<Vec<Arc<StoredBlob>>, Refusal> {
        let mut blobs = Vec::new();
        for block in blocks {
            blobs.extend(self.engine.blobs_of_block(block.header.hash())?);
        }
        match self.faults.blobs(slot) {
            None => {}
            Some(BlobFault::Hidden) => {
                return Err(Refusal::NotFound(format!("blobs of slot {slot} not found")));
            }
            Some(BlobFault::OnlyFirst(count)) => blobs.truncate(count),
        }
        Ok(blobs)
    }

    fn is_final(&self, blocks: &[Arc<Block>]) -> bool {
        let finalized = self.engine.heads().finalized.map_or(0, |id| id.number);
        blocks.iter().all(|block| block.header.number <= finalized)
    }

    /// A header of the beacon chain that is not there: its roots are the block's hashes.
    fn header(&self, block: &Block) -> Value {
        let header = &block.header;
        json!({
            "message": {
                "slot": self.slots.of(header.timestamp).to_string(),
                "proposer_index": "0",
                "parent_root": header.parent_hash,
                "state_root": header.state_root,
                "body_root": header.transactions_root,
            },
            "signature": FixedBytes::<96>::ZERO,
        })
    }
}

/// Values of a parameter that may be repeated or hold a list.
fn values(query: Option<&str>, name: &str) -> Vec<String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(key, _)| key == name || key.strip_suffix("[]") == Some(name))
        .flat_map(|(_, value)| value.split(',').map(str::to_owned).collect::<Vec<_>>())
        .filter(|value| !value.is_empty())
        .collect()
}

fn parsed<T: std::str::FromStr>(query: Option<&str>, name: &str) -> Result<Vec<T>, Refusal> {
    let values = values(query, name);
    if values.len() > MAX_HASHES {
        return Err(Refusal::BadRequest(format!("too many {name}: {}", values.len())));
    }
    let parse = |value: &String| {
        value.parse().map_err(|_| Refusal::BadRequest(format!("invalid {name}: {value}")))
    };
    values.iter().map(parse).collect()
}

async fn blobs(
    State(beacon): State<Beacon>,
    Path(block_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<Judged<Vec<Bytes>>> {
    let wanted: Vec<B256> = parsed(query.as_deref(), "versioned_hashes")?;
    let found = read(beacon, move |beacon| {
        let (slot, blocks) = beacon.find(&block_id)?;
        let blobs = beacon.blobs(slot, &blocks)?;
        let is_wanted =
            |blob: &&Arc<StoredBlob>| wanted.is_empty() || wanted.contains(&blob.versioned_hash);
        Ok(Judged {
            execution_optimistic: false,
            finalized: beacon.is_final(&blocks),
            data: blobs.iter().filter(is_wanted).map(|blob| blob.blob.clone()).collect(),
        })
    });
    Ok(Json(found.await?))
}

#[derive(Debug, Serialize)]
struct Sidecar {
    index: String,
    blob: Bytes,
    kzg_commitment: FixedBytes<48>,
    kzg_proof: FixedBytes<48>,
    signed_block_header: Value,
    kzg_commitment_inclusion_proof: [B256; 17],
}

async fn sidecars(
    State(beacon): State<Beacon>,
    Path(block_id): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<Data<Vec<Sidecar>>> {
    let wanted: Vec<usize> = parsed(query.as_deref(), "indices")?;
    let found = read(beacon, move |beacon| {
        let (slot, blocks) = beacon.find(&block_id)?;
        let blobs = beacon.blobs(slot, &blocks)?;
        let header = blocks.first().map(|block| beacon.header(block));
        let mut data = Vec::new();
        for (index, blob) in blobs.iter().enumerate() {
            if wanted.is_empty() || wanted.contains(&index) {
                data.push(Sidecar {
                    index: index.to_string(),
                    blob: blob.blob.clone(),
                    kzg_commitment: blob.commitment,
                    kzg_proof: proof(blob)?,
                    signed_block_header: header.clone().unwrap_or_default(),
                    // There is no beacon block that it could be included in.
                    kzg_commitment_inclusion_proof: [B256::ZERO; 17],
                });
            }
        }
        Ok(Data { data })
    });
    Ok(Json(found.await?))
}

/// The one proof of a blob; where its cells were proven instead, it is computed.
fn proof(blob: &StoredBlob) -> Result<FixedBytes<48>, Refusal> {
    if let [proof] = blob.proofs.as_slice() {
        return Ok(*proof);
    }
    let internal = |error: c_kzg::Error| Refusal::Internal(format!("blob proof: {error}"));
    let body = Blob::from_bytes(&blob.blob).map_err(internal)?;
    let commitment = Bytes48::new(blob.commitment.0);
    let proof = kzg::settings().compute_blob_kzg_proof(&body, &commitment).map_err(internal)?;
    Ok(FixedBytes::new(proof.to_bytes().into_inner()))
}

async fn head_header(state: State<Beacon>) -> Answer<Judged<Vec<Value>>> {
    let Json(Judged { execution_optimistic, finalized, data }) =
        block_header(state, Path("head".to_owned())).await?;
    Ok(Json(Judged { execution_optimistic, finalized, data: vec![data] }))
}

async fn block_header(
    State(beacon): State<Beacon>,
    Path(block_id): Path<String>,
) -> Answer<Judged<Value>> {
    let found = read(beacon, move |beacon| {
        let (_, blocks) = beacon.find(&block_id)?;
        let block = blocks.last().ok_or_else(|| Refusal::NotFound("no block".to_owned()))?;
        Ok(Judged {
            execution_optimistic: false,
            finalized: beacon.is_final(&blocks),
            data: json!({
                "root": block.header.hash(),
                "canonical": true,
                "header": beacon.header(block),
            }),
        })
    });
    Ok(Json(found.await?))
}
