//! An engine without a driver: somebody else's node drives it through the Engine API.
//!
//! Start with [`EngineService::start`].
//!
//! **Invariant:** it executes what it is told and decides nothing; the Engine API opens only for holders of the secret.

use crate::{
    chain,
    endpoints::{http, ws},
    files::ChainFile,
    node::{NodeError, own_engine, read_secret},
};
use opal_engine::{
    Engine,
    rpc::{self, AuthOptions, ServeError, ServerHandle},
};
use serde::Serialize;
use std::{fmt, net::SocketAddr, path::PathBuf};

/// Which engine, and where it is served.
#[derive(Clone, Debug)]
pub struct EngineServiceOptions {
    /// The chain, with its genesis.
    pub file: ChainFile,
    /// The file with the Engine API's secret.
    pub jwt_file: PathBuf,
    /// Folder that keeps everything between runs.
    pub state: Option<PathBuf>,
    /// JSON-RPC (http and ws); port 0 takes a free one.
    pub rpc: SocketAddr,
    /// Engine API; port 0 takes a free one.
    pub engine: SocketAddr,
}

/// Where it really listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EngineServiceEndpoints {
    /// Its chain id.
    pub chain_id: u64,
    /// JSON-RPC over HTTP.
    pub rpc: String,
    /// JSON-RPC over WebSocket.
    pub ws: String,
    /// Engine API.
    pub engine: String,
}

impl EngineServiceEndpoints {
    /// One JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers are JSON")
    }
}

impl fmt::Display for EngineServiceEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { chain_id, rpc, engine, .. } = self;
        write!(f, "chain {chain_id}  rpc {rpc}  engine {engine}")
    }
}

/// Why an engine cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum EngineServiceError {
    /// Its files or its store.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Its servers.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// An engine that is served. Stop it with [`EngineService::stop`].
#[derive(Debug)]
pub struct EngineService {
    engine: Engine,
    server: ServerHandle,
    endpoints: EngineServiceEndpoints,
}

impl EngineService {
    /// Opens the engine and its servers.
    pub async fn start(options: EngineServiceOptions) -> Result<Self, EngineServiceError> {
        let EngineServiceOptions { file, jwt_file, state, rpc, engine: address } = options;
        let secret = read_secret(&jwt_file)?;
        let engine = own_engine(&file, state.as_deref())?;
        let mut serve = chain::serve_options(rpc);
        serve.auth = Some(AuthOptions { address, secret });
        let server = rpc::serve(engine.clone(), serve).await?;
        let endpoints = EngineServiceEndpoints {
            chain_id: engine.chain_id(),
            rpc: http(server.http()),
            ws: ws(server.http()),
            engine: http(server.auth().expect("it was asked for")),
        };
        Ok(Self { engine, server, endpoints })
    }

    /// Where everything listens.
    pub const fn endpoints(&self) -> &EngineServiceEndpoints {
        &self.endpoints
    }

    /// Number of its head.
    pub fn head(&self) -> u64 {
        self.engine.heads().head.header.number
    }

    /// Stops everything within a second.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}
