//! Faults on request: what a hostile or overloaded endpoint does, scheduled by whoever runs the devnet.
//!
//! Start with [`Faults`], a handle shared by the servers and by the one who schedules. [`FaultLayer`] obeys
//! it in front of an HTTP server; the beacon API asks it about blobs.
//!
//! **Invariant:** nothing here is random. A fault is counted or named, so that a run can be repeated.

use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, header};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{Layer, Service};

/// Most slots that may have a fault of their own.
const MAX_SLOTS: usize = 4096;
/// Longest stall; a longer one is cut.
const MAX_STALL_MS: u64 = 600_000;

/// What is wrong with the blobs of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobFault {
    /// The slot is not found.
    Hidden,
    /// Only the first so many blobs are given.
    OnlyFirst(usize),
}

/// Faults that are waiting for requests. A clone is another handle to the same ones.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Pending>>);

#[derive(Debug, Default)]
struct Pending {
    refusals: u32,
    retry_after_s: u32,
    stalls: u32,
    stall_ms: u64,
    slots: BTreeMap<u64, BlobFault>,
    every_slot: Option<BlobFault>,
}

/// What happens to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fate {
    stall_ms: u64,
    /// Answer 429 with this Retry-After.
    refused_s: Option<u32>,
}

impl Faults {
    /// The next `count` requests are answered with status 429 and this Retry-After.
    pub fn refuse(&self, count: u32, retry_after_s: u32) {
        let mut pending = self.pending();
        pending.refusals = count;
        pending.retry_after_s = retry_after_s;
    }

    /// The next `count` requests wait before they are looked at.
    pub fn stall(&self, count: u32, stall_ms: u64) {
        let mut pending = self.pending();
        pending.stalls = count;
        pending.stall_ms = stall_ms.min(MAX_STALL_MS);
    }

    /// Spoils the blobs of one slot until it is mended. Beyond a few thousand slots the oldest is mended.
    pub fn spoil_blobs(&self, slot: u64, fault: BlobFault) {
        let mut pending = self.pending();
        pending.slots.insert(slot, fault);
        if pending.slots.len() > MAX_SLOTS {
            pending.slots.pop_first();
        }
    }

    /// Spoils the blobs of all slots that have no fault of their own; `None` mends them.
    pub fn spoil_all_blobs(&self, fault: Option<BlobFault>) {
        self.pending().every_slot = fault;
    }

    /// Mends the blobs of one slot.
    pub fn mend_blobs(&self, slot: u64) {
        self.pending().slots.remove(&slot);
    }

    /// Forgets all faults.
    pub fn clear(&self) {
        *self.pending() = Pending::default();
    }

    /// What is wrong with the blobs of this slot.
    pub fn blobs(&self, slot: u64) -> Option<BlobFault> {
        let pending = self.pending();
        pending.slots.get(&slot).copied().or(pending.every_slot)
    }

    /// Takes the fate of the next request.
    fn next_fate(&self) -> Fate {
        let mut pending = self.pending();
        let mut fate = Fate::default();
        if pending.stalls > 0 {
            pending.stalls -= 1;
            fate.stall_ms = pending.stall_ms;
        }
        if pending.refusals > 0 {
            pending.refusals -= 1;
            fate.refused_s = Some(pending.retry_after_s);
        }
        fate
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // The state is plain numbers: a panic elsewhere leaves it usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Middleware in front of an HTTP server.
#[derive(Clone, Debug)]
pub struct FaultLayer(pub Faults);

impl<S> Layer<S> for FaultLayer {
    type Service = FaultService<S>;

    fn layer(&self, inner: S) -> FaultService<S> {
        FaultService { inner, faults: self.0.clone() }
    }
}

/// A server behind [`FaultLayer`].
#[derive(Clone, Debug)]
pub struct FaultService<S> {
    inner: S,
    faults: Faults,
}

impl<S, B, R> Service<Request<B>> for FaultService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<String> + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let fate = self.faults.next_fate();
        // The service that was polled ready is the one to call.
        let spare = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, spare);
        Box::pin(async move {
            if fate.stall_ms > 0 {
                tokio::time::sleep(Duration::from_millis(fate.stall_ms)).await;
            }
            match fate.refused_s {
                Some(retry_after_s) => Ok(refusal(retry_after_s)),
                None => inner.call(request).await,
            }
        })
    }
}

/// Status 429.
fn refusal<R: From<String>>(retry_after_s: u32) -> Response<R> {
    let mut response = Response::new(R::from("too many requests".to_owned()));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_s));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_and_stalls_are_counted() {
        let faults = Faults::default();
        faults.refuse(2, 7);
        faults.stall(1, 50);
        let all = Fate { stall_ms: 50, refused_s: Some(7) };
        assert_eq!(faults.next_fate(), all);
        assert_eq!(faults.next_fate(), Fate { stall_ms: 0, refused_s: Some(7) });
        assert_eq!(faults.next_fate(), Fate::default());
    }

    #[test]
    fn a_slots_own_fault_goes_before_that_of_all() {
        let faults = Faults::default();
        faults.spoil_all_blobs(Some(BlobFault::OnlyFirst(1)));
        faults.spoil_blobs(5, BlobFault::Hidden);
        assert_eq!(faults.blobs(5), Some(BlobFault::Hidden));
        assert_eq!(faults.blobs(6), Some(BlobFault::OnlyFirst(1)));
        faults.mend_blobs(5);
        assert_eq!(faults.blobs(5), Some(BlobFault::OnlyFirst(1)));
        faults.clear();
        assert_eq!(faults.blobs(5), None);
    }

    #[test]
    fn only_so_many_slots_are_remembered() {
        let faults = Faults::default();
        for slot in 0..=u64::try_from(MAX_SLOTS).unwrap() {
            faults.spoil_blobs(slot, BlobFault::Hidden);
        }
        assert_eq!(faults.blobs(0), None);
        assert_eq!(faults.blobs(1), Some(BlobFault::Hidden));
    }
}
