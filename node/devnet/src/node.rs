//! Nodes that are not part of a devnet: they know chains by their files and L1 by its endpoints.
//!
//! Start with [`Node::start`]. Chains of one set are followed side by side, each by a task of its own.
//!
//! **Invariant:** nothing is taken from a sequencer; a follower's blocks come from L1 alone.

use crate::{
    chain::{self, Chain, ChainError, ChainOptions, DriverMachine, Pace},
    chaos::Faults,
    clock::Clock,
    devnet::Running,
    endpoints::{http, ws},
    files::{ChainFile, ChainFiles},
    machine::{Machine, Wakes},
    options::Ports,
    status::NodeStatus,
};
use opal_client::{JwtSecret, JwtSecretError, RpcSetupError};
use opal_driver::DriverHandle;
use opal_engine::{
    Engine, EngineHandle, EngineOptions, OpenError, PoolLimits, Rules, StoreLocation,
    engine_api::{RemoteEngine, RemoteEngineOptions},
};
use opal_sources::Sources;
use opal_types::ChainConfig;
use serde::Serialize;
use std::{
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};
use tokio::sync::mpsc;
use url::Url;

/// What to follow, and how.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// JSON-RPC of L1, in order of preference.
    pub l1: Vec<String>,
    /// Beacon APIs, in order of preference.
    pub beacon: Vec<String>,
    /// The chains.
    pub files: ChainFiles,
    /// Who executes.
    pub engine: EngineChoice,
    /// Whether blocks are made here.
    pub sequencer: bool,
    /// Folder that keeps everything between runs.
    pub state: Option<PathBuf>,
    /// Where servers listen.
    pub servers: NodeServers,
}

/// Who executes blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineChoice {
    /// Opal, in this process.
    Own,
    /// Another program behind its Engine API.
    Remote {
        /// Its address.
        url: String,
        /// The file with its secret.
        jwt_file: PathBuf,
    },
}

/// Where a node's servers listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeServers {
    /// On which address.
    pub host: IpAddr,
    /// JSON-RPC of the first chain; 0 = any free port.
    pub rpc_first: u16,
    /// Rollup RPC of the first chain; 0 = any free port.
    pub rollup_first: u16,
    /// Whether op-node's `admin_*` methods are offered.
    pub admin: bool,
}

/// Where a node's servers really listen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeEndpoints {
    /// The chains in order of their ids.
    pub chains: Vec<NodeChain>,
}

/// One chain's servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeChain {
    /// Its chain id.
    pub chain_id: u64,
    /// JSON-RPC, if the engine is here.
    pub rpc: Option<String>,
    /// The same over WebSocket.
    pub ws: Option<String>,
    /// Rollup RPC.
    pub rollup: String,
}

impl NodeEndpoints {
    /// One JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers are JSON")
    }
}

impl fmt::Display for NodeEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for NodeChain { chain_id, rpc, rollup, .. } in &self.chains {
            write!(f, "chain {chain_id}  rollup {rollup}")?;
            if let Some(rpc) = rpc {
                write!(f, "  rpc {rpc}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// A URL.
    #[error("`{url}` is no URL: {error}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        error: url::ParseError,
    },
    /// Endpoints.
    #[error(transparent)]
    Rpc(#[from] RpcSetupError),
    /// Another engine runs one chain.
    #[error("one engine runs one chain, {chains} are given: start a node for each")]
    OneEngine {
        /// Number of chains.
        chains: usize,
    },
    /// Opal's engine starts from a genesis file.
    #[error(
        "chain {chain_id} has no genesis.json beside its rollup.json, which opal's own engine needs"
    )]
    NoGenesis {
        /// Which chain.
        chain_id: u64,
    },
    /// The file with the secret.
    #[error("{path}: {error}")]
    JwtFile {
        /// Which file.
        path: String,
        /// What happened.
        error: io::Error,
    },
    /// The secret.
    #[error("{path}: {error}")]
    Jwt {
        /// Its file.
        path: String,
        /// What is wrong with it.
        error: JwtSecretError,
    },
    /// A store.
    #[error("chain {chain_id}: {error}")]
    Open {
        /// Which chain.
        chain_id: u64,
        /// What happened.
        error: OpenError,
    },
    /// A chain.
    #[error("chain {chain_id}: {error}")]
    Chain {
        /// Which chain.
        chain_id: u64,
        /// What happened.
        error: ChainError,
    },
}

/// A node that runs. Stop it with [`Node::stop`].
#[derive(Debug)]
pub struct Node {
    chains: Vec<Chain>,
    endpoints: NodeEndpoints,
    running: Running,
}

impl Node {
    /// Opens engines and servers, and follows.
    pub async fn start(options: NodeOptions) -> Result<Self, NodeError> {
        let count = options.files.chains.len();
        if options.engine != EngineChoice::Own && count != 1 {
            return Err(NodeError::OneEngine { chains: count });
        }
        let configs: Vec<_> = options.files.chains.iter().map(|it| it.config.clone()).collect();
        let sources =
            chain::sources(urls(&options.l1)?, urls(&options.beacon)?, &configs, Pace::REAL)?;
        let mut chains = Vec::new();
        let mut machines: Vec<Box<dyn Machine>> = Vec::new();
        for (index, file) in options.files.chains.iter().enumerate() {
            let chain_id = file.config.l2_chain_id;
            let asked = chain_options(&options, index, file, sources.clone())?;
            let started = Chain::start(asked).await;
            let (chain, driver) = started.map_err(|error| NodeError::Chain { chain_id, error })?;
            let faults = Faults::new(None, 0);
            machines.push(Box::new(DriverMachine { driver, chain_id, faults }));
            chains.push(chain);
        }
        let mut running = Running::new();
        let (_, orders) = mpsc::channel(1);
        running.start(machines, &Clock::real(), &Wakes::new(), orders);
        let endpoints = NodeEndpoints { chains: chains.iter().map(NodeChain::of).collect() };
        Ok(Self { chains, endpoints, running })
    }

    /// Where everything listens.
    pub fn endpoints(&self) -> &NodeEndpoints {
        &self.endpoints
    }

    /// The engine of chain `index`, if it is in this process.
    pub fn engine(&self, index: usize) -> Option<&Engine> {
        self.chains.get(index)?.engine.as_ref()
    }

    /// The driver of chain `index`.
    pub fn driver(&self, index: usize) -> Option<&DriverHandle> {
        self.chains.get(index).map(|it| &it.driver)
    }

    /// How far the chains are.
    pub fn status(&self) -> NodeStatus {
        NodeStatus { chains: self.chains.iter().map(Chain::status).collect() }
    }

    /// Returns the reason when something ended that should run on.
    pub async fn failed(&self) -> String {
        self.running.failed().await
    }

    /// Stops everything within a second.
    pub async fn stop(self) {
        self.running.stop().await;
        for chain in self.chains {
            chain.stop().await;
        }
    }
}

impl NodeChain {
    fn of(chain: &Chain) -> Self {
        let rpc = chain.rpc.as_ref().map(|it| it.http());
        Self {
            chain_id: chain.chain_id,
            rpc: rpc.map(http),
            ws: rpc.map(ws),
            rollup: http(chain.rollup.address),
        }
    }
}

fn urls(texts: &[String]) -> Result<Vec<Url>, NodeError> {
    let parse =
        |text: &String| text.parse().map_err(|error| NodeError::Url { url: text.clone(), error });
    texts.iter().map(parse).collect()
}

fn chain_options(
    options: &NodeOptions,
    index: usize,
    file: &ChainFile,
    sources: Sources,
) -> Result<ChainOptions, NodeError> {
    let NodeServers { host, rpc_first, rollup_first, admin } = options.servers;
    let chain_id = file.config.l2_chain_id;
    let folder = options.state.as_ref().map(|it| it.join(chain_id.to_string()));
    let engine = match &options.engine {
        EngineChoice::Own => EngineHandle::Local(own_engine(file, folder.as_deref())?),
        EngineChoice::Remote { url, jwt_file } => remote_engine(url, jwt_file, &file.config)?,
    };
    let address = |first| SocketAddr::new(host, Ports::of_chain(first, index));
    Ok(ChainOptions {
        config: file.config.clone(),
        l1_config: options.files.l1.clone(),
        engine,
        sources,
        state: folder.map(|it| it.join("safe")),
        sequencer: options.sequencer,
        pace: Pace::REAL,
        rpc: Some(chain::serve_options(address(rpc_first))),
        rollup: address(rollup_first),
        admin,
    })
}

pub(crate) fn own_engine(file: &ChainFile, folder: Option<&Path>) -> Result<Engine, NodeError> {
    let chain_id = file.config.l2_chain_id;
    let genesis = file.genesis.clone().ok_or(NodeError::NoGenesis { chain_id })?;
    let store = match folder {
        Some(folder) => StoreLocation::Folder(folder.join("engine")),
        None => StoreLocation::Memory,
    };
    let rules = Rules::L2(Box::new(file.config.clone()));
    let options = EngineOptions { rules, genesis, store, pool: PoolLimits::STANDARD };
    Engine::open(options).map_err(|error| NodeError::Open { chain_id, error })
}

fn remote_engine(
    url: &str,
    jwt_file: &Path,
    config: &ChainConfig,
) -> Result<EngineHandle, NodeError> {
    let secret = read_secret(jwt_file)?;
    let endpoint = url.parse();
    let endpoint = endpoint.map_err(|error| NodeError::Url { url: url.to_owned(), error })?;
    let options = RemoteEngineOptions { endpoint, secret, config: config.clone() };
    Ok(EngineHandle::Remote(RemoteEngine::new(options)?))
}

pub(crate) fn read_secret(jwt_file: &Path) -> Result<JwtSecret, NodeError> {
    let path = jwt_file.display().to_string();
    let text = fs::read_to_string(jwt_file);
    let text = text.map_err(|error| NodeError::JwtFile { path: path.clone(), error })?;
    JwtSecret::from_hex(text.trim()).map_err(|error| NodeError::Jwt { path, error })
}
