//! What was dropped and why, for people: `opal derive --explain`.
//!
//! Start with [`Reason`]: one variant per rule, each with the rule's row.
//!
//! **Invariant:** notes are only written, never read by derivation.

use alloy_primitives::{Address, B256};
use opal_types::{BlockId, ChannelId};

/// A line of the explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The L1 block that was being read.
    pub l1: BlockId,
    /// What is meant.
    pub item: Item,
    /// What became of it.
    pub reason: Reason,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// A transaction to the batch inbox, by its place in the L1 block.
    Transaction(usize),
    /// A blob, by its place among the block's batch blobs.
    Blob(usize),
    /// A frame.
    Frame {
        /// Its channel.
        channel: ChannelId,
        /// Its number.
        number: u16,
    },
    /// A channel.
    Channel(ChannelId),
    /// What a batcher transaction or a blob carries.
    BatcherData,
    /// Data read from a channel.
    ChannelData,
    /// A singular batch, by its L2 timestamp.
    Batch {
        /// Seconds.
        timestamp: u64,
    },
    /// A span batch, by the L2 timestamps of its first and last block.
    Span {
        /// Seconds.
        first: u64,
        /// Seconds.
        last: u64,
    },
    /// A log of the system config contract, by its place in the block.
    ConfigLog(u64),
    /// The attributes of an L2 block.
    Attributes {
        /// Height of the block.
        number: u64,
    },
    /// The whole pipeline.
    Pipeline,
}

impl core::fmt::Display for Item {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Transaction(index) => write!(f, "transaction {index}"),
            Self::Blob(index) => write!(f, "blob {index}"),
            Self::Frame { channel, number } => write!(f, "frame {number} of channel {channel}"),
            Self::Channel(channel) => write!(f, "channel {channel}"),
            Self::BatcherData => f.write_str("batcher data"),
            Self::ChannelData => f.write_str("channel data"),
            Self::Batch { timestamp } => write!(f, "batch at {timestamp}"),
            Self::Span { first, last } => write!(f, "span batch from {first} to {last}"),
            Self::ConfigLog(index) => write!(f, "config log {index}"),
            Self::Attributes { number } => write!(f, "attributes of block {number}"),
            Self::Pipeline => f.write_str("pipeline"),
        }
    }
}

/// Declares the reasons: documentation, row of op-stack.md, name, fields and text in one place.
macro_rules! reasons {
    ($($(#[$doc:meta])* $row:literal $name:ident $({ $($(#[$field_doc:meta])* $field:ident: $type:ty),+ })? = $text:literal;)*) => {
        /// Why something was dropped, or what else is worth knowing about it.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum Reason {
            $($(#[$doc])* #[error($text)] $name $({ $($(#[$field_doc])* $field: $type),+ })?,)*
        }

        impl Reason {
            /// The row of op-stack.md that says so.
            pub const fn rule(&self) -> &'static str {
                match self { $(Self::$name { .. } => $row,)* }
            }
        }
    };
}

reasons! {
    /// Someone else wrote to the inbox.
    "D1" OtherSender {
        /// Who.
        sender: Address,
        /// Whose batches count.
        batcher: Address
    } = "sent by {sender}, batcher is {batcher}";
    /// Nobody signed the transaction.
    "D1" BadSignature = "has no valid signature";
    /// Only some types count.
    "D1" TransactionType {
        /// The type byte.
        tx_type: u8
    } = "has type {tx_type}, which carries no batches";
    /// The bytes are no transaction.
    "D1" MalformedTransaction = "cannot be decoded";
    /// One malformed frame spoils its transaction.
    "D2" MalformedFrames {
        /// Which and how.
        error: opal_types::FrameError
    } = "{error}";
    /// Data that lie elsewhere are not known to this derivation.
    "D28" AltDaCommitment = "commits to data outside of L1";
    /// The blob is not in the encoding of batches.
    "D23" MalformedBlob {
        /// How.
        error: opal_types::BlobError
    } = "{error}";
    /// The channel is closed already.
    "D3" SecondClosingFrame = "would close its channel a second time";
    /// The frame is there already.
    "D3" DuplicateFrame = "is there already";
    /// The frame lies behind the closing one.
    "D3" FrameBehindEnd {
        /// Number of the closing frame.
        end: u16
    } = "lies behind the closing frame {end}";
    /// Frames that a closing frame cuts off.
    "D3" FrameCutOff {
        /// Number of the closing frame.
        end: u16
    } = "is cut off by the closing frame {end}";
    /// The channel is too old.
    "D4" ChannelTimedOut {
        /// L1 block that opened it.
        opened_at: u64
    } = "timed out: it was opened in L1 block {opened_at}";
    /// The bank was full.
    "D3" BankFull {
        /// Bytes before pruning.
        size: u64
    } = "was pruned from a bank of {size} bytes";
    /// Frames of a channel come in order (Holocene).
    "D13" FrameOutOfOrder = "is out of order";
    /// A new channel begins before the old one ended (Holocene).
    "D13" ChannelAbandoned = "was replaced before it was complete";
    /// There is no channel to add to (Holocene).
    "D13" NoChannel = "is not the first and no channel is open";
    /// The compressed channel is too large (Holocene).
    "D13" ChannelTooLarge {
        /// Bytes with overhead.
        size: u64
    } = "has {size} bytes, which is too large";
    /// The channel cannot be opened.
    "D5" UnreadableChannel {
        /// How.
        error: opal_types::ChannelError
    } = "{error}";
    /// The rest of the channel cannot be read.
    "D5" RestUnreadable {
        /// How.
        error: opal_types::BatchError
    } = "the rest of the channel is dropped: {error}";
    /// The span batch cannot be taken apart.
    "D7" MalformedSpan {
        /// How.
        error: opal_types::SpanTransactionError
    } = "{error}";
    /// Span batches are not known yet.
    "D8" SpanBeforeDelta = "is a span batch before delta";
    /// The batch leaves a gap (Holocene).
    "D13" Gap {
        /// Timestamp that is wanted.
        next: u64
    } = "leaves a gap, next is {next}";
    /// The block is there already.
    "D9" Past {
        /// Timestamp that is wanted.
        next: u64
    } = "is past, next is {next}";
    /// The batch builds on another block.
    "D9" OtherParent {
        /// Hash of the safe head.
        safe: B256
    } = "does not build on the safe head {safe}";
    /// The sequencing window is over.
    "D9" TooLate {
        /// L1 origin of the batch.
        epoch: u64
    } = "with L1 origin {epoch} came after its sequencing window";
    /// The L1 origin goes back.
    "D9" EpochTooOld {
        /// L1 origin of the batch.
        epoch: u64,
        /// L1 origin of the safe head.
        current: u64
    } = "has L1 origin {epoch}, before {current}";
    /// The L1 origin skips blocks.
    "D9" EpochTooFar {
        /// L1 origin of the batch.
        epoch: u64,
        /// L1 origin of the safe head.
        current: u64
    } = "has L1 origin {epoch}, more than one after {current}";
    /// The L1 origin is on another chain.
    "D9" OtherEpochHash {
        /// L1 origin of the batch.
        epoch: u64
    } = "has another L1 block {epoch} as origin";
    /// L2 time may not be before L1 time.
    "D9" BeforeOrigin {
        /// Timestamp of the L1 origin.
        origin: u64
    } = "is before its L1 origin at {origin}";
    /// Transactions are not allowed that far ahead of L1.
    "D11" DriftExceeded {
        /// Largest timestamp.
        max: u64
    } = "has transactions beyond the sequencer drift, which ends at {max}";
    /// An empty batch has to take the next origin.
    "D11" NextOriginIgnored {
        /// Timestamp of the next L1 block.
        next: u64
    } = "is beyond the sequencer drift, and could have taken the next origin at {next}";
    /// A transaction without bytes.
    "D9" EmptyTransaction {
        /// Its place.
        index: usize
    } = "has an empty transaction {index}";
    /// A transaction type that batches must not carry.
    "D9" ForbiddenType {
        /// Its place.
        index: usize,
        /// Its type byte.
        tx_type: u8
    } = "has transaction {index} of type {tx_type}";
    /// The block of an activation holds no other transactions.
    "D22" NotEmptyAtActivation = "has transactions for a fork's activation block";
    /// The timestamps do not fit the chain's block time.
    "D10" Misaligned = "does not lie on the chain's block times";
    /// The overlapping part is not the chain's.
    "D10" OverlapDiffers {
        /// Height of the first block that differs.
        number: u64
    } = "differs from safe block {number}";
    /// What the span batch had left is dropped with the channel.
    "D13" RestOfSpan {
        /// Blocks dropped.
        blocks: usize
    } = "{blocks} further blocks are dropped";
    /// The log changes nothing.
    "D18" ConfigUpdate {
        /// How it is malformed.
        error: opal_types::ConfigUpdateError
    } = "{error}";
    /// The execution engine refused them (Holocene).
    "D14" DepositsOnly = "are invalid: the block gets its deposits alone";
    /// The execution engine refused them.
    "D14" InvalidAttributes = "are invalid: the next batch is tried";
    /// A new start.
    "D25" Reset {
        /// Why.
        reason: ResetReason
    } = "starts again: {reason}";
    /// Stages are emptied for Holocene's.
    "D13" HoloceneActivated = "drops open frames, channels and batches at holocene's activation";
}

/// Why derivation starts again from an earlier block (D25).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResetReason {
    /// L1 has another block there now (T39).
    #[error("L1 block {number} does not build on {expected}, but on {found}")]
    L1Reorg {
        /// Height of the newer block.
        number: u64,
        /// The block that was read before.
        expected: B256,
        /// The parent it names.
        found: B256,
    },
    /// The origin of an L2 block is not on L1 any more.
    #[error("L1 block {number} is {found}, the L2 chain has {expected} there")]
    OtherOrigin {
        /// Height.
        number: u64,
        /// What the L2 chain says.
        expected: B256,
        /// What L1 says.
        found: B256,
    },
    /// L1 got shorter.
    #[error("L1 has no block {number} any more")]
    L1Shorter {
        /// Height.
        number: u64,
    },
    /// A batch and the chain contradict each other.
    #[error("the next batch does not fit the safe head")]
    BatchMismatch,
    /// The caller asked for it.
    #[error("asked for")]
    Requested,
}
