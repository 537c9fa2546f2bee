//! Engines, drivers and servers of a devnet, opened but not yet running.
//!
//! Start with [`Parts::open`]. `plan` makes the options of each part, `dev_l1` opens and serves the embedded L1.
//!
//! **Invariant:** nothing here ticks; a failure half-way drops what was opened.

mod dev_l1;
mod plan;

pub(super) use dev_l1::DevL1;

use super::{DevnetError, export};
use crate::{
    batcher::BatcherMachine,
    chain::{self, Chain, DriverMachine},
    chaos::Faults,
    cheats::Faucet,
    clock::Clock,
    conductor::Advance,
    endpoints::http,
    foreign::{self, Foreign},
    genesis::{self, GenesisOptions, GenesisSet},
    l1::L1,
    machine::{Machine, Trouble, Wakes},
    options::{DevnetOptions, FIRST_CHAIN_ID, L1_CHAIN_ID, L1Choice, OptionsError},
    state::{Folder, Identity},
    time::Time,
};
use opal_client::JwtSecret;
use plan::Plan;
use std::sync::Arc;
use tokio::sync::mpsc;
use url::Url;

/// See the module.
pub(super) struct Parts {
    pub(super) time: Time,
    pub(super) orders: mpsc::Receiver<Advance>,
    pub(super) l1: L1Part,
    pub(super) chains: Vec<Chain>,
    /// In the order in which the conductor ticks them.
    pub(super) machines: Vec<Box<dyn Machine>>,
    pub(super) trouble: Trouble,
    pub(super) genesis: GenesisSet,
    pub(super) jwt: JwtSecret,
}

/// The L1, ours or another program's.
#[derive(Debug)]
pub(super) enum L1Part {
    Own(DevL1),
    Foreign(Foreign),
}

impl L1Part {
    /// Where the chains' services read it: JSON-RPC and beacon API.
    pub(super) fn urls(&self) -> Result<[Url; 2], DevnetError> {
        match self {
            Self::Own(own) => {
                Ok([url(&http(own.rpc_address()))?, url(&http(own.beacon_address()))?])
            }
            Self::Foreign(foreign) => Ok([foreign.rpc.clone(), foreign.beacon.clone()]),
        }
    }
}

impl Parts {
    pub(super) async fn open(options: &DevnetOptions) -> Result<Self, DevnetError> {
        let (folder, identity) = Folder::open(options)?;
        match &options.l1 {
            L1Choice::Embedded => {
                let genesis = first_blocks(options, &identity, None)?;
                let l1 = L1::new(dev_l1::open(&folder, &genesis)?, options.finality_depth);
                let (time, orders) = dev_l1::time(options.clock, &l1);
                let jwt = export::secret(options.export.as_deref());
                let plan = Plan { options, folder, genesis, time, jwt };
                let trouble = Trouble::default();
                let faucet = Arc::new(plan.faucet(&l1));
                let faults = Faults::new(options.chaos.as_ref(), l1.head().header.number);
                let (own, machine) = dev_l1::serve(&plan, l1, &faucet, &faults, &trouble).await?;
                let machines: Vec<Box<dyn Machine>> = vec![Box::new(machine)];
                let open =
                    Opened { plan, l1: L1Part::Own(own), faucet: Some(faucet), faults, trouble };
                open.chains(machines, orders).await
            }
            L1Choice::Remote { url: rpc, beacon_url } => {
                let beacon = beacon_url.as_deref().map(url).transpose()?;
                let chain_ids = chain_ids(options);
                let found = foreign::anchor(url(rpc)?, beacon, &chain_ids, folder.part(""));
                let foreign = found.await?;
                let genesis = first_blocks(options, &identity, Some(&foreign))?;
                let (_, orders) = mpsc::channel(1);
                let time =
                    Time { clock: Clock::real(), wakes: Wakes::new(), orders: None, l1: None };
                let jwt = export::secret(options.export.as_deref());
                let plan = Plan { options, folder, genesis, time, jwt };
                let (faults, trouble) = (Faults::new(None, 0), Trouble::default());
                let l1 = L1Part::Foreign(foreign);
                Opened { plan, l1, faucet: None, faults, trouble }.chains(Vec::new(), orders).await
            }
        }
    }
}

fn chain_ids(options: &DevnetOptions) -> Vec<u64> {
    (FIRST_CHAIN_ID..).take(options.chains).collect()
}

fn first_blocks(
    options: &DevnetOptions,
    identity: &Identity,
    foreign: Option<&Foreign>,
) -> Result<GenesisSet, DevnetError> {
    let mut genesis = genesis::build(&GenesisOptions {
        l1_chain_id: foreign.map_or(L1_CHAIN_ID, |it| it.chain_id),
        chain_ids: chain_ids(options),
        genesis_time: foreign.map_or(identity.genesis_time, |it| it.anchor.timestamp),
        forks: options.forks().map_err(OptionsError::from)?,
        anchor: foreign.map(|it| it.anchor.clone()),
    })?;
    if let Some(blocks) = options.seq_window_size {
        // The first blocks do not depend on it.
        genesis.chains.iter_mut().for_each(|it| it.config.seq_window_size = blocks);
    }
    Ok(genesis)
}

/// An L1 that is open, and what the chains on it need.
struct Opened<'a> {
    plan: Plan<'a>,
    l1: L1Part,
    faucet: Option<Arc<Faucet>>,
    faults: Faults,
    trouble: Trouble,
}

impl Opened<'_> {
    async fn chains(
        self,
        mut machines: Vec<Box<dyn Machine>>,
        orders: mpsc::Receiver<Advance>,
    ) -> Result<Parts, DevnetError> {
        let Self { plan, l1, faucet, faults, trouble } = self;
        let configs: Vec<_> = plan.genesis.chains.iter().map(|it| it.config.clone()).collect();
        let [rpc, beacon] = l1.urls()?;
        let sources = chain::sources(vec![rpc.clone()], vec![beacon], &configs, plan.pace())?;
        let mut chains = Vec::new();
        for (index, config) in configs.iter().enumerate() {
            let chain_id = config.l2_chain_id;
            let asked = plan.chain(index, sources.clone(), faucet.as_ref())?;
            let started = Chain::start(asked).await;
            let (mut chain, driver) =
                started.map_err(|error| DevnetError::Chain { chain_id, error })?;
            machines.push(Box::new(DriverMachine { driver, chain_id, faults: faults.clone() }));
            if plan.options.batcher {
                let batcher = plan.batcher(index, rpc.clone(), &chain)?;
                chain.batcher = Some(batcher.handle());
                let faults = faults.clone();
                machines.push(Box::new(BatcherMachine { batcher, chain_id, faults }));
            }
            chains.push(chain);
        }
        let Plan { genesis, time, jwt, .. } = plan;
        Ok(Parts { time, orders, l1, chains, machines, trouble, genesis, jwt })
    }
}

fn url(text: &str) -> Result<Url, DevnetError> {
    text.parse().map_err(|error| DevnetError::Url { url: text.to_owned(), error })
}
