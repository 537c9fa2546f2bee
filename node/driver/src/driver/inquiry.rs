//! A question to L1 that may take longer than one tick.
//!
//! Start with [`Inquiry::ask`] and [`Inquiry::outcome`]. A failed question is asked again, later each time.
//!
//! **Invariant:** one question at a time; what it waits for can be told at any moment.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// Wait after the first failure.
const FIRST_PAUSE_MS: u64 = 250;
/// A question that was awaited for so long is slow: people are told.
const SLOW: Duration = Duration::from_millis(250);
/// The longest wait.
const LONGEST_PAUSE_MS: u64 = 10_000;
/// The same after failures that are costly to repeat.
const FIRST_SLOW_PAUSE_MS: u64 = 5000;
const LONGEST_SLOW_PAUSE_MS: u64 = 300_000;

/// Waits longer after each failure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
    until_ms: u64,
    trouble: Option<String>,
}

impl Backoff {
    /// Whether to wait.
    pub(crate) const fn holds(&self, now_ms: u64) -> bool {
        self.trouble.is_some() && now_ms < self.until_ms
    }

    /// When the wait is over.
    pub(crate) fn due_ms(&self) -> Option<u64> {
        self.trouble.as_ref().map(|_| self.until_ms)
    }

    /// What went wrong last, until something goes right.
    pub(crate) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// It failed. True if it did not fail in the same way before.
    pub(crate) fn failed(&mut self, trouble: String, now_ms: u64) -> bool {
        self.pause(trouble, now_ms, (FIRST_PAUSE_MS, LONGEST_PAUSE_MS))
    }

    /// The same with longer waits.
    pub(crate) fn failed_slowly(&mut self, trouble: String, now_ms: u64) -> bool {
        self.pause(trouble, now_ms, (FIRST_SLOW_PAUSE_MS, LONGEST_SLOW_PAUSE_MS))
    }

    fn pause(&mut self, trouble: String, now_ms: u64, (first, longest): (u64, u64)) -> bool {
        let doubled = first << self.failures.min(10);
        self.until_ms = now_ms.saturating_add(doubled.min(longest));
        self.failures = self.failures.saturating_add(1);
        let is_new = self.trouble.as_ref() != Some(&trouble);
        self.trouble = Some(trouble);
        is_new
    }

    /// Something has changed: it may be tried at once.
    pub(crate) const fn end_pause(&mut self) {
        self.until_ms = 0;
    }

    /// It went right for now. If it fails soon again, the waits go on growing.
    pub(crate) fn passed(&mut self) {
        self.trouble = None;
    }

    /// It went right.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }
}

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A question under way.
struct Asked<T> {
    what: String,
    /// The lock is never contended: it makes the driver `Sync`, which futures that hold it need to be `Send`.
    answer: Mutex<Answer<T>>,
    /// Time spent in waiting for it, whatever the driver's clock says.
    awaited: Duration,
}

/// See the module.
pub(crate) struct Inquiry<T> {
    asked: Option<Asked<T>>,
    pub(crate) backoff: Backoff,
}

impl<T> Inquiry<T> {
    pub(crate) fn new() -> Self {
        Self { asked: None, backoff: Backoff::default() }
    }

    /// Whether an answer is awaited.
    pub(crate) const fn is_asked(&self) -> bool {
        self.asked.is_some()
    }

    /// Whether something may be asked.
    pub(crate) const fn is_free(&self, now_ms: u64) -> bool {
        self.asked.is_none() && !self.backoff.holds(now_ms)
    }

    /// Asks. `what` says what is waited for.
    pub(crate) fn ask(&mut self, what: String, answer: impl Future<Output = T> + Send + 'static) {
        let answer: Mutex<Answer<T>> = Mutex::new(Box::pin(answer));
        self.asked = Some(Asked { what, answer, awaited: Duration::ZERO });
    }

    /// The answer, if it comes within this time; if not, it is still awaited.
    pub(crate) async fn outcome(&mut self, patience: Duration) -> Option<T> {
        let Asked { answer, awaited, .. } = self.asked.as_mut()?;
        let answer = answer.get_mut().unwrap_or_else(PoisonError::into_inner);
        let outcome = tokio::time::timeout(patience, answer).await.ok();
        if outcome.is_some() {
            self.asked = None;
        } else {
            *awaited = awaited.saturating_add(patience);
        }
        outcome
    }

    /// Forgets the question.
    pub(crate) fn forget(&mut self) {
        self.asked = None;
        self.backoff.succeeded();
    }

    /// What is waited for: the end of a pause after a failure, or an answer that is slow. `network` is what the
    /// connections say of that.
    pub(crate) fn waits_for(&self, network: Option<&str>) -> Option<String> {
        let trouble = self.backoff.trouble();
        match &self.asked {
            None => trouble.map(str::to_owned),
            Some(Asked { what, awaited, .. }) => match trouble.or(network) {
                Some(trouble) => Some(format!("{what}: {trouble}")),
                None => (*awaited >= SLOW).then(|| format!("{what}: no answer yet")),
            },
        }
    }
}

impl<T> fmt::Debug for Inquiry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inquiry")
            .field("asked", &self.asked.as_ref().map(|it| &it.what))
            .field("backoff", &self.backoff)
            .finish()
    }
}
