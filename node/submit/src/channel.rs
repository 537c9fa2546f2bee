//! From blocks to transactions: a channel is filled, closed, and cut into frames.
//!
//! Start with [`OpenChannel`]; [`Channel`] is what it becomes.
//!
//! **Invariant:** the payloads of a channel carry all its frames in order, each within the limits
//! of its transaction. The data of a closed channel never changes.

use crate::{
    BatchBlock, BatchKind, BlockError, ChannelOptions,
    content::{Added, Bounds, Content},
    rules::Rules,
};
use alloy_primitives::{B256, Bytes, keccak256};
use opal_types::{
    BlockId, ChainConfig, ChannelId, Compression, Frame, MAX_BLOB_DATA, SpanParams, encode_frames,
};
use std::{ops::RangeInclusive, sync::Arc};

/// Bytes of a frame beside its data (D2).
const FRAME_FIXED: usize = 23;
/// The byte before the frames of a transaction or blob.
const VERSION: usize = 1;
/// Level of Brotli where the one configured is none.
const MAX_BROTLI_LEVEL: u8 = 11;

/// Where a channel's data lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In the call data of transactions.
    Calldata,
    /// In blobs.
    Blobs,
}

/// The data of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Call data: one frame.
    Calldata(Bytes),
    /// The data of each blob: one frame.
    Blobs(Vec<Bytes>),
}

impl Payload {
    /// Where the data lies.
    pub const fn carrier(&self) -> Carrier {
        match self {
            Self::Calldata(_) => Carrier::Calldata,
            Self::Blobs(_) => Carrier::Blobs,
        }
    }

    /// Bytes that it carries.
    pub fn length(&self) -> usize {
        match self {
            Self::Calldata(data) => data.len(),
            Self::Blobs(blobs) => blobs.iter().fold(0, |sum, blob| sum.saturating_add(blob.len())),
        }
    }
}

/// How data is cut up for a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    /// Bytes of a frame, fixed part included.
    frame: usize,
    /// Bytes of data in a frame.
    piece: usize,
}

impl Cut {
    fn of(carrier: Carrier, options: &ChannelOptions) -> Self {
        let whole = match carrier {
            Carrier::Calldata => options.max_l1_tx_size,
            Carrier::Blobs => MAX_BLOB_DATA,
        };
        let frame = whole.saturating_sub(VERSION);
        Self { frame, piece: frame.saturating_sub(FRAME_FIXED) }
    }
}

/// A channel that is being filled.
#[derive(Debug)]
pub(crate) struct OpenChannel {
    content: Content,
    carrier: Carrier,
    /// At this L1 height it is closed, full or not.
    deadline: u64,
    is_full: bool,
}

/// What a channel needs to know of the world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) config: &'a ChainConfig,
    pub(crate) options: &'a ChannelOptions,
    pub(crate) rules: Rules,
    /// Height of L1.
    pub(crate) l1_number: u64,
    pub(crate) carrier: Carrier,
    /// Which of the limits on size is aimed for, frames.
    pub(crate) target_frames: usize,
}

impl OpenChannel {
    /// A channel that starts with this block.
    pub(crate) fn new(setting: Setting<'_>, first: &BatchBlock) -> Self {
        let Setting { config, options, rules, l1_number, carrier, target_frames } = setting;
        let cut = Cut::of(carrier, options);
        let max_bytes = rules.max_channel_bytes(cut.piece);
        let bounds = Bounds {
            max_rlp_bytes: rules.max_rlp_bytes,
            target_bytes: cut.piece.saturating_mul(target_frames).min(max_bytes),
            max_bytes,
        };
        let compression = compression(options, rules);
        let content =
            Content::new(kind(setting, first), SpanParams::from(config), compression, bounds);
        let deadline = deadline(config, options, rules, l1_number, first);
        Self { content, carrier, deadline, is_full: false }
    }

    /// Takes a block in; false if it is not in.
    pub(crate) fn add(
        &mut self,
        setting: Setting<'_>,
        block: &Arc<BatchBlock>,
    ) -> Result<bool, BlockError> {
        if self.is_full || kind(setting, block) != self.content.kind() {
            self.is_full = true;
            return Ok(false);
        }
        let added = self.content.add(Arc::clone(block))?;
        self.is_full = added != Added::Open;
        Ok(added != Added::NoRoom)
    }

    /// Whether nothing more goes in.
    pub(crate) const fn is_full(&self) -> bool {
        self.is_full
    }

    /// Whether it should be closed at this L1 height, full or not.
    pub(crate) const fn is_due(&self, l1_number: u64) -> bool {
        l1_number >= self.deadline
    }

    /// Heights of the blocks in it.
    pub(crate) fn numbers(&self) -> Option<RangeInclusive<u64>> {
        numbers(self.content.blocks())
    }

    /// Cuts what is there into transactions. Blocks behind the last one of the result are not in
    /// it.
    pub(crate) fn close(
        self,
        options: &ChannelOptions,
        salt: B256,
    ) -> Result<Option<Channel>, BlockError> {
        let carrier = self.carrier;
        let (blocks, data) = self.content.finish()?;
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else { return Ok(None) };
        let id = channel_id(salt, first, last);
        let cut = Cut::of(carrier, options);
        let frames = Frame::split(id, &data, cut.frame)
            .expect("the limits on size leave few enough frames, each with room for data");
        let per_payload = match carrier {
            Carrier::Calldata => 1,
            Carrier::Blobs => options.target_num_frames.max(1),
        };
        let payloads = frames.chunks(per_payload).map(|frames| payload(carrier, frames));
        let postings: Vec<_> = payloads.map(Posting::new).collect();
        let closed = ClosedChannel {
            id,
            first: first.id,
            last: last.id,
            carrier,
            bytes: data.len(),
            transactions: postings.len(),
        };
        Ok(Some(Channel { closed, postings }))
    }
}

/// The kind that a batch of this block may have.
fn kind(setting: Setting<'_>, block: &BatchBlock) -> BatchKind {
    match setting.options.kind {
        BatchKind::Span if setting.rules.allows_span && block.allows_span(setting.config) => {
            BatchKind::Span
        }
        _ => BatchKind::Singular,
    }
}

fn compression(options: &ChannelOptions, rules: Rules) -> Compression {
    match options.compression {
        Compression::Brotli { level } if rules.allows_brotli => {
            Compression::Brotli { level: level.min(MAX_BROTLI_LEVEL) }
        }
        _ => Compression::Zlib,
    }
}

/// The L1 height at which a channel must be closed, so that its last frame is in time.
fn deadline(
    config: &ChainConfig,
    options: &ChannelOptions,
    rules: Rules,
    l1_number: u64,
    first: &BatchBlock,
) -> u64 {
    let margin = options.sub_safety_margin;
    let timeout = l1_number.saturating_add(rules.channel_timeout).saturating_sub(margin);
    let window = first.l1_origin.number.saturating_add(config.seq_window_size);
    let duration = match options.max_channel_duration {
        0 => u64::MAX,
        duration => l1_number.saturating_add(duration),
    };
    timeout.min(window.saturating_sub(margin)).min(duration)
}

/// A name that no other channel has, as long as the salt is not used again.
fn channel_id(salt: B256, first: &BatchBlock, last: &BatchBlock) -> ChannelId {
    let hash = keccak256([salt, first.id.hash, last.id.hash].concat());
    ChannelId(hash.0.first_chunk().copied().unwrap_or_default())
}

fn payload(carrier: Carrier, frames: &[Frame]) -> Payload {
    match carrier {
        Carrier::Calldata => Payload::Calldata(encode_frames(frames).into()),
        Carrier::Blobs => {
            let blob = |frame| encode_frames(std::slice::from_ref(frame)).into();
            Payload::Blobs(frames.iter().map(blob).collect())
        }
    }
}

fn numbers(blocks: &[Arc<BatchBlock>]) -> Option<RangeInclusive<u64>> {
    Some(blocks.first()?.id.number..=blocks.last()?.id.number)
}

/// Where a transaction of a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Not sent.
    Queued,
    /// Sent, or about to be.
    InFlight(crate::PostingId),
    /// In an L1 block.
    Included(crate::PostingId, BlockId),
}

/// One transaction of a channel.
#[derive(Clone, Debug)]
pub(crate) struct Posting {
    pub(crate) payload: Payload,
    pub(crate) place: Place,
}

impl Posting {
    const fn new(payload: Payload) -> Self {
        Self { payload, place: Place::Queued }
    }

    /// The L1 block it is in.
    pub(crate) const fn included(&self) -> Option<BlockId> {
        match self.place {
            Place::Included(_, block) => Some(block),
            _ => None,
        }
    }
}

/// What a channel became, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClosedChannel {
    /// Its name.
    pub id: ChannelId,
    /// Its first block.
    pub first: BlockId,
    /// Its last block.
    pub last: BlockId,
    /// Where its data lies.
    pub carrier: Carrier,
    /// Compressed bytes.
    pub bytes: usize,
    /// Transactions that carry them.
    pub transactions: usize,
}

/// A closed channel.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) closed: ClosedChannel,
    pub(crate) postings: Vec<Posting>,
}

impl Channel {
    /// Lowest and highest L1 block with a part of it.
    pub(crate) fn inclusion(&self) -> Option<(u64, u64)> {
        let numbers = self.postings.iter().filter_map(|it| it.included().map(|it| it.number));
        Some((numbers.clone().min()?, numbers.max()?))
    }

    /// Whether all of it is on L1.
    pub(crate) fn is_included(&self) -> bool {
        self.postings.iter().all(|it| it.included().is_some())
    }

    /// Whether a reader gives it up (D4): its parts lie too far apart, or what is missing comes too
    /// late, because the next L1 block is `next_l1_number`.
    pub(crate) fn is_timed_out(&self, timeout: u64, next_l1_number: u64) -> bool {
        let Some((first, last)) = self.inclusion() else { return false };
        let end = if self.is_included() { last } else { last.max(next_l1_number) };
        first.saturating_add(timeout) < end
    }

    /// Bytes that are not on L1.
    pub(crate) fn bytes_left(&self) -> u64 {
        let left = self.postings.iter().filter(|it| it.included().is_none());
        left.fold(0, |sum, it| sum.saturating_add(it.payload.length() as u64))
    }
}
