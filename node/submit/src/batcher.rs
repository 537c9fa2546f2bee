//! The loop around the machine: asks L1, L2 and the rollup node, and sends what the machine hands
//! out.
//!
//! Start with [`Batcher::tick`].
//!
//! **Invariant:** a tick does a bounded amount of work, and whatever fails in it is tried again in
//! a later one.

mod post;

use crate::{
    Activity, BatchBlock, BatcherHandle, BatcherStatus, BlockError, ChannelOptions,
    DataAvailability, Machine, MachineOptions, OptionsError, PendingOptions, Phase, PlaceError,
    Restart, ThrottleOptions, heads, sequencer_limits::SequencerLimits,
};
use futures_util::future::join_all;
use opal_client::{Rpc, RpcError, RpcSetupError, Signer, TransactionError, TransactionOptions};
use opal_sources::{SourceError, Sources, SourcesOptions};
use opal_types::ChainConfig;
use post::Post;
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// L2 blocks that are read in one tick.
const LOAD_AT_ONCE: u64 = 64;
/// Channels that are closed in one tick: compressing takes time.
const CLOSE_AT_ONCE: usize = 4;
/// Memory for blocks that were just read.
const CACHE_BYTES: usize = 8 << 20;
/// Longest wait after fresh starts.
const MAX_PAUSE_MS: u64 = 300_000;

/// What a batcher is made of.
#[derive(Clone, Debug)]
pub struct BatcherOptions {
    /// The chain.
    pub config: Arc<ChainConfig>,
    /// Execution layer of L2: blocks, and the sequencer's limits.
    pub l2: Rpc,
    /// The rollup node.
    pub rollup: Rpc,
    /// L1, the account, and how transactions are sent.
    pub transactions: TransactionOptions,
    /// How channels are made.
    pub channels: ChannelOptions,
    /// How much is held and sent at once.
    pub pending: PendingOptions,
    /// When the sequencer is slowed down.
    pub throttle: Option<ThrottleOptions>,
    /// Time between two looks at the chains.
    pub poll_interval_ms: u64,
    /// It does nothing before [`BatcherHandle::start`].
    pub starts_stopped: bool,
}

impl BatcherOptions {
    /// What suits most chains.
    pub fn new(config: Arc<ChainConfig>, l1: Rpc, l2: Rpc, rollup: Rpc, signer: Signer) -> Self {
        Self {
            config,
            l2,
            rollup,
            transactions: TransactionOptions::new(l1, signer),
            channels: ChannelOptions::usual(),
            pending: PendingOptions::usual(),
            throttle: Some(ThrottleOptions::usual()),
            poll_interval_ms: 6_000,
            starts_stopped: false,
        }
    }
}

/// Why there is no batcher.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The options do not go with the chain.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// Nobody can be asked.
    #[error(transparent)]
    Rpc(#[from] RpcSetupError),
}

/// What a tick came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// When the next one is due; `u64::MAX` = only when somebody wants something.
    pub next_due_ms: u64,
    /// Something was done, and there may be more to do at once.
    pub progressed: bool,
    /// What it waits for, in words.
    pub waits_for: Option<String>,
}

/// Why a tick ended early.
#[derive(Debug, thiserror::Error)]
enum TickError {
    #[error("{who} has no {what} yet")]
    NotThere { who: String, what: &'static str },
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Transactions(#[from] TransactionError),
    #[error(transparent)]
    Place(#[from] PlaceError),
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// See the module.
#[derive(Debug)]
pub struct Batcher {
    config: Arc<ChainConfig>,
    channels: ChannelOptions,
    pending: PendingOptions,
    l1: Rpc,
    rollup: Rpc,
    sources: Sources,
    /// `None` while stopped.
    machine: Option<Machine>,
    post: Post,
    limits: SequencerLimits,
    poll_interval_ms: u64,
    starts: bool,
    next_poll_ms: u64,
    /// Fresh starts in vain since the safe head advanced last, and its height then.
    in_vain: (u32, u64),
    handle: BatcherHandle,
    status: BatcherStatus,
}

impl Batcher {
    /// Nothing is asked or sent before the first tick.
    pub fn new(options: BatcherOptions) -> Result<Self, SetupError> {
        let BatcherOptions { config, l2, rollup, channels, pending, .. } = options;
        channels.check(&config)?;
        pending.check()?;
        let l1 = options.transactions.rpc.clone();
        let sources = Sources::new(SourcesOptions {
            l2: Some(l2.clone()),
            cache_bytes: CACHE_BYTES,
            ..SourcesOptions::new(l1.clone())
        })?;
        Ok(Self {
            post: Post::new(options.transactions, config.batch_inbox, pending.max_transactions),
            config,
            channels,
            pending,
            l1,
            rollup,
            sources,
            machine: None,
            limits: SequencerLimits::new(l2, options.throttle),
            poll_interval_ms: options.poll_interval_ms,
            starts: !options.starts_stopped,
            next_poll_ms: 0,
            in_vain: (0, 0),
            handle: BatcherHandle::new(),
            status: BatcherStatus::default(),
        })
    }

    /// To look at it and tell it what to do.
    pub fn handle(&self) -> BatcherHandle {
        self.handle.clone()
    }

    /// Does what is due. `now_ms` is the time since the Unix epoch, or of a virtual clock.
    pub async fn tick(&mut self, now_ms: u64) -> Tick {
        self.obey(now_ms);
        let mut tick = Tick { next_due_ms: u64::MAX, ..Tick::default() };
        if self.machine.is_some() {
            match self.work(now_ms).await {
                Ok(progressed) => {
                    tick.progressed = progressed;
                    self.status.last_error = None;
                }
                Err(error) => self.note(&error),
            }
            tick.next_due_ms = if tick.progressed { now_ms } else { self.next_poll_ms };
        }
        self.stop_if_done(now_ms).await;
        tick.waits_for = self.waits_for();
        self.publish(tick.waits_for.clone());
        tick
    }

    /// Ticks by this clock until `stop`, or, if that comes while it batches, until what it has is
    /// sent.
    pub async fn run(&mut self, stop: CancellationToken, now_ms: impl Fn() -> u64) {
        let mut is_asked = false;
        loop {
            if stop.is_cancelled() && !is_asked {
                is_asked = true;
                self.handle.stop();
            }
            let tick = self.tick(now_ms()).await;
            if is_asked && self.machine.is_none() {
                return;
            }
            let wait_ms = tick.next_due_ms.saturating_sub(now_ms()).min(MAX_PAUSE_MS);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
                () = self.handle.woken() => {}
                () = stop.cancelled(), if !is_asked => {}
            }
        }
    }

    /// Does what was asked for through handles.
    fn obey(&mut self, now_ms: u64) {
        let wishes = self.handle.take_wishes();
        let runs = wishes.runs.or_else(|| std::mem::take(&mut self.starts).then_some(true));
        match (runs, &mut self.machine) {
            (Some(true), None) => self.start(now_ms),
            (Some(false), Some(machine)) => {
                machine.stop();
                self.status.activity = Activity::Stopping;
                self.next_poll_ms = now_ms;
            }
            _ => {}
        }
        if let Some(machine) = self.machine.as_mut().filter(|_| wishes.flush) {
            machine.flush();
            self.next_poll_ms = now_ms;
        }
    }

    fn start(&mut self, now_ms: u64) {
        self.machine = Some(Machine::new(MachineOptions {
            config: Arc::clone(&self.config),
            channels: self.channels,
            pending: self.pending,
            salt: now_ms,
        }));
        self.next_poll_ms = now_ms;
        self.status = BatcherStatus { activity: Activity::Running, ..BatcherStatus::default() };
    }

    /// Looks at the transactions, and at the chains if it is time; true if there may be more to do.
    async fn work(&mut self, now_ms: u64) -> Result<bool, TickError> {
        let is_due = now_ms >= self.next_poll_ms;
        if is_due {
            // Should something fail, it is not tried again at once.
            self.next_poll_ms = now_ms.saturating_add(self.poll_interval_ms);
        }
        let Some(machine) = &mut self.machine else { return Ok(false) };
        self.post.follow(machine, now_ms, &mut self.status).await?;
        if !is_due {
            return Ok(false);
        }
        let outstanding = self.post.outstanding(machine, &self.l1, now_ms).await?;
        self.look(now_ms, outstanding).await?;
        let loaded = self.load(now_ms).await;
        let filled = self.fill();
        let Some(machine) = &mut self.machine else { return Ok(false) };
        self.post.send(machine, now_ms, &mut self.status).await?;
        // Before the machine knows the blocks again, its backlog says nothing.
        if machine.phase() == Phase::Running {
            self.limits.follow(machine.backlog_bytes(), now_ms).await;
        }
        let progressed = loaded? | filled?;
        if progressed {
            self.next_poll_ms = now_ms;
        }
        Ok(progressed)
    }

    /// Takes the heads of both chains.
    async fn look(&mut self, now_ms: u64, outstanding: usize) -> Result<(), TickError> {
        let needs_prices = self.channels.data_availability == DataAvailability::Auto;
        let not_there = |rpc: &Rpc, what| TickError::NotThere { who: rpc.name().to_owned(), what };
        let tip = heads::l1_tip(&self.l1, needs_prices).await?;
        let tip = tip.ok_or_else(|| not_there(&self.l1, "blocks"))?;
        self.status.l1 = Some(tip);
        let node = heads::node_status(&self.rollup).await?;
        let node = node.ok_or_else(|| not_there(&self.rollup, "heads"))?;
        self.status.node = Some(node);
        if node.local_safe.number > self.in_vain.1 {
            self.in_vain = (0, node.local_safe.number);
        }
        let Some(machine) = &mut self.machine else { return Ok(()) };
        let restart = machine.on_tip(&tip, outstanding).or_else(|| machine.on_status(&node));
        if let Some(reason) = restart {
            self.restarted(reason, now_ms);
        }
        Ok(())
    }

    /// Reads the next blocks; true if there are more.
    async fn load(&mut self, now_ms: u64) -> Result<bool, TickError> {
        let Some(machine) = &mut self.machine else { return Ok(false) };
        let Some(wanted) = machine.to_load() else { return Ok(false) };
        let first = *wanted.start();
        let last = first.saturating_add(LOAD_AT_ONCE - 1).min(*wanted.end());
        let sources = &self.sources;
        let read = async |number| {
            let Some(block) = sources.l2_block(number).await? else { return Ok(None) };
            let hash = block.header.hash();
            let (block, transactions) = sources.l2_block_by_hash(hash).await?;
            Ok::<_, SourceError>(Some((block, transactions)))
        };
        for found in join_all((first..=last).map(read)).await {
            let Some((block, transactions)) = found? else { return Ok(false) };
            let block = BatchBlock::of(&self.config, &block, transactions)?;
            if let Some(reason) = machine.on_block(block) {
                self.restarted(reason, now_ms);
                return Ok(false);
            }
        }
        Ok(last < *wanted.end())
    }

    /// Makes channels; true if there may be more.
    fn fill(&mut self) -> Result<bool, TickError> {
        let Some(machine) = &mut self.machine else { return Ok(false) };
        for _ in 0..CLOSE_AT_ONCE {
            let Some(closed) = machine.fill()? else { return Ok(false) };
            tracing::info!(
                channel = %closed.id,
                first = closed.first.number,
                last = closed.last.number,
                carrier = ?closed.carrier,
                bytes = closed.bytes,
                transactions = closed.transactions,
                "closed a channel"
            );
            self.status.channels_closed = self.status.channels_closed.saturating_add(1);
            self.status.bytes_closed = self.status.bytes_closed.saturating_add(closed.bytes as u64);
        }
        Ok(true)
    }

    /// Everything was dropped: what is not yet sent is taken back. If batches were paid for in
    /// vain, the next try comes later each time.
    fn restarted(&mut self, reason: Restart, now_ms: u64) {
        tracing::warn!(%reason, "starting again from the safe head");
        self.post.take_back();
        self.status.restarts = self.status.restarts.saturating_add(1);
        self.status.last_restart = Some(reason.to_string());
        let in_vain =
            matches!(reason, Restart::NoProgress { .. } | Restart::ChannelTimedOut { .. });
        let factor = if in_vain { 1u64.checked_shl(self.in_vain.0).unwrap_or(u64::MAX) } else { 1 };
        self.in_vain.0 = self.in_vain.0.saturating_add(in_vain.into());
        let pause_ms = self.poll_interval_ms.saturating_mul(factor).min(MAX_PAUSE_MS);
        self.next_poll_ms = now_ms.saturating_add(pause_ms);
    }

    async fn stop_if_done(&mut self, now_ms: u64) {
        let is_drained = self.machine.as_ref().is_some_and(Machine::is_drained);
        let is_stopping = self.status.activity == Activity::Stopping;
        if is_stopping && is_drained && self.post.open() == 0 {
            self.machine = None;
            self.status.activity = Activity::Stopped;
            self.limits.lift(now_ms).await;
        }
    }

    fn note(&mut self, error: &TickError) {
        let text = error.to_string();
        if self.status.last_error.as_ref() != Some(&text) {
            tracing::warn!(%error, "batcher is held up");
        }
        self.status.last_error = Some(text);
    }

    /// In words, what comes next from somebody else.
    fn waits_for(&self) -> Option<String> {
        let Some(machine) = &self.machine else { return Some("to be started".to_owned()) };
        if let Some(error) = &self.status.last_error {
            return Some(error.clone());
        }
        if let Some(hindrance) = self.post.hindrance() {
            return Some(hindrance);
        }
        match machine.phase() {
            Phase::Settling { until_l1: None } => {
                Some("transactions of this account to be included".to_owned())
            }
            Phase::Settling { until_l1: Some(height) } => {
                Some(format!("the rollup node to read L1 block {height}"))
            }
            Phase::Running => None,
        }
    }

    fn publish(&mut self, waits_for: Option<String>) {
        self.status.figures = self.machine.as_ref().map(Machine::figures).unwrap_or_default();
        self.status.throttling = self.limits.state().clone();
        self.status.waits_for = waits_for;
        self.handle.publish(&self.status);
    }
}
