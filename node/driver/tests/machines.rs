//! The machines alone, without engine and L1.
//!
//! **Invariant:** everything runs on numbers that the tests give; no clock, no network.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "machines/origin.rs"]
mod origin;
#[path = "machines/pool_rule.rs"]
mod pool_rule;
#[path = "machines/rollup_config.rs"]
mod rollup_config;
#[path = "machines/safe_db.rs"]
mod safe_db;
#[path = "machines/sequencer.rs"]
mod sequencer;

use alloy_primitives::B256;
use opal_types::{BaseFeeParams, BlockId, ChainConfig, ForkTimes, Genesis, L2Ref, SystemConfig};

/// Time of the first block.
const L2_TIME: u64 = 1_000_000;

fn hash(number: u64) -> B256 {
    B256::left_padding_from(&number.to_be_bytes())
}

/// A chain with 2 s blocks and a drift of 600 s before Fjord.
fn config(forks: ForkTimes) -> ChainConfig {
    ChainConfig {
        genesis: Genesis {
            l1: BlockId { number: 0, hash: hash(9000) },
            l2: BlockId { number: 0, hash: hash(1) },
            l2_time: L2_TIME,
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
        batch_inbox: alloy_primitives::Address::ZERO,
        deposit_contract: alloy_primitives::Address::ZERO,
        l1_system_config: alloy_primitives::Address::ZERO,
        eip1559: BaseFeeParams { denominator: 50, elasticity: 6 },
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}

/// An L2 block with the time that its height gives.
fn block(number: u64) -> L2Ref {
    L2Ref {
        hash: hash(number + 1),
        number,
        parent_hash: hash(number),
        timestamp: L2_TIME + 2 * number,
        l1_origin: BlockId { number: 10, hash: hash(9010) },
        sequence_number: 0,
    }
}
