//! Senders with keys of their own, and their signatures.
//!
//! **Invariant:** nonces of signatures follow from the key and the message (RFC 6979), so chains repeat.

use alloy_consensus::{SignableTransaction, TxEnvelope, transaction::RlpEcdsaEncodableTx};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, Signature, U256, keccak256};
use k256::ecdsa::SigningKey;

/// A sender.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    key: SigningKey,
    pub(crate) address: Address,
}

impl Key {
    /// The sender with this number.
    pub(crate) fn new(number: u64) -> Self {
        let secret = keccak256(number.to_be_bytes());
        let key = SigningKey::from_slice(secret.as_slice()).unwrap();
        let point = key.verifying_key().to_encoded_point(false);
        let address = Address::from_slice(&keccak256(&point.as_bytes()[1..])[12..]);
        Self { key, address }
    }

    pub(crate) fn sign_hash(&self, hash: &B256) -> Signature {
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
        let signature = self.sign_hash(&tx.signature_hash());
        TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
    }

    /// EIP-7702.
    pub(crate) fn authorize(&self, authorization: Authorization) -> SignedAuthorization {
        let signature = self.sign_hash(&authorization.signature_hash());
        authorization.into_signed(signature)
    }
}
