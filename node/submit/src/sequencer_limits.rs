//! Tells the sequencer its limits (`miner_setMaxDASize`).
//!
//! **Invariant:** a sequencer that cannot be told is no reason to stop batching.

use crate::{DaLimits, ThrottleOptions, Throttling};
use alloy_primitives::U64;
use opal_client::Rpc;

/// A node that was started again has forgotten its limits, so they are told again after this time.
const REPEAT_MS: u64 = 30_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct SequencerLimits {
    l2: Rpc,
    options: Option<ThrottleOptions>,
    told: Option<(DaLimits, u64)>,
    state: Throttling,
}

impl SequencerLimits {
    pub(crate) const fn new(l2: Rpc, options: Option<ThrottleOptions>) -> Self {
        Self { l2, options, told: None, state: Throttling::Off }
    }

    pub(crate) const fn state(&self) -> &Throttling {
        &self.state
    }

    /// Tells the limits for this backlog, if they are others than last time.
    pub(crate) async fn follow(&mut self, backlog_bytes: u64, now_ms: u64) {
        let Some(options) = &self.options else { return };
        self.tell(options.limits(backlog_bytes), now_ms).await;
    }

    /// Takes back what was told.
    pub(crate) async fn lift(&mut self, now_ms: u64) {
        if self.told.is_some_and(|(limits, _)| limits != DaLimits::default()) {
            self.tell(DaLimits::default(), now_ms).await;
        }
    }

    async fn tell(&mut self, limits: DaLimits, now_ms: u64) {
        let is_told = self.told.is_some_and(|(known, at_ms)| {
            known == limits && now_ms.saturating_sub(at_ms) < REPEAT_MS
        });
        if is_told {
            return;
        }
        let DaLimits { tx_size, block_size } = limits;
        let params = (U64::from(tx_size), U64::from(block_size));
        let answer = self.l2.call_if_offered::<bool>("miner_setMaxDASize", params).await;
        let state = match answer {
            Ok(Some(true)) => {
                self.told = Some((limits, now_ms));
                Throttling::Limits(limits)
            }
            Ok(Some(false)) => Throttling::Failed("the node refused the limits".to_owned()),
            Ok(None) => Throttling::NotOffered,
            Err(error) => Throttling::Failed(error.to_string()),
        };
        if state != self.state {
            match &state {
                Throttling::NotOffered => tracing::warn!(
                    "the sequencer cannot be slowed down: no miner_setMaxDASize at its node"
                ),
                Throttling::Failed(why) => tracing::warn!(why, "cannot slow the sequencer down"),
                _ => tracing::debug!(tx_size, block_size, "told the sequencer its limits"),
            }
        }
        self.state = state;
    }
}
