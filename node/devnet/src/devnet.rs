//! A devnet from start to stop.
//!
//! Start with [`Devnet::start`]. What it is made of stands in `devnet/`: `parts` opens engines and servers, `run`
//! hands the machines to tasks or to the conductor.
//!
//! **Invariant:** everything that was started is stopped, in the reverse order, within a second.

mod error;
mod export;
mod parts;
mod run;

pub use error::DevnetError;
pub(crate) use run::Running;

use crate::{
    admin::{self, Admin},
    chain::Chain,
    endpoints::{ChainEndpoints, Endpoints, L1Endpoints, http, ws, ws_of},
    genesis::GenesisSet,
    l1::L1,
    machine::Trouble,
    options::{DevnetOptions, L1_CHAIN_ID},
    status::Status,
    time::Time,
};
use opal_submit::DataAvailability;
use parts::{DevL1, L1Part, Parts};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// A devnet that runs. Stop it with [`Devnet::stop`].
#[derive(Debug)]
pub struct Devnet {
    shown: Arc<Shown>,
    genesis: GenesisSet,
    endpoints: Endpoints,
    time: Time,
    l1: L1Part,
    running: Running,
}

/// What status lines are made of.
#[derive(Debug)]
struct Shown {
    chains: Vec<Chain>,
    /// The embedded one.
    l1: Option<L1>,
    trouble: Trouble,
}

impl Shown {
    fn status(&self) -> Status {
        let seen = |it: &Chain| it.driver.sync_status().head_l1.number;
        let l1 = match &self.l1 {
            Some(l1) => l1.head().header.number,
            None => self.chains.iter().map(seen).max().unwrap_or(0),
        };
        Status {
            l1,
            chains: self.chains.iter().map(Chain::status).collect(),
            l1_waits_for: self.trouble.text(),
        }
    }
}

impl Devnet {
    /// Builds or continues the chains, and starts everything.
    pub async fn start(options: DevnetOptions) -> Result<Self, DevnetError> {
        options.check()?;
        let parts = Parts::open(&options).await?;
        let listener = listen_for_admin(&options).await?;
        let Parts { time, orders, l1, chains, machines, trouble, genesis, jwt } = parts;
        let endpoints = endpoints(&l1, &chains, &listener)?;
        if let Some(folder) = &options.export {
            export::write(folder, &genesis, &jwt, &endpoints)?;
        }
        let embedded = match &l1 {
            L1Part::Own(own) => Some(own.l1.clone()),
            L1Part::Foreign(_) => None,
        };
        let shown = Arc::new(Shown { chains, l1: embedded, trouble });
        let mut running = Running::new();
        let admin = Admin {
            endpoints: endpoints.clone(),
            l1_addresses: export::l1_addresses(&genesis),
            time: time.clone(),
            status: {
                let shown = Arc::clone(&shown);
                Box::new(move || shown.status())
            },
        };
        running.add("the admin RPC", |stop| admin::serve(listener, admin, stop));
        running.start(machines, &time.clock, &time.wakes, orders);
        if options.data != DataAvailability::Calldata {
            running.prepare_blobs();
        }
        Ok(Self { shown, genesis, endpoints, time, l1, running })
    }

    /// Where everything listens.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The first blocks and configs of all chains.
    pub fn genesis(&self) -> &GenesisSet {
        &self.genesis
    }

    /// Moves time.
    pub fn time(&self) -> &Time {
        &self.time
    }

    /// The L1, if it is embedded.
    pub fn l1(&self) -> Option<&L1> {
        self.shown.l1.as_ref()
    }

    /// The engine of the sequencer of chain `index`.
    pub fn engine(&self, index: usize) -> Option<&opal_engine::Engine> {
        self.shown.chains.get(index)?.engine.as_ref()
    }

    /// The driver of the sequencer of chain `index`.
    pub fn driver(&self, index: usize) -> Option<&opal_driver::DriverHandle> {
        self.shown.chains.get(index).map(|it| &it.driver)
    }

    /// How far everything is.
    pub fn status(&self) -> Status {
        self.shown.status()
    }

    /// Returns the reason when something ended that should run on.
    pub async fn failed(&self) -> String {
        self.running.failed().await
    }

    /// Stops everything within a second.
    pub async fn stop(self) {
        self.running.stop().await;
        // The tasks are gone, and with them the other owners.
        let chains = Arc::into_inner(self.shown).map(|it| it.chains).unwrap_or_default();
        let chains = futures_util::future::join_all(chains.into_iter().map(Chain::stop));
        match self.l1 {
            L1Part::Own(DevL1 { rpc, beacon, .. }) => {
                tokio::join!(chains, rpc.stop(), beacon.stop());
            }
            L1Part::Foreign(_) => {
                chains.await;
            }
        }
    }
}

async fn listen_for_admin(options: &DevnetOptions) -> Result<TcpListener, DevnetError> {
    let servers = options.servers;
    let address = SocketAddr::new(servers.l1_host, servers.ports.admin);
    let listen = |error| DevnetError::Listen { server: "the admin RPC", address, error };
    TcpListener::bind(address).await.map_err(listen)
}

fn endpoints(l1: &L1Part, chains: &[Chain], admin: &TcpListener) -> Result<Endpoints, DevnetError> {
    let unknown = |error| DevnetError::Listen {
        server: "the admin RPC",
        address: SocketAddr::from(([0; 4], 0)),
        error,
    };
    let admin = admin.local_addr().map_err(unknown)?;
    let chain_id = match l1 {
        L1Part::Own(_) => L1_CHAIN_ID,
        L1Part::Foreign(foreign) => foreign.chain_id,
    };
    let [rpc, beacon] = l1.urls()?.map(|it| it.as_str().trim_end_matches('/').to_owned());
    let l1_endpoints = L1Endpoints { chain_id, ws: ws_of(&rpc), rpc, beacon };
    let chains = chains.iter().map(ChainEndpoints::of).collect();
    Ok(Endpoints { l1: l1_endpoints, chains, admin: http(admin) })
}

impl ChainEndpoints {
    fn of(chain: &Chain) -> Self {
        let rpc = chain.rpc.as_ref().expect("a devnet's engines are in its process");
        Self {
            chain_id: chain.chain_id,
            rpc: http(rpc.http()),
            ws: ws(rpc.http()),
            rollup: http(chain.rollup.address),
            engine: rpc.auth().map(http),
        }
    }
}
