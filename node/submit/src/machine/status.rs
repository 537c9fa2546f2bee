//! What the heads of both chains mean for the blocks and channels at hand.
//!
//! **Invariant:** blocks are dropped only when they are safe, or all together.

use super::{L1Tip, Machine, NodeStatus, Phase, Restart};
use crate::{channel::Channel, rules::Rules};
use opal_types::BlockId;

/// Figures for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Blocks that are not safe yet.
    pub blocks: usize,
    /// Roughly the bytes that still have to go to L1.
    pub backlog_bytes: u64,
    /// Channels that are not safe yet, the open one included.
    pub channels: usize,
    /// Transactions that wait to be sent.
    pub queued: usize,
    /// Transactions in flight.
    pub in_flight: usize,
    /// Height of the newest safe block.
    pub safe: u64,
    /// Height of the newest block that is known.
    pub newest: u64,
}

impl Machine {
    /// Takes the node's heads. Blocks that are safe now are dropped; `Some` = everything was.
    pub fn on_status(&mut self, status: &NodeStatus) -> Option<Restart> {
        let is_behind =
            self.node.is_some_and(|last| status.current_l1.number < last.current_l1.number);
        // A node that was restarted or reset has to catch up before its heads mean anything.
        if is_behind && self.phase == Phase::Running {
            return None;
        }
        self.node = Some(*status);
        match self.phase {
            Phase::Settling { until_l1: Some(height) } if status.current_l1.number >= height => {
                self.begin(status.local_safe);
                None
            }
            Phase::Settling { .. } => None,
            Phase::Running => match self.contradiction(status) {
                Some(reason) => Some(self.restart(reason)),
                None => {
                    self.prune(status.local_safe);
                    None
                }
            },
        }
    }

    /// Takes the head of L1, and how many transactions of the account were not yet in a block
    /// before it was read. Channels that are too old by now lead to a fresh start.
    pub fn on_tip(&mut self, tip: &L1Tip, outstanding: usize) -> Option<Restart> {
        let rules = Rules::at(&self.options.config, tip.timestamp);
        self.l1 = Some((*tip, rules));
        if self.phase == (Phase::Settling { until_l1: None }) && outstanding == 0 {
            self.phase = Phase::Settling { until_l1: Some(tip.number) };
        }
        let timeout = rules.channel_timeout;
        let next = tip.number.saturating_add(1);
        let timed_out = self.channels.iter().find(|it| it.is_timed_out(timeout, next))?;
        let last = timed_out.closed.last.number;
        let opened = timed_out.inclusion().map_or(tip.number, |(first, _)| first);
        Some(self.restart(Restart::ChannelTimedOut { last, opened }))
    }

    fn begin(&mut self, safe: BlockId) {
        self.phase = Phase::Running;
        self.base = safe;
        self.cursor = safe.number.saturating_add(1);
    }

    /// What in the status does not go with what is here.
    fn contradiction(&self, status: &NodeStatus) -> Option<Restart> {
        let NodeStatus { local_safe, unsafe_head, .. } = *status;
        let (from, to, newest) = (self.base.number, local_safe.number, self.newest().number);
        if to < from {
            return Some(Restart::SafeHeadWentBack { from, to });
        }
        if to > newest && !self.blocks.is_empty() {
            return Some(Restart::SafeHeadAhead { safe: to, newest });
        }
        self.other_block(local_safe)
            .or_else(|| self.other_block(unsafe_head))
            .or_else(|| self.channels.iter().find_map(|it| without_progress(it, status)))
    }

    /// Whether another block stands in the place of this one.
    fn other_block(&self, block: BlockId) -> Option<Restart> {
        let BlockId { number, hash: found } = block;
        let is_base = number == self.base.number;
        let here = if is_base { Some(self.base) } else { self.block(number).map(|it| it.id) };
        let expected = here?.hash;
        (expected != found).then_some(Restart::OtherBlock { number, expected, found })
    }

    fn prune(&mut self, safe: BlockId) {
        self.base = safe;
        self.cursor = self.cursor.max(safe.number.saturating_add(1));
        while let Some(held) = self.blocks.pop_front_if(|it| it.block.id.number <= safe.number) {
            self.raw_bytes = self.raw_bytes.saturating_sub(held.block.raw_bytes());
        }
        while self.channels.pop_front_if(|it| it.closed.last.number <= safe.number).is_some() {}
        let is_safe = |numbers: std::ops::RangeInclusive<u64>| *numbers.end() <= safe.number;
        self.open.take_if(|open| open.numbers().is_some_and(is_safe));
    }

    /// Bytes that still have to go to L1, roughly.
    pub fn backlog_bytes(&self) -> u64 {
        let batched = self.channels.back().map_or(self.base.number, |it| it.closed.last.number);
        let waiting = self.blocks.iter().filter(|it| it.block.id.number > batched);
        let waiting = waiting.map(|it| it.estimated_bytes);
        let closed = self.channels.iter().map(Channel::bytes_left);
        waiting.chain(closed).fold(0, u64::saturating_add)
    }

    /// Figures for people.
    pub fn figures(&self) -> Figures {
        let postings = self.channels.iter().flat_map(|it| &it.postings);
        let included = postings.clone().filter(|it| it.included().is_some()).count();
        let in_flight = self.in_flight();
        Figures {
            blocks: self.blocks.len(),
            backlog_bytes: self.backlog_bytes(),
            channels: self.channels.len().saturating_add(self.open.is_some().into()),
            queued: postings.count().saturating_sub(included).saturating_sub(in_flight),
            in_flight,
            safe: self.base.number,
            newest: self.newest().number,
        }
    }
}

/// Whether the node has read the whole channel, and its blocks are not safe all the same.
fn without_progress(channel: &Channel, status: &NodeStatus) -> Option<Restart> {
    let (_, included) = channel.inclusion().filter(|_| channel.is_included())?;
    let (last, safe, current) =
        (channel.closed.last.number, status.local_safe.number, status.current_l1.number);
    let is_read = current > included;
    (is_read && safe < last).then_some(Restart::NoProgress { last, included, current, safe })
}
