//! What a step can reach: the same step runs over the memory itself, over a recorder that collects its proof, and over
//! a replay that has only witness and proof.
//!
//! Start with [`Access`] and [`Bus`].
//!
//! **Invariant:** a bus carries bytes and keeps the reservation; it decides nothing about the guest.

mod direct;
mod recorder;
mod replay;

pub(crate) use direct::{Direct, Oracle};
pub(crate) use recorder::Recorder;
pub(crate) use replay::Replay;

use crate::{error::Exit, state::Reservation, vm::Stream};

/// Loads and stores. `N` is 1, 2, 4 or 8; low address bits are ignored (op-stack C8).
pub(crate) trait Access {
    /// The `N` bytes around an address.
    fn load<const N: usize>(&mut self, address: u64) -> Result<[u8; N], Exit>;

    /// Stores `N` bytes around an address; ends a reservation of that word (op-stack C5).
    fn store<const N: usize>(&mut self, address: u64, bytes: [u8; N]) -> Result<(), Exit>;
}

/// Everything else of a step.
pub(crate) trait Bus: Access {
    /// The instruction at an aligned pc.
    fn fetch(&mut self, pc: u64) -> Result<u32, Exit>;

    /// The reservation, to be changed in place.
    fn reservation(&mut self) -> &mut Reservation;

    /// Up to eight bytes of the pre-image with its 8-byte length prefix, from an offset.
    fn preimage(&mut self, key: &[u8; 32], offset: u64) -> Result<Chunk, Exit>;

    /// Guest output.
    fn output(&mut self, stream: Stream, address: u64, count: u64) -> Result<(), Exit>;

    /// Bytes of a hint.
    fn hint(&mut self, address: u64, count: u64) -> Result<(), Exit>;

    /// For statistics.
    fn note(&mut self, _event: Event) {}
}

/// Part of a pre-image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) bytes: [u8; 8],
    /// How many of them there are, at least one.
    pub(crate) length: u64,
}

impl Chunk {
    /// The chunk at an offset of a pre-image with its prefix; `None` at or past the end.
    pub(crate) fn of(value: &[u8], offset: u64) -> Option<Self> {
        let prefix = (value.len() as u64).to_be_bytes();
        let start = usize::try_from(offset).ok()?;
        let rest = value.get(start.saturating_sub(prefix.len())..)?;
        let head = prefix.get(start..).unwrap_or_default();
        let mut chunk = Self::default();
        for (place, byte) in chunk.bytes.iter_mut().zip(head.iter().chain(rest)) {
            *place = *byte;
            chunk.length = chunk.length.saturating_add(1);
        }
        (chunk.length > 0).then_some(chunk)
    }
}

/// What statistics want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// ll or lld.
    Linked { thread: u64, step: u64 },
    /// sc or scd.
    Conditional { thread: u64, step: u64, stored: bool },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(length: u8, offset: u64, expected: Option<&[u8]>) {
        let value: Vec<u8> = (0..length).map(|it| it + 100).collect();
        let chunk = Chunk::of(&value, offset);
        let found = chunk.as_ref().map(|it| &it.bytes[..it.length as usize]);
        assert_eq!(found, expected);
    }

    #[test]
    fn a_chunk_spans_prefix_and_value_and_ends_with_the_value() {
        check(3, 0, Some(&[0, 0, 0, 0, 0, 0, 0, 3]));
        check(3, 5, Some(&[0, 0, 3, 100, 101, 102]));
        check(3, 8, Some(&[100, 101, 102]));
        check(3, 10, Some(&[102]));
        check(3, 11, None);
        check(0, 7, Some(&[0]));
        check(0, 8, None);
        check(20, 8, Some(&[100, 101, 102, 103, 104, 105, 106, 107]));
        check(20, u64::MAX, None);
    }
}
