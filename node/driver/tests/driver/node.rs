//! A driver with its engine, ticked by hand.
//!
//! **Invariant:** a node that is settled has nothing to do before its next time.

use crate::l1::TestL1;
use opal_client::{Rpc, RpcOptions};
use opal_driver::{
    Driver, DriverHandle, DriverOptions, FinalitySource, SafeDbLocation, SequencerOptions, Tick,
};
use opal_engine::{Engine, EngineHandle, EngineOptions, PoolLimits, Rules, StoreLocation};
use opal_host::Recording;
use opal_sources::{BeaconOptions, Sources, SourcesOptions};
use opal_types::{ChainConfig, L1Config, read::GenesisFile};
use std::path::Path;

/// Ticks after which a node that does not settle is broken.
const MAX_TICKS: u64 = 20_000;

/// A chain to drive.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) config: ChainConfig,
    pub(crate) l1_config: L1Config,
    pub(crate) genesis: GenesisFile,
}

impl Chain {
    pub(crate) fn of(recording: &Recording) -> Self {
        Self {
            config: recording.config.clone(),
            l1_config: recording.l1_config.clone(),
            genesis: recording.genesis.clone(),
        }
    }
}

/// How a node is made.
pub(crate) struct NodeOptions<'a> {
    pub(crate) sequencer: Option<SequencerOptions>,
    pub(crate) finality: FinalitySource,
    /// Where everything is kept; `None` = in memory.
    pub(crate) folder: Option<&'a Path>,
}

impl NodeOptions<'_> {
    pub(crate) const fn follower() -> Self {
        Self { sequencer: None, finality: FinalitySource::Label, folder: None }
    }

    pub(crate) const fn sequencer() -> Self {
        let sequencer = SequencerOptions {
            l1_confs: 0,
            max_safe_lag: None,
            sealing_ms: 50,
            is_stopped: false,
            recovers: false,
        };
        Self { sequencer: Some(sequencer), ..Self::follower() }
    }
}

/// See the module.
pub(crate) struct Node {
    pub(crate) driver: Driver,
    pub(crate) handle: DriverHandle,
    pub(crate) engine: Engine,
    pub(crate) now_ms: u64,
}

pub(crate) fn sources(chain: &Chain, l1: &TestL1) -> Sources {
    let impatient = |name: &str| RpcOptions {
        max_attempts: 1,
        backoff_ms: 1,
        ..RpcOptions::new(name, vec![l1.url()])
    };
    let mut beacon = BeaconOptions::new(vec![l1.url()]);
    beacon.rest.max_attempts = 1;
    beacon.rest.backoff_ms = 1;
    let watched = vec![chain.config.deposit_contract, chain.config.l1_system_config];
    Sources::new(SourcesOptions {
        beacon: Some(beacon),
        watched,
        ..SourcesOptions::new(Rpc::new(impatient("L1")).unwrap())
    })
    .unwrap()
}

pub(crate) fn open_engine(chain: &Chain, folder: Option<&Path>) -> Engine {
    let memory = StoreLocation::Memory;
    Engine::open(EngineOptions {
        rules: Rules::L2(Box::new(chain.config.clone())),
        genesis: chain.genesis.clone(),
        store: folder.map_or(memory, |it| StoreLocation::Folder(it.join("engine"))),
        pool: PoolLimits::STANDARD,
    })
    .unwrap()
}

impl Node {
    pub(crate) fn new(chain: &Chain, l1: &TestL1, options: NodeOptions<'_>) -> Self {
        let engine = open_engine(chain, options.folder);
        let memory = SafeDbLocation::Memory;
        let driver = Driver::new(DriverOptions {
            config: chain.config.clone(),
            l1_config: chain.l1_config.clone(),
            engine: EngineHandle::Local(engine.clone()),
            sources: sources(chain, l1),
            safe_db: options.folder.map_or(memory, |it| SafeDbLocation::Folder(it.join("safe"))),
            sequencer: options.sequencer,
            verifier_confs: 0,
            finality: options.finality,
            l1_poll_ms: 500,
            labels_poll_ms: 500,
            explain: false,
        })
        .unwrap();
        let now_ms = chain.config.genesis.l2_time * 1000;
        Self { handle: driver.handle(), driver, engine, now_ms }
    }

    pub(crate) async fn tick(&mut self) -> Tick {
        self.driver.tick(self.now_ms).await
    }

    /// Looks at L1 again, and works until there is nothing to do for now.
    pub(crate) async fn settle(&mut self) -> Tick {
        self.now_ms += 500;
        self.finish().await
    }

    /// Works until there is nothing to do for now.
    pub(crate) async fn finish(&mut self) -> Tick {
        for _ in 0..MAX_TICKS {
            let tick = self.tick().await;
            if !tick.progressed && tick.next_due_ms > self.now_ms {
                return tick;
            }
        }
        panic!("it does not settle: {:?}", self.handle.snapshot());
    }

    /// Works up to this time, at each moment when something is due.
    pub(crate) async fn run_to(&mut self, time_ms: u64) {
        for _ in 0..MAX_TICKS {
            let tick = self.finish().await;
            if tick.next_due_ms > time_ms {
                self.now_ms = self.now_ms.max(time_ms);
                self.finish().await;
                return;
            }
            self.now_ms = self.now_ms.max(tick.next_due_ms);
        }
        panic!("it does not come to {time_ms}: {:?}", self.handle.snapshot());
    }

    pub(crate) fn unsafe_number(&self) -> u64 {
        self.handle.sync_status().unsafe_l2.number
    }

    pub(crate) fn safe_number(&self) -> u64 {
        self.handle.sync_status().safe_l2.number
    }
}
