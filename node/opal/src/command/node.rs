//! `opal node`: follows chains from their L1, or sequences them, until it is told to stop.
//!
//! **Invariant:** standard output carries the ready text or, with `--json`, exactly one object; status lines and logs
//! go to standard error.

use super::{answer, complain, service};
use crate::exit::Exit;
use clap::Args;
use opal_devnet::{EngineChoice, Node, NodeOptions, NodeServers, read_chains};
use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

/// Derives chains from their L1, on opal's own engine or on another one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Options {
    /// JSON-RPC of L1; more than one is asked in order.
    #[arg(long, env = "OPAL_L1", value_name = "URL", required = true, value_delimiter = ',')]
    l1: Vec<String>,
    /// Beacon API of L1; without it batches in blobs cannot be read.
    #[arg(long = "l1.beacon", env = "OPAL_L1_BEACON", value_name = "URL", value_delimiter = ',')]
    l1_beacon: Vec<String>,
    /// A rollup.json (with genesis.json beside it) or a folder of `opal devnet --export`; may be repeated.
    #[arg(
        long,
        env = "OPAL_CHAINS",
        value_name = "FILE|DIR",
        required = true,
        value_delimiter = ','
    )]
    chains: Vec<PathBuf>,
    /// Genesis or chain config of an L1 that is not built in.
    #[arg(long = "l1.chain-config", env = "OPAL_L1_CHAIN_CONFIG", value_name = "FILE")]
    l1_config: Option<PathBuf>,
    /// Engine API of another engine (op-geth, op-reth) instead of opal's own; for one chain.
    #[arg(long, env = "OPAL_ENGINE", value_name = "URL", requires = "jwt")]
    engine: Option<String>,
    /// Its secret: 32 bytes in hex.
    #[arg(long, env = "OPAL_JWT", value_name = "FILE")]
    jwt: Option<PathBuf>,
    /// Make blocks.
    #[arg(long, env = "OPAL_SEQUENCER")]
    sequencer: bool,
    /// Folder that keeps everything between runs; without, nothing is written to disk.
    #[arg(long, env = "OPAL_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// Port of the first chain's JSON-RPC (http and ws); the others count on. 0 picks free ones.
    #[arg(long = "rpc.port", env = "OPAL_RPC_PORT", value_name = "PORT", default_value_t = 9645)]
    rpc_port: u16,
    /// Port of the first chain's rollup RPC; the others count on. 0 picks free ones.
    #[arg(
        long = "rollup.port",
        env = "OPAL_ROLLUP_PORT",
        value_name = "PORT",
        default_value_t = 7645
    )]
    rollup_port: u16,
    /// Address that servers listen on.
    #[arg(long = "rpc.host", env = "OPAL_RPC_HOST", value_name = "ADDRESS",
        default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Offer op-node's admin_* methods on the rollup RPC.
    #[arg(long = "rpc.enable-admin", env = "OPAL_RPC_ENABLE_ADMIN")]
    admin: bool,
    /// Print one JSON object with all endpoints when ready.
    #[arg(long, env = "OPAL_JSON")]
    json: bool,
    #[command(flatten)]
    log: service::LogFlags,
}

const EXAMPLE: &str = "Example, beside a devnet that was started with --export my-export:
  opal node --l1 http://127.0.0.1:8545 --l1.beacon http://127.0.0.1:5052 --chains my-export

The exit status is 0 when it was told to stop, 64 for options that do not fit together, 74 when it could not start or
go on.";

/// Starts, says so, and runs until told to stop.
pub(crate) fn run(options: &Options) -> Exit {
    service::log_to_stderr(&options.log);
    let asked = match options.to_node() {
        Ok(asked) => asked,
        Err(reason) => {
            complain(&reason);
            return Exit::Usage;
        }
    };
    service::block_on(async {
        let node = match Node::start(asked).await {
            Ok(node) => node,
            Err(error) => {
                complain(&format!("the node cannot start: {error}"));
                return Exit::Io;
            }
        };
        let endpoints = node.endpoints();
        answer(if options.json { endpoints.to_json() } else { endpoints.to_string() }.trim_end());
        let result = service::run_until_stopped(node.failed(), || node.status()).await;
        node.stop().await;
        result
    })
}

impl Options {
    fn to_node(&self) -> Result<NodeOptions, String> {
        let files = read_chains(&self.chains, self.l1_config.as_deref());
        let files = files.map_err(|error| error.to_string())?;
        let engine = match (&self.engine, &self.jwt) {
            (Some(url), Some(jwt)) => {
                EngineChoice::Remote { url: url.clone(), jwt_file: jwt.clone() }
            }
            _ => EngineChoice::Own,
        };
        Ok(NodeOptions {
            l1: self.l1.clone(),
            beacon: self.l1_beacon.clone(),
            files,
            engine,
            sequencer: self.sequencer,
            state: self.state.clone(),
            servers: NodeServers {
                host: self.host,
                rpc_first: self.rpc_port,
                rollup_first: self.rollup_port,
                admin: self.admin,
            },
        })
    }
}
