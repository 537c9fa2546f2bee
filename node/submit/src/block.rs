//! An L2 block as the batcher sees it.
//!
//! **Invariant:** deposits are never among the transactions: they come from L1 and are not batched.

use alloy_eips::Decodable2718;
use alloy_primitives::{B256, Bytes};
use op_alloy_consensus::TxDeposit;
use opal_derive::L2Block;
use opal_types::{BlockId, ChainConfig, Fork, L1Info, L1InfoError, SingularBatch, SpanBlock};

/// Type byte of deposits (E1).
const DEPOSIT: u8 = 0x7e;
/// What a block costs beside its transactions, bytes after compression (as the Go batcher counts).
const BLOCK_OVERHEAD: u64 = 70;
/// The estimate of a transaction's size is told in millionths of a byte.
const MILLION: u64 = 1_000_000;

/// One L2 block that is to be batched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchBlock {
    /// Height and hash.
    pub id: BlockId,
    /// Hash of the block before it.
    pub parent_hash: B256,
    /// Its timestamp, seconds.
    pub timestamp: u64,
    /// Its L1 origin.
    pub l1_origin: BlockId,
    /// Timestamp of its L1 origin, seconds.
    pub l1_origin_timestamp: u64,
    /// Blocks with the same L1 origin before it.
    pub sequence_number: u64,
    /// Its transactions after the deposits, each in its EIP-2718 form.
    pub transactions: Vec<Bytes>,
}

/// Why a block cannot be batched: it does not say where on L1 it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The first transaction is no deposit.
    #[error("L2 block {number} does not begin with a deposit")]
    NoDeposit {
        /// Height.
        number: u64,
    },
    /// The first transaction says something else.
    #[error("L2 block {number}: {error}")]
    L1Info {
        /// Height.
        number: u64,
        /// What is wrong.
        error: L1InfoError,
    },
}

impl BatchBlock {
    /// A block with its transactions. Not for the chain's first block, which has no batch.
    pub fn of(
        config: &ChainConfig,
        block: &L2Block,
        transactions: Vec<Bytes>,
    ) -> Result<Self, PlaceError> {
        let (number, timestamp) = (block.header.number, block.header.timestamp);
        let first = block.first_transaction.as_ref().filter(|raw| raw.first() == Some(&DEPOSIT));
        let mut first = first.ok_or(PlaceError::NoDeposit { number })?.as_ref();
        let deposit =
            TxDeposit::decode_2718(&mut first).map_err(|_| PlaceError::NoDeposit { number })?;
        let info = L1Info::decode(config, timestamp, &deposit.input)
            .map_err(|error| PlaceError::L1Info { number, error })?;
        Ok(Self {
            id: BlockId { number, hash: block.header.hash() },
            parent_hash: block.header.parent_hash,
            timestamp,
            l1_origin: info.origin(),
            l1_origin_timestamp: info.timestamp,
            sequence_number: info.sequence_number,
            transactions: Self::without_deposits(transactions),
        })
    }

    /// What a block of these transactions leaves to be batched.
    pub fn without_deposits(transactions: impl IntoIterator<Item = Bytes>) -> Vec<Bytes> {
        transactions.into_iter().filter(|raw| raw.first() != Some(&DEPOSIT)).collect()
    }

    /// Roughly the bytes that it will take on L1: Fjord's estimate for each transaction.
    pub fn estimated_bytes(&self) -> u64 {
        let sizes = self.transactions.iter().map(|raw| op_revm::estimate_tx_compressed_size(raw));
        sizes.fold(BLOCK_OVERHEAD, |sum, size| sum.saturating_add(size / MILLION))
    }

    /// Bytes of its transactions.
    pub(crate) fn raw_bytes(&self) -> usize {
        self.transactions.iter().fold(0, |sum, raw| sum.saturating_add(raw.len()))
    }

    /// Whether a span batch may start with it (D8).
    pub(crate) fn allows_span(&self, config: &ChainConfig) -> bool {
        config.forks.active(Fork::Delta, self.l1_origin_timestamp)
    }

    pub(crate) fn singular(&self) -> SingularBatch {
        SingularBatch {
            parent_hash: self.parent_hash,
            epoch: self.l1_origin,
            timestamp: self.timestamp,
            transactions: self.transactions.clone(),
        }
    }

    pub(crate) fn span_block(&self) -> SpanBlock {
        SpanBlock {
            timestamp: self.timestamp,
            epoch_number: self.l1_origin.number,
            transactions: self.transactions.clone(),
        }
    }
}
