//! What a devnet is asked to be.
//!
//! Start with [`DevnetOptions`]; [`DevnetOptions::standard`] is what `opal devnet` does without a flag.
//!
//! **Invariant:** plain values; whether they fit together is checked once, by [`DevnetOptions::check`].

use crate::{
    chaos::Chaos,
    clock::ClockMode,
    genesis::{ForkSchedule, ForkScheduleError, MAX_CHAINS},
};
use opal_submit::DataAvailability;
use opal_types::Fork;
use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

/// Chain id of the embedded L1, as supersim's.
pub(crate) const L1_CHAIN_ID: u64 = 900;
/// Chain id of the first chain; the others follow it.
pub(crate) const FIRST_CHAIN_ID: u64 = 901;
/// Newest fork in the chains' first blocks.
const NEWEST: Fork = Fork::Karst;

/// Everything that can be chosen.
#[derive(Clone, Debug)]
pub struct DevnetOptions {
    /// Number of L2 chains, 1 to [`MAX_CHAINS`].
    pub chains: usize,
    /// The L1.
    pub l1: L1Choice,
    /// Where time comes from.
    pub clock: ClockMode,
    /// Where servers listen.
    pub servers: Servers,
    /// Timestamp of the first blocks, seconds; `None` = now. The config, and so a prestate, depends on it.
    pub genesis_time: Option<u64>,
    /// Forks that activate this many seconds after genesis instead of in it.
    pub fork_at: Vec<(Fork, u64)>,
    /// How batches reach L1.
    pub data: DataAvailability,
    /// Whether blocks are made here; without, the chains are followed only and another node can make them.
    pub sequencer: bool,
    /// Whether batchers run.
    pub batcher: bool,
    /// L1 blocks within which batches must come; `None` = the usual number.
    pub seq_window_size: Option<u64>,
    /// L1 blocks this far below the head are final.
    pub finality_depth: u64,
    /// Folder that keeps everything between runs; `None` = nothing is written.
    pub state: Option<PathBuf>,
    /// Folder that is given the files with which other programs join.
    pub export: Option<PathBuf>,
    /// Faults to inject.
    pub chaos: Option<Chaos>,
}

/// Which L1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum L1Choice {
    /// Opal's own engine under L1 rules.
    Embedded,
    /// Another program, to which the contracts are deployed.
    Remote {
        /// JSON-RPC.
        url: String,
        /// Beacon API; `None` = beside the JSON-RPC (as with anvil).
        beacon_url: Option<String>,
    },
}

/// Where servers listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Servers {
    /// Address of the L1's servers and of the admin RPC.
    pub l1_host: IpAddr,
    /// Address of the chains' servers.
    pub l2_host: IpAddr,
    /// Their ports.
    pub ports: Ports,
}

impl Servers {
    /// For programs on the same machine.
    pub const fn local(ports: Ports) -> Self {
        let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self { l1_host: local, l2_host: local, ports }
    }
}

/// First ports; chains count on from theirs. Zero picks free ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// L1 JSON-RPC.
    pub l1: u16,
    /// L2 JSON-RPC of the first chain.
    pub l2_first: u16,
    /// Beacon API.
    pub beacon: u16,
    /// Rollup RPC of the first chain.
    pub rollup_first: u16,
    /// Engine API of the first chain; `None` = closed.
    pub engine_first: Option<u16>,
    /// Admin RPC.
    pub admin: u16,
}

impl Ports {
    /// Supersim's, and design.md's for what supersim has not.
    pub const STANDARD: Self = Self {
        l1: 8545,
        l2_first: 9545,
        beacon: 5052,
        rollup_first: 7545,
        engine_first: None,
        admin: 8420,
    };
    /// Any free ones.
    pub const FREE: Self =
        Self { l1: 0, l2_first: 0, beacon: 0, rollup_first: 0, engine_first: None, admin: 0 };

    /// The port of chain `index` that counts from `first`.
    pub(crate) fn of_chain(first: u16, index: usize) -> u16 {
        let index = u16::try_from(index).expect("there are at most eight chains");
        if first == 0 { 0 } else { first + index }
    }
}

/// Options that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// Too few or too many.
    #[error("{found} chains asked for, 1 to {MAX_CHAINS} are possible")]
    Chains {
        /// The number.
        found: usize,
    },
    /// A foreign L1 has its own time.
    #[error("--clock virtual needs the embedded L1: nobody else's time can be moved")]
    VirtualTime,
    /// Faults are those of the embedded L1.
    #[error("--chaos needs the embedded L1: nobody else's can be made faulty")]
    ForeignChaos,
    /// A port number would be above 65535.
    #[error("the ports of {chains} chains from {first} on do not fit below 65536")]
    Ports {
        /// The first port.
        first: u16,
        /// Number of chains.
        chains: usize,
    },
    /// Forks out of order.
    #[error(transparent)]
    Forks(#[from] ForkScheduleError),
    /// Nothing would ever be safe.
    #[error("a finality depth of zero leaves no block that a reorg could replace")]
    FinalityDepth,
}

impl DevnetOptions {
    /// What `opal devnet` does without a flag.
    pub fn standard() -> Self {
        Self {
            chains: 2,
            l1: L1Choice::Embedded,
            clock: ClockMode::Real,
            servers: Servers::local(Ports::STANDARD),
            genesis_time: None,
            fork_at: Vec::new(),
            data: DataAvailability::Auto,
            sequencer: true,
            batcher: true,
            seq_window_size: None,
            finality_depth: 8,
            state: None,
            export: None,
            chaos: None,
        }
    }

    /// Refuses what cannot be.
    pub fn check(&self) -> Result<(), OptionsError> {
        let chains = self.chains;
        if chains == 0 || chains > MAX_CHAINS {
            return Err(OptionsError::Chains { found: chains });
        }
        if self.clock == ClockMode::Virtual && self.l1 != L1Choice::Embedded {
            return Err(OptionsError::VirtualTime);
        }
        if self.chaos.is_some() && self.l1 != L1Choice::Embedded {
            return Err(OptionsError::ForeignChaos);
        }
        if self.finality_depth == 0 {
            return Err(OptionsError::FinalityDepth);
        }
        let ports = self.servers.ports;
        let firsts = [ports.l2_first, ports.rollup_first];
        for first in firsts.into_iter().chain(ports.engine_first) {
            if usize::from(first) + chains - 1 > usize::from(u16::MAX) {
                return Err(OptionsError::Ports { first, chains });
            }
        }
        self.forks()?;
        Ok(())
    }

    /// Which forks the chains start with, and which come later.
    pub(crate) fn forks(&self) -> Result<ForkSchedule, ForkScheduleError> {
        ForkSchedule::new(NEWEST, &self.fork_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut DevnetOptions), expected: Result<(), OptionsError>) {
        let mut options = DevnetOptions::standard();
        change(&mut options);
        assert_eq!(options.check(), expected);
    }

    #[test]
    fn the_standard_is_possible() {
        check(|_| (), Ok(()));
    }

    #[test]
    fn eight_chains_are_the_most() {
        check(|it| it.chains = 8, Ok(()));
        check(|it| it.chains = 9, Err(OptionsError::Chains { found: 9 }));
        check(|it| it.chains = 0, Err(OptionsError::Chains { found: 0 }));
    }

    #[test]
    fn time_of_a_foreign_l1_cannot_be_virtual() {
        let remote = L1Choice::Remote { url: "http://127.0.0.1:1".to_owned(), beacon_url: None };
        check(
            |it| (it.l1, it.clock) = (remote, ClockMode::Virtual),
            Err(OptionsError::VirtualTime),
        );
    }
}
