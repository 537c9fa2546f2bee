//! Pre-image keys (F1): 32 bytes, the first of which says how the rest commits to the value.
//!
//! **Invariant:** a key made here has the kind byte of its constructor.

use alloy_primitives::{Address, B256, keccak256};
use core::fmt;
use sha2::{Digest, Sha256};

/// How a key commits to its value: the first byte of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KeyKind {
    /// Agreed by the dispute game, numbered, not a hash.
    Local = 1,
    /// keccak256 of the value.
    Keccak = 2,
    /// keccak256 of an on-chain sender's choice.
    Generic = 3,
    /// sha256 of the value.
    Sha256 = 4,
    /// keccak256 of commitment and evaluation point; the value is one field element.
    Blob = 5,
    /// keccak256 of precompile address, gas and input; the value is status and output.
    Precompile = 6,
}

impl KeyKind {
    const ALL: [Self; 6] =
        [Self::Local, Self::Keccak, Self::Generic, Self::Sha256, Self::Blob, Self::Precompile];

    /// The word used in messages and on the `cannon` command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Keccak => "keccak",
            Self::Generic => "generic",
            Self::Sha256 => "sha256",
            Self::Blob => "blob",
            Self::Precompile => "precompile",
        }
    }
}

/// A pre-image key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PreimageKey(pub B256);

impl PreimageKey {
    /// The key of a value that the game fixes by number (F4).
    pub fn local(number: u64) -> Self {
        let mut key = B256::left_padding_from(&number.to_be_bytes());
        key.0[0] = KeyKind::Local as u8;
        Self(key)
    }

    /// The key of the value with this keccak256.
    pub const fn keccak(hash: B256) -> Self {
        Self::with_kind(hash, KeyKind::Keccak)
    }

    /// The key of this value by sha256.
    pub fn sha256(value: &[u8]) -> Self {
        Self::with_kind(B256::from_slice(&Sha256::digest(value)), KeyKind::Sha256)
    }

    /// The key of the KZG commitment with this versioned hash, which is a sha256 but for its first byte.
    pub const fn versioned_hash(hash: B256) -> Self {
        Self::with_kind(hash, KeyKind::Sha256)
    }

    /// The key of a blob's evaluation at `point`.
    pub fn blob(commitment: &[u8; 48], point: B256) -> Self {
        let mut input = [0; 80];
        let (left, right) = input.split_at_mut(48);
        left.copy_from_slice(commitment);
        right.copy_from_slice(point.as_slice());
        Self::blob_hash(keccak256(input))
    }

    /// The same from the keccak256 of commitment and point.
    pub const fn blob_hash(hash: B256) -> Self {
        Self::with_kind(hash, KeyKind::Blob)
    }

    /// The key of a precompile's answer. `request` is what [`precompile_request`] gives (F2).
    pub fn precompile(request: &[u8]) -> Self {
        Self::precompile_hash(keccak256(request))
    }

    /// The same from the request's keccak256.
    pub const fn precompile_hash(hash: B256) -> Self {
        Self::with_kind(hash, KeyKind::Precompile)
    }

    /// The kind, or `None` for the reserved bytes.
    pub fn kind(&self) -> Option<KeyKind> {
        KeyKind::ALL.into_iter().find(|kind| *kind as u8 == self.0.0[0])
    }

    const fn with_kind(hash: B256, kind: KeyKind) -> Self {
        let mut key = hash;
        key.0[0] = kind as u8;
        Self(key)
    }
}

/// `precompile(20) ++ requiredGas(8) ++ input`: what a precompile key hashes and its hint carries.
/// The fault-proof page of the specs leaves the gas out; the contract has it, and the contract decides (F2).
pub fn precompile_request(
    precompile: Address,
    required_gas: u64,
    input: &[u8],
) -> alloc::vec::Vec<u8> {
    [precompile.as_slice(), &required_gas.to_be_bytes(), input].concat()
}

impl fmt::Display for PreimageKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            Some(kind) => write!(formatter, "{} key {}", kind.name(), self.0),
            None => write!(formatter, "key {} of unknown kind", self.0),
        }
    }
}

impl fmt::Debug for PreimageKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_local_key_is_its_kind_and_its_number() {
        let key = PreimageKey::local(0x0203);
        assert_eq!(key.0[0], 1);
        assert_eq!(&key.0[30..], &[2, 3]);
        assert_eq!(key.kind(), Some(KeyKind::Local));
    }

    #[test]
    fn every_kind_is_found_again_in_its_key() {
        let keys = [
            (PreimageKey::keccak(B256::repeat_byte(9)), KeyKind::Keccak),
            (PreimageKey::sha256(b"x"), KeyKind::Sha256),
            (PreimageKey::blob(&[1; 48], B256::ZERO), KeyKind::Blob),
            (PreimageKey::precompile(b"x"), KeyKind::Precompile),
        ];
        for (key, kind) in keys {
            assert_eq!(key.kind(), Some(kind), "{key}");
        }
    }

    #[test]
    fn a_reserved_kind_is_named_as_unknown() {
        let key = PreimageKey(B256::repeat_byte(0x7f));
        assert_eq!(key.kind(), None);
        assert!(key.to_string().ends_with("of unknown kind"), "{key}");
    }
}
