//! What an L2 chain takes from L1 blocks and gives back: L1 attributes, system-config updates,
//! blobs, upgrade transactions, and all of them along recorded chains.
//!
//! Start with `l1_data/recorded.rs`: it runs whole chains through the same code.
//!
//! **Invariant:** expected values are the Go stack's; nothing is computed by the code under test
//! alone.

#[path = "l1_data/attributes.rs"]
mod attributes;
#[path = "l1_data/blobs.rs"]
mod blobs;
#[path = "l1_data/l1.rs"]
mod l1;
#[path = "l1_data/recorded.rs"]
mod recorded;
#[path = "l1_data/updates.rs"]
mod updates;
#[path = "l1_data/upgrades.rs"]
mod upgrades;

use alloy_primitives::{Address, B256, hex};
use opal_types::{BaseFeeParams, BlockId, ChainConfig, Fork, ForkTimes, Genesis, SystemConfig};
use serde_json::Value;

/// When the youngest fork of [`chain`] activates.
const ACTIVATION: u64 = 1000;

/// The text of a JSON field.
#[track_caller]
fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {case}"))
}

/// The bytes of a JSON field in hex, with or without 0x.
#[track_caller]
fn bytes(case: &Value, field: &str) -> Vec<u8> {
    hex::decode(text(case, field)).unwrap_or_else(|error| panic!("{field}: {error}"))
}

/// The 32 bytes of a JSON field.
#[track_caller]
fn word(case: &Value, field: &str) -> B256 {
    B256::from_slice(&bytes(case, field))
}

/// The fork of this name.
#[track_caller]
fn fork(name: &str) -> Fork {
    Fork::ALL.into_iter().find(|fork| fork.name() == name).unwrap_or_else(|| panic!("{name}"))
}

/// A chain whose youngest fork activates at [`ACTIVATION`]; the older ones are there from genesis.
fn chain(youngest: Fork) -> ChainConfig {
    let time = |fork| match fork {
        _ if fork < youngest => Some(0),
        _ if fork == youngest => Some(ACTIVATION),
        _ => None,
    };
    let forks = ForkTimes {
        regolith: time(Fork::Regolith),
        canyon: time(Fork::Canyon),
        delta: time(Fork::Delta),
        ecotone: time(Fork::Ecotone),
        fjord: time(Fork::Fjord),
        granite: time(Fork::Granite),
        holocene: time(Fork::Holocene),
        isthmus: time(Fork::Isthmus),
        jovian: time(Fork::Jovian),
        karst: time(Fork::Karst),
        lagoon: time(Fork::Lagoon),
    };
    ChainConfig {
        genesis: Genesis {
            l1: BlockId::default(),
            l2: BlockId::default(),
            l2_time: 0,
            system_config: SystemConfig::default(),
        },
        block_time: 2,
        max_sequencer_drift: 600,
        seq_window_size: 3600,
        channel_timeout: 300,
        l1_chain_id: 900,
        l2_chain_id: 901,
        forks,
        pectra_blob_schedule_time: None,
        batch_inbox: Address::repeat_byte(1),
        deposit_contract: Address::repeat_byte(2),
        l1_system_config: Address::repeat_byte(3),
        eip1559: BaseFeeParams { denominator: 50, elasticity: 6 },
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}
