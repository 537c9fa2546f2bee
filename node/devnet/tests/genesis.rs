//! First blocks: what the contracts in them answer, how the chains go on from them, and what is in the files.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "genesis/chain.rs"]
mod chain;
#[path = "genesis/deposits.rs"]
mod deposits;
#[path = "genesis/files.rs"]
mod files;
#[path = "genesis/l1.rs"]
mod l1;
#[path = "genesis/upgrades.rs"]
mod upgrades;

use opal_devnet::genesis::{ForkSchedule, GenesisOptions, GenesisSet, build};
use opal_types::Fork;

const GENESIS_TIME: u64 = 1_700_000_000;

fn options(newest: Fork, later: &[(Fork, u64)]) -> GenesisOptions {
    GenesisOptions {
        l1_chain_id: 900,
        chain_ids: vec![901, 902],
        genesis_time: GENESIS_TIME,
        forks: ForkSchedule::new(newest, later).expect("a schedule"),
        anchor: None,
    }
}

/// Two chains that start with this fork.
fn set(newest: Fork) -> GenesisSet {
    build(&options(newest, &[])).expect("first blocks")
}
