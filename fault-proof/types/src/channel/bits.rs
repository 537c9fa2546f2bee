//! The bits of a deflate stream, lowest first.
//!
//! **Invariant:** only bits that are there are handed out.

use alloy_primitives::Bytes;

/// Input with its next bits at hand.
#[derive(Debug)]
pub(super) struct BitInput {
    input: Bytes,
    /// The next byte that is not at hand yet.
    at: usize,
    /// The next bits, lowest first. Those above `count` are from the byte at `at`, or zero.
    bits: u64,
    count: u32,
}

impl BitInput {
    /// Starts at byte `at`.
    pub(super) const fn new(input: Bytes, at: usize) -> Self {
        Self { input, at, bits: 0, count: 0 }
    }

    /// Gets at least 56 bits at hand, or all that are left.
    #[inline]
    pub(super) fn refill(&mut self) {
        let ahead = self.input.get(self.at..).and_then(<[u8]>::first_chunk);
        let Some(word) = ahead.map(|it| u64::from_le_bytes(*it)) else {
            return self.refill_at_end();
        };
        self.bits |= word.wrapping_shl(self.count);
        let bytes = 63u32.saturating_sub(self.count) >> 3;
        self.at = self.at.saturating_add(bytes as usize);
        self.count |= 56;
    }

    /// The last bytes one by one.
    #[cold]
    fn refill_at_end(&mut self) {
        while self.count < 56
            && let Some(byte) = self.input.get(self.at)
        {
            self.bits |= u64::from(*byte).wrapping_shl(self.count);
            self.count = self.count.saturating_add(8);
            self.at = self.at.saturating_add(1);
        }
    }

    /// The bits at hand and how many they are.
    #[inline]
    pub(super) const fn ahead(&self) -> (u64, u32) {
        (self.bits, self.count)
    }

    /// Leaves out bits at hand.
    #[inline]
    pub(super) fn skip(&mut self, count: u32) {
        self.bits = self.bits.wrapping_shr(count);
        self.count = self.count.saturating_sub(count);
    }

    /// The next bits as a number, if all of them are at hand; at most 32.
    #[inline]
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        if self.count < count {
            return None;
        }
        let mask = 1u64.wrapping_shl(count).wrapping_sub(1);
        let value = u32::try_from(self.bits & mask).ok()?;
        self.skip(count);
        Some(value)
    }

    /// Goes on with the next whole byte.
    pub(super) fn align(&mut self) {
        self.skip(self.count & 7);
    }

    /// Takes up to `most` whole bytes; the input is aligned.
    pub(super) fn bytes(&mut self, most: usize) -> Bytes {
        let start = self.at.saturating_sub((self.count >> 3) as usize);
        let end = start.saturating_add(most).min(self.input.len());
        (self.at, self.bits, self.count) = (end, 0, 0);
        self.input.slice(start..end)
    }
}
