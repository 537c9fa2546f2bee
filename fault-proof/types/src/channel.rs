//! Channels: compressed streams of batches (D5).
//!
//! Start with [`BatchReader`]; [`compress_channel`] is its other direction (feature `encode`).
//!
//! **Invariant:** what comes out is exactly what the Go node's reader gives for the same bytes, up
//! to the item where it stops. Data is decompressed as batches are asked for, and memory stays near
//! the largest batch that is really there.

mod bits;
mod brotli;
#[cfg(feature = "encode")]
mod compress;
mod huffman;
mod inflate;
mod items;

#[cfg(feature = "encode")]
pub use compress::{Compression, compress_channel};

use crate::{Batch, BatchError};
use alloc::vec::Vec;
use alloy_primitives::Bytes;
use brotli::Brotli;
use inflate::Inflate;
use items::Items;

/// First byte of a channel that is compressed with Brotli.
const BROTLI_VERSION: u8 = 1;

/// What a channel may be, by the time of the L1 block that completed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelLimits {
    /// Bytes of decompressed data that are read.
    pub max_rlp_bytes: u64,
    /// Brotli is known.
    pub allows_brotli: bool,
}

impl ChannelLimits {
    /// Rules before Fjord.
    pub const BEDROCK: Self = Self { max_rlp_bytes: 10_000_000, allows_brotli: false };
    /// Rules from Fjord.
    pub const FJORD: Self = Self { max_rlp_bytes: 100_000_000, allows_brotli: true };
}

/// Why a channel ends early. What was read before stays good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// No first byte to tell the compression by.
    #[error("channel without data")]
    Empty,
    /// A compression that is not known, or not yet.
    #[error("first byte {byte:#04x} names no compression that is allowed")]
    UnknownCompression {
        /// The byte.
        byte: u8,
    },
    /// The two bytes at the front of zlib data, or its preset dictionary.
    #[error("zlib header is damaged")]
    WrongZlibHeader,
    /// The compressed data is damaged or ends too early.
    #[error("compressed data is damaged")]
    Damaged,
    /// A batch that would end beyond the limit.
    #[error("item of {length} bytes, {remaining} may be read")]
    CrossesLimit {
        /// Length of the item.
        length: u64,
        /// Bytes left until the limit.
        remaining: u64,
    },
    /// A length that has a shorter form.
    #[error("item is not in canonical form")]
    NotCanonical,
    /// Batches are byte strings.
    #[error("item is a list")]
    List,
}

/// Whether there is more to read, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The data is complete.
    Finished,
    /// It is not, or it is wrong.
    Damaged,
}

/// A decompressor.
#[derive(Debug)]
enum Source {
    Zlib(Inflate),
    Brotli(Brotli),
}

impl Source {
    /// Appends up to `most` bytes: one read of the Go node's reader.
    fn read(&mut self, out: &mut Vec<u8>, most: usize) -> Option<End> {
        match self {
            Self::Zlib(zlib) => zlib.read(out, most),
            Self::Brotli(brotli) => brotli.read(out, most),
        }
    }
}

/// Reads the batches of one channel.
#[derive(Debug)]
pub struct BatchReader {
    /// `None` after an error or the end.
    items: Option<Items>,
}

impl BatchReader {
    /// Starts on a channel's data: the data of its frames, joined.
    pub fn open(data: &Bytes, limits: ChannelLimits) -> Result<Self, ChannelError> {
        let byte = *data.first().ok_or(ChannelError::Empty)?;
        let source = match byte {
            _ if byte & 15 == 8 || byte & 15 == 15 => {
                let zlib = Inflate::open(data.clone()).ok_or(ChannelError::WrongZlibHeader)?;
                Source::Zlib(zlib)
            }
            BROTLI_VERSION if limits.allows_brotli => Source::Brotli(Brotli::open(data.slice(1..))),
            _ => return Err(ChannelError::UnknownCompression { byte }),
        };
        Ok(Self { items: Some(Items::new(source, limits.max_rlp_bytes)) })
    }

    /// The next batch. An error drops the rest of the channel: `None` follows.
    #[expect(clippy::should_implement_trait, reason = "reading on is a decision of the caller")]
    pub fn next(&mut self) -> Option<Result<Batch, BatchError>> {
        let items = self.items.as_mut()?;
        let batch = match items.next() {
            Ok(None) => None,
            Ok(Some(item)) => Some(Batch::decode(&item.into())),
            Err(error) => Some(Err(error.into())),
        };
        if !matches!(batch, Some(Ok(_))) {
            self.items = None;
        }
        batch
    }
}
