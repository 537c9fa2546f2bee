//! Slowing the sequencer down while L1 cannot take what it makes.
//!
//! Start with [`ThrottleOptions::limits`].
//!
//! **Invariant:** the limits are a function of the backlog alone, and never below the least ones
//! configured.

use std::ops::RangeInclusive;

/// How limits follow the backlog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThrottleCurve {
    /// The least limits as soon as the lower threshold is passed.
    Step,
    /// Evenly from the lower to the upper threshold.
    Linear,
    /// Gently at first, by the square of the way between the thresholds.
    Quadratic,
}

/// When and how the sequencer is slowed down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottleOptions {
    /// Bytes of backlog: nothing happens below the first, the most is done from the second on.
    pub threshold_bytes: RangeInclusive<u64>,
    /// How limits follow the backlog.
    pub curve: ThrottleCurve,
    /// Least and greatest limit on a transaction, bytes after compression.
    pub tx_size: RangeInclusive<u64>,
    /// Least and greatest limit on a block, bytes after compression. The greatest is always in
    /// force; zero = none.
    pub block_size: RangeInclusive<u64>,
}

/// What `miner_setMaxDASize` is told; zero = no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DaLimits {
    /// Bytes of a transaction.
    pub tx_size: u64,
    /// Bytes of a block.
    pub block_size: u64,
}

/// Intensities are told in millionths.
const FULL: u128 = 1_000_000;

impl ThrottleOptions {
    /// The Go batcher's.
    pub const fn usual() -> Self {
        Self {
            threshold_bytes: 3_200_000..=12_800_000,
            curve: ThrottleCurve::Quadratic,
            tx_size: 150..=20_000,
            block_size: 2_000..=130_000,
        }
    }

    /// The limits at this backlog.
    pub fn limits(&self, backlog_bytes: u64) -> DaLimits {
        let intensity = self.intensity(backlog_bytes);
        let tx_size = if intensity == 0 { 0 } else { scale(&self.tx_size, intensity) };
        let block_size = match (*self.block_size.end(), intensity) {
            (0, 0) => 0,
            (0, _) => (*self.block_size.start()).max(1),
            _ => scale(&self.block_size, intensity),
        };
        DaLimits { tx_size, block_size }
    }

    fn intensity(&self, backlog_bytes: u64) -> u128 {
        let (low, high) = (*self.threshold_bytes.start(), *self.threshold_bytes.end());
        let Some(over) = backlog_bytes.checked_sub(low).filter(|over| *over > 0) else { return 0 };
        let way = high.saturating_sub(low).max(1);
        let linear = (u128::from(over).saturating_mul(FULL) / u128::from(way)).min(FULL);
        match self.curve {
            ThrottleCurve::Step => FULL,
            ThrottleCurve::Linear => linear,
            ThrottleCurve::Quadratic => linear.saturating_mul(linear) / FULL,
        }
    }
}

/// From the greatest limit down to the least; never zero, which would mean none.
fn scale(range: &RangeInclusive<u64>, intensity: u128) -> u64 {
    let (least, most) = (*range.start(), *range.end());
    let way = u128::from(most.saturating_sub(least));
    let off = way.saturating_mul(intensity) / FULL;
    most.saturating_sub(u64::try_from(off).unwrap_or(u64::MAX)).max(least).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(curve: ThrottleCurve, backlog_bytes: u64, tx_size: u64, block_size: u64) {
        let options = ThrottleOptions {
            threshold_bytes: 1_000..=3_000,
            curve,
            tx_size: 100..=20_000,
            block_size: 2_000..=130_000,
        };
        assert_eq!(options.limits(backlog_bytes), DaLimits { tx_size, block_size });
    }

    #[test]
    fn below_the_threshold_only_the_greatest_block_limit_is_in_force() {
        check(ThrottleCurve::Step, 0, 0, 130_000);
        check(ThrottleCurve::Linear, 1_000, 0, 130_000);
        check(ThrottleCurve::Quadratic, 1_000, 0, 130_000);
    }

    #[test]
    fn a_step_goes_to_the_least_limits_at_once() {
        check(ThrottleCurve::Step, 1_001, 100, 2_000);
        check(ThrottleCurve::Step, 1 << 40, 100, 2_000);
    }

    #[test]
    fn a_line_falls_evenly_and_ends_at_the_least_limits() {
        check(ThrottleCurve::Linear, 2_000, 10_050, 66_000);
        check(ThrottleCurve::Linear, 3_000, 100, 2_000);
        check(ThrottleCurve::Linear, u64::MAX, 100, 2_000);
    }

    #[test]
    fn a_square_starts_gently() {
        check(ThrottleCurve::Quadratic, 2_000, 15_025, 98_000);
        check(ThrottleCurve::Quadratic, 3_000, 100, 2_000);
    }
}
