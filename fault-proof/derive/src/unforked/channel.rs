//! A channel while its frames arrive (D3).
//!
//! **Invariant:** `size` is the sum over the frames that are kept. (The Go node subtracts too much when a
//! closing frame cuts others off; only a bank near its limit could tell.)

use crate::Reason;
use alloc::{collections::BTreeMap, vec::Vec};
use alloy_primitives::Bytes;
use opal_types::{FRAME_OVERHEAD, Frame};

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    /// The L1 block with the first frame that arrived.
    pub(crate) opened_at: u64,
    frames: BTreeMap<u16, Bytes>,
    end: Option<u16>,
    size: u64,
}

impl Channel {
    pub(crate) const fn new(opened_at: u64) -> Self {
        Self { opened_at, frames: BTreeMap::new(), end: None, size: 0 }
    }

    /// Bytes of the frames with their overhead.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// How many frames are there.
    pub(crate) fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// Adds a frame of this channel, and returns the numbers of those that it cuts off.
    pub(crate) fn add(&mut self, frame: Frame) -> Result<Vec<u16>, Reason> {
        if frame.is_last && self.end.is_some() {
            return Err(Reason::SecondClosingFrame);
        }
        if self.frames.contains_key(&frame.number) {
            return Err(Reason::DuplicateFrame);
        }
        if let Some(end) = self.end.filter(|end| frame.number >= *end) {
            return Err(Reason::FrameBehindEnd { end });
        }
        let mut cut_off = Vec::new();
        if frame.is_last {
            self.end = Some(frame.number);
            for (number, data) in self.frames.split_off(&frame.number) {
                self.size = self.size.saturating_sub(cost(&data));
                cut_off.push(number);
            }
        }
        self.size = self.size.saturating_add(cost(&frame.data));
        self.frames.insert(frame.number, frame.data);
        Ok(cut_off)
    }

    /// Whether all frames up to the closing one are there.
    pub(crate) fn is_ready(&self) -> bool {
        self.end.is_some_and(|end| self.frames.len() == usize::from(end).saturating_add(1))
    }

    /// The data of all frames in order.
    pub(crate) fn into_data(self) -> Bytes {
        let mut frames = self.frames.into_values();
        match (frames.len(), frames.next()) {
            (1, Some(only)) => only,
            (_, first) => first.into_iter().chain(frames).flatten().collect(),
        }
    }
}

/// What a frame counts for.
fn cost(data: &Bytes) -> u64 {
    FRAME_OVERHEAD.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX))
}
