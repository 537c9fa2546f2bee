//! The pre-image oracle as the program sees it: say what is coming, then read it.
//!
//! **Invariant:** an oracle that answers has checked the answer against the key ([`verify`]), or is the VM's,
//! whose answers are checked by whoever serves them.

use crate::{Hint, KeyKind, PreimageKey};
use alloy_primitives::{B256, Bytes, keccak256};

/// Answers keys. Implemented by the guest (file descriptors of the VM) and by hosts that run the program natively.
pub trait Oracle {
    /// Announces what will be read next.
    fn hint(&mut self, hint: &Hint);

    /// The value of `key`.
    fn read(&mut self, key: PreimageKey) -> Result<Bytes, OracleError>;

    /// Reads a value that should fill `out`; `false` = it has another length.
    fn read_into(&mut self, key: PreimageKey, out: &mut [u8]) -> Result<bool, OracleError> {
        let value = self.read(key)?;
        let fits = value.len() == out.len();
        if fits {
            out.copy_from_slice(&value);
        }
        Ok(fits)
    }

    /// Reads a field element of the blob with this commitment, as `read_into` does. An oracle of its own way with hashes
    /// may do it faster: a blob has 4,096 of them.
    fn read_element(
        &mut self,
        commitment: &[u8; 48],
        point: &B256,
        out: &mut [u8],
    ) -> Result<bool, OracleError> {
        self.read_into(PreimageKey::blob(commitment, *point), out)
    }
}

/// Why a pre-image could not be had. Neither case is a verdict about the claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OracleError {
    /// Nobody has the value.
    #[error("pre-image is absent: {key}")]
    Absent {
        /// What was asked.
        key: PreimageKey,
    },
    /// The value does not hash to the key.
    #[error("pre-image does not match its key: {key}")]
    Mismatch {
        /// What was asked.
        key: PreimageKey,
    },
}

impl OracleError {
    /// The key that was asked.
    pub const fn key(&self) -> PreimageKey {
        match self {
            Self::Absent { key } | Self::Mismatch { key } => *key,
        }
    }
}

/// Checks a value against a key that is a plain hash of it; other kinds need evidence beside the value
/// and are checked where that evidence is.
pub fn verify(key: PreimageKey, value: &[u8]) -> Result<(), OracleError> {
    let expected = match key.kind() {
        Some(KeyKind::Local) => return Ok(()),
        Some(KeyKind::Keccak) => PreimageKey::keccak(keccak256(value)),
        Some(KeyKind::Sha256) => PreimageKey::sha256(value),
        _ => return Err(OracleError::Mismatch { key }),
    };
    if expected == key { Ok(()) } else { Err(OracleError::Mismatch { key }) }
}
