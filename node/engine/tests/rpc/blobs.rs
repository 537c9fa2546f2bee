//! Blob transactions for the tests.

use crate::keys::Key;
use crate::world::{GWEI, L1_CHAIN};
use alloy_consensus::{
    BlobTransactionSidecar, SignableTransaction, TxEip4844, TxEip4844WithSidecar,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip4844::{Blob, env_settings::EnvKzgSettings};
use alloy_eips::eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant};
use alloy_primitives::{Address, B256, Bytes, U256};

/// A transaction with a blob for each of these bytes, repeated.
pub(crate) fn blob_transaction(
    key: &Key,
    nonce: u64,
    fills: &[u8],
    osaka: bool,
) -> (Bytes, Vec<B256>) {
    let blobs: Vec<Blob> = fills.iter().map(|fill| Blob::repeat_byte(*fill)).collect();
    let settings = EnvKzgSettings::Default;
    let settings = settings.get();
    let sidecar = if osaka {
        BlobTransactionSidecarVariant::Eip7594(
            BlobTransactionSidecarEip7594::try_from_blobs_with_settings(blobs, settings).unwrap(),
        )
    } else {
        BlobTransactionSidecarVariant::Eip4844(
            BlobTransactionSidecar::try_from_blobs_with_settings(blobs, settings).unwrap(),
        )
    };
    let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
    let tx = TxEip4844 {
        chain_id: L1_CHAIN,
        nonce,
        gas_limit: 100_000,
        max_fee_per_gas: 10 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to: Address::with_last_byte(0x77),
        value: U256::ZERO,
        access_list: Default::default(),
        blob_versioned_hashes: hashes.clone(),
        max_fee_per_blob_gas: GWEI,
        input: Bytes::new(),
    };
    let signature = key.sign_hash(tx.signature_hash());
    let signed = TxEip4844WithSidecar { tx, sidecar }.into_signed(signature);
    (signed.encoded_2718().into(), hashes)
}
