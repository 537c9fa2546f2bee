//! A chain's first block and its config.
//!
//! **Invariant:** the message passer always has storage. With an empty one, from Isthmus on, op-geth leaves the
//! withdrawals root out of a payload and then refuses its own payload for the lack of it; op-node asks again for ever.

use super::{
    Alloc, BALANCE, BLOCK_TIME, ChainParameters, GAS_LIMIT, GenesisError, GenesisOptions,
    L1Addresses, L1Genesis,
    l1::INITIAL_BASE_FEE,
    predeploys::{self, Setup},
    root::{state_root, storage_root_of},
    upgrades,
    world::World,
};
use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, Header, constants::EMPTY_WITHDRAWALS,
};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bytes, Sealed, U256};
use opal_execute::predeploys::{MESSAGE_PASSER, SEQUENCER_FEE_VAULT};
use opal_types::{
    BaseFeeParams, BlockId, ChainConfig, ExtraData, Fork, Genesis, L1BlockInfo, SystemConfig,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct L2Genesis {
    /// The chain's config, as op-node's `rollup.json`.
    pub config: ChainConfig,
    /// The first block.
    pub header: Sealed<Header>,
    /// Its accounts.
    pub alloc: Alloc,
    /// The chain's contracts on L1.
    pub addresses: L1Addresses,
}

/// Where the chains start.
pub(super) struct Start {
    pub(super) block: BlockId,
    pub(super) timestamp: u64,
    pub(super) info: L1BlockInfo,
}

impl Start {
    /// The anchor of the options, or the dev L1's first block.
    pub(super) fn of(options: &GenesisOptions, l1: Option<&L1Genesis>) -> Self {
        let (block, timestamp, base_fee) = match (&options.anchor, l1) {
            (Some(anchor), _) => (anchor.block, anchor.timestamp, anchor.base_fee),
            (None, Some(l1)) => {
                let block = BlockId { number: l1.header.number, hash: l1.header.hash() };
                (block, l1.header.timestamp, INITIAL_BASE_FEE)
            }
            (None, None) => (BlockId::default(), options.genesis_time, INITIAL_BASE_FEE),
        };
        let info = L1BlockInfo {
            hash: block.hash,
            number: block.number,
            timestamp,
            base_fee: U256::from(base_fee),
            blob_base_fee: U256::ONE,
        };
        Self { block, timestamp, info }
    }
}

impl L2Genesis {
    pub(super) fn build(
        options: &GenesisOptions,
        owner: Address,
        start: &Start,
        parameters: &ChainParameters,
        addresses: &L1Addresses,
    ) -> Result<Self, GenesisError> {
        let fork = options.forks.genesis();
        let mut config = config(options, start, parameters, addresses);
        let mut world = World::new(parameters.chain_id, start.timestamp);
        let setup = Setup {
            chain_id: parameters.chain_id,
            l1_chain_id: options.l1_chain_id,
            owner,
            l1: addresses,
            fork,
            chains: options.chain_ids.len(),
        };
        predeploys::install(&mut world, &setup)?;
        upgrades::run(&mut world, &config, fork, setup.chains, &start.info)?;
        for account in super::funded() {
            world.set_balance(account, BALANCE);
        }
        let alloc = world.into_alloc();
        let header = Sealed::new(header(&config, &alloc));
        config.genesis.l2 = BlockId { number: header.number, hash: header.hash() };
        Ok(Self { config, header, alloc, addresses: addresses.clone() })
    }
}

/// The config; the first block's hash comes last.
fn config(
    options: &GenesisOptions,
    start: &Start,
    parameters: &ChainParameters,
    addresses: &L1Addresses,
) -> ChainConfig {
    let system_config = SystemConfig {
        batcher: parameters.batcher,
        overhead: U256::ZERO,
        scalar: parameters.fee_scalars.to_word(),
        gas_limit: parameters.gas_limit,
        eip1559: BaseFeeParams::default(),
        operator_fee_scalar: 0,
        operator_fee_constant: 0,
        min_base_fee: 0,
        da_footprint_gas_scalar: 0,
    };
    ChainConfig {
        genesis: Genesis {
            l1: start.block,
            l2: BlockId::default(),
            l2_time: start.timestamp,
            system_config,
        },
        block_time: BLOCK_TIME,
        max_sequencer_drift: 600,
        seq_window_size: 3_600,
        channel_timeout: 300,
        l1_chain_id: options.l1_chain_id,
        l2_chain_id: parameters.chain_id,
        forks: options.forks.times(start.timestamp),
        pectra_blob_schedule_time: None,
        batch_inbox: parameters.batch_inbox,
        deposit_contract: addresses.optimism_portal_proxy,
        l1_system_config: addresses.system_config_proxy,
        eip1559: BaseFeeParams { denominator: 50, elasticity: 6 },
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}

fn header(config: &ChainConfig, alloc: &Alloc) -> Header {
    let timestamp = config.genesis.l2_time;
    let active = |fork| config.forks.active(fork, timestamp);
    let passer_root = storage_root_of(alloc, MESSAGE_PASSER);
    debug_assert_ne!(passer_root, EMPTY_ROOT_HASH);
    let withdrawals_root = if active(Fork::Isthmus) { passer_root } else { EMPTY_WITHDRAWALS };
    Header {
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: SEQUENCER_FEE_VAULT,
        state_root: state_root(alloc),
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        gas_limit: GAS_LIMIT,
        timestamp,
        extra_data: extra_data(config),
        base_fee_per_gas: Some(INITIAL_BASE_FEE),
        withdrawals_root: active(Fork::Canyon).then_some(withdrawals_root),
        blob_gas_used: active(Fork::Ecotone).then_some(0),
        excess_blob_gas: active(Fork::Ecotone).then_some(0),
        parent_beacon_block_root: active(Fork::Ecotone).then_some(B256::ZERO),
        requests_hash: active(Fork::Isthmus).then_some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// From Holocene the parameters of the next block's base fee, in the form of the newest fork.
fn extra_data(config: &ChainConfig) -> Bytes {
    let timestamp = config.genesis.l2_time;
    if !config.forks.active(Fork::Holocene, timestamp) {
        return Bytes::new();
    }
    let min_base_fee = config.forks.active(Fork::Jovian, timestamp).then_some(0);
    ExtraData { params: config.base_fee_constants(timestamp), min_base_fee }.encode()
}
