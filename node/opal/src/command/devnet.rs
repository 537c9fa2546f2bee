//! `opal devnet`: an L1 and OP Stack chains in one process, until it is told to stop.
//!
//! **Invariant:** standard output carries the ready text or, with `--json`, exactly one object; status lines and logs
//! go to standard error.

mod flags;

use super::{answer, complain, service};
use crate::exit::Exit;
use clap::Args;
use flags::{ClockName, DataName, L1Flag};
use opal_devnet::{Chaos, Devnet, DevnetOptions, L1Choice, Ports, Servers};
use opal_types::Fork;
use std::{fs, net::IpAddr, path::PathBuf, time::Instant};

/// Starts a dev L1 and OP Stack chains that are really derived from it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Options {
    /// Number of L2 chains, 1 to 8.
    #[arg(long, env = "OPAL_CHAINS", alias = "l2.count", value_name = "N", default_value_t = 2)]
    chains: usize,
    /// The L1: opal's own, or the JSON-RPC of another one (anvil, geth) to which contracts are deployed.
    #[arg(long, env = "OPAL_L1", value_name = "embedded|URL", default_value = "embedded")]
    l1: L1Flag,
    /// Beacon API of another L1 [default: beside its JSON-RPC].
    #[arg(long = "l1.beacon", env = "OPAL_L1_BEACON", value_name = "URL")]
    l1_beacon: Option<String>,
    /// Where time comes from; a virtual clock moves by `opal_advance`, `evm_increaseTime` and `evm_mine` only.
    #[arg(long, env = "OPAL_CLOCK", value_enum, default_value = "real")]
    clock: ClockName,
    /// Faults on a schedule, as a TOML file: 429, stalls, unplugging, missing blobs, reorgs and others; --help has the
    /// format.
    #[arg(long, env = "OPAL_CHAOS", value_name = "FILE", long_help = Chaos::HELP)]
    chaos: Option<PathBuf>,
    /// Write genesis files, rollup configs, L1 chain config, dependency set, JWT and addresses here.
    #[arg(long, env = "OPAL_EXPORT", value_name = "DIR")]
    export: Option<PathBuf>,
    /// Keep everything here and go on from it; without, nothing is written to disk.
    #[arg(long, env = "OPAL_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// Take a fork, and all after it, out of genesis and activate it later. May be repeated.
    #[arg(long, env = "OPAL_FORK_AT", value_name = "NAME=+SECONDS", value_delimiter = ',',
        value_parser = flags::fork)]
    fork_at: Vec<(Fork, u64)>,
    /// Timestamp of the first blocks, seconds [default: now].
    #[arg(long, env = "OPAL_GENESIS_TIME", value_name = "SECONDS")]
    genesis_time: Option<u64>,
    /// How batches reach L1.
    #[arg(long, env = "OPAL_DATA_AVAILABILITY", value_enum, default_value = "auto")]
    data_availability: DataName,
    /// Make no L2 blocks: another node can make them, and its batches are followed.
    #[arg(long, env = "OPAL_NO_SEQUENCER")]
    no_sequencer: bool,
    /// Start no batchers: another one can post for the sequencers.
    #[arg(long, env = "OPAL_NO_BATCHER")]
    no_batcher: bool,
    /// L1 blocks within which batches must come.
    #[arg(long, env = "OPAL_SEQ_WINDOW_SIZE", value_name = "BLOCKS")]
    seq_window_size: Option<u64>,
    /// L1 blocks this far below the head are final.
    #[arg(long, env = "OPAL_FINALITY_DEPTH", value_name = "BLOCKS", default_value_t = 8)]
    finality_depth: u64,
    #[command(flatten)]
    servers: ServerFlags,
    #[command(flatten)]
    supersim: flags::SupersimFlags,
    /// Print one JSON object with all endpoints when ready.
    #[arg(long, env = "OPAL_JSON")]
    json: bool,
    #[command(flatten)]
    log: service::LogFlags,
}

/// Where servers listen. Port 0 picks a free one.
#[derive(Debug, Args)]
struct ServerFlags {
    /// Port of the L1's JSON-RPC (http and ws).
    #[arg(long = "l1.port", env = "OPAL_L1_PORT", value_name = "PORT", default_value_t = 8545)]
    l1_port: u16,
    /// Address that L1 servers listen on.
    #[arg(long = "l1.host", env = "OPAL_L1_HOST", value_name = "ADDRESS", default_value = "127.0.0.1",
        value_parser = flags::host)]
    l1_host: IpAddr,
    /// Port of the first L2's JSON-RPC (http and ws); the others count on.
    #[arg(
        long = "l2.starting.port",
        env = "OPAL_L2_STARTING_PORT",
        value_name = "PORT",
        default_value_t = 9545
    )]
    l2_port: u16,
    /// Address that L2 servers listen on.
    #[arg(long = "l2.host", env = "OPAL_L2_HOST", value_name = "ADDRESS", default_value = "127.0.0.1",
        value_parser = flags::host)]
    l2_host: IpAddr,
    /// Port of the beacon API.
    #[arg(
        long = "beacon.port",
        env = "OPAL_BEACON_PORT",
        value_name = "PORT",
        default_value_t = 5052
    )]
    beacon_port: u16,
    /// Port of the first chain's rollup RPC; the others count on.
    #[arg(
        long = "rollup.starting.port",
        env = "OPAL_ROLLUP_STARTING_PORT",
        value_name = "PORT",
        default_value_t = 7545
    )]
    rollup_port: u16,
    /// Port of the first chain's Engine API, closed without; its JWT secret is in the folder of --export.
    #[arg(
        long = "engine.starting.port",
        env = "OPAL_ENGINE_STARTING_PORT",
        value_name = "PORT",
        requires = "export"
    )]
    engine_port: Option<u16>,
    /// Port of the admin RPC.
    #[arg(
        long = "admin.port",
        env = "OPAL_ADMIN_PORT",
        value_name = "PORT",
        default_value_t = 8420
    )]
    admin_port: u16,
}

const EXAMPLE: &str = "Example:
  opal devnet --chains 2 --state my-devnet

Then, in another terminal:
  cast block-number --rpc-url http://127.0.0.1:9545

Supersim's flags and ports work. The exit status is 0 when it was told to stop, 64 for options that do not fit
together, 74 when it could not start or go on.";

/// Starts, says so, and runs until told to stop.
pub(crate) fn run(options: &Options) -> Exit {
    let started = Instant::now();
    service::log_to_stderr(&options.log);
    let asked = match options.to_devnet() {
        Ok(asked) => asked,
        Err(reason) => {
            complain(&reason);
            return Exit::Usage;
        }
    };
    service::block_on(async {
        let devnet = match Devnet::start(asked).await {
            Ok(devnet) => devnet,
            Err(error) => {
                complain(&format!("the devnet cannot start: {error}"));
                return if error.is_usage() { Exit::Usage } else { Exit::Io };
            }
        };
        let ready_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        answer(options.ready(&devnet, ready_ms).trim_end());
        let result = service::run_until_stopped(devnet.failed(), || devnet.status()).await;
        devnet.stop().await;
        result
    })
}

impl Options {
    fn ready(&self, devnet: &Devnet, ready_ms: u64) -> String {
        let endpoints = devnet.endpoints();
        if self.json { endpoints.to_json(ready_ms) } else { endpoints.to_text(ready_ms) }
    }

    fn to_devnet(&self) -> Result<DevnetOptions, String> {
        let l1 = match &self.l1 {
            L1Flag::Embedded if self.l1_beacon.is_some() => {
                return Err("--l1.beacon is for another L1: give its --l1 URL".to_owned());
            }
            L1Flag::Embedded => L1Choice::Embedded,
            L1Flag::Url(url) => {
                L1Choice::Remote { url: url.clone(), beacon_url: self.l1_beacon.clone() }
            }
        };
        let options = DevnetOptions {
            chains: self.chains,
            l1,
            clock: self.clock.into(),
            servers: self.servers.to_servers(),
            genesis_time: self.genesis_time,
            fork_at: self.fork_at.clone(),
            data: self.data_availability.into(),
            sequencer: !self.no_sequencer,
            batcher: !self.no_batcher,
            seq_window_size: self.seq_window_size,
            finality_depth: self.finality_depth,
            state: self.state.clone(),
            export: self.export.clone(),
            chaos: self.chaos()?,
        };
        self.supersim.check()?;
        options.check().map_err(|error| error.to_string())?;
        Ok(options)
    }

    fn chaos(&self) -> Result<Option<Chaos>, String> {
        let Some(path) = &self.chaos else { return Ok(None) };
        let refuse = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = fs::read_to_string(path).map_err(|error| refuse(&error))?;
        Chaos::from_toml(&text).map(Some).map_err(|error| refuse(&error))
    }
}

impl ServerFlags {
    fn to_servers(&self) -> Servers {
        let ports = Ports {
            l1: self.l1_port,
            l2_first: self.l2_port,
            beacon: self.beacon_port,
            rollup_first: self.rollup_port,
            engine_first: self.engine_port,
            admin: self.admin_port,
        };
        Servers { l1_host: self.l1_host, l2_host: self.l2_host, ports }
    }
}
