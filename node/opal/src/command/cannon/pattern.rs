//! Step patterns: `never`, `always`, `=N`, `%N`.
//!
//! **Invariant:** [`Pattern::next`] never skips a step that [`Pattern::matches`].

use std::str::FromStr;

/// Which steps something happens at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// No step.
    Never,
    /// Each step.
    Always,
    /// One step.
    At(u64),
    /// Each multiple of this; step 0 is one.
    Every(u64),
}

impl Pattern {
    pub(super) const fn matches(self, step: u64) -> bool {
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::At(wanted) => step == wanted,
            Self::Every(period) => step.is_multiple_of(period),
        }
    }

    /// The first matching step that is not before `step`.
    pub(super) fn next(self, step: u64) -> Option<u64> {
        match self {
            Self::Never => None,
            Self::Always => Some(step),
            Self::At(wanted) => (wanted >= step).then_some(wanted),
            Self::Every(period) => step.checked_next_multiple_of(period),
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" | "never" => return Ok(Self::Never),
            "always" => return Ok(Self::Always),
            _ => {}
        }
        let refuse = || format!("`{text}` is no step pattern: use never, always, =N or %N");
        let (kind, number) = text.split_at_checked(1).ok_or_else(refuse)?;
        match (kind, step_number(number).ok_or_else(refuse)?) {
            ("=", wanted) => Ok(Self::At(wanted)),
            ("%", period) if period > 0 => Ok(Self::Every(period)),
            _ => Err(refuse()),
        }
    }
}

/// Decimal, `0x`, `0b` or `0o`, with `_` between digits.
fn step_number(text: &str) -> Option<u64> {
    let text = text.replace('_', "");
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0b") => (&text[2..], 2),
        Some("0o") => (&text[2..], 8),
        _ => (&text[..], 10),
    };
    u64::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_as_the_original_reads_them() {
        let cases = [
            ("", Some(Pattern::Never)),
            ("never", Some(Pattern::Never)),
            ("always", Some(Pattern::Always)),
            ("=0", Some(Pattern::At(0))),
            ("=1_000", Some(Pattern::At(1000))),
            ("=0x10", Some(Pattern::At(16))),
            ("%0b100", Some(Pattern::Every(4))),
            ("%0", None),
            ("=", None),
            ("10", None),
            ("=-1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Pattern>().ok(), expected, "{text}");
        }
    }

    #[test]
    fn the_next_matching_step_is_never_before_the_asked_one() {
        for pattern in [Pattern::Always, Pattern::At(7), Pattern::Every(5)] {
            for step in 0..12 {
                let first = (step..20).find(|it| pattern.matches(*it));
                assert_eq!(pattern.next(step).filter(|it| *it < 20), first, "{pattern:?} {step}");
            }
        }
    }
}
