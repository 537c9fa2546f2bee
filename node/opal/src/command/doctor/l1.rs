//! L1's JSON-RPC: the right chain, a head that is now, and the methods that derivation needs.
//!
//! **Invariant:** a method that only makes things faster is never missed.

use super::report::Report;
use alloy_primitives::{B256, U64};
use opal_client::{Call, Rpc};
use opal_devnet::ChainFiles;
use serde::Deserialize;
use serde_json::{Value, json};

/// A head older or newer than this is suspicious, seconds.
const MAX_AGE_S: u64 = 120;
const MAX_LEAD_S: u64 = 15;
/// Blocks looked through for one with blobs.
const BLOB_SEARCH: u64 = 32;
/// Batch sizes tried, smallest first.
const BATCHES: [usize; 3] = [10, 100, 500];

/// A block that carries blobs.
#[derive(Clone, Debug)]
pub(super) struct BlobBlock {
    pub(super) number: u64,
    pub(super) timestamp: u64,
    pub(super) hashes: Vec<B256>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    number: U64,
    timestamp: U64,
    hash: B256,
    #[serde(default)]
    blob_gas_used: U64,
    #[serde(default)]
    transactions: Vec<Transaction>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    #[serde(default)]
    blob_versioned_hashes: Vec<B256>,
}

/// Looks; answers with a block whose blobs the beacon API should have.
pub(super) async fn examine(
    l1: &Rpc,
    chains: Option<&ChainFiles>,
    now_s: u64,
    report: &mut Report,
) -> Option<BlobBlock> {
    let id: U64 = match l1.call("eth_chainId", ()).await {
        Ok(id) => id,
        Err(error) => {
            report.unknown("L1", error.to_string(), "start it, or give another --l1");
            return None;
        }
    };
    let subject = "L1";
    match chains {
        Some(files) => report.equal(
            subject,
            ("chain id", id.to::<u64>()),
            ("the chain files", files.l1.chain_id),
            "give the --l1 that these chains settle on",
        ),
        None => report.ok(subject, format!("chain id is {id}")),
    }
    let head = head(l1, now_s, report).await?;
    labels(l1, report).await;
    receipts(l1, &head, report).await;
    batches(l1, report).await;
    if let Some(files) = chains {
        anchors(l1, files, report).await;
    }
    find_blobs(l1, head.number.to()).await
}

async fn block(l1: &Rpc, at: Value, is_full: bool) -> Result<Option<Block>, String> {
    let method = "eth_getBlockByNumber";
    if is_full {
        return l1.call(method, json!([at, true])).await.map_err(|it| it.to_string());
    }
    // Transactions are hashes then, which nobody wants here.
    let found: Option<Value> =
        l1.call(method, json!([at, false])).await.map_err(|it| it.to_string())?;
    let Some(mut found) = found else { return Ok(None) };
    if let Some(fields) = found.as_object_mut() {
        fields.remove("transactions");
    }
    serde_json::from_value(found).map(Some).map_err(|error| error.to_string())
}

async fn head(l1: &Rpc, now_s: u64, report: &mut Report) -> Option<Block> {
    let head = match block(l1, json!("latest"), false).await {
        Ok(Some(head)) => head,
        Ok(None) => {
            report.fail("L1", "it has no blocks", "let it sync first");
            return None;
        }
        Err(error) => {
            report.unknown("L1", error, "look at its log");
            return None;
        }
    };
    let (number, timestamp) = (head.number, head.timestamp.to::<u64>());
    let (age_s, lead_s) = (now_s.saturating_sub(timestamp), timestamp.saturating_sub(now_s));
    if lead_s > MAX_LEAD_S {
        let finding = format!("head {number} is {lead_s} s ahead of this machine's clock");
        report.warn("L1", finding, "set this clock (NTP), unless L1's time was moved on purpose");
    } else if age_s > MAX_AGE_S {
        let finding = format!("head {number} is {age_s} s old");
        report.warn("L1", finding, "let it sync, or set this clock (NTP)");
    } else {
        report.ok("L1", format!("head {number} is {age_s} s old"));
    }
    Some(head)
}

async fn labels(l1: &Rpc, report: &mut Report) {
    for label in ["safe", "finalized"] {
        match block(l1, json!(label), false).await {
            Ok(Some(found)) => report.ok("L1", format!("{label} is block {}", found.number)),
            Ok(None) => report.warn(
                "L1",
                format!("no block is {label}"),
                "nothing becomes finalized on L2 until L1 says so",
            ),
            Err(error) => report.warn(
                "L1",
                format!("{label} is refused: {error}"),
                "nothing becomes finalized on L2 without it",
            ),
        }
    }
}

async fn receipts(l1: &Rpc, head: &Block, report: &mut Report) {
    let found = l1.call_if_offered::<Vec<Value>>("eth_getBlockReceipts", [head.hash]).await;
    match found {
        Ok(Some(receipts)) => {
            report.ok("L1", format!("receipts of a whole block come at once ({})", receipts.len()));
        }
        Ok(None) => report.warn(
            "L1",
            "eth_getBlockReceipts is not offered",
            "receipts are read one by one: expect many more requests",
        ),
        Err(error) => report.unknown("L1", error.to_string(), "look at its log"),
    }
}

async fn batches(l1: &Rpc, report: &mut Report) {
    let mut largest = 1;
    for size in BATCHES {
        let before = l1.counters().requests;
        let calls = vec![Call::new("eth_chainId", ()); size];
        let answers = l1.batch::<U64>(calls).await;
        let sent = l1.counters().requests - before;
        let whole = u64::try_from(size.div_ceil(100)).is_ok_and(|it| sent <= it);
        if !whole || answers.iter().any(Result::is_err) {
            break;
        }
        largest = size;
    }
    if largest == 1 {
        let advice = "requests go one by one: expect derivation to be slower";
        report.warn("L1", "batches of requests are refused", advice);
    } else {
        report.ok("L1", format!("{largest} requests at once are answered"));
    }
}

/// The blocks that chains start from must be on this L1.
async fn anchors(l1: &Rpc, files: &ChainFiles, report: &mut Report) {
    for config in files.chains.iter().map(|it| &it.config) {
        let anchor = config.genesis.l1;
        let subject = format!("chain {}", config.l2_chain_id);
        match block(l1, json!(U64::from(anchor.number)), false).await {
            Ok(Some(found)) => report.equal(
                &subject,
                (&format!("its first L1 block {}", anchor.number), found.hash),
                ("its rollup.json", anchor.hash),
                "these files are for another L1 with the same chain id",
            ),
            Ok(None) => report.fail(
                &subject,
                format!("L1 has no block {}, with which the chain starts", anchor.number),
                "let L1 sync first, or give another --l1",
            ),
            Err(error) => report.unknown(&subject, error, "an archive node of L1 may be needed"),
        }
    }
}

async fn find_blobs(l1: &Rpc, head: u64) -> Option<BlobBlock> {
    for number in (head.saturating_sub(BLOB_SEARCH)..=head).rev() {
        let found = block(l1, json!(U64::from(number)), true).await.ok()??;
        if found.blob_gas_used.is_zero() {
            continue;
        }
        let hashes = found.transactions.into_iter().flat_map(|it| it.blob_versioned_hashes);
        let (number, timestamp) = (found.number.to(), found.timestamp.to());
        return Some(BlobBlock { number, timestamp, hashes: hashes.collect() });
    }
    None
}
