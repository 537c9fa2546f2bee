//! The transport for REST APIs, as beacon nodes have them: GET and JSON.
//!
//! **Invariant:** as for [`crate::Rpc`]; "not found" is an answer, not a fault.

use crate::{
    RpcCause, RpcCounters, RpcError, RpcSetupError, RpcStatus,
    endpoint::{Endpoint, Limits},
    pace::Pauses,
    status::Board,
};
use serde::de::DeserializeOwned;
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::sync::watch;
use url::Url;

/// How to reach a REST API.
#[derive(Clone, Debug)]
pub struct RestOptions {
    /// Who it is, for people: `beacon`.
    pub name: String,
    /// In order of preference; http or https.
    pub endpoints: Vec<Url>,
    /// Time for one request.
    pub timeout_ms: u64,
    /// Times that a path is read per endpoint.
    pub max_attempts: u32,
    /// Wait after a first fault; it doubles.
    pub backoff_ms: u64,
    /// Where doubling ends.
    pub max_backoff_ms: u64,
    /// Longest `Retry-After` that is honoured.
    pub max_retry_after_ms: u64,
    /// Requests under way at once, per endpoint.
    pub max_in_flight: usize,
    /// Most bytes of an answer.
    pub max_response_bytes: usize,
    /// Limit of requests, per endpoint.
    pub requests_per_second: Option<NonZeroU32>,
}

impl RestOptions {
    /// What suits most nodes.
    pub fn new(name: &str, endpoints: Vec<Url>) -> Self {
        Self {
            name: name.to_owned(),
            endpoints,
            timeout_ms: 20_000,
            max_attempts: 3,
            backoff_ms: 100,
            max_backoff_ms: 5_000,
            max_retry_after_ms: 60_000,
            max_in_flight: 4,
            max_response_bytes: 64 << 20,
            requests_per_second: None,
        }
    }

    /// For callers that pause by a clock of their own: one try, and no pauses here.
    pub fn without_pauses(self) -> Self {
        Self { max_attempts: 1, backoff_ms: 0, max_backoff_ms: 0, max_retry_after_ms: 0, ..self }
    }
}

#[derive(Debug)]
struct Shared {
    endpoints: Vec<Endpoint>,
    max_attempts: u32,
    board: Board,
}

/// See the module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rest {
    shared: Arc<Shared>,
}

impl Rest {
    /// Nothing is sent before the first request.
    pub fn new(options: RestOptions) -> Result<Self, RpcSetupError> {
        let name = options.name;
        if options.endpoints.is_empty() {
            return Err(RpcSetupError::NoEndpoint { name });
        }
        let limits = Limits {
            jwt: None,
            timeout_ms: options.timeout_ms,
            pauses: Pauses {
                backoff_ms: options.backoff_ms,
                max_backoff_ms: options.max_backoff_ms,
                max_retry_after_ms: options.max_retry_after_ms,
            },
            max_batch: 1,
            max_in_flight: options.max_in_flight,
            max_response_bytes: options.max_response_bytes,
            requests_per_second: options.requests_per_second,
        };
        let mut endpoints = Vec::new();
        for url in options.endpoints {
            let endpoint = Endpoint::new(&name, url, &limits)?;
            if endpoint.websocket().is_some() {
                let url = endpoint.label().to_owned();
                let (scheme, known) = ("ws".to_owned(), "http, https");
                return Err(RpcSetupError::UnknownScheme { name, url, scheme, known });
            }
            endpoints.push(endpoint);
        }
        let (max_attempts, board) = (options.max_attempts, Board::new(&name));
        Ok(Self { shared: Arc::new(Shared { endpoints, max_attempts, board }) })
    }

    /// How many endpoints there are; [`Self::get`] takes their places.
    pub fn endpoint_count(&self) -> usize {
        self.shared.endpoints.len()
    }

    /// Address of an endpoint, without credentials.
    pub fn endpoint(&self, place: usize) -> &str {
        self.shared.endpoints.get(place).map_or("?", Endpoint::label)
    }

    /// Reads a path of one endpoint, query included. `None` = not found.
    pub async fn get<T: DeserializeOwned>(
        &self,
        place: usize,
        path: &str,
    ) -> Result<Option<T>, RpcError> {
        let Shared { endpoints, max_attempts, board } = &*self.shared;
        let error = |cause| RpcError {
            method: path.split('?').next().unwrap_or_default().to_owned(),
            endpoint: self.endpoint(place).to_owned(),
            cause: Box::new(cause),
        };
        let nobody = || RpcCause::Unreachable { why: format!("no endpoint {place}") };
        let endpoint = endpoints.get(place).ok_or_else(|| error(nobody()))?;
        board.count_calls(1);
        let mut last = RpcCause::Unanswered;
        for _ in 0..(*max_attempts).max(1) {
            let quiet_ms = endpoint.quiet_ms();
            if quiet_ms > 0 {
                tokio::time::sleep(Duration::from_millis(quiet_ms)).await;
            }
            last = match endpoint.get(path, board).await {
                None => continue,
                Some(Ok(None)) => return Ok(None),
                Some(Ok(Some(body))) => match serde_json::from_slice(&body) {
                    Ok(answer) => return Ok(Some(answer)),
                    Err(fault) => {
                        let cause = RpcCause::OtherShape { why: fault.to_string() };
                        endpoint.note_fault(&cause, board);
                        cause
                    }
                },
                Some(Err(cause)) if cause.remedy() == crate::Remedy::GiveUp => {
                    return Err(error(cause));
                }
                Some(Err(cause)) => cause,
            };
        }
        Err(error(last))
    }

    /// What it waits for, to be read or watched.
    pub fn status(&self) -> watch::Receiver<RpcStatus> {
        self.shared.board.watch()
    }

    /// A line for people while it waits for somebody.
    pub fn describe(&self) -> Option<String> {
        self.status().borrow().describe()
    }

    /// What it has done so far.
    pub fn counters(&self) -> RpcCounters {
        self.shared.board.counters()
    }
}
