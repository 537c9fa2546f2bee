//! `opal engine`: executes one chain for another program's rollup node (op-node), until it is told to stop.
//!
//! **Invariant:** standard output carries the endpoints or, with `--json`, exactly one object; status lines and logs
//! go to standard error.

use super::{answer, complain, service};
use crate::exit::Exit;
use clap::Args;
use opal_devnet::{EngineService, EngineServiceOptions, read_chains};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

/// Serves opal's engine through the Engine API, for a rollup node of your choice.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Options {
    /// The chain's rollup.json, with genesis.json beside it.
    #[arg(long, env = "OPAL_CHAIN", value_name = "FILE")]
    chain: PathBuf,
    /// Genesis or chain config of an L1 that is not built in.
    #[arg(long = "l1.chain-config", env = "OPAL_L1_CHAIN_CONFIG", value_name = "FILE")]
    l1_config: Option<PathBuf>,
    /// Secret of the Engine API: 32 bytes in hex.
    #[arg(long, env = "OPAL_JWT", value_name = "FILE")]
    jwt: PathBuf,
    /// Folder that keeps everything between runs; without, nothing is written to disk.
    #[arg(long, env = "OPAL_STATE", value_name = "DIR")]
    state: Option<PathBuf>,
    /// Port of the JSON-RPC (http and ws). 0 picks a free one.
    #[arg(long = "rpc.port", env = "OPAL_RPC_PORT", value_name = "PORT", default_value_t = 9645)]
    rpc_port: u16,
    /// Port of the Engine API. 0 picks a free one.
    #[arg(
        long = "engine.port",
        env = "OPAL_ENGINE_PORT",
        value_name = "PORT",
        default_value_t = 8551
    )]
    engine_port: u16,
    /// Address that servers listen on.
    #[arg(long = "rpc.host", env = "OPAL_RPC_HOST", value_name = "ADDRESS",
        default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Print one JSON object with all endpoints when ready.
    #[arg(long, env = "OPAL_JSON")]
    json: bool,
    #[command(flatten)]
    log: service::LogFlags,
}

const EXAMPLE: &str = "Example, beside a devnet that was started with --export my-export:
  opal engine --chain my-export/901/rollup.json --jwt my-export/jwt.txt
  op-node --l2 http://127.0.0.1:8551 --l2.jwt-secret my-export/jwt.txt ...

The exit status is 0 when it was told to stop, 64 for options that do not fit together, 74 when it could not start or
go on.";

/// Starts, says so, and runs until told to stop.
pub(crate) fn run(options: &Options) -> Exit {
    service::log_to_stderr(&options.log);
    let asked = match options.to_service() {
        Ok(asked) => asked,
        Err(reason) => {
            complain(&reason);
            return Exit::Usage;
        }
    };
    service::block_on(async {
        let engine = match EngineService::start(asked).await {
            Ok(engine) => engine,
            Err(error) => {
                complain(&format!("the engine cannot start: {error}"));
                return Exit::Io;
            }
        };
        let endpoints = engine.endpoints();
        answer(&if options.json { endpoints.to_json() } else { endpoints.to_string() });
        let status = || format!("head {}", engine.head());
        let result = service::run_until_stopped(std::future::pending(), status).await;
        engine.stop().await;
        result
    })
}

impl Options {
    fn to_service(&self) -> Result<EngineServiceOptions, String> {
        let files = read_chains(std::slice::from_ref(&self.chain), self.l1_config.as_deref());
        let mut chains = files.map_err(|error| error.to_string())?.chains;
        let (Some(file), true) = (chains.pop(), chains.is_empty()) else {
            return Err(format!("{}: more than one chain, give one", self.chain.display()));
        };
        Ok(EngineServiceOptions {
            file,
            jwt_file: self.jwt.clone(),
            state: self.state.clone(),
            rpc: SocketAddr::new(self.host, self.rpc_port),
            engine: SocketAddr::new(self.host, self.engine_port),
        })
    }
}
