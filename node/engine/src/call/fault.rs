//! Why a call could not be run, or stopped, in geth's words.
//!
//! **Invariant:** what the store lacks is never told as the caller's fault.

use super::environment::Environment;
use super::evm::CallTx;
use crate::rpc::RpcError;
use alloy_primitives::Address;
use op_revm::{OpHaltReason, OpTransactionError};
use opal_execute::StateError;
use revm::context::result::{EVMError, HaltReason, InvalidTransaction};

/// Why a transaction was not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallFault {
    /// It needs more gas than it has before it starts.
    IntrinsicGas(String),
    /// Refused for another reason.
    Refused(Refusal, String),
    /// The state is not there.
    State(StateError),
}

/// What a refusal is about, as far as answers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NonceTooLow,
    NonceTooHigh,
    Funds,
    FeeCap,
    SenderHasCode,
    InitCode,
    GasLimit,
    Other,
}

impl From<StateError> for CallFault {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl CallFault {
    pub(super) fn l1(
        error: EVMError<StateError, InvalidTransaction>,
        tx: &CallTx,
        environment: &Environment,
    ) -> Self {
        match error {
            EVMError::Transaction(error) => Self::refused(&error, tx, environment),
            EVMError::Database(error) => Self::State(error),
            other => Self::Refused(Refusal::Other, other.to_string()),
        }
    }

    pub(super) fn l2(
        error: EVMError<StateError, OpTransactionError>,
        tx: &CallTx,
        environment: &Environment,
    ) -> Self {
        match error {
            EVMError::Transaction(OpTransactionError::Base(error)) => {
                Self::refused(&error, tx, environment)
            }
            EVMError::Database(error) => Self::State(error),
            other => Self::Refused(Refusal::Other, other.to_string()),
        }
    }

    fn refused(error: &InvalidTransaction, tx: &CallTx, environment: &Environment) -> Self {
        let from = tx.base.caller;
        match error {
            InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
                Self::IntrinsicGas(format!(
                    "intrinsic gas too low: have {gas_limit}, want {initial_gas}"
                ))
            }
            InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
                Self::IntrinsicGas(format!(
                    "insufficient gas for floor data gas cost: have {gas_limit}, want {gas_floor}"
                ))
            }
            InvalidTransaction::NonceTooLow { tx, state } => Self::Refused(
                Refusal::NonceTooLow,
                format!("nonce too low: address {from}, tx: {tx} state: {state}"),
            ),
            InvalidTransaction::NonceTooHigh { tx, state } => Self::Refused(
                Refusal::NonceTooHigh,
                format!("nonce too high: address {from}, tx: {tx} state: {state}"),
            ),
            InvalidTransaction::LackOfFundForMaxFee { fee, balance } => Self::Refused(
                Refusal::Funds,
                format!(
                    "insufficient funds for gas * price + value: address {from} have {balance} \
                     want {fee}"
                ),
            ),
            other => fees_and_rest(other, tx, environment, from),
        }
    }

    /// The text of geth, with the gas that the call had.
    pub(crate) fn into_error(self, gas: u64) -> RpcError {
        match self {
            Self::IntrinsicGas(text) | Self::Refused(_, text) => {
                RpcError::server(format!("err: {text} (supplied gas {gas})"))
            }
            Self::State(error) => RpcError::internal(error),
        }
    }
}

fn fees_and_rest(
    error: &InvalidTransaction,
    tx: &CallTx,
    environment: &Environment,
    from: Address,
) -> CallFault {
    let (fee_cap, tip) = (tx.base.gas_price, tx.base.gas_priority_fee.unwrap_or_default());
    let (kind, text) = match error {
        InvalidTransaction::GasPriceLessThanBasefee => (
            Refusal::FeeCap,
            format!(
                "max fee per gas less than block base fee: address {from}, maxFeePerGas: \
                 {fee_cap}, baseFee: {}",
                environment.block.basefee
            ),
        ),
        InvalidTransaction::PriorityFeeGreaterThanMaxFee => (
            Refusal::FeeCap,
            format!(
                "max priority fee per gas higher than max fee per gas: address {from}, \
                 maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee_cap}"
            ),
        ),
        InvalidTransaction::RejectCallerWithCode => {
            (Refusal::SenderHasCode, format!("sender not an eoa: address {from}"))
        }
        InvalidTransaction::CreateInitCodeSizeLimit => (
            Refusal::InitCode,
            format!("max initcode size exceeded: code size {}", tx.base.data.len()),
        ),
        InvalidTransaction::TxGasLimitGreaterThanCap { gas_limit, cap } => (
            Refusal::GasLimit,
            format!("transaction gas limit too high (cap: {cap}, tx: {gas_limit})"),
        ),
        other => (Refusal::Other, other.to_string()),
    };
    CallFault::Refused(kind, text)
}

/// Why the EVM stopped, in geth's words.
pub(crate) fn halt_text(reason: &OpHaltReason) -> String {
    let OpHaltReason::Base(reason) = reason else { return "failed deposit".to_owned() };
    let text = match reason {
        HaltReason::OutOfGas(_) => "out of gas",
        HaltReason::OpcodeNotFound => "invalid opcode",
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID",
        HaltReason::InvalidJump => "invalid jump destination",
        HaltReason::StackUnderflow => "stack underflow",
        HaltReason::StackOverflow => "stack limit reached 1024 (1023)",
        HaltReason::OutOfOffset => "return data out of bounds",
        HaltReason::CreateCollision => "contract address collision",
        HaltReason::NonceOverflow => "nonce uint64 overflow",
        HaltReason::CreateContractSizeLimit => "max code size exceeded",
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef",
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded",
        HaltReason::StateChangeDuringStaticCall | HaltReason::CallNotAllowedInsideStatic => {
            "write protection"
        }
        HaltReason::OutOfFunds => "insufficient balance for transfer",
        HaltReason::CallTooDeep => "max call depth exceeded",
        other => return other.to_string(),
    };
    text.to_owned()
}
