//! What a rollup node makes of the inbox: how many blocks are safe.

use alloy_primitives::Bytes;
use opal_types::{Batch, BatchReader, ChannelId, ChannelLimits, Frame, SpanParams, parse_frames};

/// A block as batches say it: its timestamp and transactions.
pub(crate) type Said = (u64, Vec<Bytes>);

/// Frames in order, at most one open channel, as from Holocene on.
#[derive(Default)]
struct Staging {
    open: Option<(ChannelId, Vec<Frame>)>,
}

impl Staging {
    /// The data of the channel that this frame completes.
    fn add(&mut self, frame: Frame) -> Option<Bytes> {
        if frame.number == 0 {
            self.open = Some((frame.channel, Vec::new()));
        }
        let (id, frames) = self.open.as_mut()?;
        if *id != frame.channel || frames.len() != usize::from(frame.number) {
            return None;
        }
        let is_last = frame.is_last;
        frames.push(frame);
        if !is_last {
            return None;
        }
        let (_, frames) = self.open.take()?;
        Some(frames.iter().flat_map(|frame| frame.data.clone()).collect())
    }
}

/// All blocks that the data in the inbox say, in the order they come out.
pub(crate) fn read(data: &[Bytes], params: SpanParams) -> Vec<Said> {
    let mut staging = Staging::default();
    let mut said = Vec::new();
    for frame in data.iter().flat_map(|data| parse_frames(data).unwrap()) {
        let Some(channel) = staging.add(frame) else { continue };
        let mut reader = BatchReader::open(&channel, ChannelLimits::FJORD).unwrap();
        while let Some(batch) = reader.next() {
            match batch.unwrap() {
                Batch::Singular(batch) => said.push((batch.timestamp, batch.transactions)),
                Batch::Span(raw) => {
                    let span = raw.derive(params).unwrap();
                    let blocks = span.blocks.into_iter();
                    said.extend(blocks.map(|block| (block.timestamp, block.transactions)));
                }
            }
        }
    }
    said
}
