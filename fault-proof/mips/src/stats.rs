//! What `cannon run --debug-info` wants to know about a run.
//!
//! **Invariant:** counted in full steps only; the fast loop pays nothing for it.

use crate::bus::Event;

/// Threads whose last ll is remembered, as in the Go peer.
const LINKS_KEPT: usize = 5;

/// Figures of a run. Those of ll and sc, threads and pre-images count from where the VM was made, not from step 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Pages of memory.
    pub pages: u64,
    /// Bytes of these pages.
    pub memory_used: u64,
    /// Pre-images asked for.
    pub num_preimage_requests: u64,
    /// Bytes of their answers, without prefixes.
    pub total_preimage_size: u64,
    /// Steps of the state.
    pub total_steps: u64,
    /// sc and scd that stored.
    pub rmw_success_count: u64,
    /// sc and scd that did not.
    pub rmw_fail_count: u64,
    /// Most steps from an ll to the sc of the same thread.
    pub max_steps_between_ll_and_sc: u64,
    /// Reservations lost to another store.
    pub reservation_invalidation_count: u64,
    /// Threads preempted because their time was up.
    pub forced_preemption_count: u64,
    /// Steps made while thread 0 was not active.
    pub idle_step_count_thread_0: u64,
}

/// Counts while the VM steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracker {
    pub(crate) stats: Stats,
    /// (thread, step) of the last ll, the most recent thread last.
    links: Vec<(u64, u64)>,
    active_thread: u64,
    /// Step in which thread 0 gave way.
    idle_since: u64,
}

impl Tracker {
    pub(crate) fn note(&mut self, event: Event) {
        match event {
            Event::Linked { thread, step } => {
                self.unlink(thread);
                if self.links.len() == LINKS_KEPT {
                    self.links.remove(0);
                }
                self.links.push((thread, step));
            }
            Event::Conditional { thread, step, stored } => {
                let stats = &mut self.stats;
                let count =
                    if stored { &mut stats.rmw_success_count } else { &mut stats.rmw_fail_count };
                *count = count.saturating_add(1);
                if let Some(linked) = self.unlink(thread) {
                    let longest = &mut self.stats.max_steps_between_ll_and_sc;
                    *longest = step.wrapping_sub(linked).max(*longest);
                }
            }
        }
    }

    /// A reservation was lost.
    pub(crate) fn lost(&mut self) {
        let count = &mut self.stats.reservation_invalidation_count;
        *count = count.saturating_add(1);
    }

    /// A thread's time was up.
    pub(crate) fn preempted(&mut self) {
        self.stats.forced_preemption_count = self.stats.forced_preemption_count.saturating_add(1);
    }

    /// A thread gave way and this one is active now.
    pub(crate) fn activated(&mut self, thread: u64, step: u64) {
        if self.active_thread == 0 && thread != 0 {
            self.idle_since = step;
        } else if self.active_thread != 0 && thread == 0 {
            let idle = step.saturating_sub(self.idle_since);
            let total = &mut self.stats.idle_step_count_thread_0;
            *total = total.saturating_add(idle);
        }
        self.active_thread = thread;
    }

    fn unlink(&mut self, thread: u64) -> Option<u64> {
        let place = self.links.iter().position(|(it, _)| *it == thread)?;
        Some(self.links.remove(place).1)
    }
}
