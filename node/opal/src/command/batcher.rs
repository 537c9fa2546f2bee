//! `opal batcher`: posts a sequencer's blocks to L1, until it is told to stop.
//!
//! Told to stop, it sends what it has first, for a bounded time.
//!
//! **Invariant:** keys and passwords come from flags, variables or files, and are never shown.

mod flags;

use super::{answer, complain, service};
use crate::exit::Exit;
use clap::Args;
use flags::{ChannelFlags, KeyFlags};
use opal_client::{Rpc, RpcOptions};
use opal_devnet::Clock;
use opal_submit::{Batcher, BatcherOptions, BatcherStatus};
use opal_types::{ChainConfig, read::rollup_json};
use serde_json::{Value, json};
use std::{fmt, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Posts one chain's blocks to its L1, in blobs or call data.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Options {
    /// JSON-RPC of L1; more than one is asked in order.
    #[arg(long, env = "OPAL_L1", value_name = "URL", required = true, value_delimiter = ',')]
    l1: Vec<String>,
    /// JSON-RPC of the sequencer's engine.
    #[arg(long, env = "OPAL_L2", value_name = "URL", required = true, value_delimiter = ',')]
    l2: Vec<String>,
    /// Rollup RPC of the sequencer's node, which also tells the chain's config.
    #[arg(long, env = "OPAL_ROLLUP", value_name = "URL", required = true, value_delimiter = ',')]
    rollup: Vec<String>,
    #[command(flatten)]
    key: KeyFlags,
    #[command(flatten)]
    channels: ChannelFlags,
    /// Blocks above the transaction's own before it counts as included.
    #[arg(long, env = "OPAL_CONFIRMATIONS", value_name = "BLOCKS", default_value_t = 1)]
    confirmations: u64,
    /// Time after which a transaction is sent again for more.
    #[arg(long, env = "OPAL_RESUBMISSION_TIMEOUT_MS", value_name = "MS", default_value_t = 48_000)]
    resubmission_timeout_ms: u64,
    /// Time between two looks at the chains.
    #[arg(long, env = "OPAL_POLL_INTERVAL_MS", value_name = "MS", default_value_t = 2_000)]
    poll_interval_ms: u64,
    /// Time that it has to send the rest when it is told to stop.
    #[arg(long, env = "OPAL_DRAIN_MS", value_name = "MS", default_value_t = 0)]
    drain_ms: u64,
    /// Print one JSON object when it starts.
    #[arg(long, env = "OPAL_JSON")]
    json: bool,
    #[command(flatten)]
    log: service::LogFlags,
}

const EXAMPLE: &str = "Example, for a devnet that was started with --no-batcher:
  opal batcher --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:9545 --rollup http://127.0.0.1:7545 \\
    --key-file batcher.key

The exit status is 0 when it was told to stop, 64 for options that do not fit together, 74 when it could not start or
go on.";

/// Starts, says so, and runs until told to stop.
pub(crate) fn run(options: &Options) -> Exit {
    service::log_to_stderr(&options.log);
    service::block_on(async {
        match options.batcher().await {
            Ok(batcher) => post(options, batcher).await,
            Err(Refused::Usage(reason)) => {
                complain(&reason);
                Exit::Usage
            }
            Err(Refused::Io(reason)) => {
                complain(&reason);
                Exit::Io
            }
        }
    })
}

/// Why there is no batcher.
enum Refused {
    Usage(String),
    Io(String),
}

fn usage(error: impl fmt::Display) -> Refused {
    Refused::Usage(error.to_string())
}

async fn post(options: &Options, (mut batcher, started): (Batcher, Started)) -> Exit {
    answer(&if options.json { started.to_json() } else { started.to_string() });
    let (handle, stop, clock) = (batcher.handle(), CancellationToken::new(), Clock::real());
    let told = stop.clone();
    let mut task = tokio::spawn(async move { batcher.run(told, || clock.now_ms()).await });
    let ended = async {
        // It ends by itself only by a fault.
        let _ = (&mut task).await;
        "the batcher has ended: look at the log".to_owned()
    };
    let exit = service::run_until_stopped(ended, || Line(handle.status())).await;
    stop.cancel();
    let drained = tokio::time::timeout(Duration::from_millis(options.drain_ms), &mut task).await;
    if drained.is_err() {
        task.abort();
        if options.drain_ms > 0 {
            complain("some blocks were not posted in time; the next start posts them");
        }
    }
    exit
}

impl Options {
    async fn batcher(&self) -> Result<(Batcher, Started), Refused> {
        let rollup = rpc("rollup", &self.rollup)?;
        let config: Value = rollup
            .call("optimism_rollupConfig", ())
            .await
            .map_err(|error| Refused::Io(format!("the rollup RPC does not answer: {error}")))?;
        let config = rollup_json(config.to_string().as_bytes())
            .map_err(|error| Refused::Io(format!("the rollup RPC's config is unknown: {error}")))?;
        let signer = self.key.signer().map_err(usage)?;
        let started = Started::new(&config, signer.address());
        let (l1, l2) = (rpc("L1", &self.l1)?, rpc("L2", &self.l2)?);
        let mut options = BatcherOptions::new(Arc::new(config), l1, l2, rollup, signer);
        options.channels = self.channels.apply(options.channels);
        options.pending.max_transactions = self.channels.max_pending_tx;
        options.transactions.confirmations = self.confirmations;
        options.transactions.resubmission_timeout_ms = self.resubmission_timeout_ms;
        options.poll_interval_ms = self.poll_interval_ms;
        Ok((Batcher::new(options).map_err(usage)?, started))
    }
}

fn rpc(name: &str, urls: &[String]) -> Result<Rpc, Refused> {
    let parse =
        |url: &String| url.parse().map_err(|error| usage(format!("{url} is no URL: {error}")));
    let endpoints = urls.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    Rpc::new(RpcOptions::new(name, endpoints)).map_err(usage)
}

/// What it says at the start.
struct Started {
    chain_id: u64,
    batcher: String,
    inbox: String,
    /// Whether the chain knew another batcher at its start.
    genesis_batcher: String,
}

impl Started {
    fn new(config: &ChainConfig, address: alloy_primitives::Address) -> Self {
        Self {
            chain_id: config.l2_chain_id,
            batcher: address.to_string(),
            inbox: config.batch_inbox.to_string(),
            genesis_batcher: config.genesis.system_config.batcher.to_string(),
        }
    }

    fn to_json(&self) -> String {
        let Self { chain_id, batcher, inbox, .. } = self;
        json!({"chain_id": chain_id, "batcher": batcher, "inbox": inbox}).to_string()
    }
}

impl fmt::Display for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain_id, batcher, inbox, genesis_batcher } = self;
        write!(f, "posting chain {chain_id} as {batcher} to {inbox}")?;
        if batcher != genesis_batcher {
            write!(
                f,
                "\n(its batcher at genesis was {genesis_batcher}: look whether this key counts)"
            )?;
        }
        Ok(())
    }
}

/// A status line.
struct Line(BatcherStatus);

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(status) = self;
        let figures = status.figures;
        write!(
            f,
            "safe {} newest {} | {} channels, {} transactions included, {} in flight",
            figures.safe,
            figures.newest,
            status.channels_closed,
            status.transactions_included,
            figures.in_flight
        )?;
        match status.last_error.as_ref().or(status.waits_for.as_ref()) {
            Some(reason) => write!(f, " | waits for {reason}"),
            None => Ok(()),
        }
    }
}
