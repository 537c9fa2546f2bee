//! `eth_estimateGas`: the lowest limit with which a transaction succeeds, within 1.5 %.
//!
//! **Invariant:** the answer was tried: with that limit the transaction succeeded.

use super::super::{Api, RpcError, Table};
use super::call::Prepared;
use super::request::call_tx;
use crate::call::{CallFault, CallTx, Checks, Kind, Setting, halt_text, run};
use alloy_eips::BlockId;
use alloy_primitives::{Bytes, TxKind, U64, U256};
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use jsonrpsee::core::RegisterMethodError;
use op_revm::{L1BlockInfo, OpHaltReason};
use revm::Database;
use revm::context::result::{ExecutionResult, HaltReason};

/// What the simplest transaction costs.
const TRANSFER_GAS: u64 = 21_000;
/// EIP-7825.
const MAX_TX_GAS: u64 = 1 << 24;
/// Gas of a blob.
const BLOB_GAS: u64 = 1 << 17;
/// Given along with value, so that a receiver can log.
const STIPEND: u64 = 2_300;
/// Bytes of a transaction beside its call data, for the price of its place on L1.
const ENVELOPE_BYTES: usize = 120;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.run("eth_estimateGas", estimate)
}

type EstimateParams =
    (TransactionRequest, Option<BlockId>, Option<StateOverride>, Option<BlockOverrides>);

fn estimate(api: &Api, (request, at, state, block): EstimateParams) -> Result<U64, RpcError> {
    let prepared = Prepared::new(api, at, state, block)?;
    estimated(prepared, request, api.limits.call_gas).map(U64::from)
}

/// How one try ended.
enum Try {
    /// With gas used, and the most that was used at a time.
    Success(u64, u64),
    /// More gas may help.
    TooLittle,
    /// More gas does not help.
    Failure(RpcError),
}

/// The estimate for a request on a prepared state.
pub(crate) fn estimated(
    mut prepared: Prepared,
    request: TransactionRequest,
    most_gas: u64,
) -> Result<u64, RpcError> {
    let asked = request.gas;
    let mut tx = call_tx(&prepared.environment, request, u64::MAX)?;
    let mut high = match asked {
        Some(gas) if gas >= TRANSFER_GAS => gas,
        _ => prepared.environment.block.gas_limit,
    };
    if prepared.environment.has_gas_cap() {
        high = high.min(MAX_TX_GAS);
    }
    high = affordable(&mut prepared, &tx, high)?.min(most_gas);
    if is_transfer(&mut prepared, &tx)?
        && matches!(attempt(&mut prepared, &mut tx, TRANSFER_GAS), Ok(Try::Success(..)))
    {
        return Ok(TRANSFER_GAS);
    }
    let (used, peak) = match attempt(&mut prepared, &mut tx, high)? {
        Try::Success(used, peak) => (used, peak),
        Try::Failure(error) => return Err(error),
        Try::TooLittle => {
            return Err(RpcError::server(format!("gas required exceeds allowance ({high})")));
        }
    };
    let mut low = used.saturating_sub(1);
    // The first guess: what was used, and what a call may not hand on.
    let guess = peak.saturating_add(STIPEND).saturating_mul(64) / 63;
    if guess < high {
        narrow(&mut prepared, &mut tx, guess, (&mut low, &mut high))?;
    }
    while low + 1 < high && !is_close(low, high) {
        // Most transactions need little more than they use, so the search leans to the low side.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2));
        narrow(&mut prepared, &mut tx, middle, (&mut low, &mut high))?;
    }
    Ok(high)
}

/// Within 1.5 %: wallets add more than that.
const fn is_close(low: u64, high: u64) -> bool {
    (high - low).saturating_mul(1_000) < high.saturating_mul(15)
}

fn narrow(
    prepared: &mut Prepared,
    tx: &mut CallTx,
    gas: u64,
    (low, high): (&mut u64, &mut u64),
) -> Result<(), RpcError> {
    match attempt(prepared, tx, gas)? {
        Try::Success(..) => *high = gas,
        Try::TooLittle | Try::Failure(_) => *low = gas,
    }
    Ok(())
}

/// Whether the transaction only moves value.
fn is_transfer(prepared: &mut Prepared, tx: &CallTx) -> Result<bool, RpcError> {
    let TxKind::Call(to) = tx.base.kind else { return Ok(false) };
    if !tx.base.data.is_empty() {
        return Ok(false);
    }
    let account = prepared.db.basic(to).map_err(RpcError::internal)?;
    Ok(account.is_none_or(|account| account.is_empty_code_hash()))
}

fn attempt(prepared: &mut Prepared, tx: &mut CallTx, gas: u64) -> Result<Try, RpcError> {
    tx.base.gas_limit = gas;
    let setting = Setting {
        environment: &prepared.environment,
        checks: Checks::Call,
        moves: &prepared.moves,
    };
    let outcome = match run(setting, &mut prepared.db, tx) {
        Ok(outcome) => outcome,
        Err(CallFault::IntrinsicGas(_)) => return Ok(Try::TooLittle),
        Err(CallFault::Refused(_, text)) => {
            return Err(RpcError::server(format!("failed with {gas} gas: {text}")));
        }
        Err(CallFault::State(error)) => return Err(RpcError::internal(error)),
    };
    Ok(match outcome.result {
        ExecutionResult::Success { gas, .. } => {
            Try::Success(gas.tx_gas_used(), gas.total_gas_spent().max(gas.floor_gas()))
        }
        ExecutionResult::Revert { output, .. } => Try::Failure(RpcError::reverted(&output)),
        ExecutionResult::Halt { reason, .. } => match reason {
            OpHaltReason::Base(HaltReason::OutOfGas(_)) => Try::TooLittle,
            other => Try::Failure(RpcError::server(halt_text(&other))),
        },
    })
}

/// The most gas that the sender can pay for at the price the request names.
fn affordable(prepared: &mut Prepared, tx: &CallTx, wanted: u64) -> Result<u64, RpcError> {
    let fee_cap = U256::from(tx.base.gas_price);
    if fee_cap.is_zero() {
        return Ok(wanted);
    }
    let account = prepared.db.basic(tx.base.caller).map_err(RpcError::internal)?;
    let balance = account.map_or(U256::ZERO, |it| it.balance);
    if tx.base.value >= balance && !tx.base.value.is_zero() {
        return Err(RpcError::server("insufficient funds for transfer"));
    }
    let mut left = balance - tx.base.value;
    let blobs = U256::from(tx.base.blob_hashes.len() as u64 * BLOB_GAS);
    if !blobs.is_zero() {
        let cost = blobs.saturating_mul(U256::from(tx.base.max_fee_per_blob_gas));
        left = left
            .checked_sub(cost)
            .filter(|left| !left.is_zero())
            .ok_or_else(|| RpcError::server("insufficient funds for gas * price + value"))?;
    }
    let left = left.saturating_sub(l1_fee(prepared, tx)?);
    Ok((left / fee_cap).saturating_to::<u64>().min(wanted))
}

/// What the transaction would pay for its place on L1, estimated from its call data.
fn l1_fee(prepared: &mut Prepared, tx: &CallTx) -> Result<U256, RpcError> {
    let Kind::L2(rules) = prepared.environment.kind else { return Ok(U256::ZERO) };
    let spec = rules.spec();
    let number = prepared.environment.block.number;
    let mut info =
        L1BlockInfo::try_fetch(&mut prepared.db, number, spec).map_err(RpcError::internal)?;
    // The rest of the transaction does not compress: it is mostly signature.
    let filler = (0..ENVELOPE_BYTES).map(|index| (index * 167 % 255) as u8 | 1);
    let raw: Bytes = filler.chain(tx.base.data.iter().copied()).collect();
    Ok(info.calculate_tx_l1_cost(&raw, spec))
}
