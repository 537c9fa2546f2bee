//! What a transport is waiting for, and what it has done so far.
//!
//! **Invariant:** reading a status never waits and never disturbs the calls under way.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};
use tokio::sync::watch;

/// Whether a transport waits, and for what.
#[derive(Clone, Debug)]
pub struct RpcStatus {
    /// Name of the transport: what is waited for.
    pub name: String,
    /// `None` while all is well.
    pub wait: Option<RpcWait>,
}

/// The wait after a fault.
#[derive(Clone, Debug)]
pub struct RpcWait {
    /// Where the fault was.
    pub endpoint: String,
    /// What it was, in a few words.
    pub why: String,
    /// When the next try comes.
    pub until: Instant,
}

impl RpcStatus {
    /// A line for people, `None` while all is well: `L1: 429, next try in 2 s`.
    pub fn describe(&self) -> Option<String> {
        self.wait.as_ref().map(|wait| {
            let left_ms = wait.until.saturating_duration_since(Instant::now()).as_millis();
            let seconds = left_ms.div_ceil(1000);
            format!("{}: {}, next try in {seconds} s", self.name, wait.why)
        })
    }
}

impl fmt::Display for RpcStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.describe() {
            Some(line) => f.write_str(&line),
            None => write!(f, "{} answers", self.name),
        }
    }
}

/// What a transport has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RpcCounters {
    /// Calls that callers made.
    pub calls: u64,
    /// Requests sent: a batch counts once.
    pub requests: u64,
    /// Requests that failed.
    pub faults: u64,
    /// Those of them in which the server asked for patience.
    pub throttled: u64,
}

/// The transport's side of status and counters.
#[derive(Debug)]
pub(crate) struct Board {
    status: watch::Sender<RpcStatus>,
    calls: AtomicU64,
    requests: AtomicU64,
    faults: AtomicU64,
    throttled: AtomicU64,
}

impl Board {
    pub(crate) fn new(name: &str) -> Self {
        let status = RpcStatus { name: name.to_owned(), wait: None };
        Self {
            status: watch::Sender::new(status),
            calls: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
        }
    }

    pub(crate) fn watch(&self) -> watch::Receiver<RpcStatus> {
        self.status.subscribe()
    }

    pub(crate) fn waits(&self, wait: RpcWait) {
        self.status.send_modify(|status| status.wait = Some(wait));
    }

    pub(crate) fn works(&self) {
        self.status.send_if_modified(|status| status.wait.take().is_some());
    }

    pub(crate) fn count_calls(&self, calls: usize) {
        self.calls.fetch_add(u64::try_from(calls).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_fault(&self, is_throttled: bool) {
        self.faults.fetch_add(1, Ordering::Relaxed);
        self.throttled.fetch_add(is_throttled.into(), Ordering::Relaxed);
    }

    pub(crate) fn counters(&self) -> RpcCounters {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RpcCounters {
            calls: read(&self.calls),
            requests: read(&self.requests),
            faults: read(&self.faults),
            throttled: read(&self.throttled),
        }
    }
}
