//! Senders with keys of their own.
//!
//! **Invariant:** signatures follow from key and message (RFC 6979), so every run is the same.

use alloy_consensus::{SignableTransaction, TxEnvelope, transaction::RlpEcdsaEncodableTx};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use k256::ecdsa::SigningKey;

/// A sender.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    key: SigningKey,
    pub(crate) address: Address,
}

impl Key {
    /// The sender with this name.
    pub(crate) fn new(name: &str) -> Self {
        let key = SigningKey::from_slice(keccak256(name).as_slice()).unwrap();
        let point = key.verifying_key().to_encoded_point(false);
        let hash = keccak256(point.as_bytes().get(1..).unwrap());
        Self { key, address: Address::from_slice(hash.get(12..).unwrap()) }
    }

    /// A signature over a hash.
    pub(crate) fn sign_hash(&self, hash: B256) -> Signature {
        let (signature, parity) = self.key.sign_prehash_recoverable(hash.as_slice()).unwrap();
        let [r, s] =
            [signature.r().to_bytes(), signature.s().to_bytes()].map(|it| U256::from_be_slice(&it));
        Signature::new(r, s, parity.is_y_odd())
    }

    /// The bytes of a signed transaction.
    pub(crate) fn sign<T>(&self, tx: T) -> Bytes
    where
        T: SignableTransaction<Signature> + RlpEcdsaEncodableTx,
        TxEnvelope: From<alloy_consensus::Signed<T>>,
    {
        let signature = self.sign_hash(tx.signature_hash());
        TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
    }
}
