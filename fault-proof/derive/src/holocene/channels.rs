//! The staging channel: at most one channel is open, its frames come in order (D13).
//!
//! **Invariant:** frames `0..n` of one channel, nothing else.

use crate::{
    Item, Reason,
    context::Context,
    fact::Pause,
    unforked::{channel::Channel, channel_reader::Frames},
};
use alloy_primitives::Bytes;
use opal_types::{ChannelId, Frame};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct StagingChannel {
    staged: Option<(ChannelId, Channel)>,
}

impl StagingChannel {
    /// Drops the open channel.
    pub(crate) fn flush(&mut self) {
        self.staged = None;
    }

    /// The data of the next complete channel.
    pub(crate) fn next(&mut self, frames: &mut Frames, cx: &mut Context) -> Result<Bytes, Pause> {
        self.drop_timed_out(cx);
        loop {
            let frame = frames.next(cx)?;
            let item = Item::Frame { channel: frame.channel, number: frame.number };
            if let Err(reason) = self.add(frame, cx) {
                cx.note(item, reason);
            }
            if self.staged.as_ref().is_some_and(|(_, channel)| channel.is_ready())
                && let Some((_, channel)) = self.staged.take()
            {
                return Ok(channel.into_data());
            }
        }
    }

    fn drop_timed_out(&mut self, cx: &mut Context) {
        let opened_at = self.staged.as_ref().map(|(_, channel)| channel.opened_at);
        if let Some(opened_at) = opened_at.filter(|it| cx.is_timed_out(*it))
            && let Some((id, _)) = self.staged.take()
        {
            cx.note(Item::Channel(id), Reason::ChannelTimedOut { opened_at });
        }
    }

    fn add(&mut self, frame: Frame, cx: &mut Context) -> Result<(), Reason> {
        if frame.number == 0 {
            let new = (frame.channel, Channel::new(cx.origin.number));
            if let Some((id, _)) = self.staged.replace(new) {
                cx.note(Item::Channel(id), Reason::ChannelAbandoned);
            }
        }
        let (id, channel) = self.staged.as_mut().ok_or(Reason::NoChannel)?;
        let is_next = channel.frame_count() == usize::from(frame.number);
        if *id != frame.channel || !is_next {
            return Err(Reason::FrameOutOfOrder);
        }
        channel.add(frame)?;
        let size = channel.size();
        if size > cx.max_rlp_bytes() {
            self.staged = None;
            return Err(Reason::ChannelTooLarge { size });
        }
        Ok(())
    }
}
