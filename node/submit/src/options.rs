//! How a batcher works, as its user says.
//!
//! **Invariant:** options that no chain could be served with are refused before anything is sent.

use crate::{channel::Carrier, rules::Rules};
use opal_types::Compression;

/// Least call data of a transaction: version, the fixed part of a frame, and a byte.
const MIN_TX_SIZE: usize = 1 + 23 + 1;
/// Most call data: nodes refuse transactions of more than 128 KiB, envelope and signature included.
const MAX_TX_SIZE: usize = 131_072 - 512;
/// Most blobs of one transaction (EIP-7594).
const MAX_BLOBS: usize = 6;

/// What batches of blocks look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchKind {
    /// One block each.
    Singular,
    /// Many blocks each; singular before Delta.
    Span,
}

/// Where data is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataAvailability {
    /// In call data.
    Calldata,
    /// In blobs; in call data before Ecotone and on an L1 without blobs.
    Blobs,
    /// In whichever costs less now.
    Auto,
}

/// How channels are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelOptions {
    /// What batches look like.
    pub kind: BatchKind,
    /// How channels are compressed; zlib before Fjord.
    pub compression: Compression,
    /// Where data is put.
    pub data_availability: DataAvailability,
    /// Frames that a channel is filled up to; also the blobs of one transaction.
    pub target_num_frames: usize,
    /// Most call data of one transaction, bytes.
    pub max_l1_tx_size: usize,
    /// A channel is closed after so many L1 blocks; zero = when it is full.
    pub max_channel_duration: u64,
    /// L1 blocks by which a channel is closed before its timeout or the end of the sequencing
    /// window.
    pub sub_safety_margin: u64,
}

/// How much is held back and sent at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingOptions {
    /// Blocks that are held because they are not safe yet.
    pub max_blocks: usize,
    /// Bytes of their transactions; one block more is always held.
    pub max_bytes: usize,
    /// Transactions that are sent and not yet included.
    pub max_transactions: usize,
}

/// Why options make no batcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// A transaction needs room for a frame, and nodes refuse large ones.
    #[error("max l1 tx size is {size} bytes, it must be {MIN_TX_SIZE} to {MAX_TX_SIZE}")]
    TransactionSize {
        /// Bytes.
        size: usize,
    },
    /// A channel has a frame at least, and a transaction few blobs.
    #[error("target num frames is {frames}, it must be 1 to {max}")]
    TargetFrames {
        /// Frames.
        frames: usize,
        /// The limit.
        max: usize,
    },
    /// A channel must be open for some time.
    #[error("sub safety margin is {margin} L1 blocks, {of} is {limit}")]
    SafetyMargin {
        /// L1 blocks.
        margin: u64,
        /// What it is taken off.
        of: &'static str,
        /// L1 blocks of that.
        limit: u64,
    },
    /// There are eleven levels.
    #[error("brotli level is {level}, it must be 0 to 11")]
    BrotliLevel {
        /// The level.
        level: u8,
    },
    /// Nothing could be done.
    #[error("{name} is zero")]
    Zero {
        /// The option.
        name: &'static str,
    },
}

impl ChannelOptions {
    /// Span batches in full blobs of the best compression, when they are full.
    pub const fn usual() -> Self {
        Self {
            kind: BatchKind::Span,
            compression: Compression::Brotli { level: 10 },
            data_availability: DataAvailability::Auto,
            target_num_frames: MAX_BLOBS,
            max_l1_tx_size: 120_000,
            max_channel_duration: 0,
            sub_safety_margin: 10,
        }
    }

    /// Checks the options against the chain that they are for.
    pub fn check(&self, config: &opal_types::ChainConfig) -> Result<(), OptionsError> {
        let size = self.max_l1_tx_size;
        if !(MIN_TX_SIZE..=MAX_TX_SIZE).contains(&size) {
            return Err(OptionsError::TransactionSize { size });
        }
        let max = match self.data_availability {
            DataAvailability::Calldata => usize::from(u16::MAX),
            DataAvailability::Blobs | DataAvailability::Auto => MAX_BLOBS,
        };
        let frames = self.target_num_frames;
        if !(1..=max).contains(&frames) {
            return Err(OptionsError::TargetFrames { frames, max });
        }
        if let Compression::Brotli { level: level @ 12.. } = self.compression {
            return Err(OptionsError::BrotliLevel { level });
        }
        let margin = self.sub_safety_margin;
        // The rules of the oldest fork here have the shortest timeout of all that are to come.
        let timeout = Rules::at(config, 0).channel_timeout.min(config.channel_timeout);
        let limits = [("channel timeout", timeout), ("window", config.seq_window_size)];
        let small = limits.into_iter().find(|(_, limit)| *limit <= margin);
        small.map_or(Ok(()), |(of, limit)| Err(OptionsError::SafetyMargin { margin, of, limit }))
    }

    /// Frames that a channel in this carrier is filled up to. Where the price decides, call data
    /// comes in single frames, as nothing is gained by more.
    pub(crate) const fn target_frames(&self, carrier: Carrier) -> usize {
        match (self.data_availability, carrier) {
            (DataAvailability::Auto, Carrier::Calldata) => 1,
            _ => self.target_num_frames,
        }
    }
}

impl PendingOptions {
    /// An hour of blocks every two seconds, and one transaction at a time.
    pub const fn usual() -> Self {
        Self { max_blocks: 1_800, max_bytes: 64 << 20, max_transactions: 1 }
    }

    /// Checks that something can be done.
    pub const fn check(&self) -> Result<(), OptionsError> {
        let name = match self {
            Self { max_blocks: 0, .. } => "max pending blocks",
            Self { max_transactions: 0, .. } => "max pending transactions",
            _ => return Ok(()),
        };
        Err(OptionsError::Zero { name })
    }
}
