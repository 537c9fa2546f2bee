//! What runs in a devnet: things that are ticked and say when they want to be ticked again.
//!
//! Start with [`Machine`]. [`run_alone`] is a machine's own task under a real clock; the conductor ticks all of them
//! under a virtual one.
//!
//! **Invariant:** a machine learns the time from its argument alone.

use crate::{
    chaos::{Endpoint, Faults, L1Event},
    clock::Clock,
    gate::Plug,
    l1::{L1, L1Error, Orphans},
};
use futures_util::{FutureExt, future::BoxFuture};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// After a fault of a machine's own.
const RETRY_MS: u64 = 1_000;

/// A bounded piece of work at a time.
pub(crate) trait Machine: Send {
    /// For logs.
    fn name(&self) -> String;

    /// Works. Answers when it wants to work again, milliseconds; not later than now means at once.
    fn tick(&mut self, now_ms: u64) -> BoxFuture<'_, u64>;
}

/// Wakes machines before they are due: L1 has a new head, or the clock was put forward.
#[derive(Clone, Debug)]
pub(crate) struct Wakes(watch::Sender<u64>);

impl Wakes {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(crate) fn wake(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// Ticks one machine by the real clock until it is stopped.
pub(crate) async fn run_alone(
    mut machine: Box<dyn Machine>,
    clock: Clock,
    mut wakes: watch::Receiver<u64>,
    stop: CancellationToken,
) {
    let work = async {
        loop {
            wakes.mark_unchanged();
            let due_ms = machine.tick(clock.now_ms()).await;
            let pause_ms = due_ms.saturating_sub(clock.now_ms());
            if pause_ms == 0 {
                tokio::task::yield_now().await;
                continue;
            }
            let pause = tokio::time::sleep(Duration::from_millis(pause_ms));
            tokio::select! {
                () = pause => {}
                // Without a sender, as in a node, nobody wakes it: the pause alone counts then.
                Ok(()) = wakes.changed() => {}
            }
        }
    };
    stop.run_until_cancelled(work).await;
}

/// Makes L1 blocks, and what chaos wants of L1.
#[derive(Debug)]
pub(crate) struct L1Machine {
    pub(crate) l1: L1,
    pub(crate) faults: Faults,
    /// Its servers: JSON-RPC and beacon API.
    pub(crate) rpc: Spoilt,
    pub(crate) beacon: Spoilt,
    pub(crate) wakes: Wakes,
    pub(crate) trouble: Trouble,
}

/// A server that can be made faulty.
#[derive(Clone, Debug)]
pub(crate) struct Spoilt {
    pub(crate) endpoint: Endpoint,
    /// What it does to requests.
    pub(crate) faults: opal_engine::faults::Faults,
    /// What is done to its connections, if the schedule may want it.
    pub(crate) plug: Option<Plug>,
}

impl Spoilt {
    pub(crate) fn new(endpoint: Endpoint, schedule: &Faults) -> Self {
        let plug = schedule.may_unplug(endpoint).then(Plug::new);
        let spoilt = Self { endpoint, faults: opal_engine::faults::Faults::default(), plug };
        spoilt.follow(schedule);
        spoilt
    }

    /// Makes it as faulty as the schedule wants it until the next L1 block.
    fn follow(&self, schedule: &Faults) {
        schedule.spoil(self.endpoint, &self.faults);
        if let Some(plug) = &self.plug {
            plug.set(!schedule.is_unplugged(self.endpoint));
        }
    }
}

/// What a machine last complained about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    pub(crate) fn set(&self, text: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    pub(crate) fn text(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Machine for L1Machine {
    fn name(&self) -> String {
        "L1".to_owned()
    }

    fn tick(&mut self, now_ms: u64) -> BoxFuture<'_, u64> {
        let due_ms = self.step(now_ms).unwrap_or_else(|error| {
            tracing::error!(%error, "L1 made no block");
            self.trouble.set(Some(error.to_string()));
            now_ms + RETRY_MS
        });
        std::future::ready(due_ms).boxed()
    }
}

impl L1Machine {
    fn step(&self, now_ms: u64) -> Result<u64, L1Error> {
        let before = self.l1.head().id();
        let due_ms = self.l1.tick(now_ms)?;
        let head = self.l1.head().id();
        if head == before {
            self.report(now_ms);
            return Ok(due_ms);
        }
        for event in self.faults.on_l1_head(head.number) {
            self.perform(event, now_ms);
        }
        self.rpc.follow(&self.faults);
        self.beacon.follow(&self.faults);
        self.report(now_ms);
        self.wakes.wake();
        // Chaos may have changed what is due.
        Ok(self.l1.due_ms())
    }

    /// Nothing failed; it may stand still on purpose.
    fn report(&self, now_ms: u64) {
        let halt = "the end of a halt that the schedule wants";
        self.trouble.set(self.l1.is_halted(now_ms).then(|| halt.to_owned()));
    }

    fn perform(&self, event: L1Event, now_ms: u64) {
        match event {
            L1Event::Halt { seconds } => self.l1.halt_to(now_ms + seconds * 1_000),
            L1Event::Reorg { depth, drop_transactions } => {
                let orphans = if drop_transactions { Orphans::Drop } else { Orphans::Return };
                if let Err(error) = self.l1.reorg(depth, orphans) {
                    tracing::warn!(%error, "an L1 reorg of the schedule did not happen");
                }
            }
        }
    }
}
