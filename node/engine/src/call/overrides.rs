//! What a request wants to be different about the state and the block.
//!
//! Start with [`override_state`] and [`override_block`].
//!
//! **Invariant:** overrides are applied in order of address, so that the same request gives the same error.

use super::database::CallDb;
use super::environment::{Environment, Kind};
use super::precompiles::{Moves, addresses};
use crate::Rules;
use crate::rpc::RpcError;
use alloy_primitives::{Address, B256, U256, map::B256HashMap};
use alloy_rpc_types_eth::BlockOverrides;
use alloy_rpc_types_eth::state::{AccountOverride, StateOverride};
use opal_execute::StateError;
use revm::Database;
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::state::{AccountInfo, Bytecode};
use std::collections::BTreeMap;

/// Applies state overrides; tells which precompiles are not where they belong.
pub(crate) fn override_state(
    environment: &Environment,
    db: &mut CallDb,
    overrides: StateOverride,
) -> Result<Moves, RpcError> {
    let mut moves = Moves::none();
    if overrides.is_empty() {
        return Ok(moves);
    }
    let precompiles = addresses(environment);
    let overrides: BTreeMap<Address, AccountOverride> = overrides.into_iter().collect();
    for (address, account) in &overrides {
        if moves.origins.contains_key(address) {
            return Err(RpcError::server(format!(
                "account {address} has already been overridden by a precompile"
            )));
        }
        let is_precompile = precompiles.contains(address);
        if let Some(target) = account.move_precompile_to {
            if !is_precompile {
                return Err(RpcError::server(format!("account {address} is not a precompile")));
            }
            if overrides.contains_key(&target) {
                return Err(RpcError::server(format!("account {target} is already overridden")));
            }
            moves.origins.insert(target, *address);
        }
        if is_precompile {
            moves.gone.insert(*address);
        }
        if account.state.is_some() && account.state_diff.is_some() {
            return Err(RpcError::server(format!(
                "account {address} has both 'state' and 'stateDiff'"
            )));
        }
        override_account(db, *address, account).map_err(RpcError::internal)?;
    }
    Ok(moves)
}

fn override_account(
    db: &mut CallDb,
    address: Address,
    account: &AccountOverride,
) -> Result<(), StateError> {
    let mut info: AccountInfo = db.basic(address)?.unwrap_or_default();
    if let Some(nonce) = account.nonce {
        info.nonce = nonce;
    }
    if let Some(balance) = account.balance {
        info.balance = balance;
    }
    if let Some(code) = &account.code {
        // Bytes with the form of a delegation are one, as on a chain.
        let code = Bytecode::new_raw_checked(code.clone())
            .unwrap_or_else(|_| Bytecode::new_legacy(code.clone()));
        info.code_hash = code.hash_slow();
        info.code = Some(code);
    }
    db.insert_account_info(address, info);
    if let Some(slots) = &account.state {
        db.replace_account_storage(address, words(slots).collect())?;
    }
    for (slot, value) in account.state_diff.iter().flat_map(words) {
        db.insert_account_storage(address, slot, value)?;
    }
    Ok(())
}

fn words(slots: &B256HashMap<B256>) -> impl Iterator<Item = (U256, U256)> + '_ {
    slots.iter().map(|(slot, value)| ((*slot).into(), (*value).into()))
}

/// Applies block overrides. Another time can mean other rules.
pub(crate) fn override_block(
    rules: &Rules,
    environment: &mut Environment,
    db: &mut CallDb,
    overrides: BlockOverrides,
) -> Result<(), RpcError> {
    if overrides.beacon_root.is_some() {
        return Err(RpcError::server(
            "block override \"beaconRoot\" is not supported for this RPC method",
        ));
    }
    let block = &mut environment.block;
    if let Some(number) = overrides.number {
        block.number = number;
    }
    if let Some(time) = overrides.time {
        block.timestamp = U256::from(time);
        environment.kind = Kind::at(rules, time);
    }
    if let Some(difficulty) = overrides.difficulty {
        block.difficulty = difficulty;
    }
    if let Some(gas_limit) = overrides.gas_limit {
        block.gas_limit = gas_limit;
    }
    if let Some(coinbase) = overrides.coinbase {
        block.beneficiary = coinbase;
    }
    if let Some(random) = overrides.random {
        block.prevrandao = Some(random);
    }
    if let Some(base_fee) = overrides.base_fee {
        block.basefee = small(base_fee, "baseFeePerGas")?;
    }
    if let Some(price) = overrides.blob_base_fee {
        let blob_gasprice = u128::from(small(price, "blobBaseFee")?);
        let excess_blob_gas =
            block.blob_excess_gas_and_price.map_or(0, |blob| blob.excess_blob_gas);
        block.blob_excess_gas_and_price =
            Some(BlobExcessGasAndPrice { excess_blob_gas, blob_gasprice });
    }
    db.db.hashes.extend(overrides.block_hash.unwrap_or_default());
    Ok(())
}

fn small(value: U256, name: &str) -> Result<u64, RpcError> {
    u64::try_from(value).map_err(|_| RpcError::params(format!("{name} {value} is too large")))
}
