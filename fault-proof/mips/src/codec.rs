//! Fixed layouts, big-endian: fields one after the other into and out of bytes.
//!
//! **Invariant:** reading past the end is `None`, writing past the end is dropped; layouts assert their own size.

/// Writes fields in order.
pub(crate) struct Encoder<'a>(pub(crate) &'a mut [u8]);

impl Encoder<'_> {
    pub(crate) fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        let space = std::mem::take(&mut self.0);
        debug_assert!(space.len() >= N, "the layout has room for its fields");
        if let Some((head, rest)) = space.split_first_chunk_mut() {
            *head = bytes;
            self.0 = rest;
        }
    }

    pub(crate) fn word(&mut self, value: u64) {
        self.put(value.to_be_bytes());
    }

    pub(crate) fn byte(&mut self, value: u8) {
        self.put([value]);
    }
}

/// Reads fields in order.
pub(crate) struct Decoder<'a>(pub(crate) &'a [u8]);

impl Decoder<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(crate) fn word(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take().map(u8::from_be_bytes)
    }

    /// Any byte but 0 is true, as the Go peer reads it.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        self.byte().map(|it| it != 0)
    }
}
