//! Why a block could not be executed.
//!
//! **Invariant:** three classes never mix: the attributes are wrong, something is absent, opal has a bug.

use crate::{Key, StateError};
use alloc::string::String;
use alloy_primitives::U256;

/// Why execution gave no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No block can have these attributes on this parent. From Holocene, derivation answers with the
    /// deposits-only block (D14).
    #[error("attributes are invalid: {0}")]
    Invalid(#[from] Invalid),
    /// The parent header cannot carry a block.
    #[error("parent header is invalid: {0}")]
    Parent(ParentFault),
    /// Something is absent: execution may succeed once it is there.
    #[error("{0} is absent")]
    Missing(Key),
    /// What a hash names is not what its place demands, or cannot be reached at all.
    #[error("state is unusable: {0}")]
    State(StateError),
    /// A fault in opal.
    #[error("internal fault: {0}")]
    Internal(String),
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Absent(key) => Self::Missing(key),
            other => Self::State(other),
        }
    }
}

/// What is wrong with the attributes; the text starts with the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Time does not advance.
    #[error("timestamp {timestamp} is not after the parent's {parent}")]
    Timestamp {
        /// Of the attributes.
        timestamp: u64,
        /// Of the parent header.
        parent: u64,
    },
    /// A field that the fork needs is absent.
    #[error("{field} is missing but needed from {fork}")]
    FieldMissing {
        /// Name of the field.
        field: &'static str,
        /// Since when it is needed.
        fork: &'static str,
    },
    /// A field came before its fork.
    #[error("{field} is set before {fork}")]
    FieldTooEarly {
        /// Name of the field.
        field: &'static str,
        /// Since when it is allowed.
        fork: &'static str,
    },
    /// An OP Stack block has no withdrawals of L1's kind.
    #[error("withdrawals is not empty: it has {0}")]
    Withdrawals(usize),
    /// One of the two EIP-1559 parameters is zero, but not both.
    #[error("eip1559 has denominator {denominator} and elasticity {elasticity}")]
    Eip1559 {
        /// Of the attributes.
        denominator: u32,
        /// Of the attributes.
        elasticity: u32,
    },
    /// Above 2^63 - 1.
    #[error("gas_limit {0} is too large")]
    GasLimit(u64),
    /// A transaction cannot be in this block.
    #[error("transactions[{index}]: {fault}")]
    Transaction {
        /// Position in the list.
        index: usize,
        /// What is wrong with it.
        fault: TransactionFault,
    },
    /// Without it the DA footprint has no price (E6).
    #[error("transactions[0]: is not an L1 attributes deposit of Jovian")]
    NoL1Attributes,
    /// The block's data-availability footprint is above the gas limit (E6).
    #[error("transactions: data-availability footprint {footprint} exceeds gas limit {gas_limit}")]
    DaFootprint {
        /// Of the whole block.
        footprint: u64,
        /// Of the attributes.
        gas_limit: u64,
    },
}

/// What is wrong with a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransactionFault {
    /// Nothing at all.
    #[error("is empty")]
    Empty,
    /// Bytes that are no transaction of their type.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// A type this fork does not have.
    #[error("type {0:#04x} is not supported")]
    Type(u8),
    /// Signed for another chain.
    #[error("chain id is {actual}, not {expected}")]
    ChainId {
        /// In the transaction.
        actual: U256,
        /// In the config.
        expected: u64,
    },
    /// r, s or the recovery bit are out of range.
    #[error("signature is invalid")]
    Signature,
    /// The rest of the block has less gas left.
    #[error("gas limit {limit} exceeds the {left} left in the block")]
    BlockGas {
        /// Of the transaction.
        limit: u64,
        /// Left in the block.
        left: u64,
    },
    /// Refused by the rules of the EVM.
    #[error("{0}")]
    Rule(String),
}

/// What is wrong with the parent header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParentFault {
    /// Not a header since London.
    #[error("base_fee_per_gas is missing")]
    NoBaseFee,
    /// Extra data of Holocene or Jovian that does not decode (E5).
    #[error("extra_data is not that of {0}")]
    ExtraData(&'static str),
    /// From Jovian it is the data-availability footprint (E6).
    #[error("blob_gas_used is missing")]
    NoBlobGasUsed,
    /// No base fee follows from a target of zero gas.
    #[error("gas_limit is below the elasticity")]
    NoGasTarget,
    /// Block numbers end here.
    #[error("number is the last one")]
    LastNumber,
}
