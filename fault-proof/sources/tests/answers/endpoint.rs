//! A recorded L1 (and L2, and beacon chain) served over HTTP, with faults on request.
//!
//! **Invariant:** without faults it answers as a plain execution node does: no `debug_*`, nothing rebuilt on the way.

use alloy_consensus::{Header, ReceiptEnvelope, TxEnvelope};
use alloy_eips::Decodable2718;
use alloy_primitives::{B256, Bytes, keccak256, map::B256Map};
use alloy_rlp::Decodable;
use axum::{
    Router,
    body::Bytes as Body,
    extract::State,
    http::{Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use op_alloy_consensus::{OpReceiptEnvelope, OpTxEnvelope};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::task::JoinHandle;
use url::Url;

/// A block as it is served.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) hash: B256,
    pub(crate) number: u64,
    pub(crate) timestamp: u64,
    header: Value,
    transactions: Vec<Value>,
    receipts: Vec<Value>,
    pub(crate) raw_header: Bytes,
    pub(crate) raw_transactions: Vec<Bytes>,
    pub(crate) raw_receipts: Vec<Bytes>,
}

/// Changes an answer.
pub(crate) type Lie = fn(&mut Value);

/// What is served, and what goes wrong.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) canonical: BTreeMap<u64, B256>,
    pub(crate) blocks: B256Map<Served>,
    /// Blobs by the id that names their block.
    pub(crate) blobs: BTreeMap<String, Vec<Bytes>>,
    pub(crate) genesis_time: Option<u64>,
    pub(crate) seconds_per_slot: Option<u64>,
    pub(crate) labels: BTreeMap<&'static str, u64>,
    /// Methods and paths that are not offered.
    pub(crate) lacks: Vec<&'static str>,
    /// Changes an answer: method or path, and how.
    pub(crate) faults: Vec<(&'static str, Lie)>,
    /// Longer batches are refused.
    pub(crate) max_batch: Option<usize>,
    /// One in so many requests is told to come later.
    pub(crate) throttles: Option<usize>,
    /// Requests so far.
    pub(crate) requests: usize,
    /// Methods and paths asked for, in order.
    pub(crate) asked: Vec<String>,
}

type Shared = Arc<Mutex<World>>;

pub(crate) struct Endpoint {
    pub(crate) url: Url,
    pub(crate) world: Shared,
    task: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Endpoint {
    pub(crate) async fn start(world: World) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let world = Arc::new(Mutex::new(world));
        let router = Router::new().fallback(serve).with_state(Arc::clone(&world));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, world, task }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap());
    }

    /// How often something was asked for since the last time.
    pub(crate) fn take_count(&self, what: &str) -> usize {
        let asked = std::mem::take(&mut self.world.lock().unwrap().asked);
        asked.iter().filter(|it| it.contains(what)).count()
    }
}

impl Served {
    pub(crate) fn l1(raw_header: &Bytes, transactions: &[Bytes], receipts: &[Bytes]) -> Self {
        let transaction = |raw: &Bytes| {
            serde_json::to_value(TxEnvelope::decode_2718(&mut raw.as_ref()).unwrap()).unwrap()
        };
        let receipt = |raw: &Bytes| {
            serde_json::to_value(ReceiptEnvelope::decode_2718(&mut raw.as_ref()).unwrap()).unwrap()
        };
        Self::new(raw_header, transactions, receipts, transaction, receipt)
    }

    pub(crate) fn l2(raw_header: &Bytes, transactions: &[Bytes], receipts: &[Bytes]) -> Self {
        let transaction = |raw: &Bytes| {
            serde_json::to_value(OpTxEnvelope::decode_2718(&mut raw.as_ref()).unwrap()).unwrap()
        };
        let receipt = |raw: &Bytes| {
            let decoded = OpReceiptEnvelope::decode_2718(&mut raw.as_ref()).unwrap();
            serde_json::to_value(decoded).unwrap()
        };
        Self::new(raw_header, transactions, receipts, transaction, receipt)
    }

    fn new(
        raw_header: &Bytes,
        transactions: &[Bytes],
        receipts: &[Bytes],
        transaction: impl Fn(&Bytes) -> Value,
        receipt: impl Fn(&Bytes) -> Value,
    ) -> Self {
        let decoded = Header::decode(&mut raw_header.as_ref()).unwrap();
        let hash = keccak256(raw_header);
        let mut header = serde_json::to_value(&decoded).unwrap();
        header["hash"] = json!(hash);
        header["uncles"] = json!([]);
        let with_hash = |raw: &Bytes| {
            let mut json = transaction(raw);
            json["hash"] = json!(keccak256(raw));
            json["blockHash"] = json!(hash);
            json
        };
        let of_block = |raw: &Bytes| {
            let mut json = receipt(raw);
            json["blockHash"] = json!(hash);
            json
        };
        Self {
            hash,
            number: decoded.number,
            timestamp: decoded.timestamp,
            header,
            transactions: transactions.iter().map(with_hash).collect(),
            receipts: receipts.iter().map(of_block).collect(),
            raw_header: raw_header.clone(),
            raw_transactions: transactions.to_vec(),
            raw_receipts: receipts.to_vec(),
        }
    }

    fn json(&self, is_full: bool) -> Value {
        let mut json = self.header.clone();
        let hashes = || self.raw_transactions.iter().map(|it| json!(keccak256(it))).collect();
        json["transactions"] =
            if is_full { self.transactions.clone().into() } else { Value::Array(hashes()) };
        json
    }
}

impl World {
    pub(crate) fn add(&mut self, block: Served) {
        self.canonical.insert(block.number, block.hash);
        self.blocks.insert(block.hash, block);
    }

    fn by_number(&self, id: &Value) -> Option<&Served> {
        let id = id.as_str()?;
        let number = match self.labels.get(id) {
            Some(number) => *number,
            None if id == "latest" => *self.canonical.keys().next_back()?,
            None => u64::from_str_radix(id.strip_prefix("0x")?, 16).ok()?,
        };
        self.blocks.get(self.canonical.get(&number)?)
    }

    fn by_hash(&self, id: &Value) -> Option<&Served> {
        self.blocks.get(&id.as_str()?.parse::<B256>().ok()?)
    }

    fn by_transaction(&self, id: &Value) -> Option<(&Served, usize)> {
        let wanted: B256 = id.as_str()?.parse().ok()?;
        self.blocks.values().find_map(|block| {
            let at = block.raw_transactions.iter().position(|it| keccak256(it) == wanted)?;
            Some((block, at))
        })
    }

    /// The result of a method; `None` where it is unknown.
    fn result(&self, method: &str, params: &Value) -> Option<Value> {
        let (first, is_full) = (&params[0], params[1] == true);
        Some(match method {
            "eth_chainId" => json!("0x384"),
            "eth_getBlockByNumber" => self.by_number(first).map(|it| it.json(is_full)).into(),
            "eth_getBlockByHash" => self.by_hash(first).map(|it| it.json(is_full)).into(),
            "eth_getBlockReceipts" => self.by_hash(first).map(|it| json!(it.receipts)).into(),
            "eth_getTransactionReceipt" => {
                self.by_transaction(first).map(|(block, at)| block.receipts[at].clone()).into()
            }
            "eth_getRawTransactionByHash" => self
                .by_transaction(first)
                .map(|(block, at)| json!(block.raw_transactions[at]))
                .into(),
            "debug_getRawHeader" => self.by_hash(first).map(|it| json!(it.raw_header)).into(),
            "debug_getRawReceipts" => self.by_hash(first).map(|it| json!(it.raw_receipts)).into(),
            _ => return None,
        })
    }

    fn call(&mut self, call: &Value) -> Value {
        let method = call["method"].as_str().unwrap_or_default();
        self.asked.push(method.to_owned());
        let lacks = self.lacks.iter().any(|it| method.starts_with(it));
        let result = self.result(method, &call["params"]).filter(|_| !lacks);
        let Some(mut result) = result else {
            let message = format!("the method {method} does not exist/is not available");
            let error = json!({ "code": -32601, "message": message });
            return json!({ "jsonrpc": "2.0", "id": call["id"], "error": error });
        };
        self.spoil(method, &mut result);
        json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })
    }

    fn spoil(&self, what: &str, answer: &mut Value) {
        for (_, fault) in self.faults.iter().filter(|(at, _)| what.starts_with(at)) {
            fault(answer);
        }
    }

    fn get(&mut self, path: &str, query: &str) -> Option<Value> {
        self.asked.push(path.to_owned());
        if self.lacks.iter().any(|it| path.starts_with(it)) {
            return None;
        }
        let mut data = match path.strip_prefix("/eth/v1/")? {
            "beacon/genesis" => json!({ "genesis_time": self.genesis_time?.to_string() }),
            "config/spec" => {
                let seconds = self.seconds_per_slot?.to_string();
                json!({ "BLOB_SCHEDULE": [], "SECONDS_PER_SLOT": seconds })
            }
            other => self.blob_data(other, query)?,
        };
        self.spoil(path, &mut data);
        Some(json!({ "data": data }))
    }

    fn blob_data(&self, path: &str, query: &str) -> Option<Value> {
        let (form, id) = path.strip_prefix("beacon/")?.split_once('/')?;
        let blobs = self.blobs.get(id)?.iter().enumerate();
        let commitment = |blob: &Bytes| opal_client::kzg::commitment(blob).unwrap();
        Some(match form {
            "blob_sidecars" => blobs
                .map(|(at, blob)| {
                    let commitment = commitment(blob);
                    json!({ "index": at.to_string(), "blob": blob, "kzg_commitment": commitment })
                })
                .collect(),
            "blobs" => blobs
                .filter(|(_, blob)| {
                    let hash = opal_client::kzg::versioned_hash(&commitment(blob));
                    query.contains(&hash.to_string())
                })
                .map(|(_, blob)| json!(blob))
                .collect(),
            _ => return None,
        })
    }
}

async fn serve(State(world): State<Shared>, method: Method, uri: Uri, body: Body) -> Response {
    let mut world = world.lock().unwrap();
    world.requests += 1;
    if world.throttles.is_some_and(|it| world.requests.is_multiple_of(it)) {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    if method == Method::GET {
        return match world.get(uri.path(), uri.query().unwrap_or_default()) {
            Some(data) => data.to_string().into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    match serde_json::from_slice(&body).unwrap() {
        Value::Array(calls) if world.max_batch.is_some_and(|it| calls.len() > it) => {
            let error = json!({ "code": -32005, "message": "batch item count exceeded" });
            json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string().into_response()
        }
        Value::Array(calls) => {
            let answers: Vec<_> = calls.iter().map(|it| world.call(it)).collect();
            json!(answers).to_string().into_response()
        }
        call => world.call(&call).to_string().into_response(),
    }
}

impl Served {
    /// The JSON of a receipt.
    pub(crate) fn receipt(&self, at: usize) -> &Value {
        &self.receipts[at]
    }

    /// Puts in a transaction that nobody here can read.
    pub(crate) fn insert(&mut self, at: usize, transaction: Value, raw: Bytes, receipt: Value) {
        self.transactions.insert(at, transaction);
        self.raw_transactions.insert(at, raw);
        self.receipts.insert(at, receipt);
    }
}
