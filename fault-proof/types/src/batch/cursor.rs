//! Reads the fields of a span batch one after the other.
//!
//! **Invariant:** fields share the bytes they lie in; nothing is copied or reserved.

use super::SpanError;
use alloc::vec::Vec;
use alloy_primitives::Bytes;
use alloy_rlp::Header;

/// Most bytes of a transaction's part, with its RLP header but without its type (Go's
/// MaxSpanBatchElementCount used as a stream limit).
const MAX_TRANSACTION: usize = 10_000_000;
/// Bytes of the longest uvarint.
const MAX_UVARINT: usize = 10;

/// The bytes that are left.
#[derive(Debug)]
pub(super) struct Cursor {
    rest: Bytes,
}

impl Cursor {
    pub(super) const fn new(bytes: Bytes) -> Self {
        Self { rest: bytes }
    }

    /// The next `count` bytes.
    pub(super) fn bytes(&mut self, field: &'static str, count: u64) -> Result<Bytes, SpanError> {
        let count = usize::try_from(count).ok().filter(|it| *it <= self.rest.len());
        let count = count.ok_or(SpanError::CutOff { field })?;
        Ok(self.rest.split_to(count))
    }

    /// The next bytes as an array.
    pub(super) fn array<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<[u8; N], SpanError> {
        let bytes = self.bytes(field, N as u64)?;
        bytes.first_chunk().copied().ok_or(SpanError::CutOff { field })
    }

    /// A number in little-endian groups of seven bits; longer forms than needed are legal.
    pub(super) fn uvarint(&mut self, field: &'static str) -> Result<u64, SpanError> {
        let mut value = 0u64;
        for (byte, place) in self.rest.iter().take(MAX_UVARINT).zip(0u32..) {
            let shift = place.saturating_mul(7);
            let group = u64::from(byte & 0x7f);
            value |= group.wrapping_shl(shift);
            if *byte < 0x80 {
                if group.wrapping_shl(shift).wrapping_shr(shift) != group {
                    return Err(SpanError::TooLarge { field });
                }
                let length = u64::from(place).saturating_add(1);
                return self.bytes(field, length).map(|_| value);
            }
        }
        let is_cut_off = self.rest.len() < MAX_UVARINT;
        Err(if is_cut_off { SpanError::CutOff { field } } else { SpanError::TooLarge { field } })
    }

    /// One uvarint for each of `count` things.
    pub(super) fn uvarints(
        &mut self,
        field: &'static str,
        count: u64,
    ) -> Result<Vec<u64>, SpanError> {
        (0..count).map(|_| self.uvarint(field)).collect()
    }

    /// A transaction's part: a list, after a type byte unless it is a legacy transaction's.
    pub(super) fn transaction(&mut self) -> Result<Bytes, SpanError> {
        let field = "transaction";
        let first = *self.rest.first().ok_or(SpanError::CutOff { field })?;
        let type_length = usize::from(first < 0x80);
        let mut list = self.rest.get(type_length..).unwrap_or_default();
        let before = list.len();
        match Header::decode(&mut list) {
            Ok(header) if header.list => {
                let header_length = before.saturating_sub(list.len());
                let length = header_length.saturating_add(header.payload_length);
                if length > MAX_TRANSACTION {
                    return Err(SpanError::TooLarge { field });
                }
                self.bytes(field, type_length.saturating_add(length) as u64)
            }
            Ok(_) => Err(SpanError::NotList),
            Err(error) => Err(SpanError::Rlp(error)),
        }
    }
}

/// Appends a number in groups of seven bits, lowest first.
pub(super) fn put_uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}
