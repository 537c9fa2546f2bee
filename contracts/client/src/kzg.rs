//! KZG: commitments and proofs of blobs, over the one trusted set-up of the process.
//!
//! **Invariant:** the set-up is loaded when it is first wanted, once. These functions take milliseconds of computing
//! each; async callers hand them to a thread.

use alloy_eips::eip4844::kzg_to_versioned_hash;
use alloy_primitives::{B256, FixedBytes};
use c_kzg::{KzgSettings, ethereum_kzg_settings};

/// Bytes of a blob.
pub const BLOB_BYTES: usize = 131_072;

/// Tables for faster cell proofs: 0 = none, which loads fastest.
const PRECOMPUTE: u64 = 0;

/// A commitment to a blob.
pub type Commitment = FixedBytes<48>;

/// Why something is no blob.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KzgError {
    /// A blob has one size.
    #[error("a blob of {length} bytes, not {BLOB_BYTES}")]
    Length {
        /// Bytes found.
        length: usize,
    },
    /// A field element is too large, or the library failed.
    #[error("no blob: {0}")]
    Library(String),
}

/// The set-up of Ethereum's ceremony.
pub fn settings() -> &'static KzgSettings {
    ethereum_kzg_settings(PRECOMPUTE)
}

/// The blob's commitment.
pub fn commitment(blob: &[u8]) -> Result<Commitment, KzgError> {
    let length = blob.len();
    let blob = c_kzg::Blob::from_bytes(blob).map_err(|_| KzgError::Length { length })?;
    let made = settings().blob_to_kzg_commitment(&blob);
    let made = made.map_err(|error| KzgError::Library(format!("{error:?}")))?;
    Ok(Commitment::new(made.to_bytes().into_inner()))
}

/// The hash by which transactions name a commitment (EIP-4844).
pub fn versioned_hash(commitment: &Commitment) -> B256 {
    kzg_to_versioned_hash(commitment.as_slice())
}
