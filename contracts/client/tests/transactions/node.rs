//! A small L1 node: blocks on request, a pool with a node's rules, JSON-RPC.
//!
//! **Invariant:** it takes raw transactions only, checks signatures, nonces and blob proofs itself, and believes nobody.

use alloy_consensus::{Transaction, TxEip4844Variant, TxEnvelope};
use alloy_eips::{Decodable2718, eip7594::BlobTransactionSidecarVariant};
use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use axum::{Router, extract::State, response::IntoResponse};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::task::JoinHandle;
use url::Url;

pub(crate) const CHAIN_ID: u64 = 900;

#[derive(Debug, Default)]
pub(crate) struct Chain {
    pub(crate) blocks: Vec<Vec<TxEnvelope>>,
    pub(crate) pool: BTreeMap<(Address, u64), TxEnvelope>,
    pub(crate) is_osaka: bool,
    pub(crate) offers_config: bool,
    /// Requests until this many are lost.
    pub(crate) loses: usize,
    salt: u64,
}

type Shared = Arc<Mutex<Chain>>;

pub(crate) struct Node {
    pub(crate) url: Url,
    pub(crate) state: Shared,
    task: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Node {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let state = Chain { blocks: vec![Vec::new()], ..Chain::default() };
        let state = Arc::new(Mutex::new(state));
        let router = Router::new().fallback(serve).with_state(Arc::clone(&state));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, task }
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Chain) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    pub(crate) fn mine(&self) {
        self.change(Chain::mine);
    }
}

impl Chain {
    fn count(&self, account: Address, blocks: usize) -> u64 {
        let all = self.blocks.iter().take(blocks).flatten();
        all.filter(|it| sender(it) == Some(account)).count() as u64
    }

    fn mine(&mut self) {
        let mut block: Vec<TxEnvelope> = Vec::new();
        let pool = std::mem::take(&mut self.pool);
        for ((account, nonce), transaction) in pool {
            let before = block.iter().filter(|it| sender(it) == Some(account)).count();
            if nonce == self.count(account, usize::MAX) + before as u64 {
                block.push(transaction);
            } else {
                self.pool.insert((account, nonce), transaction);
            }
        }
        self.salt += 1;
        self.blocks.push(block);
    }

    /// Drops the newest blocks and what was in them.
    pub(crate) fn drop_blocks(&mut self, count: usize) {
        self.blocks.truncate(self.blocks.len() - count);
        self.salt += 1;
    }

    fn block_hash(&self, number: usize) -> B256 {
        keccak256(format!("{number} {} {:?}", self.salt, self.blocks[number].len()))
    }

    fn receipt(&self, hash: B256) -> Option<Value> {
        let (number, transaction) =
            self.blocks.iter().enumerate().find_map(|(number, block)| {
                Some((number, block.iter().find(|it| *it.tx_hash() == hash)?))
            })?;
        let succeeded = transaction.input().first() != Some(&0xfe);
        Some(json!({
            "transactionHash": hash,
            "blockNumber": U64::from(number),
            "blockHash": keccak256(number.to_be_bytes()),
            "status": if succeeded { "0x1" } else { "0x0" },
            "gasUsed": "0x5208",
            "contractAddress": null,
            "logs": [{ "address": Address::ZERO, "topics": [hash], "data": transaction.input() }],
        }))
    }

    fn take(&mut self, raw: &Bytes) -> Result<B256, String> {
        let transaction =
            TxEnvelope::decode_2718(&mut raw.as_ref()).map_err(|it| it.to_string())?;
        let from = sender(&transaction).ok_or("invalid sender")?;
        if transaction.chain_id() != Some(CHAIN_ID) {
            return Err("invalid chain id for signer".to_owned());
        }
        let latest = self.count(from, usize::MAX);
        if transaction.nonce() < latest {
            return Err(format!("nonce too low: next nonce {latest}"));
        }
        if let TxEnvelope::Eip4844(signed) = &transaction {
            self.check_blobs(signed.tx())?;
        }
        let hash = *transaction.tx_hash();
        let is_other = |it: &TxEnvelope| it.is_eip4844() != transaction.is_eip4844();
        if self.pool.iter().any(|((account, _), it)| *account == from && is_other(it)) {
            return Err("address already reserved".to_owned());
        }
        if let Some(old) = self.pool.get(&(from, transaction.nonce())) {
            if *old.tx_hash() == hash {
                return Err("already known".to_owned());
            }
            let percent = if transaction.is_eip4844() { 200 } else { 110 };
            if transaction.max_fee_per_gas() * 100 < old.max_fee_per_gas() * percent {
                return Err("replacement transaction underpriced".to_owned());
            }
        }
        self.pool.insert((from, transaction.nonce()), transaction);
        Ok(hash)
    }

    fn check_blobs(
        &self,
        transaction: &TxEip4844Variant<BlobTransactionSidecarVariant>,
    ) -> Result<(), String> {
        let TxEip4844Variant::TxEip4844WithSidecar(with) = transaction else {
            return Err("missing sidecar".to_owned());
        };
        if with.sidecar.is_eip7594() != self.is_osaka {
            return Err("unexpected sidecar version".to_owned());
        }
        let settings = opal_client::kzg::settings();
        let hashes = &with.tx.blob_versioned_hashes;
        with.sidecar.validate(hashes, settings).map_err(|it| it.to_string())
    }

    fn call(&mut self, call: &Value) -> Result<Value, (i64, String)> {
        let params = &call["params"];
        let address = || serde_json::from_value::<Address>(params[0].clone()).unwrap();
        Ok(match call["method"].as_str().unwrap() {
            "eth_chainId" => json!(U64::from(CHAIN_ID)),
            "eth_getBlockByNumber" => json!({
                "number": U64::from(self.blocks.len() - 1),
                "timestamp": U64::from(self.blocks.len()),
                "hash": self.block_hash(self.blocks.len() - 1),
                "baseFeePerGas": "0x64",
            }),
            "eth_getTransactionCount" => {
                let account = address();
                let latest = self.count(account, usize::MAX);
                json!(U64::from(match params[1].as_str().unwrap() {
                    "latest" => latest,
                    "pending" => {
                        let in_pool = |nonce: &u64| self.pool.contains_key(&(account, *nonce));
                        (latest..).find(|it| !in_pool(it)).unwrap()
                    }
                    number => {
                        let number: U64 = number.parse().unwrap();
                        self.count(account, number.to::<usize>() + 1)
                    }
                }))
            }
            "eth_maxPriorityFeePerGas" => json!("0x5"),
            "eth_blobBaseFee" => json!("0x7"),
            "eth_estimateGas" => {
                let data: Bytes = serde_json::from_value(params[0]["data"].clone()).unwrap();
                if data.first() == Some(&0xfd) {
                    return Err((3, "execution reverted: no".to_owned()));
                }
                json!("0x7530")
            }
            "eth_config" if self.offers_config => {
                let precompiles =
                    if self.is_osaka { json!({ "P256VERIFY": "0x100" }) } else { json!({}) };
                json!({ "current": { "precompiles": precompiles } })
            }
            "eth_sendRawTransaction" => {
                let raw: Bytes = serde_json::from_value(params[0].clone()).unwrap();
                json!(self.take(&raw).map_err(|message| (-32000, message))?)
            }
            "eth_getTransactionReceipt" => {
                let hash = serde_json::from_value(params[0].clone()).unwrap();
                self.receipt(hash).into()
            }
            other => return Err((-32601, format!("the method {other} does not exist"))),
        })
    }

    fn answer(&mut self, call: &Value) -> Value {
        match self.call(call) {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }),
            Err((code, message)) => {
                let error = json!({ "code": code, "message": message });
                json!({ "jsonrpc": "2.0", "id": call["id"], "error": error })
            }
        }
    }
}

async fn serve(State(state): State<Shared>, body: axum::body::Bytes) -> impl IntoResponse {
    let mut state = state.lock().unwrap();
    let answer = match serde_json::from_slice::<Value>(&body).unwrap() {
        Value::Array(calls) => calls.iter().map(|it| state.answer(it)).collect(),
        call => state.answer(&call),
    };
    if state.loses > 0 {
        // The node did its work, but the answer does not arrive.
        state.loses -= 1;
        return (axum::http::StatusCode::BAD_GATEWAY, String::new());
    }
    (axum::http::StatusCode::OK, answer.to_string())
}

fn sender(transaction: &TxEnvelope) -> Option<Address> {
    let hash = transaction.signature_hash();
    transaction.signature().recover_address_from_prehash(&hash).ok()
}

/// The value that a transaction in the chain sends.
pub(crate) fn values(state: &Chain) -> Vec<U256> {
    state.blocks.iter().flatten().map(Transaction::value).collect()
}
