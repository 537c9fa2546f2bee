//! Headers of an L1: what follows from the parent alone, and what a header may say.
//!
//! **Invariant:** pure functions of rules, parent and attributes.

use super::{Invalid, L1Fork, L1Rules};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, proofs::calculate_withdrawals_root};
use alloy_eips::eip1559::{BaseFeeParams, calc_next_block_base_fee};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, Sealed};

/// Least gas limit of a block.
const MIN_GAS_LIMIT: u64 = 5_000;
/// The gas limit moves by less than this part of the parent's.
const GAS_LIMIT_STEP: u64 = 1_024;
/// Longest extra data, bytes.
const MAX_EXTRA_DATA: usize = 32;

/// What a block is made of but for its transactions.
#[derive(Clone, Debug)]
pub(crate) struct L1Attributes {
    pub(crate) timestamp: u64,
    pub(crate) prev_randao: B256,
    pub(crate) fee_recipient: Address,
    pub(crate) gas_limit: u64,
    pub(crate) extra_data: Bytes,
    pub(crate) withdrawals: Option<Vec<Withdrawal>>,
    pub(crate) parent_beacon_block_root: Option<B256>,
}

/// The gas limit of the next block on its way to the one that is wanted.
pub(crate) fn gas_limit(parent: u64, wanted: u64) -> u64 {
    let step = (parent / GAS_LIMIT_STEP).saturating_sub(1);
    wanted.max(MIN_GAS_LIMIT).clamp(parent.saturating_sub(step), parent.saturating_add(step))
}

/// Refuses attributes that no block on this parent can have.
pub(crate) fn check(
    rules: &L1Rules,
    parent: &Header,
    attributes: &L1Attributes,
) -> Result<(), Invalid> {
    let timestamp = attributes.timestamp;
    if timestamp <= parent.timestamp {
        return Err(Invalid::Timestamp { timestamp, parent: parent.timestamp });
    }
    let fork = rules.fork(timestamp);
    let fields = [
        ("withdrawals", attributes.withdrawals.is_some(), L1Fork::Shanghai),
        ("parent_beacon_block_root", attributes.parent_beacon_block_root.is_some(), L1Fork::Cancun),
    ];
    for (field, is_set, since) in fields {
        match (is_set, fork >= since) {
            (false, true) => return Err(Invalid::FieldMissing { field, fork: since }),
            (true, false) => return Err(Invalid::FieldTooEarly { field, fork: since }),
            _ => {}
        }
    }
    let (limit, before) = (attributes.gas_limit, parent.gas_limit);
    if limit.abs_diff(before) >= before / GAS_LIMIT_STEP && limit != before || limit < MIN_GAS_LIMIT
    {
        return Err(Invalid::GasLimit { gas_limit: limit, parent: before });
    }
    if attributes.extra_data.len() > MAX_EXTRA_DATA {
        return Err(Invalid::ExtraData(attributes.extra_data.len()));
    }
    Ok(())
}

/// A header with all that is known before execution.
pub(super) fn draft(
    rules: &L1Rules,
    parent: &Sealed<Header>,
    attributes: &L1Attributes,
) -> Result<Header, Invalid> {
    check(rules, parent, attributes)?;
    let timestamp = attributes.timestamp;
    let is_prague = rules.fork(timestamp) >= L1Fork::Prague;
    let params = rules.blob_params(timestamp);
    Ok(Header {
        parent_hash: parent.hash(),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: attributes.fee_recipient,
        number: parent.number.checked_add(1).ok_or(Invalid::LastNumber)?,
        gas_limit: attributes.gas_limit,
        timestamp,
        extra_data: attributes.extra_data.clone(),
        mix_hash: attributes.prev_randao,
        base_fee_per_gas: Some(next_base_fee(parent)?),
        withdrawals_root: attributes.withdrawals.as_deref().map(calculate_withdrawals_root),
        blob_gas_used: params.map(|_| 0),
        excess_blob_gas: params.map(|params| {
            params.next_block_excess_blob_gas_osaka(
                parent.excess_blob_gas.unwrap_or_default(),
                parent.blob_gas_used.unwrap_or_default(),
                parent.base_fee_per_gas.unwrap_or_default(),
            )
        }),
        parent_beacon_block_root: attributes.parent_beacon_block_root,
        requests_hash: is_prague.then_some(super::requests::NONE),
        ..Header::default()
    })
}

/// Base fee of the block after `parent` (EIP-1559).
pub(crate) fn next_base_fee(parent: &Header) -> Result<u64, Invalid> {
    let base_fee = parent.base_fee_per_gas.ok_or(Invalid::NoBaseFee)?;
    let params = BaseFeeParams::ethereum();
    Ok(calc_next_block_base_fee(parent.gas_used, parent.gas_limit, base_fee, params))
}

/// Base fee and blob base fee of a block, wei.
pub(crate) fn prices(
    rules: &L1Rules,
    parent: &Sealed<Header>,
    attributes: &L1Attributes,
) -> Result<(u64, u128), Invalid> {
    let header = draft(rules, parent, attributes)?;
    let params = rules.blob_params(header.timestamp);
    let blob = params.map_or(0, |it| it.calc_blob_fee(header.excess_blob_gas.unwrap_or_default()));
    Ok((header.base_fee_per_gas.unwrap_or_default(), blob))
}
