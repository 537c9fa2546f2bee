//! Batches: what a batcher says about one L2 block or a span of them (D6, D7).
//!
//! Start with [`Batch`].
//!
//! **Invariant:** decoding refuses what the Go node's decoder refuses and nothing else; whether a
//! batch fits its chain is decided later. Memory grows with the bytes that are there, not with the
//! counts they claim.

mod bitlist;
mod cursor;
mod fields;
mod singular;
mod span;
mod span_transaction;
mod span_transactions;

pub use singular::SingularBatch;
pub use span::{RawSpanBatch, SpanBatch, SpanBlock, SpanEncodeError, SpanError, SpanParams};
pub use span_transaction::{SpanTransactionError, TransactionError};

use crate::ChannelError;
use alloc::{boxed::Box, vec::Vec};
use alloy_primitives::Bytes;

/// First byte of a batch of one block.
const SINGULAR: u8 = 0;
/// First byte of a batch of many blocks.
const SPAN: u8 = 1;

/// One item of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Batch {
    /// One block.
    Singular(SingularBatch),
    /// Blocks in a row, as they were sent.
    Span(Box<RawSpanBatch>),
}

/// Why an item of a channel is no batch; the rest of the channel is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There is no item to be read.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// Not even a type.
    #[error("batch is empty")]
    Empty,
    /// A type without meaning.
    #[error("batch type {batch_type} is unknown")]
    UnknownType {
        /// The first byte.
        batch_type: u8,
    },
    /// A singular batch is a list of five fields.
    #[error("singular batch: {0}")]
    Singular(alloy_rlp::Error),
    /// Span batches have a format of their own.
    #[error(transparent)]
    Span(#[from] SpanError),
}

impl Batch {
    /// Reads an item: type, then content. Bytes after the content are not looked at.
    pub fn decode(item: &Bytes) -> Result<Self, BatchError> {
        match *item.first().ok_or(BatchError::Empty)? {
            SINGULAR => SingularBatch::decode(item.get(1..).unwrap_or_default())
                .map(Self::Singular)
                .map_err(BatchError::Singular),
            SPAN => Ok(Self::Span(Box::new(RawSpanBatch::decode(&item.slice(1..))?))),
            batch_type => Err(BatchError::UnknownType { batch_type }),
        }
    }

    /// The item: what a channel carries as an RLP string.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Singular(batch) => {
                out.push(SINGULAR);
                batch.encode(&mut out);
            }
            Self::Span(batch) => {
                out.push(SPAN);
                batch.encode(&mut out);
            }
        }
        out
    }
}
