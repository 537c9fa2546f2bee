//! Takes batches out of complete channels (D5-D8).
//!
//! **Invariant:** what cannot be read costs at most the rest of its channel.

use crate::{
    Item, Reason,
    context::Context,
    fact::Pause,
    unforked::{retrieval::Retrieval, traversal::Traversal},
};
use crate::{bedrock, holocene};
use alloc::collections::VecDeque;
use alloy_primitives::Bytes;
use opal_types::{
    Batch, BatchReader, Fork, Frame, RawSpanBatch, SingularBatch, SpanBatch, SpanParams,
};

/// Frames of the last batcher transaction, and where more come from.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    pub(crate) traversal: Traversal,
    retrieval: Retrieval,
    queue: VecDeque<Frame>,
}

impl Frames {
    pub(crate) fn new(traversal: Traversal) -> Self {
        Self { traversal, retrieval: Retrieval::default(), queue: VecDeque::new() }
    }

    /// Forgets the frames at hand, as at Holocene's activation.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    /// The next frame.
    pub(crate) fn next(&mut self, cx: &mut Context) -> Result<Frame, Pause> {
        if self.queue.is_empty() {
            self.load(cx)?;
        }
        self.queue.pop_front().ok_or(Pause::Again)
    }

    fn load(&mut self, cx: &mut Context) -> Result<(), Pause> {
        let data = self.retrieval.next(&mut self.traversal, cx)?;
        match opal_types::parse_frames(&data) {
            Ok(frames) if cx.reads_under(Fork::Holocene) => {
                self.queue = holocene::frames::in_order(cx, frames);
            }
            Ok(frames) => self.queue.extend(frames),
            Err(error) => {
                let reason = match data.first() {
                    Some(1) => Reason::AltDaCommitment,
                    _ => Reason::MalformedFrames { error },
                };
                cx.note(Item::BatcherData, reason);
            }
        }
        Ok(())
    }
}

/// Where channels are put together.
#[derive(Clone, Debug)]
pub(crate) enum Channels {
    Bedrock(bedrock::channels::ChannelBank),
    Holocene(holocene::channels::StagingChannel),
}

/// A batch, taken apart as far as it goes without the chain.
#[derive(Clone, Debug)]
pub(crate) enum ReadBatch {
    Singular(SingularBatch),
    Span(SpanBatch),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct ChannelReader {
    pub(crate) frames: Frames,
    channels: Channels,
    open: Option<BatchReader>,
}

impl ChannelReader {
    /// The reader of an L1 block in which Holocene is active or not.
    pub(crate) fn new(traversal: Traversal, is_holocene: bool) -> Self {
        let channels = if is_holocene {
            Channels::Holocene(holocene::channels::StagingChannel::default())
        } else {
            Channels::Bedrock(bedrock::channels::ChannelBank::default())
        };
        Self { frames: Frames::new(traversal), channels, open: None }
    }

    /// Drops all that is open, for Holocene's stages (D13).
    pub(crate) fn activate_holocene(&mut self) {
        self.frames.clear();
        self.open = None;
        self.channels = Channels::Holocene(holocene::channels::StagingChannel::default());
    }

    /// Drops the channel that is being read, and the one that is being put together (D13).
    pub(crate) fn flush(&mut self) {
        self.open = None;
        if let Channels::Holocene(channels) = &mut self.channels {
            channels.flush();
        }
    }

    /// The next batch.
    pub(crate) fn next(&mut self, cx: &mut Context) -> Result<ReadBatch, Pause> {
        if self.open.is_none() {
            let data = self.next_channel(cx)?;
            self.open = Some(BatchReader::open(&data, cx.channel_limits()).map_err(|error| {
                cx.note(Item::ChannelData, Reason::UnreadableChannel { error });
                Pause::Again
            })?);
        }
        let batch = self.open.as_mut().and_then(BatchReader::next);
        match batch {
            Some(Ok(Batch::Singular(batch))) => Ok(ReadBatch::Singular(batch)),
            Some(Ok(Batch::Span(raw))) => span(cx, &raw),
            Some(Err(error)) => {
                cx.note(Item::ChannelData, Reason::RestUnreadable { error });
                self.open = None;
                Err(Pause::Again)
            }
            None => {
                self.open = None;
                Err(Pause::Again)
            }
        }
    }

    fn next_channel(&mut self, cx: &mut Context) -> Result<Bytes, Pause> {
        match &mut self.channels {
            Channels::Bedrock(bank) => bank.next(&mut self.frames, cx),
            Channels::Holocene(staging) => staging.next(&mut self.frames, cx),
        }
    }
}

/// A span batch counts from Delta on, by the L1 block that it is read from; the batch rules look again at its
/// L1 origin (D8).
fn span(cx: &mut Context, raw: &RawSpanBatch) -> Result<ReadBatch, Pause> {
    if !cx.reads_under(Fork::Delta) {
        cx.note(Item::ChannelData, Reason::SpanBeforeDelta);
        return Err(Pause::Again);
    }
    match raw.derive(SpanParams::from(&cx.config)) {
        Ok(batch) => Ok(ReadBatch::Span(batch)),
        Err(error) => {
            cx.note(Item::ChannelData, Reason::MalformedSpan { error });
            Err(Pause::Again)
        }
    }
}
