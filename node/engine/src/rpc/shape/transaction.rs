//! One transaction: decoded, and in JSON.
//!
//! **Invariant:** the sender comes from whoever checked the signature; it is not recovered here.

use crate::PoolTransaction;
use crate::transaction::{DEPOSIT, Transaction as Signed, decode};
use alloy_consensus::{Transaction as _, Typed2718};
use alloy_eips::eip2718::{Decodable2718, Eip2718Error};
use alloy_eips::eip2930::AccessList;
use alloy_eips::eip7702::SignedAuthorization;
use alloy_primitives::{Address, B256, Bytes, Signature, U64, U256, keccak256};
use op_alloy_consensus::TxDeposit;
use serde::Serialize;

/// A transaction of either chain.
#[derive(Clone, Debug)]
pub(crate) enum Transaction {
    Deposit(TxDeposit),
    Signed(Box<Signed>),
}

impl Transaction {
    /// Reads raw bytes, which fill `raw` to its end.
    pub(crate) fn decode(raw: &[u8]) -> Result<Self, Eip2718Error> {
        if raw.first() == Some(&DEPOSIT) {
            TxDeposit::decode_2718_exact(raw).map(Self::Deposit)
        } else {
            decode(raw).map(|it| Self::Signed(Box::new(it)))
        }
    }

    /// What one gas costs in a block with this base fee.
    pub(crate) fn effective_gas_price(&self, base_fee: Option<u64>) -> u128 {
        match self {
            Self::Deposit(_) => 0,
            Self::Signed(it) => it.effective_gas_price(base_fee),
        }
    }

    /// What the block's maker gets for one gas.
    pub(crate) fn effective_tip(&self, base_fee: u64) -> u128 {
        self.effective_gas_price(Some(base_fee)).saturating_sub(base_fee.into())
    }
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Included {
    pub(crate) block_hash: B256,
    pub(crate) block_number: u64,
    pub(crate) timestamp: u64,
    pub(crate) index: u64,
    pub(crate) base_fee: Option<u64>,
    /// Of a deposit: the nonce its sender had, and the version of its receipt.
    pub(crate) deposit_nonce: Option<u64>,
    pub(crate) deposit_version: Option<u64>,
}

/// The JSON form.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TransactionShape {
    block_hash: Option<B256>,
    block_number: Option<U64>,
    block_timestamp: Option<U64>,
    from: Address,
    gas: U64,
    gas_price: U256,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_fee_per_gas: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_priority_fee_per_gas: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_fee_per_blob_gas: Option<U256>,
    hash: B256,
    input: Bytes,
    nonce: U64,
    to: Option<Address>,
    transaction_index: Option<U64>,
    value: U256,
    #[serde(rename = "type")]
    tx_type: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_list: Option<AccessList>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chain_id: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_versioned_hashes: Option<Vec<B256>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_list: Option<Vec<SignedAuthorization>>,
    v: U256,
    r: U256,
    s: U256,
    #[serde(skip_serializing_if = "Option::is_none")]
    y_parity: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_hash: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mint: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_system_tx: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_receipt_version: Option<U64>,
}

impl TransactionShape {
    pub(crate) fn new(
        raw: &[u8],
        tx: &Transaction,
        from: Address,
        place: Option<&Included>,
    ) -> Self {
        let mut shape = match tx {
            Transaction::Deposit(it) => Self::deposit(it, from, place),
            Transaction::Signed(it) => Self::signed(it, from, place),
        };
        shape.hash = keccak256(raw);
        shape.block_hash = place.map(|it| it.block_hash);
        shape.block_number = place.map(|it| U64::from(it.block_number));
        shape.block_timestamp = place.map(|it| U64::from(it.timestamp));
        shape.transaction_index = place.map(|it| U64::from(it.index));
        shape
    }

    /// One that waits.
    pub(crate) fn of_pool(waiting: &PoolTransaction) -> Self {
        Self { hash: waiting.hash, ..Self::signed(&waiting.transaction, waiting.sender, None) }
    }

    /// As it was before it was included.
    pub(crate) fn waiting(self) -> Self {
        Self {
            block_hash: None,
            block_number: None,
            block_timestamp: None,
            transaction_index: None,
            gas_price: self.max_fee_per_gas.unwrap_or(self.gas_price),
            ..self
        }
    }

    fn deposit(tx: &TxDeposit, from: Address, place: Option<&Included>) -> Self {
        Self {
            gas: U64::from(tx.gas_limit),
            input: tx.input.clone(),
            nonce: U64::from(place.and_then(|it| it.deposit_nonce).unwrap_or_default()),
            to: tx.to.to().copied(),
            value: tx.value,
            tx_type: U64::from(DEPOSIT),
            source_hash: Some(tx.source_hash),
            mint: Some(U256::from(tx.mint)),
            is_system_tx: tx.is_system_transaction.then_some(true),
            deposit_receipt_version: place.and_then(|it| it.deposit_version).map(U64::from),
            ..Self::blank(from)
        }
    }

    fn signed(tx: &Signed, from: Address, place: Option<&Included>) -> Self {
        let is_typed = tx.ty() != 0;
        let is_priced_by_tip = tx.is_dynamic_fee();
        let gas_price = match place {
            Some(it) => tx.effective_gas_price(it.base_fee),
            None => tx.max_fee_per_gas(),
        };
        let fee = |fee: u128| is_priced_by_tip.then(|| U256::from(fee));
        let signature = tx.signature();
        Self {
            gas: U64::from(tx.gas_limit()),
            gas_price: U256::from(gas_price),
            max_fee_per_gas: fee(tx.max_fee_per_gas()),
            max_priority_fee_per_gas: fee(tx.max_priority_fee_per_gas().unwrap_or_default()),
            max_fee_per_blob_gas: tx.max_fee_per_blob_gas().map(U256::from),
            input: tx.input().clone(),
            nonce: U64::from(tx.nonce()),
            to: tx.kind().to().copied(),
            value: tx.value(),
            tx_type: U64::from(tx.ty()),
            access_list: tx.access_list().cloned(),
            chain_id: tx.chain_id().map(U64::from),
            blob_versioned_hashes: tx.blob_versioned_hashes().map(<[B256]>::to_vec),
            authorization_list: tx.authorization_list().map(<[SignedAuthorization]>::to_vec),
            v: U256::from(recovery_value(signature, is_typed, tx.chain_id())),
            r: signature.r(),
            s: signature.s(),
            y_parity: is_typed.then(|| U64::from(signature.v())),
            ..Self::blank(from)
        }
    }

    fn blank(from: Address) -> Self {
        Self {
            block_hash: None,
            block_number: None,
            block_timestamp: None,
            from,
            gas: U64::ZERO,
            gas_price: U256::ZERO,
            max_fee_per_gas: None,
            max_priority_fee_per_gas: None,
            max_fee_per_blob_gas: None,
            hash: B256::ZERO,
            input: Bytes::new(),
            nonce: U64::ZERO,
            to: None,
            transaction_index: None,
            value: U256::ZERO,
            tx_type: U64::ZERO,
            access_list: None,
            chain_id: None,
            blob_versioned_hashes: None,
            authorization_list: None,
            v: U256::ZERO,
            r: U256::ZERO,
            s: U256::ZERO,
            y_parity: None,
            source_hash: None,
            mint: None,
            is_system_tx: None,
            deposit_receipt_version: None,
        }
    }
}

/// `v`: the parity for typed transactions, EIP-155's or the original form for legacy ones.
fn recovery_value(signature: &Signature, is_typed: bool, chain_id: Option<u64>) -> u128 {
    let parity = u128::from(signature.v());
    match (is_typed, chain_id) {
        (true, _) => parity,
        (false, Some(chain_id)) => u128::from(chain_id) * 2 + 35 + parity,
        (false, None) => 27 + parity,
    }
}
