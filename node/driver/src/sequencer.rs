//! When to build which block: the schedule of a sequencer, as the Go node keeps it (N9).
//!
//! Start with [`Sequencer::duty`]; `started`, `sealed` and `failed` take the outcome. `origin` chooses the L1
//! origin, `pool_rule` says when users' transactions stay out.
//!
//! **Invariant:** no I/O and no clock. A block is started at most one block time before its own time, and
//! sealed on no other head than the one it was started on.

pub mod origin;
pub mod pool_rule;

use alloy_primitives::B256;
use opal_engine::PayloadId;
use opal_types::L2Ref;

/// Wait after a failure that is nobody's fault.
const RETRY_MS: u64 = 1000;

/// How a sequencer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Time between L2 blocks.
    pub block_time_ms: u64,
    /// How long before its time a block is sealed.
    pub sealing_ms: u64,
    /// Unsafe blocks above the safe head at which sequencing pauses; `None` = any number.
    pub max_safe_lag: Option<u64>,
}

/// A block that is being built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Building {
    /// Its parent.
    pub onto: L2Ref,
    /// What the engine calls it.
    pub id: PayloadId,
    /// Its timestamp, seconds.
    pub timestamp: u64,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Start a block on this one.
    Build {
        /// The parent.
        onto: L2Ref,
    },
    /// Seal this block and make it the head.
    Seal(Building),
}

/// What prevented a duty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Something is missing or unreachable for now.
    Temporary,
    /// The block is invalid, or its building was lost: it starts afresh after a block time.
    Invalid,
}

/// Why a command was not obeyed; the texts are the Go node's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SequencerError {
    /// This node only follows.
    #[error("sequencer is not enabled")]
    Disabled,
    /// It runs.
    #[error("sequencer already running")]
    AlreadyRunning,
    /// It does not run.
    #[error("sequencer not running")]
    NotRunning,
    /// Nobody knows yet what to build on.
    #[error("no prestate, cannot determine if sequencer start at {head} is safe")]
    NoHead {
        /// Head in the command.
        head: B256,
    },
    /// Somebody else may have built further.
    #[error("block hash does not match: head {head}, received {received}")]
    OtherHead {
        /// The node's head.
        head: B256,
        /// Head in the command.
        received: B256,
    },
}

/// See the module.
#[derive(Debug)]
pub struct Sequencer {
    schedule: Schedule,
    is_active: bool,
    recovers: bool,
    head: Option<L2Ref>,
    safe_number: u64,
    building: Option<Building>,
    due_ms: Option<u64>,
    /// Paused by the lag behind the safe head, and by nothing else.
    is_lagging: bool,
    /// Derivation looks for its start: the head may be given up.
    is_parked: bool,
}

impl Sequencer {
    /// Waits for its first head.
    pub const fn new(schedule: Schedule, is_active: bool, recovers: bool) -> Self {
        Self {
            schedule,
            is_active,
            recovers,
            head: None,
            safe_number: 0,
            building: None,
            due_ms: None,
            is_lagging: false,
            is_parked: true,
        }
    }

    /// Whether it builds blocks.
    pub const fn is_active(&self) -> bool {
        self.is_active
    }

    /// Whether blocks take the newest L1 origin they may, and no users' transactions.
    pub const fn recovers(&self) -> bool {
        self.recovers
    }

    /// Whether it waits for the safe head.
    pub const fn is_lagging(&self) -> bool {
        self.is_lagging
    }

    /// When the next duty is due.
    pub const fn due_ms(&self) -> Option<u64> {
        if self.is_active { self.due_ms } else { None }
    }

    /// What is due now.
    pub fn duty(&self, now_ms: u64) -> Option<Duty> {
        self.due_ms().filter(|due_ms| *due_ms <= now_ms)?;
        let build = self.head.map(|onto| Duty::Build { onto });
        self.building.map(Duty::Seal).or(build)
    }

    /// A block was started.
    pub fn started(&mut self, building: Building, now_ms: u64) {
        self.building = Some(building);
        let at_ms = building.timestamp.saturating_mul(1000);
        self.due_ms = Some(at_ms.saturating_sub(self.schedule.sealing_ms).max(now_ms));
    }

    /// The block became the head.
    pub fn sealed(&mut self, head: L2Ref, now_ms: u64) {
        self.building = None;
        self.plan(head, now_ms);
    }

    /// A duty could not be done.
    pub fn failed(&mut self, failure: Failure, now_ms: u64) {
        match failure {
            Failure::Temporary => self.due_ms = Some(now_ms.saturating_add(RETRY_MS)),
            Failure::Invalid => {
                self.building = None;
                self.due_ms = Some(now_ms.saturating_add(self.schedule.block_time_ms));
            }
        }
        if self.is_parked {
            self.due_ms = None;
        }
        self.watch_lag(now_ms);
    }

    /// The labels are these now.
    pub fn follow(&mut self, head: L2Ref, safe_number: u64, now_ms: u64) {
        self.safe_number = safe_number;
        if self.building.is_some_and(|it| it.onto.hash != head.hash) {
            self.building = None;
        }
        if self.is_parked || !self.is_active {
            self.head = Some(head);
        } else if self.head.is_none_or(|it| it.hash != head.hash) {
            self.plan(head, now_ms);
        } else {
            self.watch_lag(now_ms);
        }
    }

    /// Derivation looks for its start.
    pub const fn park(&mut self) {
        self.is_parked = true;
        self.building = None;
        self.due_ms = None;
        self.is_lagging = false;
    }

    /// Derivation found its start, with this head. Only after a reset is there a pause of a block time, so that
    /// resets in a row do not run hot.
    pub fn unpark(&mut self, head: L2Ref, safe_number: u64, now_ms: u64) {
        if !self.is_parked {
            return self.follow(head, safe_number, now_ms);
        }
        let is_first = self.head.is_none();
        self.is_parked = false;
        self.head = Some(head);
        self.safe_number = safe_number;
        let pause_ms = if is_first { 0 } else { self.schedule.block_time_ms };
        self.due_ms = Some(now_ms.saturating_add(pause_ms));
        if is_first && self.is_active {
            self.plan(head, now_ms);
        }
        self.watch_lag(now_ms);
    }

    fn plan(&mut self, head: L2Ref, now_ms: u64) {
        self.head = Some(head);
        // The next block's time is one block time after the head's: too early is before the head's own.
        let starts_ms = head.timestamp.saturating_mul(1000);
        self.due_ms = Some(starts_ms.max(now_ms));
        self.watch_lag(now_ms);
    }

    fn watch_lag(&mut self, now_ms: u64) {
        let head = self.head.map_or(0, |it| it.number);
        let lags = self
            .schedule
            .max_safe_lag
            .is_some_and(|lag| self.safe_number.saturating_add(lag) <= head);
        if lags {
            self.is_lagging = true;
            self.due_ms = None;
        } else if self.is_lagging {
            self.is_lagging = false;
            self.due_ms = Some(now_ms);
        }
    }

    /// Begins to build on this head, which must be the newest block.
    pub fn start(&mut self, received: B256, now_ms: u64) -> Result<(), SequencerError> {
        if self.is_active {
            return Err(SequencerError::AlreadyRunning);
        }
        let head = self.head.ok_or(SequencerError::NoHead { head: received })?;
        if head.hash != received {
            return Err(SequencerError::OtherHead { head: head.hash, received });
        }
        self.is_active = true;
        self.is_lagging = false;
        self.building = None;
        self.due_ms = (!self.is_parked).then_some(now_ms);
        self.watch_lag(now_ms);
        Ok(())
    }

    /// Stops after the block that was sealed last. Tells the head.
    pub fn stop(&mut self) -> Result<B256, SequencerError> {
        if !self.is_active {
            return Err(SequencerError::NotRunning);
        }
        self.is_active = false;
        self.is_lagging = false;
        self.building = None;
        self.due_ms = None;
        Ok(self.head.map_or(B256::ZERO, |it| it.hash))
    }

    /// Switches recovery.
    pub const fn set_recovers(&mut self, recovers: bool) {
        self.recovers = recovers;
    }

    /// Changes the lag at which sequencing pauses.
    pub fn set_max_safe_lag(&mut self, max_safe_lag: Option<u64>, now_ms: u64) {
        self.schedule.max_safe_lag = max_safe_lag;
        self.watch_lag(now_ms);
    }
}
