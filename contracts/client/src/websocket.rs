//! One WebSocket endpoint. The connection is made when it is first wanted and made anew when it broke.
//!
//! **Invariant:** a broken connection fails the calls under way and nothing else.

use crate::{
    JwtSecret, RpcCause,
    error::{ErrorObject, clip},
    http::install_tls,
    rpc::Call,
    wire::Outcome,
};
use ::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use jsonrpsee::{
    core::{
        client::{ClientT, Error, Subscription, SubscriptionClientT},
        params::BatchRequestBuilder,
        traits::ToRpcParams,
    },
    types::ErrorObject as JsonRpcError,
    ws_client::{WsClient, WsClientBuilder},
};
use serde_json::value::RawValue;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use url::Url;

/// Notifications kept for a reader that is slow; then the subscription ends.
const BUFFER: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct WebSocket {
    url: Url,
    jwt: Option<JwtSecret>,
    timeout_ms: u64,
    max_response_bytes: usize,
    client: Mutex<Option<Arc<WsClient>>>,
}

struct Params(Box<RawValue>);

impl ToRpcParams for Params {
    fn to_rpc_params(self) -> Result<Option<Box<RawValue>>, serde_json::Error> {
        Ok(Some(self.0))
    }
}

impl WebSocket {
    pub(crate) fn new(
        url: Url,
        jwt: Option<JwtSecret>,
        timeout_ms: u64,
        max_response_bytes: usize,
    ) -> Self {
        Self { url, jwt, timeout_ms, max_response_bytes, client: Mutex::default() }
    }

    pub(crate) async fn exchange(&self, calls: &[Call]) -> Result<Vec<Option<Outcome>>, RpcCause> {
        let client = self.connected().await?;
        let [call] = calls else { return self.batch(&client, calls).await };
        let answer = client.request::<Box<RawValue>, _>(&call.method, Params(call.params.clone()));
        match answer.await {
            Ok(result) => Ok(vec![Some(Ok(result))]),
            Err(Error::Call(error)) => Ok(vec![Some(Err(object(&error)))]),
            Err(error) => Err(self.fault(&error)),
        }
    }

    async fn batch(
        &self,
        client: &WsClient,
        calls: &[Call],
    ) -> Result<Vec<Option<Outcome>>, RpcCause> {
        let mut batch = BatchRequestBuilder::new();
        for call in calls {
            let inserted = batch.insert(&call.method, Params(call.params.clone()));
            inserted.map_err(|error| RpcCause::Malformed { why: error.to_string() })?;
        }
        let answers = client.batch_request::<Box<RawValue>>(batch).await;
        let answers = answers.map_err(|error| self.fault(&error))?;
        let answers = answers.into_iter();
        let mut outcomes: Vec<_> =
            answers.map(|answer| Some(answer.map_err(|it| object(&it)))).collect();
        outcomes.resize_with(calls.len(), || None);
        Ok(outcomes)
    }

    pub(crate) async fn subscribe(
        &self,
        call: &Call,
    ) -> Result<Subscription<Box<RawValue>>, RpcCause> {
        let client = self.connected().await?;
        let params = Params(call.params.clone());
        let subscription = client.subscribe(&call.method, params, "eth_unsubscribe").await;
        subscription.map_err(|error| match &error {
            Error::Call(error) => RpcCause::Answered(object(error)),
            _ => self.fault(&error),
        })
    }

    /// The connection. Two callers at once may both make one; the later one stays.
    async fn connected(&self) -> Result<Arc<WsClient>, RpcCause> {
        let kept = self.client.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(client) = kept.filter(|it| it.is_connected()) {
            return Ok(client);
        }
        let client = Arc::new(self.connect().await?);
        let mut place = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Some(Arc::clone(&client));
        Ok(client)
    }

    async fn connect(&self) -> Result<WsClient, RpcCause> {
        install_tls();
        let timeout = Duration::from_millis(self.timeout_ms);
        let limit = u32::try_from(self.max_response_bytes).unwrap_or(u32::MAX);
        let builder = WsClientBuilder::default()
            .connection_timeout(timeout)
            .request_timeout(timeout)
            .max_response_size(limit)
            .max_request_size(u32::MAX)
            .max_buffer_capacity_per_subscription(BUFFER)
            .set_headers(self.headers()?);
        builder.build(self.url.as_str()).await.map_err(|error| self.fault(&error))
    }

    fn headers(&self) -> Result<HeaderMap, RpcCause> {
        let mut headers = HeaderMap::new();
        if let Some(secret) = &self.jwt {
            let unreachable = |why: String| RpcCause::Unreachable { why };
            let token = secret.token().map_err(|it| unreachable(it.to_string()))?;
            let value = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|it| unreachable(it.to_string()))?;
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }

    fn fault(&self, error: &Error) -> RpcCause {
        let why = clip(&error.to_string(), 200);
        match error {
            Error::RequestTimeout => RpcCause::TimedOut { after_ms: self.timeout_ms },
            Error::ParseError(_) | Error::InvalidRequestId(_) => RpcCause::Malformed { why },
            _ => RpcCause::Unreachable { why },
        }
    }
}

fn object(error: &JsonRpcError<'_>) -> ErrorObject {
    ErrorObject {
        code: error.code().into(),
        message: clip(error.message(), 300),
        data: error.data().map(ToOwned::to_owned),
    }
}
