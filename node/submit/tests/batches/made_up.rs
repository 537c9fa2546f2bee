//! Blocks and a chain for tests that need no more than that.

use crate::transactions::CHAIN_ID;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use opal_submit::BatchBlock;
use opal_types::{BaseFeeParams, BlockId, ChainConfig, Fork, ForkTimes, Genesis, SystemConfig};

pub(crate) fn config(forks: ForkTimes) -> ChainConfig {
    let l2 = BlockId { number: 0, hash: hash(0) };
    ChainConfig {
        genesis: Genesis {
            l1: BlockId::default(),
            l2,
            l2_time: 0,
            system_config: SystemConfig::default(),
        },
        block_time: 2,
        max_sequencer_drift: 600,
        seq_window_size: 3_600,
        channel_timeout: 300,
        l1_chain_id: 900,
        l2_chain_id: CHAIN_ID,
        forks,
        pectra_blob_schedule_time: None,
        batch_inbox: Address::ZERO,
        deposit_contract: Address::ZERO,
        l1_system_config: Address::ZERO,
        eip1559: BaseFeeParams { denominator: 50, elasticity: 6 },
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}

pub(crate) fn up_to(fork: Fork) -> ForkTimes {
    crate::chains::forks(fork, None)
}

pub(crate) fn hash(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

pub(crate) fn block(number: u64, transactions: Vec<Bytes>) -> BatchBlock {
    BatchBlock {
        id: BlockId { number, hash: hash(number) },
        parent_hash: hash(number - 1),
        timestamp: number * 2,
        l1_origin: BlockId { number: number / 4, hash: hash(number / 4) },
        l1_origin_timestamp: number / 4 * 8,
        sequence_number: number % 4,
        transactions,
    }
}
