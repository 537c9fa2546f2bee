//! An L1 for tests: blocks in memory, served by JSON-RPC and a beacon API on one port, with faults on request.
//!
//! Start with [`TestL1::serve`]. Blocks come from a recording or are made here ([`TestL1::mine`]).
//!
//! **Invariant:** every block has the hash and the roots that its parts give; only what a test broke is missing.

use alloy_consensus::{EthereumTxEnvelope, Header, TxEip4844};
use alloy_eips::{Decodable2718, eip7685::EMPTY_REQUESTS_HASH};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use axum::{
    Router,
    extract::{RawQuery, State as AxumState},
    http::{StatusCode, Uri},
    response::{IntoResponse, Json, Response},
    routing::{get, post},
};
use opal_execute::ordered_root;
use opal_host::{Recording, block_rlp};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::task::JoinHandle;

#[derive(Clone)]
struct TestBlock {
    header: Header,
    header_rlp: Bytes,
    transactions: Vec<Bytes>,
    receipts: Option<Vec<Bytes>>,
}

#[derive(Default)]
struct World {
    blocks: HashMap<B256, TestBlock>,
    /// Hashes by height.
    canonical: Vec<B256>,
    blobs: HashMap<B256, Bytes>,
    /// The beacon node has no blobs (yet).
    hides_blobs: bool,
    /// How far below the head blocks are safe and finalized.
    depths: (u64, u64),
    /// Requests are answered with an error.
    is_down: bool,
    requests: u64,
}

/// See the module. Dropping it stops the server.
pub(crate) struct TestL1 {
    world: Arc<Mutex<World>>,
    pub(crate) address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for TestL1 {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl TestL1 {
    /// An L1 without blocks. Safe and finalized are as many blocks below the head.
    pub(crate) async fn serve(safe_depth: u64, finality_depth: u64) -> Self {
        let depths = (safe_depth, finality_depth);
        let world = Arc::new(Mutex::new(World { depths, ..World::default() }));
        let router = Router::new()
            .route("/", post(json_rpc))
            .fallback(get(beacon))
            .with_state(Arc::clone(&world));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { world, address, server }
    }

    pub(crate) fn url(&self) -> url::Url {
        format!("http://{}/", self.address).parse().unwrap()
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Makes a recorded block the head, with all its ancestors.
    pub(crate) fn move_to(&self, recording: &Recording, head: B256) {
        let mut world = self.world();
        let mut hash = head;
        let mut chain = Vec::new();
        loop {
            let block = recording.l1_block(hash).unwrap();
            if world.canonical.get(block.header.number as usize) == Some(&hash) {
                break;
            }
            chain.push(hash);
            if !world.blocks.contains_key(&hash) {
                for versioned in versioned_hashes(&block.transactions) {
                    if let Some(blob) = recording.blob(versioned).unwrap() {
                        let blob = blob.clone();
                        world.blobs.insert(versioned, blob);
                    }
                }
                let header = Header::decode(&mut block.header_rlp.as_ref()).unwrap();
                let (header_rlp, transactions) =
                    (block.header_rlp.clone(), block.transactions.clone());
                let receipts = block.receipts.clone();
                let block = TestBlock { header, header_rlp, transactions, receipts };
                world.blocks.insert(hash, block);
            }
            if block.header.number == 0 {
                break;
            }
            hash = block.header.parent_hash;
        }
        let first = recording.l1_block(*chain.last().unwrap_or(&head)).unwrap().header.number;
        if !chain.is_empty() {
            world.canonical.truncate(first as usize);
            world.canonical.extend(chain.into_iter().rev());
        }
        let kept = recording.l1_block(head).unwrap().header.number + 1;
        world.canonical.truncate(kept as usize);
    }

    /// Puts a block on the head. Transactions come with their receipts.
    pub(crate) fn mine(&self, timestamp: u64, content: Vec<(Bytes, Bytes)>) -> B256 {
        let parent = *self.world().canonical.last().unwrap();
        self.mine_on(parent, timestamp, content)
    }

    /// Puts a block on this one, and makes it the head.
    pub(crate) fn mine_on(
        &self,
        parent: B256,
        timestamp: u64,
        content: Vec<(Bytes, Bytes)>,
    ) -> B256 {
        let mut world = self.world();
        let before = world.blocks[&parent].header.clone();
        let (transactions, receipts): (Vec<_>, Vec<_>) = content.into_iter().unzip();
        let header = Header {
            parent_hash: parent,
            number: before.number + 1,
            timestamp,
            transactions_root: ordered_root(transactions.iter().cloned()),
            receipts_root: ordered_root(receipts.iter().cloned()),
            mix_hash: keccak256(timestamp.to_be_bytes()),
            parent_beacon_block_root: before.parent_beacon_block_root.map(|_| keccak256(parent)),
            requests_hash: before.requests_hash.map(|_| EMPTY_REQUESTS_HASH),
            logs_bloom: alloy_primitives::Bloom::repeat_byte(0xff),
            ..before
        };
        let header_rlp: Bytes = alloy_rlp::encode(&header).into();
        let hash = keccak256(&header_rlp);
        world.canonical.truncate(header.number as usize);
        world.canonical.push(hash);
        let receipts = Some(receipts);
        world.blocks.insert(hash, TestBlock { header, header_rlp, transactions, receipts });
        hash
    }

    /// Hash of the canonical block at a height.
    pub(crate) fn hash(&self, number: u64) -> B256 {
        self.world().canonical[number as usize]
    }

    /// Height of the head.
    pub(crate) fn height(&self) -> u64 {
        self.world().canonical.len() as u64 - 1
    }

    /// Timestamp of the head.
    pub(crate) fn time(&self) -> u64 {
        let world = self.world();
        world.blocks[world.canonical.last().unwrap()].header.timestamp
    }

    pub(crate) fn hide_blobs(&self, hidden: bool) {
        self.world().hides_blobs = hidden;
    }

    pub(crate) fn take_down(&self, is_down: bool) {
        self.world().is_down = is_down;
    }

    pub(crate) fn requests(&self) -> u64 {
        self.world().requests
    }
}

fn versioned_hashes(transactions: &[Bytes]) -> Vec<B256> {
    let decode = |raw: &Bytes| EthereumTxEnvelope::<TxEip4844>::decode_2718(&mut raw.as_ref()).ok();
    let hashes = transactions.iter().filter_map(decode).filter_map(|envelope| match envelope {
        EthereumTxEnvelope::Eip4844(signed) => Some(signed.tx().blob_versioned_hashes.clone()),
        _ => None,
    });
    hashes.flatten().collect()
}

impl World {
    fn by_tag(&self, tag: &str) -> Option<&TestBlock> {
        let head = self.canonical.len().checked_sub(1)?;
        let (safe, finalized) = self.depths;
        let number = match tag {
            "latest" | "pending" => head,
            "earliest" => 0,
            "safe" => head.checked_sub(safe as usize)?,
            "finalized" => head.checked_sub(finalized as usize)?,
            number => usize::from_str_radix(number.strip_prefix("0x")?, 16).ok()?,
        };
        self.blocks.get(self.canonical.get(number)?)
    }

    fn by_hash(&self, hash: &Value) -> Option<&TestBlock> {
        self.blocks.get(&serde_json::from_value::<B256>(hash.clone()).ok()?)
    }

    /// The result of a call, or an error's code and message.
    fn call(&self, method: &str, params: &Value) -> Result<Value, (i64, String)> {
        let full = params[1] == json!(true);
        let raw = |block: &TestBlock| {
            // No uncles, and no withdrawals where there can be some.
            let tail: &[u8] =
                if block.header.withdrawals_root.is_some() { &[0xc0, 0xc0] } else { &[0xc0] };
            block_rlp(&block.header_rlp, &block.transactions, tail)
        };
        Ok(match method {
            "eth_chainId" => json!("0x384"),
            "eth_getBlockByNumber" => self
                .by_tag(params[0].as_str().unwrap())
                .map_or(Value::Null, |it| block_json(it, full)),
            "eth_getBlockByHash" => {
                self.by_hash(&params[0]).map_or(Value::Null, |it| block_json(it, full))
            }
            "debug_getRawHeader" => json!(self.by_hash(&params[0]).map(|it| &it.header_rlp)),
            "debug_getRawBlock" => json!(self.by_hash(&params[0]).map(raw)),
            "debug_getRawReceipts" => {
                json!(self.by_hash(&params[0]).and_then(|it| it.receipts.clone()))
            }
            _ => return Err((-32601, format!("the method {method} does not exist"))),
        })
    }
}

fn block_json(block: &TestBlock, full: bool) -> Value {
    let mut json = serde_json::to_value(&block.header).unwrap();
    let hash = keccak256(&block.header_rlp);
    let transaction = |raw: &Bytes| {
        let envelope = EthereumTxEnvelope::<TxEip4844>::decode_2718(&mut raw.as_ref()).unwrap();
        let mut json = serde_json::to_value(&envelope).unwrap();
        json["hash"] = json!(keccak256(raw));
        if full { json } else { json!(keccak256(raw)) }
    };
    json["hash"] = json!(hash);
    json["transactions"] = block.transactions.iter().map(transaction).collect();
    json["uncles"] = json!([]);
    if block.header.withdrawals_root.is_some() {
        json["withdrawals"] = json!([]);
    }
    json
}

async fn json_rpc(AxumState(world): AxumState<Arc<Mutex<World>>>, body: String) -> Response {
    let mut world = world.lock().unwrap();
    world.requests += 1;
    if world.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let request: Value = serde_json::from_str(&body).unwrap();
    let one = |call: &Value| {
        let answer = world.call(call["method"].as_str().unwrap(), &call["params"]);
        match answer {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }),
            Err((code, message)) => {
                let error = json!({ "code": code, "message": message });
                json!({ "jsonrpc": "2.0", "id": call["id"], "error": error })
            }
        }
    };
    let answer = match request.as_array() {
        Some(calls) => calls.iter().map(one).collect(),
        None => one(&request),
    };
    Json(answer).into_response()
}

async fn beacon(
    AxumState(world): AxumState<Arc<Mutex<World>>>,
    uri: Uri,
    RawQuery(query): RawQuery,
) -> Response {
    let mut world = world.lock().unwrap();
    world.requests += 1;
    if world.is_down {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if uri.path().ends_with("/beacon/genesis") {
        let time = world.blocks[&world.canonical[0]].header.timestamp;
        return Json(json!({ "data": { "genesis_time": time.to_string() } })).into_response();
    }
    if uri.path().ends_with("/config/spec") {
        return Json(json!({ "data": { "SECONDS_PER_SLOT": "1" } })).into_response();
    }
    if !uri.path().contains("/beacon/blobs/") || world.hides_blobs {
        return StatusCode::NOT_FOUND.into_response();
    }
    let query = query.unwrap_or_default();
    let hashes = query.split('&').filter_map(|it| it.strip_prefix("versioned_hashes="));
    let hashes = hashes.map(|it| it.parse::<B256>().unwrap());
    let blobs: Option<Vec<_>> = hashes.map(|it| world.blobs.get(&it).cloned()).collect();
    match blobs {
        Some(blobs) => Json(json!({ "data": blobs })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
