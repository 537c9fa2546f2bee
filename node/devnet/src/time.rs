//! Moving the time of a running devnet: what `opal_advance`, `evm_increaseTime` and `evm_mine` do.
//!
//! With a virtual clock the conductor runs everything that is due on the way. A real clock is put forward, and the
//! services catch up: L1 blocks in between are missed slots, L2 blocks are made up for.
//!
//! **Invariant:** L1 and all chains share one time; no chain is moved alone.

use crate::{
    clock::{Clock, ClockMode},
    conductor::{Advance, Stuck},
    genesis::BLOCK_TIME,
    l1::{L1, L1Error},
    machine::Wakes,
};
use tokio::sync::{mpsc, oneshot};

/// Longest step, seconds.
const MAX_STEP_S: u64 = 10 * 365 * 86_400;

/// Moves time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Time {
    pub(crate) clock: Clock,
    pub(crate) wakes: Wakes,
    /// The conductor, if there is one.
    pub(crate) orders: Option<mpsc::Sender<Advance>>,
    /// The L1, if it is ours.
    pub(crate) l1: Option<L1>,
}

/// Why time was not moved.
#[derive(Debug, thiserror::Error)]
pub enum TimeError {
    /// Too far.
    #[error("{found} s at once, at most {MAX_STEP_S} are possible")]
    TooFar {
        /// Seconds asked for.
        found: u64,
    },
    /// Another program makes its blocks.
    #[error("the L1 is another program's: its blocks and time cannot be made here")]
    ForeignL1,
    /// A machine does not come to rest.
    #[error(transparent)]
    Stuck(#[from] Stuck),
    /// L1 made no block.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// The devnet is ending.
    #[error("the devnet is stopping")]
    Stopping,
}

impl Time {
    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Runs everything up to this time.
    pub async fn advance_to(&self, goal_ms: u64) -> Result<(), TimeError> {
        let found = goal_ms.saturating_sub(self.now_ms()) / 1_000;
        if found > MAX_STEP_S {
            return Err(TimeError::TooFar { found });
        }
        if self.l1.is_none() {
            return Err(TimeError::ForeignL1);
        }
        match (&self.orders, self.clock.mode()) {
            (Some(orders), ClockMode::Virtual) => {
                let (done, answer) = oneshot::channel();
                let order = Advance { goal_ms, done };
                orders.send(order).await.map_err(|_| TimeError::Stopping)?;
                answer.await.map_err(|_| TimeError::Stopping)??;
            }
            _ => {
                self.clock.forward_to(goal_ms);
                self.wakes.wake();
            }
        }
        Ok(())
    }

    /// Runs everything for so many seconds.
    pub async fn advance(&self, seconds: u64) -> Result<(), TimeError> {
        if seconds > MAX_STEP_S {
            return Err(TimeError::TooFar { found: seconds });
        }
        self.advance_to(self.now_ms() + seconds * 1_000).await
    }

    /// Makes so many L1 blocks now; time goes on as far as they need.
    pub async fn mine(&self, blocks: u64) -> Result<(), TimeError> {
        let l1 = self.l1.as_ref().ok_or(TimeError::ForeignL1)?;
        let seconds = blocks.saturating_mul(BLOCK_TIME);
        if seconds > MAX_STEP_S {
            return Err(TimeError::TooFar { found: seconds });
        }
        match self.clock.mode() {
            ClockMode::Virtual => {
                self.advance_to((l1.head().header.timestamp + seconds) * 1_000).await
            }
            ClockMode::Real => {
                let last_s = l1.mine(blocks)?;
                self.advance_to(last_s * 1_000).await
            }
        }
    }
}
