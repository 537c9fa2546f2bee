//! L2's JSON-RPC and rollup RPC: the chains of the files, from the same first block, and moving.
//!
//! **Invariant:** a chain that is behind is a warning; a chain that is another one is a failure.

use super::report::Report;
use alloy_primitives::{B256, U64};
use opal_client::Rpc;
use opal_devnet::ChainFiles;
use opal_types::{ChainConfig, read::rollup_json};
use serde::Deserialize;
use serde_json::{Value, json};

/// A head older than this is suspicious, seconds.
const MAX_AGE_S: u64 = 60;
/// So is a safe head this far behind the unsafe one, seconds.
const MAX_SAFE_LAG_S: u64 = 600;

#[derive(Debug, Deserialize)]
struct Head {
    number: U64,
    timestamp: U64,
    hash: B256,
}

/// Looks at JSON-RPC.
pub(super) async fn examine(
    l2: &Rpc,
    chains: Option<&ChainFiles>,
    now_s: u64,
    report: &mut Report,
) {
    let place = format!("L2 {}", l2.endpoint());
    let id: U64 = match l2.call("eth_chainId", ()).await {
        Ok(id) => id,
        Err(error) => {
            report.unknown(&place, error.to_string(), "start it, or give another --l2");
            return;
        }
    };
    let chain_id = id.to::<u64>();
    match of_id(chains, chain_id) {
        Some(config) => genesis(l2, config, &place, report).await,
        None if chains.is_some() => report.fail(
            &place,
            format!("chain id is {chain_id}, which is none of the chain files"),
            "give the rollup.json of this chain, or another --l2",
        ),
        None => report.ok(&place, format!("chain id is {chain_id}")),
    }
    match block(l2, json!("latest")).await {
        Ok(Some(Head { number, timestamp, .. })) => {
            let age_s = now_s.saturating_sub(timestamp.to());
            let finding = format!("head {number} is {age_s} s old");
            if age_s > MAX_AGE_S {
                report.warn(&place, finding, "look whether its sequencer runs and it is synced");
            } else {
                report.ok(&place, finding);
            }
        }
        Ok(None) => report.fail(&place, "it has no blocks", "look at its log"),
        Err(error) => report.unknown(&place, error, "look at its log"),
    }
}

fn of_id(chains: Option<&ChainFiles>, chain_id: u64) -> Option<&ChainConfig> {
    let mut all = chains?.chains.iter().map(|it| &it.config);
    all.find(|it| it.l2_chain_id == chain_id)
}

async fn block(l2: &Rpc, at: Value) -> Result<Option<Head>, String> {
    let found: Result<Option<Head>, _> = l2.call("eth_getBlockByNumber", json!([at, false])).await;
    found.map_err(|error| error.to_string())
}

async fn genesis(l2: &Rpc, config: &ChainConfig, place: &str, report: &mut Report) {
    let first = config.genesis.l2;
    match block(l2, json!(U64::from(first.number))).await {
        Ok(Some(found)) => report.equal(
            place,
            ("its first block", found.hash),
            ("rollup.json", first.hash),
            "the engine was started with another genesis.json",
        ),
        Ok(None) => report.fail(place, "it has no first block", "initialise it with genesis.json"),
        Err(error) => report.unknown(place, error, "look at its log"),
    }
}

/// Looks at the rollup RPC.
pub(super) async fn examine_rollup(rollup: &Rpc, chains: Option<&ChainFiles>, report: &mut Report) {
    let place = format!("rollup {}", rollup.endpoint());
    let config: Value = match rollup.call("optimism_rollupConfig", ()).await {
        Ok(config) => config,
        Err(error) => {
            report.unknown(&place, error.to_string(), "start it, or give another --rollup");
            return;
        }
    };
    match rollup_json(config.to_string().as_bytes()) {
        Ok(config) => compare(&config, chains, &place, report),
        Err(error) => {
            let finding = format!("its rollup config cannot be read: {error}");
            report.unknown(&place, finding, "compare it with rollup.json by hand");
        }
    }
    match rollup.call::<Value>("optimism_syncStatus", ()).await {
        Ok(status) => heads(&status, &place, report),
        Err(error) => report.unknown(&place, error.to_string(), "look at its log"),
    }
}

fn compare(config: &ChainConfig, chains: Option<&ChainFiles>, place: &str, report: &mut Report) {
    let chain_id = config.l2_chain_id;
    match of_id(chains, chain_id) {
        Some(file) if file == config => {
            report.ok(place, format!("its config of chain {chain_id} is that of rollup.json"));
        }
        Some(_) => report.fail(
            place,
            format!("its config of chain {chain_id} differs from rollup.json"),
            "start both with the same rollup.json",
        ),
        None if chains.is_some() => report.fail(
            place,
            format!("it runs chain {chain_id}, which is none of the chain files"),
            "give the rollup.json of this chain, or another --rollup",
        ),
        None => report.ok(place, format!("it runs chain {chain_id}")),
    }
}

fn heads(status: &Value, place: &str, report: &mut Report) {
    let of = |label: &str, field: &str| status[label][field].as_u64();
    let (Some(newest), Some(safe)) = (of("unsafe_l2", "number"), of("safe_l2", "number")) else {
        let advice = "look at its log";
        report.unknown(place, "its sync status has no heads", advice);
        return;
    };
    let times = (of("unsafe_l2", "timestamp"), of("safe_l2", "timestamp"));
    let lag_s = match times {
        (Some(newest), Some(safe)) => newest.saturating_sub(safe),
        _ => 0,
    };
    let finding = format!("unsafe {newest}, safe {safe} ({lag_s} s behind)");
    if lag_s > MAX_SAFE_LAG_S {
        report.warn(place, finding, "look whether the batcher runs and has ether on L1");
    } else {
        report.ok(place, finding);
    }
}
