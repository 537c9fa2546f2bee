//! Blobs: taken apart from the transactions they come with, and checked.
//!
//! **Invariant:** the trusted set-up is loaded when the first blob arrives, not before.

use super::PoolError;
use crate::transaction::{BLOB, Transaction};
use alloy_consensus::{EthereumTxEnvelope, Signed, TxEip4844WithSidecar};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_eips::eip7594::BlobTransactionSidecarVariant;
use alloy_primitives::{B256, Bytes, FixedBytes};
use opal_client::kzg;
use std::sync::Arc;

type WithSidecar = EthereumTxEnvelope<TxEip4844WithSidecar<BlobTransactionSidecarVariant>>;

/// Proofs per blob from Osaka (EIP-7594).
const CELLS: usize = 128;

/// A blob with what proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Its name in transactions.
    pub versioned_hash: B256,
    /// 131,072 bytes.
    pub blob: Bytes,
    /// KZG commitment.
    pub commitment: FixedBytes<48>,
    /// One proof, or one for each of its 128 cells (EIP-7594).
    pub proofs: Vec<FixedBytes<48>>,
}

impl StoredBlob {
    /// Whether it comes with proofs of its cells.
    pub const fn has_cell_proofs(&self) -> bool {
        self.proofs.len() == CELLS
    }
}

/// A transaction as blocks hold it, with the blobs that it came with.
#[derive(Debug)]
pub(super) struct Unwrapped {
    pub(super) transaction: Transaction,
    pub(super) raw: Bytes,
    pub(super) sidecar: Option<BlobTransactionSidecarVariant>,
}

/// Reads what users send: ordinary transactions, and blob transactions with their blobs.
pub(super) fn unwrap(raw: &Bytes) -> Result<Unwrapped, PoolError> {
    let encoding =
        |error: alloy_eips::eip2718::Eip2718Error| PoolError::Encoding(error.to_string());
    if raw.first() != Some(&BLOB) {
        let transaction = crate::transaction::decode(raw).map_err(encoding)?;
        return Ok(Unwrapped { transaction, raw: raw.clone(), sidecar: None });
    }
    if crate::transaction::decode(raw).is_ok() {
        return Err(PoolError::NoSidecar);
    }
    let decoded = WithSidecar::decode_2718_exact(raw).map_err(encoding)?;
    let WithSidecar::Eip4844(signed) = decoded else { return Err(PoolError::Type(BLOB)) };
    let (parts, signature, hash) = signed.into_parts();
    let transaction = Transaction::Eip4844(Signed::new_unchecked(parts.tx, signature, hash));
    let raw = transaction.encoded_2718().into();
    Ok(Unwrapped { transaction, raw, sidecar: Some(parts.sidecar) })
}

/// Checks blobs against the hashes that their transaction names, and takes them apart.
pub(super) fn verify(
    sidecar: BlobTransactionSidecarVariant,
    hashes: &[B256],
    is_osaka: bool,
) -> Result<Vec<Arc<StoredBlob>>, PoolError> {
    let (wanted, found) = (u8::from(is_osaka), u8::from(sidecar.is_eip7594()));
    if wanted != found {
        return Err(PoolError::SidecarVersion { wanted, found });
    }
    sidecar
        .validate(hashes, kzg::settings())
        .map_err(|error| PoolError::Sidecar(error.to_string()))?;
    let proofs: Vec<FixedBytes<48>> = match &sidecar {
        BlobTransactionSidecarVariant::Eip4844(it) => it.proofs.clone(),
        BlobTransactionSidecarVariant::Eip7594(it) => it.cell_proofs.clone(),
    };
    let per_blob = if is_osaka { CELLS } else { 1 };
    let parts = hashes.iter().zip(sidecar.blobs()).zip(sidecar.commitments());
    let blob =
        |((hash, blob), commitment): ((&B256, &alloy_eips::eip4844::Blob), &FixedBytes<48>),
         proofs: &[FixedBytes<48>]| {
            Arc::new(StoredBlob {
                versioned_hash: *hash,
                blob: Bytes::copy_from_slice(blob.as_slice()),
                commitment: *commitment,
                proofs: proofs.to_vec(),
            })
        };
    Ok(parts.zip(proofs.chunks(per_blob)).map(|(parts, proofs)| blob(parts, proofs)).collect())
}
