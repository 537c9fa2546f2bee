//! The batcher's state: which blocks wait, which channels carry them, which transactions carry
//! those.
//!
//! Start with [`Machine::on_status`], then [`Machine::fill`] and [`Machine::next_posting`]. There
//! are two ways back from trouble. A transaction that is lost is sent again, with all that must
//! come after it. Everything else (a reorg, a channel that timed out, a safe head that does not
//! advance) leads to a fresh start from the safe head, once nothing is in flight and the rollup
//! node has read all of L1.
//!
//! **Invariant:** postings are handed out in the order of their blocks, and none while an earlier
//! one is lost. Blocks are kept until they are safe. No I/O and no clock; all memory is bounded by
//! the pending options.

mod flight;
mod status;

pub use status::Figures;

use crate::{
    BatchBlock, BlockError, ChannelOptions, Fees, PendingOptions,
    channel::{Channel, ClosedChannel, OpenChannel, Setting},
    rules::Rules,
};
use alloy_primitives::{B256, keccak256};
use opal_types::{BlockId, ChainConfig};
use std::{collections::VecDeque, ops::RangeInclusive, sync::Arc};

/// Names a posting for as long as the machine lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PostingId(pub u64);

/// The head of L1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct L1Tip {
    /// Height.
    pub number: u64,
    /// Timestamp, seconds.
    pub timestamp: u64,
    /// What the next block costs.
    pub fees: Fees,
}

/// What the rollup node says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// The L1 block that it reads.
    pub current_l1: BlockId,
    /// Newest block that is derived from L1.
    pub local_safe: BlockId,
    /// Newest block.
    pub unsafe_head: BlockId,
}

/// Why everything was dropped to start afresh from the safe head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Restart {
    /// The next block does not build on the one before it.
    #[error("block {number} builds on {found}, the block before it is {expected}")]
    OtherParent {
        /// Height of the block.
        number: u64,
        /// The block before it, as it was.
        expected: B256,
        /// What the block says.
        found: B256,
    },
    /// A head of the chain is not the block that was batched.
    #[error("block {number} is {found} now, {expected} was batched")]
    OtherBlock {
        /// Height.
        number: u64,
        /// What was batched.
        expected: B256,
        /// What the node says.
        found: B256,
    },
    /// L1 took safe blocks back.
    #[error("the safe head went back from {from} to {to}")]
    SafeHeadWentBack {
        /// Height before.
        from: u64,
        /// Height now.
        to: u64,
    },
    /// Someone else batches too.
    #[error("the safe head {safe} is above the newest known block {newest}")]
    SafeHeadAhead {
        /// Height of the safe head.
        safe: u64,
        /// Height of the newest block here.
        newest: u64,
    },
    /// Batches were read and made nothing safe.
    #[error(
        "block {last} was complete in L1 block {included}, the node is at {current} and has {safe} safe"
    )]
    NoProgress {
        /// Last block of the channel.
        last: u64,
        /// Highest L1 block with a part of it.
        included: u64,
        /// L1 block that the node reads.
        current: u64,
        /// Its safe head.
        safe: u64,
    },
    /// The parts of a channel lie too far apart.
    #[error("the channel up to block {last} timed out: it was opened in L1 block {opened}")]
    ChannelTimedOut {
        /// Last block of the channel.
        last: u64,
        /// Lowest L1 block with a part of it.
        opened: u64,
    },
}

/// Whether anything is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits until nothing is in flight, then until the node has read L1 up to there.
    Settling {
        /// The L1 height, once it is known.
        until_l1: Option<u64>,
    },
    /// Batches.
    Running,
}

/// What a machine is made of.
#[derive(Clone, Debug)]
pub struct MachineOptions {
    /// The chain.
    pub config: Arc<ChainConfig>,
    /// How channels are made.
    pub channels: ChannelOptions,
    /// How much is held.
    pub pending: PendingOptions,
    /// Makes the names of channels differ from those of an earlier machine.
    pub salt: u64,
}

/// A block that is not safe yet.
#[derive(Debug)]
struct Held {
    block: Arc<BatchBlock>,
    estimated_bytes: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Machine {
    options: MachineOptions,
    phase: Phase,
    /// Newest block that is safe, and that the oldest one here builds on.
    base: BlockId,
    blocks: VecDeque<Held>,
    /// Bytes of their transactions.
    raw_bytes: usize,
    /// Height of the next block that goes into a channel.
    cursor: u64,
    open: Option<OpenChannel>,
    channels: VecDeque<Channel>,
    channels_made: u64,
    next_posting: u64,
    has_lost: bool,
    node: Option<NodeStatus>,
    /// The head of L1, and the rules for what lands behind it.
    l1: Option<(L1Tip, Rules)>,
    /// Blocks up to this height are not held back.
    flush_to: Option<u64>,
    is_stopping: bool,
}

impl Machine {
    /// A machine that knows nothing yet.
    pub fn new(options: MachineOptions) -> Self {
        Self {
            options,
            phase: Phase::Settling { until_l1: None },
            base: BlockId::default(),
            blocks: VecDeque::new(),
            raw_bytes: 0,
            cursor: 0,
            open: None,
            channels: VecDeque::new(),
            channels_made: 0,
            next_posting: 0,
            has_lost: false,
            node: None,
            l1: None,
            flush_to: None,
            is_stopping: false,
        }
    }

    /// Whether it batches.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Newest known block, which the next one builds on.
    fn newest(&self) -> BlockId {
        self.blocks.back().map_or(self.base, |held| held.block.id)
    }

    /// Heights of the blocks that are wanted now; as many as there is room for.
    pub fn to_load(&self) -> Option<RangeInclusive<u64>> {
        let PendingOptions { max_blocks, max_bytes, .. } = self.options.pending;
        let unsafe_head = self.node.filter(|_| self.phase == Phase::Running)?.unsafe_head;
        if self.is_stopping || self.raw_bytes > max_bytes {
            return None;
        }
        let room = max_blocks.saturating_sub(self.blocks.len()) as u64;
        let newest = self.newest().number;
        let last = newest.saturating_add(room).min(unsafe_head.number);
        (newest < last).then(|| newest.saturating_add(1)..=last)
    }

    /// The next block. One that is not wanted changes nothing; one that builds on another chain is
    /// a reorg.
    pub fn on_block(&mut self, block: BatchBlock) -> Option<Restart> {
        let newest = self.newest();
        let is_next = newest.number.checked_add(1) == Some(block.id.number);
        if self.phase != Phase::Running || !is_next {
            return None;
        }
        if block.parent_hash != newest.hash {
            let BatchBlock { id, parent_hash: found, .. } = block;
            let (number, expected) = (id.number, newest.hash);
            return Some(self.restart(Restart::OtherParent { number, expected, found }));
        }
        self.raw_bytes = self.raw_bytes.saturating_add(block.raw_bytes());
        let estimated_bytes = block.estimated_bytes();
        self.blocks.push_back(Held { block: Arc::new(block), estimated_bytes });
        None
    }

    /// Puts blocks into the channel, and closes it when it is time. At most one channel is closed
    /// in a call, and then there may be more to do.
    pub fn fill(&mut self) -> Result<Option<ClosedChannel>, BlockError> {
        let Some((tip, rules)) = self.l1.filter(|_| self.phase == Phase::Running) else {
            return Ok(None);
        };
        let config = Arc::clone(&self.options.config);
        let options = self.options.channels;
        let carrier = tip.fees.carrier(&options, rules);
        let setting = Setting {
            config: &config,
            options: &options,
            rules,
            l1_number: tip.number,
            carrier,
            target_frames: options.target_frames(carrier),
        };
        let filled = self.fill_open(setting);
        // What comes before a block that cannot be batched goes out all the same.
        let is_due = filled.is_err() || self.is_due(tip.number);
        let closed = if is_due { self.close()? } else { None };
        filled.map(|()| closed)
    }

    /// Puts blocks into the channel until it is full.
    fn fill_open(&mut self, setting: Setting<'_>) -> Result<(), BlockError> {
        while let Some(block) = self.block(self.cursor).cloned() {
            let open = self.open.get_or_insert_with(|| OpenChannel::new(setting, &block));
            match open.add(setting, &block) {
                Ok(true) => self.cursor = self.cursor.saturating_add(1),
                Ok(false) => break,
                Err(error) => {
                    self.open.take_if(|open| open.numbers().is_none());
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether the channel goes out now. While others wait to be sent it may just as well grow.
    fn is_due(&mut self, l1_number: u64) -> bool {
        let is_flushed = self.flush_to.is_some_and(|height| self.cursor > height);
        if is_flushed {
            self.flush_to = None;
        }
        let may_wait = self.has_queued();
        self.open.as_ref().is_some_and(|open| {
            is_flushed || open.is_full() || (open.is_due(l1_number) && !may_wait)
        })
    }

    /// Closes the channel.
    fn close(&mut self) -> Result<Option<ClosedChannel>, BlockError> {
        let Some(open) = self.open.take() else { return Ok(None) };
        let first = open.numbers().map_or(self.cursor, |numbers| *numbers.start());
        let salt = [self.options.salt.to_be_bytes(), self.channels_made.to_be_bytes()].concat();
        // If this fails, or some blocks are left over, they are next.
        self.cursor = first;
        let Some(channel) = open.close(&self.options.channels, keccak256(salt))? else {
            return Ok(None);
        };
        let closed = channel.closed;
        self.channels_made = self.channels_made.saturating_add(1);
        self.cursor = closed.last.number.saturating_add(1);
        self.channels.push_back(channel);
        Ok(Some(closed))
    }

    /// A block that is here, by its height.
    fn block(&self, number: u64) -> Option<&Arc<BatchBlock>> {
        let oldest = self.blocks.front()?.block.id.number;
        let index = usize::try_from(number.checked_sub(oldest)?).ok()?;
        self.blocks.get(index).map(|held| &held.block)
    }

    /// Sends what is here now, without waiting for channels to be full.
    pub fn flush(&mut self) {
        self.flush_to = Some(self.newest().number);
    }

    /// Takes no more blocks, and sends those that are here.
    pub fn stop(&mut self) {
        self.is_stopping = true;
        self.flush();
    }

    /// Whether all that was here is on L1.
    pub fn is_drained(&self) -> bool {
        let has_more = self.open.is_some() || self.cursor <= self.newest().number;
        self.phase != Phase::Running || !has_more && self.channels.iter().all(Channel::is_included)
    }

    /// Drops everything, to go on from the safe head when all is quiet.
    fn restart(&mut self, reason: Restart) -> Restart {
        self.phase = Phase::Settling { until_l1: None };
        self.blocks.clear();
        self.raw_bytes = 0;
        self.open = None;
        self.channels.clear();
        self.has_lost = false;
        self.flush_to = None;
        reason
    }
}
