//! The loop around the machines: asks L1, calls the engine, keeps the records.
//!
//! Start with [`Driver::tick`]. What it does in order stands in `driver/`: `commands`, `l1_poll`, `boot`,
//! `intake` (blocks of others), `sequence`, `derive`, `finality`, `labels`.
//!
//! **Invariant:** a tick is bounded in blocks and in waiting. Questions to L1 outlive a tick, so that sequencing
//! goes on while derivation waits. Nothing halts for good: what fails is tried again, later each time.

mod boot;
mod commands;
mod derive;
mod finality;
mod inquiry;
mod intake;
mod l1_poll;
mod labels;
mod origins;
mod sequence;
mod trouble;

use crate::{
    DriverOptions, L1View, LabelHashes, SafeDb, SafeDbError,
    handle::{Command, DriverHandle, MAX_COMMANDS, Snapshot},
    sequencer::{Schedule, Sequencer},
    status::{L1BlockRef, SyncStatus},
    sync::SyncMachine,
};
use derive::Reading;
use finality::Finality;
use inquiry::Backoff;
use intake::Intake;
use l1_poll::Poll;
use opal_engine::EngineHandle;
use opal_sources::Sources;
use opal_types::{ChainConfig, L1Config, L1Header};
use origins::Scout;
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use trouble::{Standstill, Trouble};

/// The longest that a tick waits for an answer while nothing else is due.
const PATIENCE_MS: u64 = 1000;
/// The same while blocks are sequenced.
const SEQUENCING_PATIENCE_MS: u64 = 250;
/// Answers are given so much time even if a block is due.
const LEAST_PATIENCE_MS: u64 = 10;
/// The longest sleep of [`Driver::run`].
const LONGEST_SLEEP_MS: u64 = 1000;

/// What a tick did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// When to tick again, milliseconds since the Unix epoch; not later than now if there is more to do.
    pub next_due_ms: u64,
    /// Whether anything moved.
    pub progressed: bool,
    /// What is missing or unreachable, for people.
    pub waits_for: Option<String>,
}

/// Why a driver cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// Its database.
    #[error(transparent)]
    SafeDb(#[from] SafeDbError),
}

/// One tick's account.
#[derive(Clone, Copy, Debug)]
struct Work {
    now_ms: u64,
    patience: Duration,
    progressed: bool,
    /// Whether there is more to do now.
    is_unfinished: bool,
}

/// What does not change.
#[derive(Debug)]
struct Parts {
    config: Arc<ChainConfig>,
    l1_config: L1Config,
    engine: EngineHandle,
    sources: Arc<Sources>,
    safe_db: Arc<SafeDb>,
    verifier_confs: u64,
    explain: bool,
}

/// What builds blocks.
#[derive(Debug)]
struct Sequencing {
    machine: Sequencer,
    l1_confs: u64,
    scout: Scout,
    /// Why the next block has no L1 origin.
    lacks: Option<String>,
    /// The chain's end may be overtaken by blocks without batches.
    is_late: bool,
}

/// Counters for people.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    starts: u64,
    executed: u64,
    refused: u64,
}

/// See the module.
#[derive(Debug)]
pub struct Driver {
    parts: Parts,
    l1: L1View,
    poll: Poll,
    /// `None` until the engine told its heads.
    sync: Option<SyncMachine>,
    reading: Reading,
    finality: Finality,
    intake: Intake,
    sequencing: Option<Sequencing>,
    /// What the engine was told last.
    told: Option<LabelHashes>,
    engine_backoff: Backoff,
    standstill: Standstill,
    counts: Counts,
    commands: mpsc::Receiver<Command>,
    command_sender: mpsc::Sender<Command>,
    snapshot: watch::Sender<Arc<Snapshot>>,
}

impl Driver {
    /// A driver that has done nothing yet.
    pub fn new(options: DriverOptions) -> Result<Self, DriverError> {
        let safe_db = Arc::new(SafeDb::open(&options.safe_db, &options.config)?);
        let block_time_ms = options.config.block_time.saturating_mul(1000);
        let sequencing = options.sequencer.map(|it| {
            let (max_safe_lag, sealing_ms) = (it.max_safe_lag, it.sealing_ms);
            let schedule = Schedule { block_time_ms, sealing_ms, max_safe_lag };
            let machine = Sequencer::new(schedule, !it.is_stopped, it.recovers);
            Sequencing {
                machine,
                l1_confs: it.l1_confs,
                scout: Scout::new(),
                lacks: None,
                is_late: false,
            }
        });
        let poll = Poll::new(options.l1_poll_ms, options.labels_poll_ms, options.finality);
        let (command_sender, commands) = mpsc::channel(MAX_COMMANDS);
        Ok(Self {
            parts: Parts {
                config: Arc::new(options.config),
                l1_config: options.l1_config,
                engine: options.engine,
                sources: Arc::new(options.sources),
                safe_db,
                verifier_confs: options.verifier_confs,
                explain: options.explain,
            },
            l1: L1View::default(),
            poll,
            sync: None,
            reading: Reading::new(),
            finality: Finality::new(),
            intake: Intake::default(),
            sequencing,
            told: None,
            engine_backoff: Backoff::default(),
            standstill: Standstill::default(),
            counts: Counts::default(),
            commands,
            command_sender,
            snapshot: watch::Sender::new(Arc::new(Snapshot::default())),
        })
    }

    /// What others hold of this driver.
    pub fn handle(&self) -> DriverHandle {
        DriverHandle {
            config: Arc::clone(&self.parts.config),
            engine: self.parts.engine.clone(),
            safe_db: Arc::clone(&self.parts.safe_db),
            snapshot: self.snapshot.subscribe(),
            commands: self.command_sender.clone(),
        }
    }

    /// Does what is due, but no more than a bounded piece of it. `now_ms` is the time since the Unix epoch.
    pub async fn tick(&mut self, now_ms: u64) -> Tick {
        let patience = self.patience(now_ms);
        let mut work = Work { now_ms, patience, progressed: false, is_unfinished: false };
        self.obey_waiting_commands(&mut work);
        self.poll_l1(&mut work).await;
        if let Err(trouble) = self.work(&mut work).await {
            self.meet(trouble, now_ms);
        }
        self.inform_sequencer(now_ms);
        self.publish();
        self.account(work)
    }

    async fn work(&mut self, work: &mut Work) -> Result<(), Trouble> {
        if self.engine_backoff.holds(work.now_ms) || self.standstill.holds(work.now_ms) {
            return Ok(());
        }
        self.boot(work).await?;
        self.take_in(work).await?;
        self.sequence(work).await?;
        self.derive(work).await?;
        self.finalize(work).await?;
        self.tell_engine().await?;
        self.parts.safe_db.flush()?;
        Ok(())
    }

    /// How long answers may take: a block that is due soon does not wait for them.
    fn patience(&self, now_ms: u64) -> Duration {
        let due_ms = self.sequencing.as_ref().and_then(|it| it.machine.due_ms());
        let is_sequencing = self.sequencing.as_ref().is_some_and(|it| it.machine.is_active());
        let longest = if is_sequencing { SEQUENCING_PATIENCE_MS } else { PATIENCE_MS };
        let until_due = due_ms.map_or(longest, |due_ms| due_ms.saturating_sub(now_ms));
        Duration::from_millis(until_due.clamp(LEAST_PATIENCE_MS, longest))
    }

    /// When to come back, and why.
    fn account(&self, work: Work) -> Tick {
        let Work { now_ms, progressed, .. } = work;
        let is_asking = self.poll.inquiry.is_asked() || self.reading.inquiry.is_asked();
        let next_due_ms = if work.is_unfinished || is_asking {
            now_ms
        } else {
            let sequencer = self.sequencing.as_ref().and_then(|it| it.machine.due_ms());
            let pauses = [
                sequencer,
                self.reading.inquiry.backoff.due_ms(),
                self.finality.inquiry.backoff.due_ms(),
                self.sequencing.as_ref().and_then(|it| it.scout.inquiry.backoff.due_ms()),
                self.engine_backoff.due_ms(),
                self.standstill.due_ms(),
            ];
            let next = pauses.into_iter().flatten().filter(|due_ms| *due_ms > now_ms);
            next.chain([self.poll.due_ms()]).min().unwrap_or(now_ms)
        };
        // It was published a moment ago.
        let waits_for = self.snapshot.borrow().waits_for.clone();
        Tick { next_due_ms, progressed, waits_for }
    }

    fn waits_for(&self) -> Option<String> {
        let network = self.parts.sources.waits_for();
        let network = network.as_deref();
        let engine = self.engine_backoff.trouble().map(str::to_owned);
        let derivation = self.reading.inquiry.waits_for(network);
        let sequencing = self.sequencing.as_ref();
        let sequencing =
            sequencing.and_then(|it| it.scout.waits_for(network).or_else(|| it.lacks.clone()));
        let poll = self.poll.inquiry.waits_for(network);
        engine.or(derivation).or(sequencing).or(poll)
    }

    /// Shows the state to the handles, if it is another one.
    fn publish(&self) {
        let labels = self.sync.as_ref().map(|it| *it.labels());
        let machine = self.sequencing.as_ref().map(|it| &it.machine);
        let snapshot = Snapshot {
            sync_status: self.sync_status(),
            labels,
            waits_for: self.waits_for(),
            fault: self.standstill.text().map(str::to_owned),
            is_sequencing: machine.is_some_and(Sequencer::is_active),
            is_lagging: machine.is_some_and(Sequencer::is_lagging),
            starts: self.counts.starts,
            executed: self.counts.executed,
            refused: self.counts.refused,
        };
        self.snapshot.send_if_modified(|shown| {
            let is_other = **shown != snapshot;
            if is_other {
                *shown = Arc::new(snapshot);
            }
            is_other
        });
    }

    fn sync_status(&self) -> SyncStatus {
        let block = |header: Option<&L1Header>| header.map(L1BlockRef::from).unwrap_or_default();
        let finalized_l1 = block(self.l1.finalized());
        let mut status = SyncStatus {
            current_l1: block(self.sync.as_ref().and_then(SyncMachine::l1_origin)),
            current_l1_finalized: finalized_l1,
            head_l1: block(self.l1.head.as_ref()),
            safe_l1: block(self.l1.safe.as_ref()),
            finalized_l1,
            ..SyncStatus::default()
        };
        if let Some(labels) = self.sync.as_ref().map(SyncMachine::labels) {
            status.unsafe_l2 = labels.unsafe_head.into();
            status.cross_unsafe_l2 = labels.unsafe_head.into();
            status.pending_safe_l2 = labels.pending_safe.into();
            status.local_safe_l2 = labels.local_safe.into();
            status.safe_l2 = labels.safe.into();
            status.finalized_l2 = labels.finalized.into();
        }
        status
    }

    /// Ticks on the real clock until it is told to stop. `now_ms` tells the time since the Unix epoch.
    pub async fn run(mut self, now_ms: impl Fn() -> u64 + Send, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let now = now_ms();
            let tick = self.tick(now).await;
            let pause_ms = tick.next_due_ms.saturating_sub(now_ms()).min(LONGEST_SLEEP_MS);
            if pause_ms == 0 {
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(pause_ms)) => {}
                Some(command) = self.commands.recv() => self.obey(command, now_ms()),
            }
        }
        if let Err(error) = self.parts.safe_db.flush() {
            tracing::error!(%error, "safe heads of the last moments are not written");
        }
    }
}
