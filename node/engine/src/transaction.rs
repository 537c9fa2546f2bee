//! Signed transactions of Ethereum's types: decoding, senders, what the EVM runs.
//!
//! Start with [`decode`]. Deposits (0x7E) are not among them: they have no signature.
//!
//! **Invariant:** any bytes give an answer; a signature with a high s has no sender (EIP-2).

use alloy_consensus::{
    EthereumTxEnvelope, SignableTransaction, Transaction as _, TxEip4844, Typed2718,
};
use alloy_eips::eip2718::{Decodable2718, Eip2718Error};
use alloy_eips::eip7702::{RecoveredAuthority, RecoveredAuthorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Signature};
use opal_execute::{Crypto, RevmCrypto};
use revm::context::TxEnv;
use revm::context_interface::either::Either;

/// A transaction as blocks hold it: without blobs.
pub(crate) type Transaction = EthereumTxEnvelope<TxEip4844>;

/// Type byte of deposits (E1).
pub(crate) const DEPOSIT: u8 = 0x7e;
/// Type byte of blob transactions.
pub(crate) const BLOB: u8 = 3;
/// Type byte of transactions with authorizations (EIP-7702).
pub(crate) const SET_CODE: u8 = 4;

/// Reads a transaction that fills `raw`.
pub(crate) fn decode(raw: &[u8]) -> Result<Transaction, Eip2718Error> {
    Transaction::decode_2718_exact(raw)
}

/// Who signed this; `None` = nobody.
fn recover(hash: B256, signature: &Signature) -> Option<Address> {
    if signature.normalize_s().is_some() {
        return None;
    }
    let signature =
        opal_execute::Signature { odd: signature.v(), r: signature.r(), s: signature.s() };
    RevmCrypto.recover(&hash, &signature).ok().flatten()
}

/// Who sent a transaction; `None` = the signature is nobody's.
pub(crate) fn sender(tx: &Transaction) -> Option<Address> {
    let hash = match tx {
        EthereumTxEnvelope::Legacy(tx) => tx.tx().signature_hash(),
        EthereumTxEnvelope::Eip2930(tx) => tx.tx().signature_hash(),
        EthereumTxEnvelope::Eip1559(tx) => tx.tx().signature_hash(),
        EthereumTxEnvelope::Eip4844(tx) => tx.tx().signature_hash(),
        EthereumTxEnvelope::Eip7702(tx) => tx.tx().signature_hash(),
    };
    recover(hash, tx.signature())
}

/// Whose code an authorization sets; `None` = it has no effect.
pub(crate) fn authority(authorization: &SignedAuthorization) -> Option<Address> {
    let signature = authorization.signature().ok()?;
    recover(authorization.inner().signature_hash(), &signature)
}

/// What the EVM runs.
pub(crate) fn environment(tx: &Transaction, sender: Address) -> TxEnv {
    let authorization = |signed: &SignedAuthorization| {
        let authority =
            authority(signed).map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
        let inner = signed.inner().clone();
        Either::Right(RecoveredAuthorization::new_unchecked(inner, authority))
    };
    TxEnv {
        tx_type: tx.ty(),
        caller: sender,
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        blob_hashes: tx.blob_versioned_hashes().unwrap_or_default().to_vec(),
        max_fee_per_blob_gas: tx.max_fee_per_blob_gas().unwrap_or_default(),
        authorization_list: tx
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .map(authorization)
            .collect(),
    }
}

/// What a unit of gas costs, wei: never more than the sender allowed.
pub(crate) fn gas_price(tx: &Transaction, base_fee: u64) -> u128 {
    let max = tx.max_fee_per_gas();
    match tx.max_priority_fee_per_gas() {
        None => max,
        Some(tip) => max.min(tip.saturating_add(base_fee.into())),
    }
}

/// What the block's producer gets of a unit of gas, wei; zero where the base fee is not met.
pub(crate) fn tip(tx: &Transaction, base_fee: u64) -> u128 {
    gas_price(tx, base_fee).saturating_sub(base_fee.into())
}
