//! Batches of many L2 blocks (D7).
//!
//! Start with [`RawSpanBatch`], which is what is sent, and [`SpanBatch`], which is what is meant.
//!
//! **Invariant:** a raw batch has at least one block, and each of its counts is matched by bytes.

use super::{
    SpanTransactionError,
    bitlist::BitList,
    cursor::{Cursor, put_uvarint},
    span_transactions::SpanTransactions,
};
use alloc::vec::Vec;
use alloy_primitives::Bytes;

/// Most blocks of a span, transactions of a block, and transactions of a span.
const MAX_ELEMENTS: u64 = 10_000_000;

/// A span batch as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawSpanBatch {
    /// Timestamp of the first block after the chain's first one, seconds.
    relative_timestamp: u64,
    /// L1 origin of the last block.
    last_epoch_number: u64,
    parent_check: [u8; 20],
    l1_origin_check: [u8; 20],
    /// Which blocks have another L1 origin than the block before them.
    origin_changes: BitList,
    /// Transactions of each block.
    transaction_counts: Vec<u32>,
    transactions: SpanTransactions,
}

/// What a span batch means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanBatch {
    /// First bytes of the hash of the block before the span.
    pub parent_check: [u8; 20],
    /// First bytes of the hash of the last block's L1 origin.
    pub l1_origin_check: [u8; 20],
    /// The first block has another L1 origin than the block before it. Nothing depends on it.
    pub starts_epoch: bool,
    /// The blocks in order; at least one.
    pub blocks: Vec<SpanBlock>,
}

/// One block of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpanBlock {
    /// Its timestamp, seconds.
    pub timestamp: u64,
    /// Number of its L1 origin.
    pub epoch_number: u64,
    /// Its transactions after the deposits, each in its EIP-2718 form.
    pub transactions: Vec<Bytes>,
}

/// What a span batch leaves to be known of its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanParams {
    /// Seconds between blocks.
    pub block_time: u64,
    /// Timestamp of the chain's first block, seconds.
    pub genesis_time: u64,
    /// Chain that the transactions are signed for.
    pub chain_id: u64,
}

impl From<&crate::ChainConfig> for SpanParams {
    fn from(config: &crate::ChainConfig) -> Self {
        Self {
            block_time: config.block_time,
            genesis_time: config.genesis.l2_time,
            chain_id: config.l2_chain_id,
        }
    }
}

/// Why bytes are no span batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanError {
    /// The batch ends within a field.
    #[error("span batch ends within {field}")]
    CutOff {
        /// The field.
        field: &'static str,
    },
    /// A number or size beyond what the format allows.
    #[error("span batch: {field} too large")]
    TooLarge {
        /// The field.
        field: &'static str,
    },
    /// A list of bits that is longer than its length.
    #[error("span batch: {field} has bits beyond its length of {length}")]
    ExcessBits {
        /// The field.
        field: &'static str,
        /// Number of bits.
        length: u64,
    },
    /// A span of nothing.
    #[error("span batch without blocks")]
    NoBlocks,
    /// A transaction's part is a list.
    #[error("span batch: transaction is no list")]
    NotList,
    /// A transaction's part has a damaged header.
    #[error("span batch: transaction: {0}")]
    Rlp(alloy_rlp::Error),
}

/// Why blocks make no span batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpanEncodeError {
    /// A span of nothing.
    #[error("span of no blocks")]
    NoBlocks,
    /// More than a span may hold.
    #[error("{count} blocks or transactions, the limit is {MAX_ELEMENTS}")]
    TooMany {
        /// How many there are.
        count: u64,
    },
    /// Timestamps are implied: they go up by the block time from genesis on.
    #[error("block {index} has timestamp {timestamp}, its place says another")]
    WrongTimestamp {
        /// Place in the span.
        index: usize,
        /// Timestamp found.
        timestamp: u64,
    },
    /// L1 origins are implied but for single steps.
    #[error("block {index} has L1 origin {epoch_number}, which is no step after the one before")]
    WrongEpoch {
        /// Place in the span.
        index: usize,
        /// Number found.
        epoch_number: u64,
    },
    /// A transaction has no form in span batches.
    #[error(transparent)]
    Transaction(#[from] SpanTransactionError),
}

impl RawSpanBatch {
    /// Reads the content, without the batch type. What follows it is not looked at.
    pub(super) fn decode(content: &Bytes) -> Result<Self, SpanError> {
        let cursor = &mut Cursor::new(content.clone());
        let relative_timestamp = cursor.uvarint("timestamp")?;
        let last_epoch_number = cursor.uvarint("L1 origin number")?;
        let parent_check = cursor.array("parent check")?;
        let l1_origin_check = cursor.array("L1 origin check")?;
        let block_count = limited("block count", cursor.uvarint("block count")?)?;
        if block_count == 0 {
            return Err(SpanError::NoBlocks);
        }
        let origin_changes = BitList::decode(cursor, "origin bits", block_count.into())?;
        let counts = (0..block_count).map(|_| {
            let field = "transaction count";
            cursor.uvarint(field).and_then(|count| limited(field, count))
        });
        let transaction_counts = counts.collect::<Result<Vec<_>, _>>()?;
        let total =
            transaction_counts.iter().fold(0u64, |sum, it| sum.saturating_add((*it).into()));
        let total = limited("sum of transaction counts", total)?;
        let transactions = SpanTransactions::decode(cursor, total.into())?;
        Ok(Self {
            relative_timestamp,
            last_epoch_number,
            parent_check,
            l1_origin_check,
            origin_changes,
            transaction_counts,
            transactions,
        })
    }

    /// Appends the content, without the batch type.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_uvarint(out, self.relative_timestamp);
        put_uvarint(out, self.last_epoch_number);
        out.extend(self.parent_check);
        out.extend(self.l1_origin_check);
        put_uvarint(out, self.transaction_counts.len() as u64);
        self.origin_changes.encode(out);
        self.transaction_counts.iter().for_each(|count| put_uvarint(out, (*count).into()));
        self.transactions.encode(out);
    }

    /// Number of blocks.
    pub fn block_count(&self) -> usize {
        self.transaction_counts.len()
    }

    /// What the batch means on this chain. An error drops this batch but not its channel. Numbers
    /// wrap as the Go node's do; such blocks fit nowhere.
    pub fn derive(&self, params: SpanParams) -> Result<SpanBatch, SpanTransactionError> {
        let mut transactions = self.transactions.join(params.chain_id)?.into_iter();
        let start = params.genesis_time.wrapping_add(self.relative_timestamp);
        let counts = self.transaction_counts.iter().zip(0u64..).zip(self.epoch_numbers());
        let blocks = counts.map(|((count, index), epoch_number)| SpanBlock {
            timestamp: start.wrapping_add(params.block_time.wrapping_mul(index)),
            epoch_number,
            transactions: transactions.by_ref().take(*count as usize).collect(),
        });
        Ok(SpanBatch {
            parent_check: self.parent_check,
            l1_origin_check: self.l1_origin_check,
            starts_epoch: self.origin_changes.get(0),
            blocks: blocks.collect(),
        })
    }

    /// The L1 origin of each block: the last one is known, and where it changes.
    fn epoch_numbers(&self) -> impl Iterator<Item = u64> {
        let changes = (1..self.block_count()).filter(|index| self.origin_changes.get(*index));
        let mut number = self.last_epoch_number.wrapping_sub(changes.count() as u64);
        (0..self.block_count()).map(move |index| {
            let changes = index > 0 && self.origin_changes.get(index);
            number = number.wrapping_add(changes.into());
            number
        })
    }
}

impl SpanBatch {
    /// The form that is sent. The blocks must follow each other, or they would not be understood.
    pub fn to_raw(&self, params: SpanParams) -> Result<RawSpanBatch, SpanEncodeError> {
        let (Some(first), Some(last)) = (self.blocks.first(), self.blocks.last()) else {
            return Err(SpanEncodeError::NoBlocks);
        };
        let steps = self.blocks.windows(2).enumerate().map(|(index, pair)| match pair {
            [before, block] => check_step(before, block, index.saturating_add(1), params),
            _ => Ok(false),
        });
        let changes = core::iter::once(Ok(self.starts_epoch)).chain(steps);
        let origin_changes = changes.collect::<Result<_, _>>()?;
        let relative = first.timestamp.checked_sub(params.genesis_time);
        let timestamp = first.timestamp;
        let transactions = self.blocks.iter().flat_map(|block| &block.transactions);
        Ok(RawSpanBatch {
            relative_timestamp: relative
                .ok_or(SpanEncodeError::WrongTimestamp { index: 0, timestamp })?,
            last_epoch_number: last.epoch_number,
            parent_check: self.parent_check,
            l1_origin_check: self.l1_origin_check,
            origin_changes,
            transaction_counts: self.counts()?,
            transactions: SpanTransactions::split(transactions, params.chain_id)?,
        })
    }

    /// The number of transactions of each block; no limit is crossed.
    fn counts(&self) -> Result<Vec<u32>, SpanEncodeError> {
        let lengths = self.blocks.iter().map(|block| block.transactions.len() as u64);
        let total = lengths.clone().fold(0, u64::saturating_add);
        let count = total.max(self.blocks.len() as u64);
        if count > MAX_ELEMENTS {
            return Err(SpanEncodeError::TooMany { count });
        }
        let too_many = |count| SpanEncodeError::TooMany { count };
        lengths.map(|count| u32::try_from(count).map_err(|_| too_many(count))).collect()
    }
}

/// Whether the L1 origin changes from a block to the next.
fn check_step(
    before: &SpanBlock,
    block: &SpanBlock,
    index: usize,
    params: SpanParams,
) -> Result<bool, SpanEncodeError> {
    let SpanBlock { timestamp, epoch_number, .. } = *block;
    if before.timestamp.checked_add(params.block_time) != Some(timestamp) {
        return Err(SpanEncodeError::WrongTimestamp { index, timestamp });
    }
    match epoch_number.checked_sub(before.epoch_number) {
        Some(step @ 0..=1) => Ok(step == 1),
        _ => Err(SpanEncodeError::WrongEpoch { index, epoch_number }),
    }
}

/// Refuses a count beyond the limit.
fn limited(field: &'static str, count: u64) -> Result<u32, SpanError> {
    let within = u32::try_from(count).ok().filter(|_| count <= MAX_ELEMENTS);
    within.ok_or(SpanError::TooLarge { field })
}
