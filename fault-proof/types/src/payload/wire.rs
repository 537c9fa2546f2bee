//! SSZ's container: fields of fixed length and offsets first, then the parts that the offsets point
//! at. Numbers are little-endian.
//!
//! Start with [`Wire`]: a description of fields is run over it to measure, to write and to read.
//!
//! **Invariant:** the parts follow the fixed fields and each other without gap or overlap.

use super::PayloadError;
use alloc::vec::{IntoIter, Vec};
use alloy_primitives::U256;

/// Bytes of an offset.
const OFFSET: usize = 4;

/// One direction of the codec. Writing leaves the fields as they are.
pub(super) trait Wire {
    /// A field of fixed length.
    fn fixed<const N: usize>(&mut self, field: &mut [u8; N]) -> Result<(), PayloadError>;

    /// A field of any length.
    fn part(&mut self, field: &mut impl Part) -> Result<(), PayloadError>;

    /// A number of 64 bits.
    fn u64(&mut self, field: &mut u64) -> Result<(), PayloadError> {
        let mut bytes = field.to_le_bytes();
        self.fixed(&mut bytes)?;
        *field = u64::from_le_bytes(bytes);
        Ok(())
    }

    /// A number of 256 bits.
    fn u256(&mut self, field: &mut U256) -> Result<(), PayloadError> {
        let mut bytes = field.to_le_bytes::<32>();
        self.fixed(&mut bytes)?;
        *field = U256::from_le_bytes(bytes);
        Ok(())
    }
}

/// A value of any length, which knows its own form.
pub(super) trait Part: Sized {
    /// The bytes that an offset points at.
    fn encode(&self) -> Result<Vec<u8>, PayloadError>;
    /// Reads all of these bytes.
    fn decode(bytes: &[u8]) -> Result<Self, PayloadError>;
}

/// Counts the fixed part.
#[derive(Debug, Default)]
pub(super) struct Measure {
    /// Bytes of the fixed part, offsets included.
    pub(super) fixed: usize,
    /// Where the offsets stand in it.
    offsets: Vec<usize>,
}

impl Wire for Measure {
    fn fixed<const N: usize>(&mut self, _: &mut [u8; N]) -> Result<(), PayloadError> {
        self.fixed = self.fixed.saturating_add(N);
        Ok(())
    }

    fn part(&mut self, _: &mut impl Part) -> Result<(), PayloadError> {
        self.offsets.push(self.fixed);
        self.fixed = self.fixed.saturating_add(OFFSET);
        Ok(())
    }
}

/// Writes both halves.
#[derive(Debug)]
pub(super) struct Writer {
    fixed_length: usize,
    fixed: Vec<u8>,
    parts: Vec<u8>,
}

impl Writer {
    /// For a container whose fixed part has this length.
    pub(super) const fn new(fixed_length: usize) -> Self {
        Self { fixed_length, fixed: Vec::new(), parts: Vec::new() }
    }

    /// The whole container.
    pub(super) fn finish(mut self) -> Vec<u8> {
        debug_assert_eq!(self.fixed.len(), self.fixed_length);
        self.fixed.append(&mut self.parts);
        self.fixed
    }
}

impl Wire for Writer {
    fn fixed<const N: usize>(&mut self, field: &mut [u8; N]) -> Result<(), PayloadError> {
        self.fixed.extend_from_slice(field);
        Ok(())
    }

    fn part(&mut self, field: &mut impl Part) -> Result<(), PayloadError> {
        let offset = self.fixed_length.saturating_add(self.parts.len());
        self.fixed.extend(offset_bytes(offset)?);
        self.parts.append(&mut field.encode()?);
        Ok(())
    }
}

/// Reads a container that was cut into its parts.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    fixed: &'a [u8],
    parts: IntoIter<&'a [u8]>,
    /// Never met: the description that was measured is the one that reads.
    too_short: PayloadError,
}

impl<'a> Reader<'a> {
    /// Cuts the bytes by their offsets.
    pub(super) fn new(measure: &Measure, bytes: &'a [u8]) -> Result<Self, PayloadError> {
        let too_short = PayloadError::TooShort { length: bytes.len(), fixed: measure.fixed };
        let fixed = bytes.get(..measure.fixed).ok_or(too_short)?;
        let offset = |at: &usize| read_offset(fixed.get(*at..)?);
        let offsets: Option<Vec<_>> = measure.offsets.iter().map(offset).collect();
        let parts = cut(bytes, measure.fixed, &offsets.ok_or(too_short)?)?;
        Ok(Self { fixed, parts: parts.into_iter(), too_short })
    }
}

impl Wire for Reader<'_> {
    fn fixed<const N: usize>(&mut self, field: &mut [u8; N]) -> Result<(), PayloadError> {
        let (taken, rest) = self.fixed.split_first_chunk().ok_or(self.too_short)?;
        *field = *taken;
        self.fixed = rest;
        Ok(())
    }

    fn part(&mut self, field: &mut impl Part) -> Result<(), PayloadError> {
        self.fixed(&mut [0; OFFSET])?;
        *field = Part::decode(self.parts.next().ok_or(self.too_short)?)?;
        Ok(())
    }
}

/// An offset as it is written.
pub(super) fn offset_bytes(offset: usize) -> Result<[u8; OFFSET], PayloadError> {
    let too_long = PayloadError::TooLong { field: "payload", length: offset };
    u32::try_from(offset).map(u32::to_le_bytes).map_err(|_| too_long)
}

/// The offset at the front of these bytes.
pub(super) fn read_offset(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().and_then(|it| usize::try_from(u32::from_le_bytes(*it)).ok())
}

/// The parts that start at these offsets, the first of them at `first`, the last up to the end.
pub(super) fn cut<'a>(
    bytes: &'a [u8],
    first: usize,
    offsets: &[usize],
) -> Result<Vec<&'a [u8]>, PayloadError> {
    if let Some(offset) = offsets.first().copied().filter(|offset| *offset != first) {
        return Err(PayloadError::FirstOffset { offset, wanted: first });
    }
    let length = bytes.len();
    let ends = offsets.iter().skip(1).copied().chain([length]);
    let parts = offsets.iter().zip(ends).map(|(start, end)| {
        let offset = PayloadError::Offset { offset: end, least: *start, length };
        bytes.get(*start..end).ok_or(offset)
    });
    parts.collect()
}
