//! When a block has no users' transactions (D22, N9).
//!
//! **Invariant:** what derivation would refuse is never offered.

use opal_derive::max_sequencer_drift;
use opal_types::{ChainConfig, Fork};

/// Forks whose activation block the Go node leaves empty, whether or not derivation demands it.
const EMPTY_ACTIVATIONS: [Fork; 6] =
    [Fork::Ecotone, Fork::Fjord, Fork::Isthmus, Fork::Jovian, Fork::Karst, Fork::Lagoon];

/// Whether the block with this timestamp, on an L1 origin of that time, takes nothing from the pool.
pub fn keeps_pool_out(config: &ChainConfig, timestamp: u64, origin_timestamp: u64) -> bool {
    let drift = max_sequencer_drift(config, origin_timestamp);
    timestamp > origin_timestamp.saturating_add(drift)
        || EMPTY_ACTIVATIONS.into_iter().any(|fork| config.activates(fork, timestamp))
}
