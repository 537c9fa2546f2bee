//! Reads L1 ahead of a reader that goes up block by block.
//!
//! Start with [`Cursor::take`].
//!
//! **Invariant:** a header read ahead is handed out once. Who asks for the same height again, as after a reorg, gets what
//! is canonical then.

use opal_types::L1Header;
use std::collections::VecDeque;

/// Most blocks read ahead.
pub(crate) const MAX_WINDOW: u64 = 128;

/// What one reader has had, and what is ready for it.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// Height that would come next.
    next: Option<u64>,
    /// Blocks asked for the last time.
    window: u64,
    /// Reads without a break that gave all that was asked for.
    full_reads: u32,
    ready: VecDeque<L1Header>,
}

impl Cursor {
    /// The header, if it is ready.
    pub(crate) fn take(&mut self, number: u64) -> Option<L1Header> {
        let first = self.ready.front()?.number;
        let skipped = usize::try_from(number.checked_sub(first)?).ok()?;
        if skipped >= self.ready.len() {
            return None;
        }
        self.ready.drain(..skipped);
        let header = self.ready.pop_front()?;
        self.next = Some(number.saturating_add(1));
        Some(header)
    }

    /// How many blocks to read from this height on: 1, 1, 2, 4, ... for who goes up without a break. The second 1 keeps a
    /// reader at the head of L1, where blocks come one by one, from asking for what is not there.
    pub(crate) fn plan(&mut self, number: u64, max_window: u64) -> u64 {
        let behind = self.ready.front().is_some_and(|first| number < first.number);
        if behind {
            // A look back; what is ready stays so.
            return 1;
        }
        if self.next != Some(number) {
            self.full_reads = 0;
        }
        let doublings = self.full_reads.saturating_sub(1);
        self.window = 1_u64.checked_shl(doublings).unwrap_or(max_window).min(max_window);
        self.window
    }

    /// Takes what was read from `number` on, and hands out the first.
    pub(crate) fn fill(&mut self, number: u64, read: Vec<L1Header>) -> Option<L1Header> {
        let is_full = u64::try_from(read.len()).is_ok_and(|it| it >= self.window);
        let mut read = read.into_iter();
        let first = read.next();
        let behind = self.ready.front().is_some_and(|ready| number < ready.number);
        if behind {
            return first;
        }
        self.full_reads = if is_full { self.full_reads.saturating_add(1) } else { 0 };
        self.next = Some(number.saturating_add(u64::from(first.is_some())));
        self.ready = read.collect();
        first
    }
}
