//! Which attributes can become a block, and the header fields that follow from parent and attributes alone
//! (E5, E7).
//!
//! **Invariant:** pure functions of config, parent and attributes.

use crate::{Invalid, ParentFault, Rules};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_primitives::{B256, Bloom, Bytes, U256, b256};
use opal_types::{Attributes, ChainConfig, ExtraData, Fork};

/// `requestsHash` of a block without requests: sha256 of nothing (E7).
pub(crate) const NO_REQUESTS: B256 =
    b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

/// Refuses attributes that no block of these rules can have.
pub(crate) fn check(
    parent: &Header,
    attributes: &Attributes,
    rules: &Rules,
) -> Result<(), Invalid> {
    let timestamp = attributes.timestamp;
    if timestamp <= parent.timestamp {
        return Err(Invalid::Timestamp { timestamp, parent: parent.timestamp });
    }
    if i64::try_from(attributes.gas_limit).is_err() {
        return Err(Invalid::GasLimit(attributes.gas_limit));
    }
    let fields = [
        ("withdrawals", attributes.withdrawals.is_some(), Fork::Canyon),
        ("parent_beacon_block_root", attributes.parent_beacon_block_root.is_some(), Fork::Ecotone),
        ("eip1559", attributes.eip1559.is_some(), Fork::Holocene),
        ("min_base_fee", attributes.min_base_fee.is_some(), Fork::Jovian),
    ];
    for (field, is_set, fork) in fields {
        match (is_set, rules.has(fork)) {
            (false, true) => return Err(Invalid::FieldMissing { field, fork: fork.name() }),
            (true, false) => return Err(Invalid::FieldTooEarly { field, fork: fork.name() }),
            _ => {}
        }
    }
    if let Some(withdrawals) = &attributes.withdrawals
        && !withdrawals.is_empty()
    {
        return Err(Invalid::Withdrawals(withdrawals.len()));
    }
    if let Some(params) = attributes.eip1559
        && params.check_attributes().is_err()
    {
        let (denominator, elasticity) = (params.denominator, params.elasticity);
        return Err(Invalid::Eip1559 { denominator, elasticity });
    }
    Ok(())
}

/// Base fee of the block after `parent` (E5, E6).
pub fn next_base_fee(
    config: &ChainConfig,
    parent: &Header,
    timestamp: u64,
) -> Result<u64, ParentFault> {
    let base_fee = parent.base_fee_per_gas.ok_or(ParentFault::NoBaseFee)?;
    let mut params = config.base_fee_constants(timestamp);
    let mut floor = 0;
    let mut gas_used = parent.gas_used;
    if config.forks.active(Fork::Holocene, parent.timestamp) {
        let is_jovian = config.forks.active(Fork::Jovian, parent.timestamp);
        let fork = if is_jovian { Fork::Jovian } else { Fork::Holocene };
        let extra = ExtraData::decode(&config.forks, parent.timestamp, &parent.extra_data);
        let extra = extra.ok().flatten().ok_or_else(|| ParentFault::ExtraData(fork.name()))?;
        params = extra.params;
        if is_jovian {
            floor = extra.min_base_fee.unwrap_or_default();
            gas_used = gas_used.max(parent.blob_gas_used.ok_or(ParentFault::NoBlobGasUsed)?);
        }
    }
    let target = parent.gas_limit.checked_div(params.elasticity.into()).filter(|it| *it > 0);
    let target = target.ok_or(ParentFault::NoGasTarget)?;
    let distance = u128::from(gas_used.abs_diff(target));
    let delta = u128::from(base_fee)
        .saturating_mul(distance)
        .checked_div(u128::from(target).saturating_mul(params.denominator.into()))
        .ok_or(ParentFault::NoGasTarget)?;
    let delta = u64::try_from(delta).unwrap_or(u64::MAX);
    let next = if gas_used > target {
        base_fee.saturating_add(delta.max(1))
    } else {
        base_fee.saturating_sub(delta)
    };
    Ok(next.max(floor))
}

/// The block's extra data: from Holocene its EIP-1559 parameters, written out (E5).
fn extra_data(config: &ChainConfig, attributes: &Attributes) -> Bytes {
    let Some(params) = attributes.eip1559 else { return Bytes::new() };
    let params =
        if params.is_zero() { config.base_fee_constants(attributes.timestamp) } else { params };
    ExtraData { params, min_base_fee: attributes.min_base_fee }.encode()
}

/// A header with all that is known before execution.
pub(crate) fn draft(
    config: &ChainConfig,
    (parent, parent_hash): (&Header, B256),
    attributes: &Attributes,
    rules: &Rules,
) -> Result<Header, ParentFault> {
    let timestamp = attributes.timestamp;
    let ecotone = rules.has(Fork::Ecotone);
    Ok(Header {
        parent_hash,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: attributes.fee_recipient,
        state_root: B256::ZERO,
        transactions_root: B256::ZERO,
        receipts_root: B256::ZERO,
        logs_bloom: Bloom::ZERO,
        difficulty: U256::ZERO,
        number: parent.number.checked_add(1).ok_or(ParentFault::LastNumber)?,
        gas_limit: attributes.gas_limit,
        gas_used: 0,
        timestamp,
        extra_data: extra_data(config, attributes),
        mix_hash: attributes.prev_randao,
        nonce: Default::default(),
        base_fee_per_gas: Some(next_base_fee(config, parent, timestamp)?),
        withdrawals_root: rules.has(Fork::Canyon).then_some(crate::trie::EMPTY_ROOT),
        blob_gas_used: ecotone.then_some(0),
        excess_blob_gas: ecotone.then_some(0),
        parent_beacon_block_root: attributes.parent_beacon_block_root,
        requests_hash: rules.has(Fork::Isthmus).then_some(NO_REQUESTS),
        ..Default::default()
    })
}
