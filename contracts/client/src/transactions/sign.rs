//! From a candidate to the bytes that nodes take.
//!
//! **Invariant:** proofs of blobs are made once per candidate and kind of proof, on a thread for computing.

use super::{Candidate, machine::Offer};
use crate::{kzg, signer::Unsigned};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip4844, TxEip4844WithSidecar};
use alloy_eips::{
    Encodable2718,
    eip4844::{Blob, BlobTransactionSidecar},
    eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind};
use std::sync::Arc;

/// Blobs with their proofs.
#[derive(Debug)]
pub(super) struct Sidecar {
    pub(super) has_cell_proofs: bool,
    blobs: Vec<Bytes>,
    hashes: Vec<B256>,
    wire: BlobTransactionSidecarVariant,
}

impl Sidecar {
    /// Whether these are its blobs with these proofs.
    pub(super) fn fits(&self, blobs: &[Bytes], has_cell_proofs: bool) -> bool {
        self.has_cell_proofs == has_cell_proofs && self.blobs == blobs
    }
}

/// Makes the proofs of a candidate's blobs.
pub(super) async fn sidecar(
    blobs: Vec<Bytes>,
    has_cell_proofs: bool,
) -> Result<Arc<Sidecar>, String> {
    let made = tokio::task::spawn_blocking(move || prove(&blobs, has_cell_proofs)).await;
    made.unwrap_or_else(|error| Err(error.to_string())).map(Arc::new)
}

fn prove(given: &[Bytes], has_cell_proofs: bool) -> Result<Sidecar, String> {
    let blobs: Vec<Blob> = given
        .iter()
        .map(|it| Blob::try_from(it.as_ref()).map_err(|_| format!("a blob of {} bytes", it.len())))
        .collect::<Result<_, _>>()?;
    let settings = kzg::settings();
    let wire: BlobTransactionSidecarVariant = if has_cell_proofs {
        BlobTransactionSidecarEip7594::try_from_blobs_with_settings(blobs, settings)
            .map_err(|error| format!("{error:?}"))?
            .into()
    } else {
        BlobTransactionSidecar::try_from_blobs_with_settings(blobs, settings)
            .map_err(|error| format!("{error:?}"))?
            .into()
    };
    let hashes = wire.versioned_hashes().collect();
    Ok(Sidecar { has_cell_proofs, blobs: given.to_vec(), hashes, wire })
}

/// The transaction that an offer means. Nothing to nobody goes to the account itself.
pub(super) fn unsigned(
    offer: &Offer,
    sidecar: Option<&Sidecar>,
    from: Address,
    nonce: u64,
    chain_id: u64,
) -> Unsigned {
    let Offer { candidate, gas_limit, fees } = offer;
    let Candidate { to, data, value, .. } = candidate;
    let is_nothing = to.is_none() && data.is_empty();
    let to = if is_nothing { Some(from) } else { *to };
    match sidecar {
        None => Unsigned::Plain(TxEip1559 {
            chain_id,
            nonce,
            gas_limit: *gas_limit,
            max_fee_per_gas: fees.max_fee,
            max_priority_fee_per_gas: fees.tip,
            to: to.map_or(TxKind::Create, TxKind::Call),
            value: *value,
            access_list: Default::default(),
            input: data.clone(),
        }),
        Some(sidecar) => Unsigned::Blobs(TxEip4844 {
            chain_id,
            nonce,
            gas_limit: *gas_limit,
            max_fee_per_gas: fees.max_fee,
            max_priority_fee_per_gas: fees.tip,
            to: to.unwrap_or(from),
            value: *value,
            access_list: Default::default(),
            blob_versioned_hashes: sidecar.hashes.clone(),
            max_fee_per_blob_gas: fees.max_blob_fee,
            input: data.clone(),
        }),
    }
}

/// The hash and what is sent.
pub(super) fn signed(
    transaction: Unsigned,
    signature: Signature,
    sidecar: Option<&Sidecar>,
) -> (B256, Bytes) {
    match (transaction, sidecar) {
        (Unsigned::Plain(it), _) => {
            let signed = it.into_signed(signature);
            (*signed.hash(), signed.encoded_2718().into())
        }
        (Unsigned::Blobs(it), Some(sidecar)) => {
            let hash = *it.clone().into_signed(signature).hash();
            let with = TxEip4844WithSidecar { tx: it, sidecar: sidecar.wire.clone() };
            (hash, with.into_signed(signature).encoded_2718().into())
        }
        (Unsigned::Blobs(it), None) => {
            let signed = it.into_signed(signature);
            (*signed.hash(), signed.encoded_2718().into())
        }
    }
}
