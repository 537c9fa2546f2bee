//! Transactions that wait for a block.
//!
//! Start with [`Pool::add`]. Per sender they stand in order of nonce: those that follow the
//! sender's own nonce without a gap are pending, the others queued. [`Pool::reset`] brings the pool
//! to a new head.
//!
//! **Invariant:** bounded in transactions, in bytes and per sender; every fee saturates, so no
//! scalar of L1 and no price makes a sum overflow; signatures and blobs are checked before the
//! pool's lock is taken.

mod admit;
mod error;
mod fees;
mod limits;
mod queue;
mod reset;
mod selection;
mod sidecar;
mod transaction;

pub use error::PoolError;
pub use limits::{DaLimits, PoolLimits};
pub(crate) use selection::Selection;
pub use sidecar::StoredBlob;
pub use transaction::{PoolContent, PoolStatus, PoolTransaction};

use crate::store::Store;
use crate::{ChainEvent, Rules, StateView, StoreError};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Sealed};
use fees::Fees;
use queue::Queues;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::broadcast;

/// See the module. Clones are the same pool.
#[derive(Clone, Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    rules: Arc<Rules>,
    store: Arc<Store>,
    limits: PoolLimits,
    events: broadcast::Sender<ChainEvent>,
    inside: Mutex<Inside>,
}

/// What the lock guards.
#[derive(Debug)]
struct Inside {
    queues: Queues,
    head: Sealed<Header>,
    /// What transactions pay beyond gas, as of the head; `None` = not read yet.
    fees: Option<Fees>,
    da_limits: DaLimits,
}

impl Pool {
    pub(crate) fn new(
        rules: Arc<Rules>,
        store: Arc<Store>,
        limits: PoolLimits,
        events: broadcast::Sender<ChainEvent>,
        head: Sealed<Header>,
    ) -> Self {
        let da_limits = DaLimits::default();
        let inside = Inside { queues: Queues::default(), head, fees: None, da_limits };
        let inside = Mutex::new(inside);
        Self { shared: Arc::new(Shared { rules, store, limits, events, inside }) }
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.shared.inside.lock().expect("no holder of this lock panics")
    }

    /// The state that transactions are judged by.
    fn view(&self, head: &Sealed<Header>) -> Result<StateView, StoreError> {
        let snapshot = self.shared.store.read()?;
        let is_flat = snapshot.head()? == Some(head.hash());
        Ok(StateView::new(Arc::new(snapshot), head.clone(), is_flat))
    }

    /// A transaction.
    pub fn find(&self, hash: B256) -> Option<Arc<PoolTransaction>> {
        self.inside().queues.find(hash)
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.inside().queues.is_empty()
    }

    /// How many transactions there are.
    pub fn status(&self) -> PoolStatus {
        self.inside().queues.status()
    }

    /// All transactions.
    pub fn content(&self) -> PoolContent {
        self.inside().queues.content()
    }

    /// One sender's transactions by nonce: pending, then queued.
    pub fn content_from(
        &self,
        sender: Address,
    ) -> (BTreeMap<u64, Arc<PoolTransaction>>, BTreeMap<u64, Arc<PoolTransaction>>) {
        self.inside().queues.content_from(sender)
    }

    /// The nonce after a sender's pending transactions; `None` = it has none here.
    pub fn pending_nonce(&self, sender: Address) -> Option<u64> {
        self.inside().queues.pending_nonce(sender)
    }

    /// Takes a transaction out, and with it what its sender has behind it out of turn.
    pub fn remove(&self, hash: B256) -> Option<Arc<PoolTransaction>> {
        self.inside().queues.remove(hash)
    }

    /// Takes all transactions out.
    pub fn clear(&self) {
        self.inside().queues = Queues::default();
    }

    /// A blob of a transaction that waits.
    pub(crate) fn blob(&self, versioned_hash: B256) -> Option<Arc<StoredBlob>> {
        self.inside().queues.blob(versioned_hash)
    }

    /// Limits on the data of blocks that are built here.
    pub fn da_limits(&self) -> DaLimits {
        self.inside().da_limits
    }

    /// Sets them (`miner_setMaxDASize`).
    pub fn set_da_limits(&self, limits: DaLimits) {
        self.inside().da_limits = limits;
    }
}
