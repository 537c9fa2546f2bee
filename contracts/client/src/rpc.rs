//! The JSON-RPC transport.
//!
//! Start with [`Rpc::new`] and [`Rpc::call`]; [`Rpc::batch`] asks many things at once. How a set of calls gets its
//! answers from endpoints that fail, throttle or refuse batches is [`settle`].
//!
//! **Invariant:** every wait and every number of tries has a bound, and a call is answered by one endpoint's own
//! answer to it, or fails with the reason of the last try.

mod settle;

use crate::{
    JwtSecret, RpcCause, RpcCounters, RpcError, RpcSetupError, RpcStatus,
    endpoint::{Endpoint, Limits},
    pace::Pauses,
    status::Board,
};
use futures_util::{StreamExt, future::join_all, stream::BoxStream};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};
use settle::settle;
use std::{borrow::Cow, num::NonZeroU32, sync::Arc};
use tokio::sync::watch;
use url::Url;

/// How to reach somebody, and how much to ask of them.
#[derive(Clone, Debug)]
pub struct RpcOptions {
    /// Who it is, for people: `L1`.
    pub name: String,
    /// In order of preference; http, https, ws or wss.
    pub endpoints: Vec<Url>,
    /// Secret, if they want tokens.
    pub jwt: Option<JwtSecret>,
    /// Time for one request.
    pub timeout_ms: u64,
    /// Times that a call is asked, all endpoints together; each endpoint is asked at least once.
    pub max_attempts: u32,
    /// Wait after a first fault; it doubles.
    pub backoff_ms: u64,
    /// Where doubling ends.
    pub max_backoff_ms: u64,
    /// Longest `Retry-After` that is honoured.
    pub max_retry_after_ms: u64,
    /// Calls in one batch; shrinks by itself where a server refuses it. 1 = no batches.
    pub max_batch: usize,
    /// Requests under way at once, per endpoint.
    pub max_in_flight: usize,
    /// Most bytes of an answer.
    pub max_response_bytes: usize,
    /// Limit of calls, per endpoint.
    pub requests_per_second: Option<NonZeroU32>,
    /// Endpoints that must give the same answer where an answer cannot be checked otherwise.
    pub quorum: usize,
}

impl RpcOptions {
    /// What suits most nodes.
    pub fn new(name: &str, endpoints: Vec<Url>) -> Self {
        Self {
            name: name.to_owned(),
            endpoints,
            jwt: None,
            timeout_ms: 20_000,
            max_attempts: 5,
            backoff_ms: 100,
            max_backoff_ms: 5_000,
            max_retry_after_ms: 60_000,
            max_batch: 100,
            max_in_flight: 8,
            max_response_bytes: 128 << 20,
            requests_per_second: None,
            quorum: 1,
        }
    }

    /// For callers that pause by a clock of their own: one try, and no pauses here.
    pub fn without_pauses(self) -> Self {
        Self { max_attempts: 1, backoff_ms: 0, max_backoff_ms: 0, max_retry_after_ms: 0, ..self }
    }

    fn limits(&self) -> Limits {
        Limits {
            jwt: self.jwt.clone(),
            timeout_ms: self.timeout_ms,
            pauses: Pauses {
                backoff_ms: self.backoff_ms,
                max_backoff_ms: self.max_backoff_ms,
                max_retry_after_ms: self.max_retry_after_ms,
            },
            max_batch: self.max_batch,
            max_in_flight: self.max_in_flight,
            max_response_bytes: self.max_response_bytes,
            requests_per_second: self.requests_per_second,
        }
    }
}

/// A method with its parameters.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) method: Cow<'static, str>,
    pub(crate) params: Box<RawValue>,
}

impl Call {
    /// Parameters are a tuple, array or slice; `()` for none.
    pub fn new(method: impl Into<Cow<'static, str>>, params: impl Serialize) -> Self {
        let params = to_raw_value(&params).expect("parameters have string keys, so JSON has them");
        let params = if params.get() == "null" { empty() } else { params };
        Self { method: method.into(), params }
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }
}

fn empty() -> Box<RawValue> {
    to_raw_value::<[u8; 0]>(&[]).expect("an empty array is JSON")
}

#[derive(Debug)]
struct Shared {
    name: String,
    endpoints: Vec<Endpoint>,
    max_attempts: u32,
    quorum: usize,
    board: Board,
}

/// See the module. Cheap to clone; clones share connections, limits and status.
#[derive(Clone, Debug)]
pub struct Rpc {
    shared: Arc<Shared>,
    /// The one endpoint that is asked, in a view that [`Rpc::each`] gave.
    only: Option<usize>,
}

impl Rpc {
    /// Nothing is sent before the first call.
    pub fn new(options: RpcOptions) -> Result<Self, RpcSetupError> {
        let limits = options.limits();
        let RpcOptions { name, endpoints, max_attempts, quorum, .. } = options;
        if endpoints.is_empty() {
            return Err(RpcSetupError::NoEndpoint { name });
        }
        if quorum > endpoints.len() {
            return Err(RpcSetupError::Quorum { name, quorum, endpoints: endpoints.len() });
        }
        let made = endpoints.into_iter().map(|url| Endpoint::new(&name, url, &limits));
        let endpoints = made.collect::<Result<_, _>>()?;
        let board = Board::new(&name);
        let shared = Shared { name, endpoints, max_attempts, quorum, board };
        Ok(Self { shared: Arc::new(shared), only: None })
    }

    /// Who it is, for people.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where questions go, without credentials.
    pub fn endpoint(&self) -> String {
        let labels: Vec<_> = self.endpoints().iter().map(Endpoint::label).collect();
        labels.join(", ")
    }

    /// Endpoints that must agree on what cannot be checked.
    pub fn quorum(&self) -> usize {
        if self.only.is_some() { 1 } else { self.shared.quorum.max(1) }
    }

    /// One view per endpoint, in order of preference but those in trouble last: for answers that the caller checks, so
    /// that the next one is asked when one of them lies.
    pub fn each(&self) -> impl Iterator<Item = Self> + '_ {
        let first = self.only.unwrap_or(0);
        let mut places: Vec<_> =
            self.endpoints().iter().map(Endpoint::quiet_ms).enumerate().collect();
        places.sort_by_key(|(_, quiet_ms)| *quiet_ms);
        let view = move |(at, _)| Self { shared: Arc::clone(&self.shared), only: Some(first + at) };
        places.into_iter().map(view)
    }

    /// Tries for one call: views share those of the whole.
    fn max_attempts(&self) -> u32 {
        let all = u32::try_from(self.shared.endpoints.len()).unwrap_or(u32::MAX).max(1);
        let attempts = self.shared.max_attempts;
        if self.only.is_some() { attempts.div_ceil(all) } else { attempts }
    }

    fn endpoints(&self) -> &[Endpoint] {
        let all = self.shared.endpoints.as_slice();
        self.only.map_or(all, |only| all.get(only..=only).unwrap_or(all))
    }

    /// Asks one thing. With a quorum, that many endpoints must give the same JSON.
    pub async fn call<T: DeserializeOwned + Send>(
        &self,
        method: &'static str,
        params: impl Serialize,
    ) -> Result<T, RpcError> {
        let call = Call::new(method, params);
        if self.quorum() == 1 {
            return self.one(call).await;
        }
        let value = self.agreed(call.clone(), |value: &Value| value.clone()).await?;
        serde_json::from_value(value).map_err(|error| RpcError {
            method: call.method.into_owned(),
            endpoint: self.endpoint(),
            cause: Box::new(RpcCause::OtherShape { why: error.to_string() }),
        })
    }

    /// Asks one thing of every endpoint; the first answer whose key a quorum agrees on.
    pub async fn agreed<T, K>(&self, call: Call, key: impl Fn(&T) -> K) -> Result<T, RpcError>
    where
        T: DeserializeOwned + Send,
        K: PartialEq,
    {
        let wanted = self.quorum();
        if wanted == 1 {
            return self.one(call).await;
        }
        let views: Vec<_> = self.each().collect();
        let mut groups: Vec<(K, Vec<T>)> = Vec::new();
        let mut last = None;
        for answer in join_all(views.iter().map(|view| view.one::<T>(call.clone()))).await {
            match answer {
                Err(error) => last = Some(error),
                Ok(answer) => {
                    let key = key(&answer);
                    match groups.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, members)) => members.push(answer),
                        None => groups.push((key, vec![answer])),
                    }
                }
            }
        }
        let agreeing = groups.iter().map(|(_, members)| members.len()).max().unwrap_or(0);
        let group = groups.into_iter().find(|(_, members)| members.len() >= wanted);
        match (group.and_then(|(_, mut members)| members.pop()), last) {
            (Some(answer), _) => Ok(answer),
            // All of them failed: their reason says more.
            (None, Some(error)) if agreeing == 0 => Err(error),
            (None, _) => Err(RpcError {
                method: call.method.into_owned(),
                endpoint: self.endpoint(),
                cause: Box::new(RpcCause::Disagree { agreeing, wanted }),
            }),
        }
    }

    async fn one<T: DeserializeOwned + Send>(&self, call: Call) -> Result<T, RpcError> {
        let mut answers = self.batch(vec![call]).await;
        answers.pop().expect("one answer for one call")
    }

    /// Asks a method that a server may not offer: `None` where none does, which is remembered (so: probed once).
    pub async fn call_if_offered<T: DeserializeOwned + Send>(
        &self,
        method: &'static str,
        params: impl Serialize,
    ) -> Result<Option<T>, RpcError> {
        if !self.may_offer(method) {
            return Ok(None);
        }
        match self.one(Call::new(method, params)).await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.is_missing_method() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether any endpoint may offer the method, as far as is known.
    pub fn may_offer(&self, method: &str) -> bool {
        self.endpoints().iter().any(|it| !it.lacks(method))
    }

    /// Asks many things, in batches as long as the servers take them. Answers are in the order of the calls. There
    /// is no quorum here: it is for what the caller checks by hash.
    pub async fn batch<T: DeserializeOwned + Send>(
        &self,
        calls: Vec<Call>,
    ) -> Vec<Result<T, RpcError>> {
        settle(self.endpoints(), self.max_attempts(), &self.shared.board, &calls).await
    }

    /// Notifications of a subscription (`eth_subscribe`) by the first WebSocket endpoint; `None` where there is none.
    /// The stream ends when the connection breaks.
    pub async fn subscribe(
        &self,
        params: impl Serialize,
    ) -> Result<Option<BoxStream<'static, Box<RawValue>>>, RpcError> {
        let all = self.endpoints().iter();
        let Some((endpoint, websocket)) = all.filter_map(|it| Some((it, it.websocket()?))).next()
        else {
            return Ok(None);
        };
        let call = Call::new("eth_subscribe", params);
        match websocket.subscribe(&call).await {
            Ok(stream) => {
                let items = stream.filter_map(|item| std::future::ready(item.ok()));
                Ok(Some(items.boxed()))
            }
            Err(cause) => Err(RpcError {
                method: call.method.into_owned(),
                endpoint: endpoint.label().to_owned(),
                cause: Box::new(cause),
            }),
        }
    }

    /// What it waits for, to be read or watched.
    pub fn status(&self) -> watch::Receiver<RpcStatus> {
        self.shared.board.watch()
    }

    /// A line for people while it waits for somebody: `waiting for L1: 429, next try in 2 s`.
    pub fn describe(&self) -> Option<String> {
        self.status().borrow().describe()
    }

    /// What it has done so far.
    pub fn counters(&self) -> RpcCounters {
        self.shared.board.counters()
    }
}
