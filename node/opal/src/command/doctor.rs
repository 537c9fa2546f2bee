//! `opal doctor`: looks at endpoints and chain files before anything is started with them.
//!
//! Start with [`examine`]; what is looked at stands in the modules, one per endpoint.
//!
//! **Invariant:** reads only. What could not be looked at is neither right nor wrong, and says so.

mod beacon;
mod contracts;
mod l1;
mod l2;
mod report;

use super::{answer, complain, service};
use crate::exit::Exit;
use clap::Args;
use opal_client::{Rest, RestOptions, Rpc, RpcOptions};
use opal_devnet::{ChainFiles, read_chains};
use report::Report;
use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

/// Checks endpoints, clock, blobs and chain files, and says what to do.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Options {
    /// JSON-RPC of L1.
    #[arg(long, env = "OPAL_L1", value_name = "URL")]
    l1: String,
    /// Beacon API of L1.
    #[arg(long = "l1.beacon", env = "OPAL_L1_BEACON", value_name = "URL")]
    l1_beacon: Option<String>,
    /// JSON-RPC of an L2 chain; may be repeated.
    #[arg(long, env = "OPAL_L2", value_name = "URL", value_delimiter = ',')]
    l2: Vec<String>,
    /// Rollup RPC of an L2 chain; may be repeated.
    #[arg(long, env = "OPAL_ROLLUP", value_name = "URL", value_delimiter = ',')]
    rollup: Vec<String>,
    /// A rollup.json or a folder of `opal devnet --export`; may be repeated.
    #[arg(long, env = "OPAL_CHAINS", value_name = "FILE|DIR", value_delimiter = ',')]
    chains: Vec<PathBuf>,
    /// Genesis or chain config of an L1 that is not built in.
    #[arg(long = "l1.chain-config", env = "OPAL_L1_CHAIN_CONFIG", value_name = "FILE")]
    l1_config: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long, env = "OPAL_JSON")]
    json: bool,
    #[command(flatten)]
    log: service::LogFlags,
}

const EXAMPLE: &str = "Example:
  opal doctor --l1 http://127.0.0.1:8545 --l1.beacon http://127.0.0.1:5052 --l2 http://127.0.0.1:9545 \\
    --rollup http://127.0.0.1:7545 --chains my-export

The exit status is 0 if nothing is wrong, 1 if something is, 2 if something could not be looked at.";

/// Tries per call: a look, not a service.
const ATTEMPTS: u32 = 2;
const TIMEOUT_MS: u64 = 5_000;

/// Looks and prints.
pub(crate) fn run(options: &Options) -> Exit {
    service::log_to_stderr(&options.log);
    let chains = match (&options.chains[..], options.l1_config.as_deref()) {
        ([], _) => None,
        (paths, l1) => match read_chains(paths, l1) {
            Ok(chains) => Some(chains),
            Err(error) => {
                complain(&error.to_string());
                return Exit::Undetermined;
            }
        },
    };
    service::block_on(async {
        match examine(options, chains.as_ref()).await {
            Ok(report) => {
                let text = if options.json { report.to_json() } else { report.to_string() };
                answer(text.trim_end());
                report.exit()
            }
            Err(reason) => {
                complain(&reason);
                Exit::Usage
            }
        }
    })
}

async fn examine(options: &Options, chains: Option<&ChainFiles>) -> Result<Report, String> {
    let mut report = Report::default();
    let l1 = rpc("L1", &options.l1)?;
    let now_s = now_s();
    let blobs = l1::examine(&l1, chains, now_s, &mut report).await;
    match &options.l1_beacon {
        Some(url) => beacon::examine(&rest(url)?, blobs.as_ref(), &mut report).await,
        None => report.warn(
            "beacon",
            "no beacon API was given",
            "give --l1.beacon: without it batches in blobs cannot be read",
        ),
    }
    for url in &options.l2 {
        l2::examine(&rpc("L2", url)?, chains, now_s, &mut report).await;
    }
    for url in &options.rollup {
        l2::examine_rollup(&rpc("rollup", url)?, chains, &mut report).await;
    }
    for chain in chains.iter().flat_map(|it| &it.chains) {
        contracts::examine(&l1, &chain.config, &mut report).await;
    }
    Ok(report)
}

fn rpc(name: &str, url: &str) -> Result<Rpc, String> {
    let endpoint = url.parse().map_err(|error| format!("{url} is no URL: {error}"))?;
    let options = RpcOptions {
        max_attempts: ATTEMPTS,
        timeout_ms: TIMEOUT_MS,
        ..RpcOptions::new(name, vec![endpoint])
    };
    Rpc::new(options).map_err(|error| error.to_string())
}

fn rest(url: &str) -> Result<Rest, String> {
    let endpoint = url.parse().map_err(|error| format!("{url} is no URL: {error}"))?;
    let options = RestOptions {
        max_attempts: ATTEMPTS,
        timeout_ms: TIMEOUT_MS,
        ..RestOptions::new("beacon", vec![endpoint])
    };
    Rest::new(options).map_err(|error| error.to_string())
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
