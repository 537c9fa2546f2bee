//! The one clock of a devnet.
//!
//! Every machine is handed `now`; this is where it comes from. A real clock can be put forward (which is what
//! `evm_increaseTime` does), a virtual one moves only when told.
//!
//! **Invariant:** it never goes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// Where time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockMode {
    /// The machine's clock; services run beside one another.
    Real,
    /// A number; one conductor runs the services in a fixed order.
    Virtual,
}

/// A clock that all parts of one devnet share.
#[derive(Clone, Debug)]
pub struct Clock {
    mode: ClockMode,
    /// Real: milliseconds ahead of the system. Virtual: milliseconds since the Unix epoch.
    value_ms: Arc<AtomicU64>,
}

impl Clock {
    /// The system's clock.
    pub fn real() -> Self {
        Self { mode: ClockMode::Real, value_ms: Arc::default() }
    }

    /// A clock that stands at this time.
    pub fn at(now_ms: u64) -> Self {
        Self { mode: ClockMode::Virtual, value_ms: Arc::new(AtomicU64::new(now_ms)) }
    }

    /// Its kind.
    pub fn mode(&self) -> ClockMode {
        self.mode
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        let value_ms = self.value_ms.load(Ordering::Acquire);
        match self.mode {
            ClockMode::Real => system_ms() + value_ms,
            ClockMode::Virtual => value_ms,
        }
    }

    /// Puts it forward to this time. An earlier time changes nothing.
    pub fn forward_to(&self, now_ms: u64) {
        let value_ms = match self.mode {
            ClockMode::Real => now_ms.saturating_sub(system_ms()),
            ClockMode::Virtual => now_ms,
        };
        self.value_ms.fetch_max(value_ms, Ordering::AcqRel);
    }
}

/// Milliseconds since the Unix epoch by the system's clock.
pub(crate) fn system_ms() -> u64 {
    // A system that stands before 1970 is taken to stand at its start.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).expect("the clock stands before the year 500 million")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_moves_when_told_and_never_back() {
        let clock = Clock::at(1_000);
        clock.forward_to(3_000);
        clock.forward_to(2_000);
        assert_eq!(clock.now_ms(), 3_000);
    }

    #[test]
    fn a_real_clock_can_be_put_forward() {
        let clock = Clock::real();
        let goal_ms = clock.now_ms() + 3_600_000;
        clock.forward_to(goal_ms);
        assert!(clock.now_ms() >= goal_ms);
        clock.forward_to(1);
        assert!(clock.now_ms() >= goal_ms);
    }
}
