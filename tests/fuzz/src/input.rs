//! Takes an input apart.
//!
//! **Invariant:** every input can be taken apart in every way: what is missing is absent, never an error.

/// The bytes that are left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// A byte, zero at the end.
    pub(crate) fn number(&mut self) -> u8 {
        self.byte().unwrap_or_default()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    /// At most so many bytes.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A length of two bytes, and at most so many bytes.
    pub(crate) fn piece(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.array()?);
        Some(self.take(length.into()))
    }
}
