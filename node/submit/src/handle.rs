//! How others look at a batcher and tell it what to do.
//!
//! Start with [`BatcherHandle`].
//!
//! **Invariant:** a handle never waits for the batcher, and no lock is held while something is
//! done.

use crate::{DaLimits, Figures, L1Tip, NodeStatus};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, watch};

/// Whether it batches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    /// It does nothing.
    #[default]
    Stopped,
    /// It batches.
    Running,
    /// It sends what it has and then stops.
    Stopping,
}

/// What became of the sequencer's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Throttling {
    /// Not asked for, or not yet.
    #[default]
    Off,
    /// The sequencer was told these.
    Limits(DaLimits),
    /// The sequencer's node does not offer `miner_setMaxDASize`: nothing slows it down.
    NotOffered,
    /// It could not be told.
    Failed(String),
}

/// What a batcher is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatcherStatus {
    /// Whether it batches.
    pub activity: Activity,
    /// Blocks, channels and transactions.
    pub figures: Figures,
    /// Channels closed since it was started.
    pub channels_closed: u64,
    /// Compressed bytes in them.
    pub bytes_closed: u64,
    /// Transactions included since it was started.
    pub transactions_included: u64,
    /// Fresh starts, and the reason of the last one.
    pub restarts: u64,
    /// Why everything was dropped last.
    pub last_restart: Option<String>,
    /// What went wrong last, until it goes well again.
    pub last_error: Option<String>,
    /// What the sequencer was told.
    pub throttling: Throttling,
    /// What it waits for, in words.
    pub waits_for: Option<String>,
    /// The head of L1 as last seen.
    pub l1: Option<L1Tip>,
    /// The rollup node's heads as last seen.
    pub node: Option<NodeStatus>,
}

/// What was asked for and not yet done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) runs: Option<bool>,
    pub(crate) flush: bool,
}

#[derive(Debug)]
struct Shared {
    wishes: Mutex<Wishes>,
    status: watch::Sender<BatcherStatus>,
    woken: Notify,
}

/// See the module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BatcherHandle {
    shared: Arc<Shared>,
}

impl BatcherHandle {
    pub(crate) fn new() -> Self {
        let (status, _) = watch::channel(BatcherStatus::default());
        let shared = Shared { wishes: Mutex::default(), status, woken: Notify::new() };
        Self { shared: Arc::new(shared) }
    }

    /// What it is doing.
    pub fn status(&self) -> BatcherStatus {
        self.shared.status.borrow().clone()
    }

    /// The same, to be watched.
    pub fn watch(&self) -> watch::Receiver<BatcherStatus> {
        self.shared.status.subscribe()
    }

    /// Starts it, from the safe head.
    pub fn start(&self) {
        self.wish(|wishes| wishes.runs = Some(true));
    }

    /// Lets it send what it has, and then stop: wait for [`Activity::Stopped`].
    pub fn stop(&self) {
        self.wish(|wishes| wishes.runs = Some(false));
    }

    /// Lets it send what it has now.
    pub fn flush(&self) {
        self.wish(|wishes| wishes.flush = true);
    }

    fn wish(&self, change: impl FnOnce(&mut Wishes)) {
        change(&mut self.shared.wishes.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.woken.notify_one();
    }

    pub(crate) fn take_wishes(&self) -> Wishes {
        std::mem::take(&mut *self.shared.wishes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn publish(&self, status: &BatcherStatus) {
        self.shared.status.send_if_modified(|known| {
            let is_new = known != status;
            if is_new {
                known.clone_from(status);
            }
            is_new
        });
    }

    /// Somebody wants something.
    pub(crate) async fn woken(&self) {
        self.shared.woken.notified().await;
    }
}
