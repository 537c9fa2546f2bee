//! The embedded L1: its engine, its time, its servers.
//!
//! **Invariant:** whoever reads it gets what any Ethereum node would give, faults of the schedule apart.

use super::Plan;
use crate::{
    chaos::{Endpoint, Faults},
    cheats::{Faucet, l1_hooks},
    clock::{Clock, ClockMode},
    conductor::Advance,
    devnet::DevnetError,
    gate::Gate,
    genesis::{BLOCK_TIME, GenesisSet},
    l1::L1,
    machine::{L1Machine, Spoilt, Trouble, Wakes},
    state::Folder,
    time::Time,
};
use opal_engine::{
    Engine, EngineOptions, L1Rules, PoolLimits, Rules, StoreLocation,
    beacon::{self, BeaconHandle, BeaconOptions},
    rpc::{self, ServerHandle},
};
use opal_types::read::GenesisFile;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::sync::mpsc;

/// Orders to the conductor that may wait.
const MAX_ORDERS: usize = 64;

/// The embedded L1 and its servers.
#[derive(Debug)]
pub(in crate::devnet) struct DevL1 {
    pub(in crate::devnet) l1: L1,
    pub(in crate::devnet) rpc: ServerHandle,
    pub(in crate::devnet) beacon: BeaconHandle,
    rpc_gate: Option<Gate>,
    beacon_gate: Option<Gate>,
}

impl DevL1 {
    /// Where its JSON-RPC is reached.
    pub(in crate::devnet) fn rpc_address(&self) -> SocketAddr {
        self.rpc_gate.as_ref().map_or_else(|| self.rpc.http(), Gate::address)
    }

    /// Where its beacon API is reached.
    pub(in crate::devnet) fn beacon_address(&self) -> SocketAddr {
        self.beacon_gate.as_ref().map_or_else(|| self.beacon.address(), Gate::address)
    }
}

/// Opens or continues its engine.
pub(super) fn open(folder: &Folder, genesis: &GenesisSet) -> Result<Engine, DevnetError> {
    let l1 = genesis.l1.as_ref().expect("the L1 is embedded");
    let file = l1.genesis_json().to_string();
    let options = EngineOptions {
        rules: Rules::L1(L1Rules::from_genesis_json(file.as_bytes())?),
        genesis: GenesisFile::from_json(file.as_bytes())?,
        store: folder.part("l1").map_or(StoreLocation::Memory, StoreLocation::Folder),
        pool: PoolLimits::STANDARD,
    };
    Engine::open(options).map_err(|error| DevnetError::Open { part: "L1".to_owned(), error })
}

/// The clock goes on from L1's head: a run before this one may have been ahead of the system's time.
pub(super) fn time(mode: ClockMode, l1: &L1) -> (Time, mpsc::Receiver<Advance>) {
    let head_ms = l1.head().header.timestamp * 1_000;
    let clock = match mode {
        ClockMode::Real => Clock::real(),
        ClockMode::Virtual => Clock::at(head_ms),
    };
    clock.forward_to(head_ms);
    let (sender, orders) = mpsc::channel(MAX_ORDERS);
    let sender = (mode == ClockMode::Virtual).then_some(sender);
    (Time { clock, wakes: Wakes::new(), orders: sender, l1: Some(l1.clone()) }, orders)
}

/// Starts its servers, and makes the machine that makes its blocks.
pub(super) async fn serve(
    plan: &Plan<'_>,
    l1: L1,
    faucet: &Arc<Faucet>,
    schedule: &Faults,
    trouble: &Trouble,
) -> Result<(DevL1, L1Machine), DevnetError> {
    let servers = plan.options.servers;
    let [rpc_spoilt, beacon_spoilt] =
        [Endpoint::L1, Endpoint::Beacon].map(|it| Spoilt::new(it, schedule));
    let address = SocketAddr::new(servers.l1_host, servers.ports.l1);
    let inner = behind_gate(&rpc_spoilt, address);
    let mut options = plan.serve(inner, l1_hooks(&plan.time, faucet));
    options.faults = Some(rpc_spoilt.faults.clone());
    let rpc = rpc::serve(l1.engine().clone(), options).await?;
    let rpc_gate = gate("the L1 RPC", &rpc_spoilt, address, rpc.http()).await?;
    let address = SocketAddr::new(servers.l1_host, servers.ports.beacon);
    let beacon = BeaconOptions {
        address: behind_gate(&beacon_spoilt, address),
        seconds_per_slot: BLOCK_TIME,
        faults: beacon_spoilt.faults.clone(),
    };
    let beacon = beacon::serve(l1.engine().clone(), beacon).await?;
    let beacon_gate = gate("the beacon API", &beacon_spoilt, address, beacon.address()).await?;
    let machine = L1Machine {
        l1: l1.clone(),
        faults: schedule.clone(),
        rpc: rpc_spoilt,
        beacon: beacon_spoilt,
        wakes: plan.time.wakes.clone(),
        trouble: trouble.clone(),
    };
    Ok((DevL1 { l1, rpc, beacon, rpc_gate, beacon_gate }, machine))
}

/// Where a server listens: behind its gate on any port, if it has one.
const fn behind_gate(spoilt: &Spoilt, address: SocketAddr) -> SocketAddr {
    match spoilt.plug {
        Some(_) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        None => address,
    }
}

/// Opens the gate before a server, if it can be unplugged.
async fn gate(
    what: &'static str,
    spoilt: &Spoilt,
    address: SocketAddr,
    server: SocketAddr,
) -> Result<Option<Gate>, DevnetError> {
    let Some(plug) = &spoilt.plug else { return Ok(None) };
    let listen = |error| DevnetError::Listen { server: what, address, error };
    Gate::open(address, server, plug).await.map(Some).map_err(listen)
}
