//! Plain geth as an L1: this module is its consensus layer.
//!
//! Start with [`GethL1::start`]; a thread then makes a block every period. geth's own `--dev` gives up
//! after some dozens of blocks, and knows neither safe nor finalized ones.
//!
//! **Invariant:** every block goes through the Engine API as a real consensus client sends it.

use super::{Geth, GethOptions};
use crate::rpc::{CallError, Rpc, quantity};
use serde_json::{Value, json};
use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How far the safe and the finalized block are behind the head.
const SAFE_DEPTH: usize = 4;
const FINALIZED_DEPTH: usize = 8;

/// geth fills a payload while the consensus layer waits.
const BUILD_TIME: Duration = Duration::from_millis(150);

/// What the L1 is started with.
#[derive(Debug)]
pub struct GethL1Options<'a> {
    /// How geth is started.
    pub geth: GethOptions<'a>,
    /// From one block to the next.
    pub period: Duration,
    /// When the L1 gets Osaka's payloads.
    pub osaka_time: u64,
}

/// A running L1. Its blocks end when it is dropped.
#[derive(Debug)]
pub struct GethL1 {
    // The thread talks to geth, so it ends first.
    ticker: Option<(Sender<()>, JoinHandle<()>)>,
    /// The execution client.
    pub geth: Geth,
}

impl GethL1 {
    /// Starts geth and the thread that makes its blocks.
    #[track_caller]
    pub fn start(options: &GethL1Options<'_>) -> Self {
        let geth = Geth::start(&options.geth);
        let genesis = geth.rpc.block("0x0").expect("a genesis block");
        let mut maker = Maker {
            engine: geth.engine.clone(),
            osaka_time: options.osaka_time,
            head_time: quantity(&genesis["timestamp"]).expect("a timestamp"),
            hashes: vec![genesis["hash"].clone()],
        };
        let period = options.period;
        let (stop, stopped) = channel();
        let ticker = std::thread::spawn(move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                // A block that does not come is tried again; a test waits for what it needs.
                let _ = maker.make();
            }
        });
        Self { ticker: Some((stop, ticker)), geth }
    }
}

impl Drop for GethL1 {
    fn drop(&mut self) {
        if let Some((stop, ticker)) = self.ticker.take() {
            drop(stop);
            let _ = ticker.join();
        }
    }
}

#[derive(Debug)]
struct Maker {
    engine: Rpc,
    osaka_time: u64,
    head_time: u64,
    /// Of all blocks so far.
    hashes: Vec<Value>,
}

impl Maker {
    fn make(&mut self) -> Result<(), CallError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let time = now.max(self.head_time + 1);
        let beacon_root = format!("0x{time:064x}");
        let attributes = json!({
            "timestamp": format!("0x{time:x}"), "prevRandao": format!("0x{:064x}", time * 31),
            "suggestedFeeRecipient": format!("0x{:040x}", 0xfee), "withdrawals": [],
            "parentBeaconBlockRoot": beacon_root,
        });
        let building = self.choose(attributes)?;
        std::thread::park_timeout(BUILD_TIME);
        let method =
            if time < self.osaka_time { "engine_getPayloadV4" } else { "engine_getPayloadV5" };
        let built = self.engine.call(method, json!([building["payloadId"]]))?;
        let payload = &built["executionPayload"];
        let hashes = versioned_hashes(&built["blobsBundle"]["commitments"]);
        let insert = json!([payload, hashes, beacon_root, built["executionRequests"]]);
        self.engine.call("engine_newPayloadV4", insert)?;
        self.hashes.push(payload["blockHash"].clone());
        self.head_time = time;
        self.choose(Value::Null).map(|_| ())
    }

    /// Tells the head, the safe and the finalized block.
    fn choose(&self, attributes: Value) -> Result<Value, CallError> {
        let at = |depth: usize| {
            let index = (self.hashes.len() - 1).saturating_sub(depth);
            self.hashes[index].clone()
        };
        let state = json!({
            "headBlockHash": at(0), "safeBlockHash": at(SAFE_DEPTH),
            "finalizedBlockHash": at(FINALIZED_DEPTH),
        });
        self.engine.call("engine_forkchoiceUpdatedV3", json!([state, attributes]))
    }
}

/// EIP-4844: the commitment's SHA-256 with the version in front.
fn versioned_hashes(commitments: &Value) -> Vec<String> {
    use sha2::{Digest as _, Sha256};
    let texts = commitments.as_array().into_iter().flatten().filter_map(Value::as_str);
    let bytes = texts.filter_map(|text| alloy_primitives::hex::decode(text).ok());
    let hash = |it: Vec<u8>| {
        let mut hash = Sha256::digest(it);
        hash[0] = 1;
        format!("0x{}", alloy_primitives::hex::encode(hash))
    };
    bytes.map(hash).collect()
}
