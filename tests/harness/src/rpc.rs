//! A plain JSON-RPC client over HTTP for tests: what any user's client does, and nothing of opal's own.
//!
//! Start with [`Rpc::new`] and [`Rpc::call`].
//!
//! **Invariant:** one request, one answer, no retries: a test decides itself what it waits for.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// No answer of a machine under load takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// Why a call gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// Nobody answered, or not with JSON-RPC.
    Transport(String),
    /// The server's own error.
    Refused {
        /// JSON-RPC's error code.
        code: i64,
        /// Its text.
        message: String,
    },
}

impl fmt::Display for CallError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transport(text) => write!(out, "no answer: {text}"),
            Self::Refused { code, message } => write!(out, "refused with {code}: {message}"),
        }
    }
}

/// One endpoint.
#[derive(Clone, Debug)]
pub struct Rpc {
    url: String,
    agent: ureq::Agent,
    jwt: Option<Vec<u8>>,
}

impl Rpc {
    /// The endpoint at this address.
    pub fn new(url: impl Into<String>) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            .proxy(None)
            .build();
        Self { url: url.into(), agent: config.into(), jwt: None }
    }

    /// As [`Rpc::new`], with a token made of this secret on every request: the Engine API.
    pub fn with_jwt(url: impl Into<String>, secret: &[u8]) -> Self {
        Self { jwt: Some(secret.to_owned()), ..Self::new(url) }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Calls a method.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, CallError> {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut answer = self.post(&body)?;
        if let Some(error) = answer.get("error").filter(|it| !it.is_null()) {
            let code = error["code"].as_i64().unwrap_or_default();
            let message = error["message"].as_str().unwrap_or_default().to_owned();
            return Err(CallError::Refused { code, message });
        }
        Ok(answer["result"].take())
    }

    /// Calls a method that must answer, with a result of this type.
    #[track_caller]
    pub fn get<T: DeserializeOwned>(&self, method: &str, params: Value) -> T {
        let result = self.call(method, params);
        let result = result.unwrap_or_else(|error| panic!("{}: {method}: {error}", self.url));
        serde_json::from_value(result).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Posts one JSON value, a batch for instance, and gives what comes back.
    pub fn post(&self, body: &Value) -> Result<Value, CallError> {
        let transport = |error: &dyn fmt::Display| CallError::Transport(error.to_string());
        let mut request = self.agent.post(&self.url);
        if let Some(secret) = &self.jwt {
            request = request.header("Authorization", format!("Bearer {}", token(secret)));
        }
        let mut response = request.send_json(body).map_err(|error| transport(&error))?;
        let text = response.body_mut().read_to_string().map_err(|error| transport(&error))?;
        serde_json::from_str(&text)
            .map_err(|error| CallError::Transport(format!("{error} in the answer `{text}`")))
    }

    /// The block with this tag or number, without the bodies of its transactions.
    pub fn block(&self, tag: &str) -> Option<Value> {
        let block = self.call("eth_getBlockByNumber", json!([tag, false])).ok()?;
        (!block.is_null()).then_some(block)
    }

    /// The number and hash of the block with this tag or number.
    pub fn head(&self, tag: &str) -> Option<(u64, String)> {
        let block = self.block(tag)?;
        Some((quantity(&block["number"])?, block["hash"].as_str()?.to_owned()))
    }
}

/// The number that a `0x` text stands for.
pub fn quantity(value: &Value) -> Option<u64> {
    u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

/// A token as the Engine API wants it: signed now.
fn token(secret: &[u8]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let key = EncodingKey::from_secret(secret);
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &json!({"iat": now}), &key)
        .expect("a number can be signed")
}
