//! A chain at any fork.

use alloy_primitives::{Address, B256, U256, address};
use opal_types::{BaseFeeParams, BlockId, ChainConfig, Fork, ForkTimes, Genesis, SystemConfig};

pub(crate) const BATCHER: Address = address!("00000000000000000000000000000000000ba7c1");
pub(crate) const INBOX: Address = address!("ff00000000000000000000000000000000000901");
pub(crate) const PORTAL: Address = address!("0000000000000000000000000000000000000a01");
pub(crate) const SYSTEM_CONFIG: Address = address!("0000000000000000000000000000000000000a02");

/// The fork that a byte stands for.
pub(crate) fn fork(byte: u8) -> Fork {
    Fork::ALL[usize::from(byte) % Fork::ALL.len()]
}

/// The forks before `fork` from genesis on, `fork` itself from `time` on, the others never.
pub(crate) fn times(fork: Fork, time: u64) -> ForkTimes {
    let at = |it: Fork| (it <= fork).then_some(if it == fork { time } else { 0 });
    ForkTimes {
        regolith: at(Fork::Regolith),
        canyon: at(Fork::Canyon),
        delta: at(Fork::Delta),
        ecotone: at(Fork::Ecotone),
        fjord: at(Fork::Fjord),
        granite: at(Fork::Granite),
        holocene: at(Fork::Holocene),
        isthmus: at(Fork::Isthmus),
        jovian: at(Fork::Jovian),
        karst: at(Fork::Karst),
        lagoon: at(Fork::Lagoon),
    }
}

/// A small chain: windows and timeouts are short.
pub(crate) fn config(forks: ForkTimes) -> ChainConfig {
    let nothing = BlockId { number: 0, hash: B256::ZERO };
    let system_config = SystemConfig {
        batcher: BATCHER,
        scalar: U256::from(1) << 248,
        gas_limit: 1_000_000,
        ..SystemConfig::default()
    };
    ChainConfig {
        genesis: Genesis { l1: nothing, l2: nothing, l2_time: 0, system_config },
        block_time: 2,
        max_sequencer_drift: 20,
        seq_window_size: 4,
        channel_timeout: 3,
        l1_chain_id: 900,
        l2_chain_id: 901,
        forks,
        pectra_blob_schedule_time: None,
        batch_inbox: INBOX,
        deposit_contract: PORTAL,
        l1_system_config: SYSTEM_CONFIG,
        eip1559: BaseFeeParams { denominator: 50, elasticity: 6 },
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}
