//! Why the pool refuses a transaction.
//!
//! **Invariant:** where other programs match on the text, it begins as geth's does.

use crate::StoreError;
use alloy_primitives::{Address, U256};
use opal_execute::StateError;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// It is here.
    #[error("already known")]
    AlreadyKnown,
    /// No transaction at all.
    #[error("invalid transaction encoding: {0}")]
    Encoding(String),
    /// Deposits come from L1, blob transactions do not exist on L2, and forks bring types.
    #[error("transaction type not supported: type {0} rejected")]
    Type(u8),
    /// Longer than the pool takes.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Bytes found.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Signed by nobody.
    #[error("invalid sender")]
    Sender,
    /// Signed for another chain.
    #[error("invalid chain id for signer: have {found} want {wanted}")]
    ChainId {
        /// In the transaction.
        found: u64,
        /// Of this chain.
        wanted: u64,
    },
    /// Contract creation with too long a code.
    #[error("max initcode size exceeded: code size {size}, limit {limit}")]
    InitCode {
        /// Bytes found.
        size: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// No block has so much gas.
    #[error("exceeds block gas limit: tx gas {gas}, block gas limit {limit}")]
    GasLimit {
        /// Of the transaction.
        gas: u64,
        /// Of the head.
        limit: u64,
    },
    /// No transaction may have so much gas (EIP-7825).
    #[error("transaction gas limit too high (cap: {cap}, tx: {gas})")]
    GasCap {
        /// Of the transaction.
        gas: u64,
        /// Allowed.
        cap: u64,
    },
    /// It cannot even start.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas {
        /// Of the transaction.
        gas: u64,
        /// Needed.
        needed: u64,
    },
    /// Its data costs more (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {gas}, minimum needed {needed}")]
    FloorGas {
        /// Of the transaction.
        gas: u64,
        /// Needed.
        needed: u64,
    },
    /// Fees in the wrong order.
    #[error(
        "max priority fee per gas higher than max fee per gas: \
         maxPriorityFeePerGas: {tip}, maxFeePerGas: {fee}"
    )]
    TipAboveFee {
        /// Priority fee.
        tip: u128,
        /// Fee.
        fee: u128,
    },
    /// It pays less than the pool asks for, or than what the pool is full of.
    #[error("transaction underpriced: gas tip cap {tip}, minimum needed {needed}")]
    Underpriced {
        /// Priority fee.
        tip: u128,
        /// Needed.
        needed: u128,
    },
    /// Its blobs pay less than any block asks for.
    #[error("transaction underpriced: blob fee cap {fee}, minimum needed 1")]
    BlobUnderpriced {
        /// Of the transaction.
        fee: u128,
    },
    /// It does not outbid the one it would replace.
    #[error(
        "replacement transaction underpriced: \
         new tx {field} {new} < {old} queued + {bump}% replacement penalty"
    )]
    ReplacementUnderpriced {
        /// Which fee.
        field: &'static str,
        /// Of the new transaction.
        new: u128,
        /// Of the one that is here.
        old: u128,
        /// Percent.
        bump: u32,
    },
    /// Used up.
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow {
        /// Of the account.
        next: u64,
        /// Of the transaction.
        nonce: u64,
    },
    /// Blob transactions come without gaps.
    #[error("nonce too high: tx nonce {nonce}, gapped nonce {next}")]
    NonceTooHigh {
        /// Of the transaction.
        nonce: u64,
        /// The next one.
        next: u64,
    },
    /// The nonce cannot grow any more (EIP-2681).
    #[error("nonce has max value: {0}")]
    NonceMax(Address),
    /// It cannot be paid for, with what the sender has waiting.
    #[error(
        "insufficient funds for gas * price + value: \
         balance {balance}, tx cost {cost}, overshot {overshot}"
    )]
    InsufficientFunds {
        /// Of the account.
        balance: U256,
        /// Of the sender's transactions up to this one, all fees included.
        cost: U256,
        /// What is missing.
        overshot: U256,
    },
    /// A contract cannot send.
    #[error("sender not an eoa: address {0}")]
    SenderHasCode(Address),
    /// Too many of this sender.
    #[error("account limit exceeded: {limit} transactions of {sender} are waiting")]
    AccountLimit {
        /// Whose.
        sender: Address,
        /// The bound.
        limit: usize,
    },
    /// Too many altogether.
    #[error("txpool is full")]
    Full,
    /// Blob transactions and others of one sender do not wait together.
    #[error("address already reserved: {0} has transactions of the other kind waiting")]
    Reserved(Address),
    /// Without authorizations (EIP-7702).
    #[error("set code tx must have at least one authorization tuple")]
    NoAuthorizations,
    /// Without blobs.
    #[error("blobless blob transaction")]
    NoBlobs,
    /// With too many.
    #[error("too many blobs in transaction: have {found}, permitted {limit}")]
    TooManyBlobs {
        /// Blobs found.
        found: usize,
        /// Blobs allowed.
        limit: u64,
    },
    /// Blobs come along with their transaction.
    #[error("missing sidecar in blob transaction")]
    NoSidecar,
    /// Proofs of the wrong kind for this fork (EIP-7594).
    #[error("unexpected sidecar version, want: {wanted}, got: {found}")]
    SidecarVersion {
        /// Wanted.
        wanted: u8,
        /// Found.
        found: u8,
    },
    /// Blobs, commitments, proofs and hashes do not belong together.
    #[error("invalid blob sidecar: {0}")]
    Sidecar(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The head's state.
    #[error(transparent)]
    State(#[from] StateError),
}
