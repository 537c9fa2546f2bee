//! One L2 chain: engine, driver, and the servers in front of them, as devnet and node both run it.
//!
//! Start with [`Chain::start`]; it answers with the machine that drives the chain.
//!
//! **Invariant:** the driver reads L1 through [`Sources`] alone, whether L1 is in this process or not.

use crate::{chaos::Faults, machine::Machine, status::ChainStatus};
use futures_util::{FutureExt, future::BoxFuture};
use opal_client::{Rpc, RpcOptions, RpcSetupError};
use opal_driver::{
    Driver, DriverError, DriverHandle, DriverOptions, FinalitySource, RollupRpc, RollupRpcError,
    SafeDbLocation, SequencerOptions, serve_rollup_rpc,
};
use opal_engine::{
    Engine, EngineHandle,
    rpc::{self, Cors, DevHooks, Limits, ServeError, ServeOptions, ServerHandle, Unlocked},
};
use opal_sources::{BeaconOptions, Sources, SourcesOptions};
use opal_submit::BatcherHandle;
use opal_types::{ChainConfig, L1Config};
use std::{net::SocketAddr, path::PathBuf, time::Duration};
use url::Url;

/// How often others are asked for news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    /// L1 for its head.
    pub(crate) l1_ms: u64,
    /// L1 for its safe and finalized blocks.
    pub(crate) labels_ms: u64,
    /// L1 and the chain by the batcher.
    pub(crate) batcher_ms: u64,
    /// Whether connections pause and try again by themselves, which they do in real time.
    pub(crate) connections_retry: bool,
}

impl Pace {
    /// So often that nobody waits for it.
    pub(crate) const REAL: Self =
        Self { l1_ms: 250, labels_ms: 1_000, batcher_ms: 1_000, connections_retry: true };
    /// In step with L1's blocks: its machine comes before the others, so they find its block at once. Time stands
    /// still while a connection pauses, so it is the machines that try again.
    pub(crate) const VIRTUAL: Self =
        Self { l1_ms: 2_000, labels_ms: 4_000, batcher_ms: 2_000, connections_retry: false };

    /// A connection to be used at this pace.
    pub(crate) fn rpc(self, name: &str, urls: Vec<Url>) -> Result<Rpc, RpcSetupError> {
        let options = RpcOptions::new(name, urls);
        Rpc::new(if self.connections_retry { options } else { options.without_pauses() })
    }

    /// The same for beacon APIs.
    fn beacon(self, urls: Vec<Url>) -> BeaconOptions {
        let mut options = BeaconOptions::new(urls);
        if !self.connections_retry {
            options.rest = options.rest.without_pauses();
        }
        options
    }
}

/// Time that clients have to close their connections.
const GRACE: Duration = Duration::from_millis(300);

/// What a chain is made of.
pub(crate) struct ChainOptions {
    pub(crate) config: ChainConfig,
    pub(crate) l1_config: L1Config,
    /// The engine in this process, if it is: it is served.
    pub(crate) engine: EngineHandle,
    pub(crate) sources: Sources,
    /// Folder of the safe-head database.
    pub(crate) state: Option<PathBuf>,
    pub(crate) sequencer: bool,
    pub(crate) pace: Pace,
    /// JSON-RPC of an engine in this process.
    pub(crate) rpc: Option<ServeOptions>,
    pub(crate) rollup: SocketAddr,
    pub(crate) admin: bool,
}

/// Why a chain cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// Its driver.
    #[error(transparent)]
    Driver(#[from] DriverError),
    /// Its JSON-RPC.
    #[error("JSON-RPC: {0}")]
    Rpc(#[from] ServeError),
    /// Its rollup RPC.
    #[error("rollup RPC: {0}")]
    Rollup(#[from] RollupRpcError),
}

/// A chain that runs.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) chain_id: u64,
    pub(crate) driver: DriverHandle,
    pub(crate) rpc: Option<ServerHandle>,
    pub(crate) rollup: RollupRpc,
    /// The engine in this process.
    pub(crate) engine: Option<Engine>,
    /// The batcher in this process.
    pub(crate) batcher: Option<BatcherHandle>,
}

impl Chain {
    /// Starts the servers and makes the machine.
    pub(crate) async fn start(options: ChainOptions) -> Result<(Self, Driver), ChainError> {
        let ChainOptions { config, l1_config, engine, sources, state, pace, .. } = options;
        let chain_id = config.l2_chain_id;
        let local = match &engine {
            EngineHandle::Local(engine) => Some(engine.clone()),
            EngineHandle::Remote(_) => None,
        };
        let driver = Driver::new(DriverOptions {
            config,
            l1_config,
            engine,
            sources,
            safe_db: state.map_or(SafeDbLocation::Memory, SafeDbLocation::Folder),
            sequencer: options.sequencer.then_some(SEQUENCER),
            verifier_confs: 0,
            finality: FinalitySource::Label,
            l1_poll_ms: pace.l1_ms,
            labels_poll_ms: pace.labels_ms,
            explain: true,
        })?;
        let rpc = match (&local, options.rpc) {
            (Some(engine), Some(options)) => Some(rpc::serve(engine.clone(), options).await?),
            _ => None,
        };
        let handle = driver.handle();
        let rollup = serve_rollup_rpc(handle.clone(), options.rollup, options.admin).await?;
        let chain = Self { chain_id, driver: handle, rpc, rollup, engine: local, batcher: None };
        Ok((chain, driver))
    }

    /// Heads, pool and what is waited for.
    pub(crate) fn status(&self) -> ChainStatus {
        let snapshot = self.driver.snapshot();
        let status = snapshot.sync_status;
        let batcher = self.batcher.as_ref().map(BatcherHandle::status);
        let pending = self.engine.as_ref().map_or(0, |it| it.pool().status().pending);
        ChainStatus {
            chain_id: self.chain_id,
            unsafe_number: status.unsafe_l2.number,
            safe_number: status.safe_l2.number,
            finalized_number: status.finalized_l2.number,
            batches: batcher.as_ref().map(|it| it.transactions_included),
            pending: u64::try_from(pending).unwrap_or(u64::MAX),
            waits_for: snapshot
                .fault
                .clone()
                .or_else(|| snapshot.waits_for.clone())
                .or_else(|| batcher.and_then(|it| it.last_error.or(it.waits_for))),
        }
    }

    /// Stops the servers.
    pub(crate) async fn stop(self) {
        if let Some(rpc) = self.rpc {
            rpc.stop().await;
        }
        // It waits for its clients, which may keep their connections open.
        let _ = tokio::time::timeout(GRACE, self.rollup.stop()).await;
    }
}

/// JSON-RPC for programs on this machine, without helpers for developers.
pub(crate) fn serve_options(http: SocketAddr) -> ServeOptions {
    ServeOptions {
        http,
        auth: None,
        cors: Cors::Localhost,
        limits: Limits::STANDARD,
        faults: None,
        unlocked: Unlocked::default(),
        hooks: DevHooks::default(),
    }
}

const SEQUENCER: SequencerOptions = SequencerOptions {
    l1_confs: 0,
    max_safe_lag: None,
    sealing_ms: 50,
    is_stopped: false,
    recovers: false,
};

/// Where L1 is read: one set of connections and one cache for all chains on it.
pub(crate) fn sources(
    l1: Vec<Url>,
    beacon: Vec<Url>,
    chains: &[ChainConfig],
    pace: Pace,
) -> Result<Sources, RpcSetupError> {
    let l1 = pace.rpc("L1", l1)?;
    let watched = chains.iter().flat_map(|it| [it.deposit_contract, it.l1_system_config]);
    let beacon = (!beacon.is_empty()).then(|| pace.beacon(beacon));
    Sources::new(SourcesOptions { beacon, watched: watched.collect(), ..SourcesOptions::new(l1) })
}

/// A chain's driver as a machine.
#[derive(Debug)]
pub(crate) struct DriverMachine {
    pub(crate) driver: Driver,
    pub(crate) chain_id: u64,
    pub(crate) faults: Faults,
}

impl Machine for DriverMachine {
    fn name(&self) -> String {
        format!("driver of {}", self.chain_id)
    }

    fn tick(&mut self, now_ms: u64) -> BoxFuture<'_, u64> {
        async move {
            let own_ms = self.faults.skewed(now_ms, self.chain_id);
            let tick = self.driver.tick(own_ms).await;
            now_ms + tick.next_due_ms.saturating_sub(own_ms)
        }
        .boxed()
    }
}
