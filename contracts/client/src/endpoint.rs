//! One endpoint with all that is known of it: its pace, how long its batches may be, what it does not offer.
//!
//! **Invariant:** locks are held for a few instructions, never while waiting.

use crate::{
    JwtSecret, RpcCause, RpcSetupError,
    http::Http,
    pace::{Pace, Pauses},
    rpc::Call,
    status::{Board, RpcWait},
    websocket::WebSocket,
    wire::{self, Outcome},
};
use std::{
    collections::BTreeSet,
    num::NonZeroU32,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;
use url::Url;

/// Path segments longer than this may be keys.
const LONGEST_SHOWN: usize = 12;
/// Methods remembered as missing.
const MAX_MISSING: usize = 64;

/// What all endpoints of a transport have in common.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) jwt: Option<JwtSecret>,
    pub(crate) timeout_ms: u64,
    pub(crate) pauses: Pauses,
    pub(crate) max_batch: usize,
    pub(crate) max_in_flight: usize,
    pub(crate) max_response_bytes: usize,
    pub(crate) requests_per_second: Option<NonZeroU32>,
}

#[derive(Debug)]
enum Link {
    Http(Http),
    WebSocket(WebSocket),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Endpoint {
    label: String,
    link: Link,
    born: Instant,
    pace: Mutex<Pace>,
    slots: Semaphore,
    /// Calls that it takes at once, as far as is known.
    batch: AtomicUsize,
    /// Calls that it can answer in time; grows again.
    soft_batch: AtomicUsize,
    /// The limit was just found to be too high; the next batch shows whether it still is.
    is_probed: AtomicBool,
    next_id: AtomicU64,
    missing: Mutex<BTreeSet<String>>,
}

impl Endpoint {
    pub(crate) fn new(name: &str, url: Url, limits: &Limits) -> Result<Self, RpcSetupError> {
        let (label, scheme) = (label(&url), url.scheme().to_owned());
        let Limits { timeout_ms, max_response_bytes, .. } = *limits;
        let jwt = limits.jwt.clone();
        let link = match scheme.as_str() {
            "http" | "https" => {
                let http = Http::new(url, jwt, timeout_ms, max_response_bytes);
                Link::Http(http.map_err(|error| RpcSetupError::Client {
                    name: name.to_owned(),
                    why: error.without_url().to_string(),
                })?)
            }
            "ws" | "wss" => {
                Link::WebSocket(WebSocket::new(url, jwt, timeout_ms, max_response_bytes))
            }
            _ => {
                return Err(RpcSetupError::UnknownScheme {
                    name: name.to_owned(),
                    url: label,
                    scheme,
                    known: "http, https, ws, wss",
                });
            }
        };
        let pace = Pace::new(limits.pauses, limits.requests_per_second);
        Ok(Self {
            label,
            link,
            born: Instant::now(),
            pace: Mutex::new(pace),
            slots: Semaphore::new(limits.max_in_flight.max(1)),
            batch: AtomicUsize::new(limits.max_batch.max(1)),
            soft_batch: AtomicUsize::new(limits.max_batch.max(1)),
            is_probed: AtomicBool::new(false),
            next_id: AtomicU64::new(1),
            missing: Mutex::default(),
        })
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(crate) fn websocket(&self) -> Option<&WebSocket> {
        match &self.link {
            Link::WebSocket(websocket) => Some(websocket),
            Link::Http(_) => None,
        }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// How long it is left alone from now.
    pub(crate) fn quiet_ms(&self) -> u64 {
        let now_ms = self.now_ms();
        self.pace().quiet_ms(now_ms)
    }

    /// Calls that it is asked at once.
    pub(crate) fn batch(&self) -> usize {
        self.batch.load(Ordering::Relaxed).min(self.soft_batch.load(Ordering::Relaxed)).max(1)
    }

    /// A batch of that many calls was too long; it stays below that from now on (T35h).
    pub(crate) fn shrink_batch(&self, refused: usize) {
        self.batch.fetch_min((refused / 2).max(1), Ordering::Relaxed);
        self.is_probed.store(true, Ordering::Relaxed);
    }

    /// Whether its limit is being looked for: one batch at a time then, so that few are refused.
    pub(crate) fn is_probed(&self) -> bool {
        self.is_probed.load(Ordering::Relaxed)
    }

    /// A batch of that many calls was not answered in time: maybe it was too much, maybe the server stalls.
    pub(crate) fn ease_batch(&self, unanswered: usize) {
        self.soft_batch.fetch_min((unanswered / 2).max(1), Ordering::Relaxed);
    }

    /// A batch was answered.
    pub(crate) fn grow_batch(&self) {
        self.is_probed.store(false, Ordering::Relaxed);
        let most = self.batch.load(Ordering::Relaxed);
        let grown = self.soft_batch.load(Ordering::Relaxed).saturating_mul(2).min(most);
        self.soft_batch.store(grown, Ordering::Relaxed);
    }

    /// Whether it said that it does not offer this method.
    pub(crate) fn lacks(&self, method: &str) -> bool {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).contains(method)
    }

    pub(crate) fn note_lack(&self, method: &str) {
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if missing.len() < MAX_MISSING {
            missing.insert(method.to_owned());
        }
    }

    /// Asks as soon as pace and slots allow. `None` = it is to be left alone, since a call before this one failed.
    pub(crate) async fn exchange(
        &self,
        calls: &[Call],
        board: &Board,
    ) -> Option<Result<Vec<Option<Outcome>>, RpcCause>> {
        let _slot = self.turn(calls.len()).await?;
        board.count_request();
        let answer = self.ask(calls).await;
        if let Err(cause) = &answer {
            self.note_fault(cause, board);
        }
        Some(answer)
    }

    /// Reads a path; as [`Self::exchange`].
    pub(crate) async fn get(
        &self,
        path: &str,
        board: &Board,
    ) -> Option<Result<Option<Vec<u8>>, RpcCause>> {
        let Link::Http(http) = &self.link else { return None };
        let _slot = self.turn(1).await?;
        board.count_request();
        let answer = http.get(path).await;
        match &answer {
            Ok(_) => self.note_answer(board),
            Err(cause) => self.note_fault(cause, board),
        }
        Some(answer)
    }

    async fn turn(&self, calls: usize) -> Option<tokio::sync::SemaphorePermit<'_>> {
        let slot = self.slots.acquire().await.ok()?;
        let now_ms = self.now_ms();
        let wait_ms = {
            let mut pace = self.pace();
            if pace.quiet_ms(now_ms) > 0 {
                return None;
            }
            pace.reserve_ms(now_ms, calls)
        };
        if wait_ms > 0 {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
        Some(slot)
    }

    async fn ask(&self, calls: &[Call]) -> Result<Vec<Option<Outcome>>, RpcCause> {
        match &self.link {
            Link::WebSocket(websocket) => websocket.exchange(calls).await,
            Link::Http(http) => {
                let count = u64::try_from(calls.len()).unwrap_or(u64::MAX);
                let first_id = self.next_id.fetch_add(count, Ordering::Relaxed);
                let body = http.post(wire::request(calls, first_id), calls.len() > 1).await?;
                wire::answers(&body, first_id, calls.len())
            }
        }
    }

    pub(crate) fn note_answer(&self, board: &Board) {
        self.pace().worked();
        board.works();
    }

    /// Leaves it alone for a while, unless the fault is about the length of a batch.
    pub(crate) fn note_fault(&self, cause: &RpcCause, board: &Board) {
        let (is_throttled, retry_after_ms) = match cause {
            RpcCause::BatchRefused { .. } | RpcCause::TooLarge { .. } => return,
            RpcCause::Throttled { retry_after_ms, .. } => (true, *retry_after_ms),
            _ => (false, None),
        };
        board.count_fault(is_throttled);
        let now_ms = self.now_ms();
        let quiet_ms = {
            let mut pace = self.pace();
            pace.failed(now_ms, retry_after_ms);
            pace.quiet_ms(now_ms)
        };
        tracing::debug!(endpoint = %self.label, %cause, quiet_ms, "a request failed");
        board.waits(RpcWait {
            endpoint: self.label.clone(),
            why: cause.brief(),
            until: Instant::now() + Duration::from_millis(quiet_ms),
        });
    }
}

/// An address without what may be a credential: user, password, query, and long path segments.
pub(crate) fn label(url: &Url) -> String {
    let port = url.port().map(|it| format!(":{it}")).unwrap_or_default();
    let shown = |segment: &str| match segment.len() {
        0..=LONGEST_SHOWN => format!("/{segment}"),
        _ => "/*".to_owned(),
    };
    let path: String = url
        .path_segments()
        .map(|segments| segments.filter(|it| !it.is_empty()).map(shown).collect())
        .unwrap_or_default();
    format!("{}://{}{port}{path}", url.scheme(), url.host_str().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, wanted: &str) {
        assert_eq!(label(&url.parse().unwrap()), wanted);
    }

    #[test]
    fn labels_tell_endpoints_apart_without_their_credentials() {
        check("http://127.0.0.1:8545", "http://127.0.0.1:8545");
        check("http://127.0.0.1:8420/901", "http://127.0.0.1:8420/901");
        check("https://me:secret@a.example/v3/0123456789abcdef?k=s", "https://a.example/v3/*");
        check("ws://[::1]:1/", "ws://[::1]:1");
    }
}
