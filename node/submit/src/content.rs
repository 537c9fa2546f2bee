//! What a channel holds: blocks as batches, compressed.
//!
//! Start with [`Content::add`]. The size of a channel is never estimated by another compressor than
//! the one that makes its data. Compressing after every block would be slow, so between two
//! measurements the size is bounded from above: the last one, plus all that was added since,
//! uncompressed.
//!
//! **Invariant:** no limit is ever crossed. A block that would cross one is not kept: the content
//! is that of before (B1).

use crate::{BatchBlock, BatchKind};
use alloy_primitives::Bytes;
use alloy_rlp::Encodable;
use opal_types::{
    Batch, Compression, SpanBatch, SpanEncodeError, SpanParams, SpanTransactionError,
    compress_channel,
};
use std::sync::Arc;

/// Most blocks, and most transactions, of a span (MAX_SPAN_BATCH_ELEMENT_COUNT).
const MAX_SPAN_ELEMENTS: usize = 10_000_000;

/// How much may go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Bytes of RLP that a reader takes.
    pub(crate) max_rlp_bytes: usize,
    /// Compressed bytes aimed for; a single block may need more.
    pub(crate) target_bytes: usize,
    /// Compressed bytes that are never exceeded.
    pub(crate) max_bytes: usize,
}

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// It is in, and there may be room for more.
    Open,
    /// It is in, and nothing else will be.
    Last,
    /// It is not in: there is no room.
    NoRoom,
}

/// Why a block cannot be batched at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// A transaction has no form in span batches.
    #[error("block {number} has no form as a batch: {error}")]
    Transaction {
        /// Height of the block.
        number: u64,
        /// What is wrong.
        error: SpanTransactionError,
    },
    /// Its place in the chain is not what its number says.
    #[error("block {number} does not lie on the chain's block times: {error}")]
    Place {
        /// Height of the block.
        number: u64,
        /// What is wrong.
        error: SpanEncodeError,
    },
    /// It alone is larger than a channel.
    #[error("block {number} takes {length} bytes, a channel holds {limit}")]
    TooLarge {
        /// Height of the block.
        number: u64,
        /// Bytes it takes.
        length: usize,
        /// The limit.
        limit: usize,
    },
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Content {
    kind: BatchKind,
    params: SpanParams,
    compression: Compression,
    bounds: Bounds,
    blocks: Vec<Arc<BatchBlock>>,
    /// No less than the bytes of RLP.
    rlp_bound: usize,
    transactions: usize,
    measured: Measured,
}

/// The compressed form of the first blocks.
#[derive(Clone, Debug, Default)]
struct Measured {
    blocks: usize,
    data: Bytes,
    /// RLP bytes that were added since, at most.
    added_since: usize,
}

impl Content {
    pub(crate) const fn new(
        kind: BatchKind,
        params: SpanParams,
        compression: Compression,
        bounds: Bounds,
    ) -> Self {
        let measured = Measured { blocks: 0, data: Bytes::new(), added_since: 0 };
        Self {
            kind,
            params,
            compression,
            bounds,
            blocks: Vec::new(),
            rlp_bound: 0,
            transactions: 0,
            measured,
        }
    }

    pub(crate) const fn kind(&self) -> BatchKind {
        self.kind
    }

    pub(crate) fn blocks(&self) -> &[Arc<BatchBlock>] {
        &self.blocks
    }

    /// Takes a block in, if there is room. After an error the content is that of before, too.
    pub(crate) fn add(&mut self, block: Arc<BatchBlock>) -> Result<Added, BlockError> {
        let length = self.rlp_bound_of(&block)?;
        if !self.blocks.is_empty() && !self.has_room(&block, length) {
            return Ok(Added::NoRoom);
        }
        let before = (self.rlp_bound, self.transactions, self.measured.clone());
        self.rlp_bound = self.rlp_bound.saturating_add(length);
        self.transactions = self.transactions.saturating_add(block.transactions.len());
        self.measured.added_since = self.measured.added_since.saturating_add(length);
        self.blocks.push(block);
        let added = self.judge();
        if !matches!(added, Ok(Added::Open | Added::Last)) {
            self.blocks.pop();
            (self.rlp_bound, self.transactions, self.measured) = before;
        }
        added
    }

    /// Whether the last block may stay.
    fn judge(&mut self) -> Result<Added, BlockError> {
        let bound = self.measured.data.len().saturating_add(self.measured.added_since);
        let target = self.bounds.target_bytes;
        if bound <= target && self.rlp_bound <= self.bounds.max_rlp_bytes {
            return Ok(Added::Open);
        }
        match (self.measure()? <= target, self.blocks.len()) {
            (true, 1) => self.check_limits().map(|()| Added::Open),
            (true, _) => Ok(Added::Open),
            (false, 1) => self.check_limits().map(|()| Added::Last),
            (false, _) => Ok(Added::NoRoom),
        }
    }

    /// The compressed data of all blocks. Blocks at the end that would cross a limit are taken out,
    /// and must be batched again.
    pub(crate) fn finish(mut self) -> Result<(Vec<Arc<BatchBlock>>, Bytes), BlockError> {
        // Compressed data can grow by more than what is added to it, if only by a few bytes.
        while self.blocks.len() > 1
            && (self.measure()? > self.bounds.target_bytes
                || self.rlp_length()? > self.bounds.max_rlp_bytes)
        {
            self.blocks.pop();
        }
        self.check_limits()?;
        Ok((self.blocks, self.measured.data))
    }

    /// Whether the block keeps the limits that are no matter of compression.
    fn has_room(&self, block: &BatchBlock, length: usize) -> bool {
        let transactions = self.transactions.saturating_add(block.transactions.len());
        let blocks = self.blocks.len().saturating_add(1);
        let follows = self.blocks.last().is_none_or(|last| last.id.hash == block.parent_hash);
        follows
            && self.rlp_bound.saturating_add(length) <= self.bounds.max_rlp_bytes
            && transactions.max(blocks) <= MAX_SPAN_ELEMENTS
    }

    /// What the block adds to the RLP, at most. The columns of a span are no longer than those of
    /// spans of its parts together.
    fn rlp_bound_of(&self, block: &Arc<BatchBlock>) -> Result<usize, BlockError> {
        let batches = self.batches(std::slice::from_ref(block))?;
        Ok(rlp_length(&batches))
    }

    /// Compresses all blocks, and gives the length.
    fn measure(&mut self) -> Result<usize, BlockError> {
        let count = self.blocks.len();
        if self.measured.blocks != count {
            let batches = self.batches(&self.blocks)?;
            let data = compress_channel(&batches, self.compression).into();
            self.measured = Measured { blocks: count, data, added_since: 0 };
        }
        Ok(self.measured.data.len())
    }

    fn rlp_length(&self) -> Result<usize, BlockError> {
        // The bound is above the true length, which costs more to know.
        if self.rlp_bound <= self.bounds.max_rlp_bytes {
            return Ok(self.rlp_bound);
        }
        Ok(rlp_length(&self.batches(&self.blocks)?))
    }

    /// Refuses what nobody would read. What comes here is one block, or within the target.
    fn check_limits(&mut self) -> Result<(), BlockError> {
        let number = self.blocks.last().map_or(0, |block| block.id.number);
        let lengths = [
            (self.rlp_length()?, self.bounds.max_rlp_bytes),
            (self.measure()?, self.bounds.max_bytes),
        ];
        let over = lengths.into_iter().find(|(length, limit)| length > limit);
        over.map_or(Ok(()), |(length, limit)| Err(BlockError::TooLarge { number, length, limit }))
    }

    /// The blocks as batches: one each, or one for all.
    fn batches(&self, blocks: &[Arc<BatchBlock>]) -> Result<Vec<Batch>, BlockError> {
        match self.kind {
            BatchKind::Singular => {
                Ok(blocks.iter().map(|block| Batch::Singular(block.singular())).collect())
            }
            BatchKind::Span => Ok(span(blocks, self.params)?.into_iter().collect()),
        }
    }
}

/// The span of these blocks.
fn span(blocks: &[Arc<BatchBlock>], params: SpanParams) -> Result<Option<Batch>, BlockError> {
    let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(None) };
    let batch = SpanBatch {
        parent_check: first.parent_hash.0.first_chunk().copied().unwrap_or_default(),
        l1_origin_check: last.l1_origin.hash.0.first_chunk().copied().unwrap_or_default(),
        starts_epoch: first.sequence_number == 0,
        blocks: blocks.iter().map(|block| block.span_block()).collect(),
    };
    let raw = batch.to_raw(params).map_err(|error| blame(blocks, error))?;
    Ok(Some(Batch::Span(raw.into())))
}

/// Names the block that an error is about.
fn blame(blocks: &[Arc<BatchBlock>], error: SpanEncodeError) -> BlockError {
    let number_at = |index: usize| blocks.get(index).map_or(0, |block| block.id.number);
    match error {
        SpanEncodeError::Transaction(error) => {
            let mut ends = blocks.iter().scan(0usize, |end, block| {
                *end = end.saturating_add(block.transactions.len());
                Some(*end)
            });
            let index = ends.position(|end| error.index < end).unwrap_or_default();
            BlockError::Transaction { number: number_at(index), error }
        }
        SpanEncodeError::WrongTimestamp { index, .. }
        | SpanEncodeError::WrongEpoch { index, .. } => {
            BlockError::Place { number: number_at(index), error }
        }
        SpanEncodeError::NoBlocks | SpanEncodeError::TooMany { .. } => {
            BlockError::Place { number: number_at(0), error }
        }
    }
}

/// Bytes of these batches as RLP strings.
fn rlp_length(batches: &[Batch]) -> usize {
    let lengths = batches.iter().map(|batch| batch.encode().as_slice().length());
    lengths.fold(0, usize::saturating_add)
}
