//! When an endpoint may be asked again: back-off after faults, and a limit of calls per second.
//!
//! **Invariant:** time is an argument. No wait is longer than [`Pauses`] allow, whatever a server asks for.

use std::num::NonZeroU32;

/// Calls of the last while that were not made may be made at once.
const BURST_US: u64 = 1_000_000;
const SECOND_US: u64 = 1_000_000;

/// Waits after faults.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pauses {
    /// After the first; it doubles.
    pub(crate) backoff_ms: u64,
    /// Where doubling ends.
    pub(crate) max_backoff_ms: u64,
    /// Longest `Retry-After` that is honoured; a server that wants more is asked again then.
    pub(crate) max_retry_after_ms: u64,
}

/// One endpoint's pace.
#[derive(Debug)]
pub(crate) struct Pace {
    pauses: Pauses,
    /// Between calls; zero without limit.
    interval_us: u64,
    /// Faults since something worked.
    faults: u32,
    quiet_until_ms: u64,
    /// When the calls made so far would have been made at an even pace.
    even_us: u64,
}

impl Pace {
    pub(crate) fn new(pauses: Pauses, calls_per_second: Option<NonZeroU32>) -> Self {
        let interval_us = calls_per_second.map_or(0, |it| SECOND_US / u64::from(it.get()));
        Self { pauses, interval_us, faults: 0, quiet_until_ms: 0, even_us: 0 }
    }

    /// How long the endpoint is left alone from now.
    pub(crate) fn quiet_ms(&self, now_ms: u64) -> u64 {
        self.quiet_until_ms.saturating_sub(now_ms)
    }

    /// Takes room for that many calls; they may be made after this many milliseconds.
    pub(crate) fn reserve_ms(&mut self, now_ms: u64, calls: usize) -> u64 {
        let now_us = now_ms.saturating_mul(1000);
        let start_us = self.even_us.max(now_us.saturating_sub(BURST_US));
        let calls = u64::try_from(calls).unwrap_or(u64::MAX);
        self.even_us = start_us.saturating_add(self.interval_us.saturating_mul(calls));
        self.even_us.saturating_sub(now_us).div_ceil(1000)
    }

    /// A fault. Those that come in while the endpoint is left alone anyway belong to the same trouble.
    pub(crate) fn failed(&mut self, now_ms: u64, retry_after_ms: Option<u64>) {
        if self.quiet_ms(now_ms) == 0 {
            let factor = 1_u64.checked_shl(self.faults).unwrap_or(u64::MAX);
            let Pauses { backoff_ms, max_backoff_ms, .. } = self.pauses;
            let backoff_ms = backoff_ms.saturating_mul(factor).min(max_backoff_ms);
            self.faults = self.faults.saturating_add(1);
            self.quiet_until_ms = now_ms.saturating_add(backoff_ms);
        }
        if let Some(asked_ms) = retry_after_ms {
            let until_ms = now_ms.saturating_add(asked_ms.min(self.pauses.max_retry_after_ms));
            self.quiet_until_ms = self.quiet_until_ms.max(until_ms);
        }
    }

    /// An answer.
    pub(crate) fn worked(&mut self) {
        self.faults = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSES: Pauses =
        Pauses { backoff_ms: 100, max_backoff_ms: 1000, max_retry_after_ms: 60_000 };

    #[test]
    fn back_off_doubles_up_to_its_limit_and_starts_again_after_an_answer() {
        let mut pace = Pace::new(PAUSES, None);
        let mut now_ms = 5;
        for wanted in [100, 200, 400, 800, 1000, 1000] {
            pace.failed(now_ms, None);
            assert_eq!(pace.quiet_ms(now_ms), wanted);
            now_ms += wanted;
            assert_eq!(pace.quiet_ms(now_ms), 0);
        }
        pace.worked();
        pace.failed(now_ms, None);
        assert_eq!(pace.quiet_ms(now_ms), 100);
        // Calls that were under way meanwhile and fail as well.
        pace.failed(now_ms + 1, None);
        assert_eq!(pace.quiet_ms(now_ms + 1), 99);
    }

    #[test]
    fn retry_after_is_honoured_within_reason() {
        let mut pace = Pace::new(PAUSES, None);
        pace.failed(0, Some(2000));
        assert_eq!(pace.quiet_ms(500), 1500);
        pace.failed(500, Some(u64::MAX));
        assert_eq!(pace.quiet_ms(500), PAUSES.max_retry_after_ms);
    }

    #[test]
    fn calls_keep_their_pace_behind_a_burst() {
        let mut pace = Pace::new(PAUSES, NonZeroU32::new(10));
        assert_eq!(pace.reserve_ms(10_000, 10), 0);
        assert_eq!(pace.reserve_ms(10_000, 1), 100);
        assert_eq!(pace.reserve_ms(10_000, 5), 600);
        assert_eq!(pace.reserve_ms(11_000, 1), 0);
        let mut free = Pace::new(PAUSES, None);
        assert_eq!(free.reserve_ms(0, usize::MAX), 0);
    }
}
