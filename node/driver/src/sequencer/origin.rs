//! Which L1 block the next L2 block takes as its origin (N9).
//!
//! **Invariant:** the next origin is taken as soon as L2 time has reached it, and none is skipped.

use opal_derive::max_sequencer_drift;
use opal_types::{ChainConfig, L1Header, L2Ref};

/// Why there is no origin to build with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// The head stands on another L1.
    #[error("L1 does not have the origin of the newest block")]
    Orphaned,
    /// The block would lead its origin by too much: only a newer one helps.
    #[error("the next block would lead L1 block {origin} by {drift} s, more than {max} s")]
    NextWanted {
        /// Height of the head's origin.
        origin: u64,
        /// Lead of the next block over it.
        drift: u64,
        /// What is allowed.
        max: u64,
    },
    /// In recovery the choice has to be the one that derivation would make, which takes the next L1 block to know.
    #[error("the L1 block after {origin} is not known")]
    NextUnknown {
        /// Height of the head's origin.
        origin: u64,
    },
}

/// What is known about the origins of the next block.
#[derive(Clone, Copy, Debug)]
pub struct Origins<'a> {
    /// The head's own origin.
    pub current: &'a L1Header,
    /// The L1 block after it, if it is known.
    pub next: Option<&'a L1Header>,
    /// Whether the choice must wait for `next`.
    pub must_know_next: bool,
}

/// Chooses.
pub fn choose<'a>(
    config: &ChainConfig,
    head: &L2Ref,
    origins: Origins<'a>,
) -> Result<&'a L1Header, OriginError> {
    let Origins { current, next, must_know_next } = origins;
    if current.hash != head.l1_origin.hash {
        return Err(OriginError::Orphaned);
    }
    let timestamp = head.timestamp.saturating_add(config.block_time);
    let origin = current.number;
    let Some(next) = next else {
        if must_know_next {
            return Err(OriginError::NextUnknown { origin });
        }
        let max = max_sequencer_drift(config, current.timestamp);
        let drift = timestamp.saturating_sub(current.timestamp);
        if drift > max {
            return Err(OriginError::NextWanted { origin, drift, max });
        }
        return Ok(current);
    };
    if next.parent_hash != current.hash {
        return Err(OriginError::Orphaned);
    }
    Ok(if next.timestamp <= timestamp { next } else { current })
}
