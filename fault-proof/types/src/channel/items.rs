//! The batches of a channel as byte strings: an RLP stream over a decompressor (D5).
//!
//! Start with [`Items::next`]. It follows Go's `rlp.Stream` over a `bufio.Reader`: small reads go
//! through a buffer of 4096 bytes, which keeps the news of damage back until it is empty; large
//! reads go past it, and there bytes that come with that news are lost.
//!
//! **Invariant:** an item that ends beyond the limit is refused before it is read, and memory grows
//! with the bytes that come, not with the length that is claimed.

use super::{ChannelError, End, Source};
use alloc::vec::Vec;

/// Reads at least this large go past the buffer.
const BUFFER: usize = 4096;

/// A decompressor behind a buffer.
#[derive(Debug)]
struct Buffered {
    source: Source,
    buffer: Vec<u8>,
    /// The next byte in the buffer.
    at: usize,
    /// News that waits until the buffer is empty.
    end: Option<End>,
}

/// The items of a channel.
#[derive(Debug)]
pub(super) struct Items {
    input: Buffered,
    /// Bytes that may still be read.
    remaining: u64,
}

impl Buffered {
    /// What lies in the buffer.
    fn held(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or_default()
    }

    fn fill(&mut self) {
        self.buffer.clear();
        self.at = 0;
        self.end = self.source.read(&mut self.buffer, BUFFER);
    }

    fn byte(&mut self) -> Result<u8, End> {
        loop {
            if let Some(byte) = self.held().first().copied() {
                self.at = self.at.saturating_add(1);
                return Ok(byte);
            }
            if let Some(end) = self.end {
                return Err(end);
            }
            self.fill();
        }
    }

    /// Appends `count` bytes.
    fn bytes(&mut self, out: &mut Vec<u8>, count: usize) -> Result<(), End> {
        let wanted = out.len().saturating_add(count);
        loop {
            let left = wanted.saturating_sub(out.len());
            if left == 0 {
                return Ok(());
            }
            if self.held().is_empty() {
                if let Some(end) = self.end {
                    return Err(end);
                }
                if left >= BUFFER {
                    self.past_buffer(out, left)?;
                    continue;
                }
                self.fill();
            }
            let piece = self.held().get(..left).unwrap_or_else(|| self.held());
            out.extend_from_slice(piece);
            self.at = self.at.saturating_add(piece.len());
        }
    }

    /// One read past the buffer. Bytes that come together with damage are lost, and the item is
    /// even if they complete it.
    fn past_buffer(&mut self, out: &mut Vec<u8>, left: usize) -> Result<(), End> {
        let before = out.len();
        let end = self.source.read(out, left);
        let is_complete = out.len().saturating_sub(before) == left;
        match end {
            None => Ok(()),
            Some(End::Finished) if is_complete => {
                self.end = end;
                Ok(())
            }
            Some(end) => Err(end),
        }
    }
}

impl Items {
    /// Reads up to `limit` bytes of what the source gives.
    pub(super) const fn new(source: Source, limit: u64) -> Self {
        let input = Buffered { source, buffer: Vec::new(), at: 0, end: None };
        Self { input, remaining: limit }
    }

    /// The next item's content; `Ok(None)` = there is no further one. Nothing can be read after an
    /// error.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, ChannelError> {
        let Some(tag) = self.tag()? else { return Ok(None) };
        let length = match tag {
            0..0x80 => return Ok(Some(alloc::vec![tag])),
            0x80..0xb8 => u64::from(tag ^ 0x80),
            0xb8..0xc0 => self.long_length(tag)?,
            _ => return Err(ChannelError::List),
        };
        if length > self.remaining {
            return Err(ChannelError::CrossesLimit { length, remaining: self.remaining });
        }
        let mut item = Vec::new();
        self.read(&mut item, length)?;
        match *item {
            [byte] if byte < 0x80 => Err(ChannelError::NotCanonical),
            _ => Ok(Some(item)),
        }
    }

    /// The first byte of an item. At the limit the channel ends, as at the end of the data. Damage
    /// in its place ends the channel too; it is told apart for the log only.
    fn tag(&mut self) -> Result<Option<u8>, ChannelError> {
        let Some(remaining) = self.remaining.checked_sub(1) else { return Ok(None) };
        self.remaining = remaining;
        match self.input.byte() {
            Ok(tag) => Ok(Some(tag)),
            Err(End::Finished) => Ok(None),
            Err(End::Damaged) => Err(ChannelError::Damaged),
        }
    }

    /// The length of a string of more than 55 bytes.
    fn long_length(&mut self, tag: u8) -> Result<u64, ChannelError> {
        let mut bytes = Vec::new();
        self.read(&mut bytes, u64::from(tag.wrapping_sub(0xb7)))?;
        let length = bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
        if bytes.first() == Some(&0) || length < 56 {
            return Err(ChannelError::NotCanonical);
        }
        Ok(length)
    }

    /// Appends bytes that must be there.
    fn read(&mut self, out: &mut Vec<u8>, count: u64) -> Result<(), ChannelError> {
        let crossed = ChannelError::CrossesLimit { length: count, remaining: self.remaining };
        self.remaining = self.remaining.checked_sub(count).ok_or(crossed)?;
        let count = usize::try_from(count).map_err(|_| crossed)?;
        self.input.bytes(out, count).map_err(|_| ChannelError::Damaged)
    }
}
