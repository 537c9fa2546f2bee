//! Lists of bits in span batches: a big-endian number, padded to whole bytes; bit 0 is the lowest
//! bit of the last byte (D7).
//!
//! **Invariant:** bits beyond the length are zero.

use super::{SpanError, cursor::Cursor};
use alloc::vec::Vec;
use alloy_primitives::Bytes;

/// A list of bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BitList {
    bytes: Bytes,
}

impl BitList {
    /// Reads a list of this many bits. Missing bytes are not made up.
    pub(super) fn decode(
        cursor: &mut Cursor,
        field: &'static str,
        length: u64,
    ) -> Result<Self, SpanError> {
        let bytes = cursor.bytes(field, length.div_ceil(8))?;
        let padding = length.wrapping_neg() & 7;
        let top = u32::from(bytes.first().copied().unwrap_or_default());
        if top.checked_shr(8u32.saturating_sub(u32::try_from(padding).unwrap_or(0))) > Some(0) {
            return Err(SpanError::ExcessBits { field, length });
        }
        Ok(Self { bytes })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
    }

    /// The bit at this place; beyond the end bits are zero.
    pub(super) fn get(&self, index: usize) -> bool {
        let byte = self.bytes.len().checked_sub(index / 8).and_then(|it| it.checked_sub(1));
        let byte = byte.and_then(|it| self.bytes.get(it)).copied().unwrap_or_default();
        byte >> (index & 7) & 1 == 1
    }

    /// How many bits are set.
    pub(super) fn count_ones(&self) -> u64 {
        self.bytes.iter().fold(0, |sum, byte| sum.saturating_add(byte.count_ones().into()))
    }
}

impl FromIterator<bool> for BitList {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let mut bytes = Vec::new();
        for (index, bit) in bits.into_iter().enumerate() {
            if index & 7 == 0 {
                bytes.push(0);
            }
            if let Some(byte) = bytes.last_mut() {
                *byte |= u8::from(bit) << (index & 7);
            }
        }
        bytes.reverse();
        Self { bytes: bytes.into() }
    }
}
