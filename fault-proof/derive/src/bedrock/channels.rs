//! The channel bank: many channels are open at once, in the order of their first frames (D3, D4).
//!
//! **Invariant:** reading comes before loading, so that pruning sees the bank as the Go node does.

use crate::{
    Item, Reason,
    context::Context,
    fact::Pause,
    unforked::{channel::Channel, channel_reader::Frames},
};
use alloc::collections::{BTreeMap, VecDeque};
use alloy_primitives::Bytes;
use opal_types::{ChannelId, Fork, Frame};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChannelBank {
    channels: BTreeMap<ChannelId, Channel>,
    /// Oldest first.
    order: VecDeque<ChannelId>,
    size: u64,
}

impl ChannelBank {
    /// The data of the next complete channel.
    pub(crate) fn next(&mut self, frames: &mut Frames, cx: &mut Context) -> Result<Bytes, Pause> {
        if self.drop_timed_out(cx) {
            return Err(Pause::Again);
        }
        if let Some(data) = self.read(cx) {
            return Ok(data);
        }
        let frame = frames.next(cx)?;
        self.add(frame, cx);
        Err(Pause::Again)
    }

    /// Drops the oldest channel if its time is over.
    fn drop_timed_out(&mut self, cx: &mut Context) -> bool {
        let Some(id) = self.order.front().copied() else { return false };
        let opened_at = self.channels.get(&id).map_or(0, |channel| channel.opened_at);
        let is_over = cx.is_timed_out(opened_at);
        if is_over {
            self.take(0);
            cx.note(Item::Channel(id), Reason::ChannelTimedOut { opened_at });
        }
        is_over
    }

    /// Before Canyon only the oldest channel is looked at (by L1 time).
    fn read(&mut self, cx: &Context) -> Option<Bytes> {
        let reach = if cx.reads_under(Fork::Canyon) { self.order.len() } else { 1 };
        let is_ready = |id: &ChannelId| {
            let channel = self.channels.get(id);
            channel.is_some_and(|it| it.is_ready() && !cx.is_timed_out(it.opened_at))
        };
        let place = self.order.iter().take(reach).position(is_ready)?;
        self.take(place).map(Channel::into_data)
    }

    fn take(&mut self, place: usize) -> Option<Channel> {
        let channel = self.channels.remove(&self.order.remove(place)?)?;
        self.size = self.size.saturating_sub(channel.size());
        Some(channel)
    }

    fn add(&mut self, frame: Frame, cx: &mut Context) {
        let id = frame.channel;
        let item = Item::Frame { channel: id, number: frame.number };
        let channel = self.channels.entry(id).or_insert_with(|| {
            self.order.push_back(id);
            Channel::new(cx.origin.number)
        });
        let (opened_at, before) = (channel.opened_at, channel.size());
        if cx.is_timed_out(opened_at) {
            return cx.note(item, Reason::ChannelTimedOut { opened_at });
        }
        let end = frame.number;
        let added = channel.add(frame);
        self.size = self.size.saturating_sub(before).saturating_add(channel.size());
        match added {
            Err(reason) => cx.note(item, reason),
            Ok(cut_off) => {
                for number in cut_off {
                    cx.note(Item::Frame { channel: id, number }, Reason::FrameCutOff { end });
                }
                self.prune(cx);
            }
        }
    }

    /// Makes room by dropping the oldest channels.
    fn prune(&mut self, cx: &mut Context) {
        while self.size > cx.max_bank_bytes() {
            let size = self.size;
            let Some(id) = self.order.front().copied() else { return };
            self.take(0);
            cx.note(Item::Channel(id), Reason::BankFull { size });
        }
    }
}
