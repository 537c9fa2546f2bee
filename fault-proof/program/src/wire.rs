//! The byte form of hints and pre-images between a program and its host (F3).
//!
//! A hint is a u32 length and its text, answered by one byte. A pre-image request is the 32-byte key, answered by
//! a u64 length and the value. All lengths are big-endian.
//!
//! **Invariant:** a length is checked before anything is allocated for it.

use alloc::vec::Vec;

/// Longest hint accepted, bytes: the largest precompile input is far below it.
pub const MAX_HINT_BYTES: u32 = 1 << 24;

/// Longest pre-image accepted, bytes.
pub const MAX_PREIMAGE_BYTES: u64 = 1 << 28;

/// The host's answer to a hint.
pub const HINT_ACK: u8 = 0;

/// A length prefix that is beyond what opal accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("length prefix is {length} bytes, at most {limit} are accepted")]
pub struct TooLong {
    /// What the prefix says.
    pub length: u64,
    /// The limit.
    pub limit: u64,
}

/// A hint with its length in front.
pub fn hint_frame(text: &str) -> Result<Vec<u8>, TooLong> {
    let limit = u64::from(MAX_HINT_BYTES);
    let too_long = TooLong { length: text.len() as u64, limit };
    let length = u32::try_from(text.len()).map_err(|_| too_long)?;
    if length > MAX_HINT_BYTES {
        return Err(too_long);
    }
    Ok([&length.to_be_bytes(), text.as_bytes()].concat())
}

/// The length of the hint that follows this prefix.
pub fn hint_length(prefix: [u8; 4]) -> Result<usize, TooLong> {
    let length = u32::from_be_bytes(prefix);
    if length > MAX_HINT_BYTES {
        let limit = u64::from(MAX_HINT_BYTES);
        return Err(TooLong { length: u64::from(length), limit });
    }
    Ok(length as usize)
}

/// A pre-image with its length in front.
pub fn preimage_frame(value: &[u8]) -> Vec<u8> {
    [&(value.len() as u64).to_be_bytes(), value].concat()
}

/// The length of the pre-image that follows this prefix.
pub fn preimage_length(prefix: [u8; 8]) -> Result<usize, TooLong> {
    let length = u64::from_be_bytes(prefix);
    let too_long = TooLong { length, limit: MAX_PREIMAGE_BYTES };
    if length > MAX_PREIMAGE_BYTES {
        return Err(too_long);
    }
    usize::try_from(length).map_err(|_| too_long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_frame_says_its_length() {
        let frame = hint_frame("l2-code 0x00").unwrap();
        assert_eq!(hint_length(frame[..4].try_into().unwrap()), Ok(frame.len() - 4));
    }

    #[test]
    fn a_preimage_frame_says_its_length() {
        let frame = preimage_frame(b"abc");
        assert_eq!(preimage_length(frame[..8].try_into().unwrap()), Ok(3));
    }

    #[test]
    fn huge_lengths_are_refused_before_anything_is_read() {
        assert!(hint_length([0xff; 4]).is_err());
        assert!(preimage_length([0xff; 8]).is_err());
    }
}
