//! The upgrade transactions of the forks that a chain starts with.
//!
//! A chain that starts with a fork has no activation block, and its contracts would be those of the Fjord era. So the
//! activation blocks are executed before the first block, on the accounts alone.
//!
//! **Invariant:** every upgrade transaction succeeds, and no trace stays of the blocks but what contracts keep.

use super::{BLOCK_TIME, GAS_LIMIT, GenesisError, forks, world::World};
use alloy_consensus::Header;
use alloy_eips::Encodable2718;
use alloy_primitives::{B256, Bytes, Sealed, U256};
use opal_execute::{
    RevmCrypto,
    predeploys::{BEACON_ROOTS, HISTORY_STORAGE, SEQUENCER_FEE_VAULT},
};
use opal_types::{
    Attributes, BaseFeeParams, ChainConfig, DEPOSITOR, ExtraData, Fork, L1BlockInfo,
    l1_info_deposit, upgrade_gas, upgrade_transactions, wrap_for_set,
};

/// Forks whose activation changes contracts, behind the last that [`super::predeploys`] knows.
const UPGRADES: [Fork; 4] = [Fork::Isthmus, Fork::Jovian, Fork::Karst, Fork::Lagoon];
/// Timestamp of the activation blocks; only their order matters.
const ACTIVATION: u64 = 1_000;

/// Executes the activation of each fork up to `newest`, and tells L2 of its first L1 block.
pub(super) fn run(
    world: &mut World,
    config: &ChainConfig,
    newest: Fork,
    chains: usize,
    l1: &L1BlockInfo,
) -> Result<(), GenesisError> {
    for fork in UPGRADES.into_iter().filter(|fork| *fork <= newest) {
        let mut transactions = upgrade_transactions(fork)?;
        if fork == Fork::Lagoon && chains > 1 {
            transactions = wrap_for_set(transactions);
        }
        block(world, &activating(config, fork), fork, transactions, l1)?;
    }
    // The activation block of a fork still has its predecessor's L1 attributes.
    block(world, &settled(config, newest), newest, Vec::new(), l1)?;
    world.clear_storage(BEACON_ROOTS);
    world.clear_storage(HISTORY_STORAGE);
    world.remove(DEPOSITOR);
    Ok(())
}

/// The chain at the moment when `fork` activates.
fn activating(config: &ChainConfig, fork: Fork) -> ChainConfig {
    let time = |it| (it <= fork).then_some(if it == fork { ACTIVATION } else { 0 });
    ChainConfig { forks: forks::times(time), ..config.clone() }
}

/// The chain when `fork` has been active for long.
fn settled(config: &ChainConfig, fork: Fork) -> ChainConfig {
    ChainConfig { forks: forks::times(|it| (it <= fork).then_some(0)), ..config.clone() }
}

fn block(
    world: &mut World,
    config: &ChainConfig,
    fork: Fork,
    upgrades: Vec<Bytes>,
    l1: &L1BlockInfo,
) -> Result<(), GenesisError> {
    let info = l1_info_deposit(config, &config.genesis.system_config, 0, l1, ACTIVATION);
    let info = info.expect("the scalar of a genesis has a version that Ecotone knows");
    let transactions = [info.encoded_2718().into()].into_iter().chain(upgrades).collect();
    let gas = if config.activates(fork, ACTIVATION) { upgrade_gas(fork) } else { 0 };
    let active = |fork| config.forks.active(fork, ACTIVATION);
    let attributes = Attributes {
        timestamp: ACTIVATION,
        prev_randao: B256::ZERO,
        fee_recipient: SEQUENCER_FEE_VAULT,
        withdrawals: active(Fork::Canyon).then(Vec::new),
        parent_beacon_block_root: active(Fork::Ecotone).then_some(B256::ZERO),
        transactions,
        gas_limit: GAS_LIMIT.saturating_add(gas),
        eip1559: active(Fork::Holocene).then(BaseFeeParams::default),
        min_base_fee: active(Fork::Jovian).then_some(0),
    };
    let parent = parent(config);
    let outcome = opal_execute::execute(config, &parent, &attributes, world, &mut RevmCrypto);
    let outcome = outcome.map_err(|reason| GenesisError::Activation { fork, reason })?;
    let failed = outcome.receipts.iter().position(|receipt| !receipt.success);
    match failed {
        None => Ok(()),
        // Position zero is that of the L1 attributes.
        Some(index) => Err(GenesisError::UpgradeFails { fork, index: index.saturating_sub(1) }),
    }
}

/// A block that never was.
fn parent(config: &ChainConfig) -> Sealed<Header> {
    let timestamp = ACTIVATION - BLOCK_TIME;
    let active = |fork| config.forks.active(fork, timestamp);
    let extra = ExtraData {
        params: config.base_fee_constants(timestamp),
        min_base_fee: active(Fork::Jovian).then_some(0),
    };
    let extra_data = if active(Fork::Holocene) { extra.encode() } else { Bytes::new() };
    Sealed::new(Header {
        difficulty: U256::ZERO,
        timestamp,
        gas_limit: GAS_LIMIT,
        base_fee_per_gas: Some(1),
        blob_gas_used: active(Fork::Ecotone).then_some(0),
        extra_data,
        ..Header::default()
    })
}
