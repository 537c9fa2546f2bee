//! The nodes: one state, three endpoints.
//!
//! **Invariant:** L1 takes raw transactions only and checks nonces, prices and blob proofs itself;
//! L2 blocks have the hashes of their headers; the safe head follows from the inbox alone.

use crate::inbox;
use alloy_consensus::{
    Header, SignableTransaction, Transaction, TxEip1559, TxEip4844Variant, TxEnvelope,
    transaction::SignerRecoverable,
};
use alloy_eips::{Decodable2718, Encodable2718, eip7594::BlobTransactionSidecarVariant};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U64, U256, address, keccak256};
use axum::{Router, extract::State, http::StatusCode, response::IntoResponse};
use op_alloy_consensus::TxDeposit;
use opal_types::{
    BaseFeeParams, BlockId, ChainConfig, ForkTimes, Genesis, L1BlockInfo, SpanParams, SystemConfig,
    l1_info_deposit,
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::task::JoinHandle;
use url::Url;

pub(crate) const L1_CHAIN_ID: u64 = 900;
pub(crate) const CHAIN_ID: u64 = 901;
pub(crate) const INBOX: Address = address!("ff00000000000000000000000000000000000901");
const L1_TIME: u64 = 1_000_000;
const L1_BLOCK_TIME: u64 = 4;

/// One L1 block.
#[derive(Clone, Debug)]
struct L1Block {
    id: BlockId,
    timestamp: u64,
    transactions: Vec<TxEnvelope>,
}

/// One L2 block.
#[derive(Clone, Debug)]
pub(crate) struct L2Block {
    pub(crate) id: BlockId,
    header: Header,
    l1_origin: usize,
    sequence_number: u64,
    deposit: Option<TxDeposit>,
    pub(crate) transactions: Vec<TxEnvelope>,
}

/// Everything.
#[derive(Debug)]
pub(crate) struct Chains {
    pub(crate) config: ChainConfig,
    l1: Vec<L1Block>,
    pub(crate) pool: BTreeMap<(Address, u64), TxEnvelope>,
    pub(crate) l2: Vec<L2Block>,
    salt: u64,
    /// Requests until this many are answered with HTTP status 503.
    pub(crate) fails: usize,
    /// What `miner_setMaxDASize` was told; `None` = the namespace is closed.
    pub(crate) da_limits: Option<Vec<(u64, u64)>>,
    /// L1 takes nothing into its blocks.
    pub(crate) is_stalled: bool,
}

impl Chains {
    fn new() -> Self {
        let l1 = L1Block {
            id: BlockId { number: 0, hash: keccak256("L1") },
            timestamp: L1_TIME,
            transactions: Vec::new(),
        };
        let header = Header { timestamp: L1_TIME, ..Header::default() };
        let id = BlockId { number: 0, hash: header.hash_slow() };
        let first = L2Block {
            id,
            header,
            l1_origin: 0,
            sequence_number: 0,
            deposit: None,
            transactions: Vec::new(),
        };
        Self {
            config: config(l1.id, id),
            l1: vec![l1],
            pool: BTreeMap::new(),
            l2: vec![first],
            salt: 0,
            fails: 0,
            da_limits: Some(Vec::new()),
            is_stalled: false,
        }
    }

    /// An L1 block with all that may go in.
    pub(crate) fn mine(&mut self) {
        let mut transactions: Vec<TxEnvelope> = Vec::new();
        for ((account, nonce), transaction) in std::mem::take(&mut self.pool) {
            let before =
                transactions.iter().filter(|it| it.recover_signer().unwrap() == account).count();
            if !self.is_stalled && nonce == self.count(account, usize::MAX) + before as u64 {
                transactions.push(transaction);
            } else {
                self.pool.insert((account, nonce), transaction);
            }
        }
        self.salt += 1;
        let number = self.l1.len() as u64;
        let hash = keccak256([number.to_be_bytes(), self.salt.to_be_bytes()].concat());
        let timestamp = L1_TIME + number * L1_BLOCK_TIME;
        self.l1.push(L1Block { id: BlockId { number, hash }, timestamp, transactions });
    }

    /// Takes L1 blocks back, and the L2 blocks on them. Their transactions are gone.
    pub(crate) fn drop_l1(&mut self, count: usize) {
        self.l1.truncate(self.l1.len() - count);
        let left = self.l1.len();
        self.l2.retain(|block| block.l1_origin < left);
    }

    /// L2 blocks up to L1's time.
    pub(crate) fn sequence(&mut self, transactions: u64, data: usize) {
        let until = self.l1.last().unwrap().timestamp + L1_BLOCK_TIME;
        while self.l2.last().unwrap().header.timestamp < until {
            let block = self.next_block(transactions, data);
            self.l2.push(block);
        }
    }

    fn next_block(&mut self, transactions: u64, data: usize) -> L2Block {
        let parent = self.l2.last().unwrap();
        let (number, timestamp) = (parent.id.number + 1, parent.header.timestamp + 2);
        let next = self.l1.get(parent.l1_origin + 1).filter(|it| it.timestamp <= timestamp);
        let l1_origin = parent.l1_origin + usize::from(next.is_some());
        let sequence_number = if next.is_some() { 0 } else { parent.sequence_number + 1 };
        let origin = &self.l1[l1_origin];
        let info = L1BlockInfo {
            hash: origin.id.hash,
            number: origin.id.number,
            timestamp: origin.timestamp,
            base_fee: U256::from(7),
            blob_base_fee: U256::from(1),
        };
        let system_config = &self.config.genesis.system_config;
        let deposit =
            l1_info_deposit(&self.config, system_config, sequence_number, &info, timestamp)
                .unwrap();
        self.salt += 1;
        let transactions: Vec<_> =
            (0..transactions).map(|index| user(number, index + self.salt * 100, data)).collect();
        let mut raw = vec![Bytes::from(deposit.encoded_2718())];
        raw.extend(transactions.iter().map(|it| Bytes::from(it.encoded_2718())));
        let header = Header {
            parent_hash: parent.id.hash,
            number,
            timestamp,
            transactions_root: ordered_root(&raw),
            base_fee_per_gas: Some(1),
            ..Header::default()
        };
        let id = BlockId { number, hash: header.hash_slow() };
        let deposit = Some(deposit);
        L2Block { id, header, l1_origin, sequence_number, deposit, transactions }
    }

    /// Height of the newest block that the inbox makes safe.
    pub(crate) fn safe(&self) -> usize {
        let said = inbox::read(&self.inbox(), SpanParams::from(&self.config));
        let mut safe = 0;
        for (timestamp, transactions) in said {
            let Some(next) = self.l2.get(safe + 1) else { break };
            let raw: Vec<_> =
                next.transactions.iter().map(|it| Bytes::from(it.encoded_2718())).collect();
            safe += usize::from(next.header.timestamp == timestamp && raw == transactions);
        }
        safe
    }

    /// What batcher transactions carry, in order.
    pub(crate) fn inbox(&self) -> Vec<Bytes> {
        let all = self.l1.iter().flat_map(|block| &block.transactions);
        let ours = all.filter(|it| (**it).to() == Some(INBOX));
        ours.flat_map(|it| match it {
            TxEnvelope::Eip4844(signed) => {
                let TxEip4844Variant::TxEip4844WithSidecar(with) = signed.tx() else {
                    panic!("the pool takes blobs with their transactions only")
                };
                let blobs = match &with.sidecar {
                    BlobTransactionSidecarVariant::Eip4844(it) => &it.blobs,
                    BlobTransactionSidecarVariant::Eip7594(it) => &it.blobs,
                };
                let data = |blob: &alloy_eips::eip4844::Blob| {
                    Bytes::from(opal_types::decode_blob(&blob.0).unwrap())
                };
                blobs.iter().map(data).collect()
            }
            other => vec![Transaction::input(other).clone()],
        })
        .collect()
    }

    /// How many batcher transactions carry blobs, and how many do not.
    pub(crate) fn carriers(&self) -> (usize, usize) {
        let all = self.l1.iter().flat_map(|block| &block.transactions);
        let (blobs, others): (Vec<_>, Vec<_>) = all.partition(|it| it.is_eip4844());
        (blobs.len(), others.len())
    }

    fn count(&self, account: Address, blocks: usize) -> u64 {
        let all = self.l1.iter().take(blocks).flat_map(|block| &block.transactions);
        all.filter(|it| it.recover_signer().unwrap() == account).count() as u64
    }

    fn take(&mut self, raw: &Bytes) -> Result<B256, String> {
        let transaction =
            TxEnvelope::decode_2718(&mut raw.as_ref()).map_err(|it| it.to_string())?;
        let from = transaction.recover_signer().map_err(|_| "invalid sender".to_owned())?;
        let latest = self.count(from, usize::MAX);
        if transaction.nonce() < latest {
            return Err(format!("nonce too low: next nonce {latest}"));
        }
        if let TxEnvelope::Eip4844(signed) = &transaction {
            let TxEip4844Variant::TxEip4844WithSidecar(with) = signed.tx() else {
                return Err("missing sidecar".to_owned());
            };
            let settings = opal_client::kzg::settings();
            with.sidecar
                .validate(&with.tx.blob_versioned_hashes, settings)
                .map_err(|it| it.to_string())?;
        }
        let is_other = |it: &TxEnvelope| it.is_eip4844() != transaction.is_eip4844();
        if self.pool.iter().any(|((account, _), it)| *account == from && is_other(it)) {
            return Err("address already reserved".to_owned());
        }
        let hash = *transaction.tx_hash();
        self.pool.insert((from, transaction.nonce()), transaction);
        Ok(hash)
    }

    fn receipt(&self, hash: B256) -> Option<Value> {
        let (block, transaction) = self.l1.iter().find_map(|block| {
            Some((block, block.transactions.iter().find(|it| *it.tx_hash() == hash)?))
        })?;
        Some(json!({
            "transactionHash": transaction.tx_hash(),
            "blockNumber": U64::from(block.id.number),
            "blockHash": block.id.hash,
            "status": "0x1",
            "gasUsed": "0x5208",
            "contractAddress": null,
            "logs": [],
        }))
    }

    fn l1(&mut self, method: &str, params: &Value) -> Result<Value, (i64, String)> {
        Ok(match method {
            "eth_chainId" => json!(U64::from(L1_CHAIN_ID)),
            "eth_getBlockByNumber" => {
                let head = self.l1.last().unwrap();
                json!({
                    "number": U64::from(head.id.number),
                    "hash": head.id.hash,
                    "timestamp": U64::from(head.timestamp),
                    "baseFeePerGas": "0x64",
                    "excessBlobGas": "0x0",
                    "requestsHash": B256::ZERO,
                })
            }
            "eth_getTransactionCount" => {
                let account = parse::<Address>(&params[0]);
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
            "eth_blobBaseFee" => json!("0x1"),
            "eth_estimateGas" => json!("0x7530"),
            "eth_sendRawTransaction" => {
                json!(self.take(&parse(&params[0])).map_err(|message| (-32_000, message))?)
            }
            "eth_getTransactionReceipt" => json!(self.receipt(parse(&params[0]))),
            _ => return Err((-32_601, format!("the method {method} does not exist"))),
        })
    }

    fn l2(&mut self, method: &str, params: &Value) -> Result<Value, (i64, String)> {
        Ok(match (method, &mut self.da_limits) {
            ("eth_getBlockByNumber", _) => {
                let number = parse::<U64>(&params[0]).to::<usize>();
                json!(self.l2.get(number).map(L2Block::json))
            }
            ("eth_getBlockByHash", _) => {
                let hash = parse::<B256>(&params[0]);
                json!(self.l2.iter().find(|it| it.id.hash == hash).map(L2Block::json))
            }
            ("miner_setMaxDASize", Some(limits)) => {
                let [tx, block] = [0, 1].map(|place| parse::<U64>(&params[place]).to());
                limits.push((tx, block));
                json!(true)
            }
            _ => return Err((-32_601, format!("the method {method} does not exist"))),
        })
    }

    fn rollup(&self, method: &str) -> Result<Value, (i64, String)> {
        if method != "optimism_syncStatus" {
            return Err((-32_601, format!("the method {method} does not exist")));
        }
        let block = |id: BlockId| json!({ "hash": id.hash, "number": id.number });
        let safe = block(self.l2[self.safe()].id);
        let l1 = block(self.l1.last().unwrap().id);
        Ok(json!({
            "current_l1": l1,
            "head_l1": l1,
            "unsafe_l2": block(self.l2.last().unwrap().id),
            "safe_l2": safe,
            "local_safe_l2": safe,
        }))
    }
}

impl L2Block {
    fn json(&self) -> Value {
        let mut json = serde_json::to_value(&self.header).unwrap();
        let deposit = self.deposit.iter().map(|it| {
            json!({
                "type": "0x7e",
                "hash": keccak256(it.encoded_2718()),
                "sourceHash": it.source_hash,
                "from": it.from,
                "to": it.to.to(),
                "mint": U256::from(it.mint),
                "value": it.value,
                "gas": U64::from(it.gas_limit),
                "isSystemTx": it.is_system_transaction,
                "input": it.input,
            })
        });
        let users = self.transactions.iter().map(|it| serde_json::to_value(it).unwrap());
        json["hash"] = json!(self.id.hash);
        json["transactions"] = deposit.chain(users).collect();
        json
    }
}

fn parse<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn ordered_root(raw: &[Bytes]) -> B256 {
    alloy_consensus::proofs::ordered_trie_root_with_encoder(raw, |item, out| {
        out.extend_from_slice(item);
    })
}

/// A transaction with data that does not compress.
fn user(number: u64, seed: u64, data: usize) -> TxEnvelope {
    let words = (0..data.div_ceil(32) as u64)
        .flat_map(|index| keccak256([number, seed, index].map(u64::to_be_bytes).concat()).0);
    let input = words.take(data).collect();
    let fields = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: seed,
        gas_limit: 100_000,
        to: TxKind::Call(Address::ZERO),
        input,
        ..Default::default()
    };
    let signature = Signature::new(U256::from(seed + 1), U256::from(1), false);
    fields.into_signed(signature).into()
}

fn config(l1: BlockId, l2: BlockId) -> ChainConfig {
    let now = Some(0);
    ChainConfig {
        genesis: Genesis {
            l1,
            l2,
            l2_time: L1_TIME,
            system_config: SystemConfig {
                scalar: U256::from(1) << 248,
                gas_limit: 30_000_000,
                ..SystemConfig::default()
            },
        },
        block_time: 2,
        max_sequencer_drift: 600,
        seq_window_size: 300,
        channel_timeout: 50,
        l1_chain_id: L1_CHAIN_ID,
        l2_chain_id: CHAIN_ID,
        forks: ForkTimes {
            regolith: now,
            canyon: now,
            delta: now,
            ecotone: now,
            fjord: now,
            granite: now,
            holocene: now,
            isthmus: now,
            jovian: now,
            karst: None,
            lagoon: None,
        },
        pectra_blob_schedule_time: None,
        batch_inbox: INBOX,
        deposit_contract: Address::with_last_byte(1),
        l1_system_config: Address::with_last_byte(2),
        eip1559: BaseFeeParams { denominator: 50, elasticity: 6 },
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}

/// Serves the chains under `/l1`, `/l2` and `/rollup`.
pub(crate) struct Nodes {
    url: Url,
    chains: Arc<Mutex<Chains>>,
    task: JoinHandle<()>,
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Nodes {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let chains = Arc::new(Mutex::new(Chains::new()));
        let router = Router::new().fallback(serve).with_state(Arc::clone(&chains));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, chains, task }
    }

    pub(crate) fn url(&self, node: &str) -> Url {
        self.url.join(node).unwrap()
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Chains) -> T) -> T {
        act(&mut self.chains.lock().unwrap())
    }
}

async fn serve(
    State(chains): State<Arc<Mutex<Chains>>>,
    path: axum::http::Uri,
    body: String,
) -> axum::response::Response {
    let mut chains = chains.lock().unwrap();
    if chains.fails > 0 {
        chains.fails -= 1;
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut answer = |call: &Value| {
        let (method, params) = (call["method"].as_str().unwrap(), &call["params"]);
        let result = match path.path() {
            "/l1" => chains.l1(method, params),
            "/l2" => chains.l2(method, params),
            _ => chains.rollup(method),
        };
        match result {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": call["id"], "result": result }),
            Err((code, message)) => {
                let error = json!({ "code": code, "message": message });
                json!({ "jsonrpc": "2.0", "id": call["id"], "error": error })
            }
        }
    };
    let answers = match serde_json::from_str(&body).unwrap() {
        Value::Array(calls) => calls.iter().map(answer).collect(),
        call => answer(&call),
    };
    answers.to_string().into_response()
}
