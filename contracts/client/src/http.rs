//! One HTTP endpoint: bytes in, bytes out.
//!
//! **Invariant:** an answer has a time limit and a size limit, and redirections are not followed: they would carry
//! tokens elsewhere.

use crate::{
    JwtSecret, RpcCause,
    error::{Class, ErrorObject, clip},
    wire,
};
use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, redirect::Policy};
use std::{error::Error, sync::Once, time::Duration};
use url::{Host, Url};

const JSON: &str = "application/json";

/// See the module.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    url: Url,
    jwt: Option<JwtSecret>,
    timeout_ms: u64,
    max_response_bytes: usize,
}

/// TLS needs one provider of cryptography for the whole process.
pub(crate) fn install_tls() {
    static ONCE: Once = Once::new();
    // Whoever installed one before is welcome.
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Http {
    pub(crate) fn new(
        url: Url,
        jwt: Option<JwtSecret>,
        timeout_ms: u64,
        max_response_bytes: usize,
    ) -> Result<Self, reqwest::Error> {
        install_tls();
        let mut builder = Client::builder().redirect(Policy::none());
        if is_loopback(&url) {
            // A proxy of the environment is for the world outside.
            builder = builder.no_proxy();
        }
        Ok(Self { client: builder.build()?, url, jwt, timeout_ms, max_response_bytes })
    }

    /// Asks with a JSON-RPC request.
    pub(crate) async fn post(&self, body: Vec<u8>, is_batch: bool) -> Result<Vec<u8>, RpcCause> {
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, JSON).body(body);
        self.limited(async {
            let response = self.send(request).await?;
            let (status, retry_after_ms) = head(&response);
            let body = self.body(response).await?;
            judge(status, retry_after_ms, body, is_batch)
        })
        .await
    }

    /// Reads a path with its query. `None` = there is none (404).
    pub(crate) async fn get(&self, path: &str) -> Result<Option<Vec<u8>>, RpcCause> {
        let joined = join(&self.url, path);
        let request = self.client.get(joined).header(ACCEPT, JSON);
        self.limited(async {
            let response = self.send(request).await?;
            let (status, retry_after_ms) = head(&response);
            let body = self.body(response).await?;
            match status {
                404 => Ok(None),
                _ => judge(status, retry_after_ms, body, false).map(Some),
            }
        })
        .await
    }

    async fn limited<T>(
        &self,
        work: impl Future<Output = Result<T, RpcCause>>,
    ) -> Result<T, RpcCause> {
        let after_ms = self.timeout_ms;
        tokio::time::timeout(Duration::from_millis(after_ms), work)
            .await
            .unwrap_or(Err(RpcCause::TimedOut { after_ms }))
    }

    async fn send(&self, mut request: RequestBuilder) -> Result<Response, RpcCause> {
        if let Some(secret) = &self.jwt {
            let token =
                secret.token().map_err(|it| RpcCause::Unreachable { why: it.to_string() })?;
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        request.send().await.map_err(broken)
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, RpcCause> {
        let too_large = RpcCause::TooLarge { limit_bytes: self.max_response_bytes };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len().saturating_add(chunk.len()) > self.max_response_bytes {
                return Err(too_large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Puts a path behind the one that the endpoint has: providers keep keys in paths.
fn join(url: &Url, path: &str) -> Url {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, it)| (path, Some(it)));
    let mut joined = url.clone();
    joined.set_path(&format!("{}{path}", url.path().trim_end_matches('/')));
    if query.is_some() {
        joined.set_query(query);
    }
    joined
}

/// The transport's words without the address, which may hold a key.
fn broken(error: reqwest::Error) -> RpcCause {
    let error = error.without_url();
    let mut why = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        why = format!("{why}: {cause}");
        source = cause.source();
    }
    RpcCause::Unreachable { why: clip(&why, 200) }
}

fn head(response: &Response) -> (u16, Option<u64>) {
    let after = response.headers().get(RETRY_AFTER);
    let seconds = after.and_then(|it| it.to_str().ok()?.trim().parse::<u64>().ok());
    (response.status().as_u16(), seconds.map(|it| it.saturating_mul(1000)))
}

/// What a status and a body mean together.
fn judge(
    status: u16,
    retry_after_ms: Option<u64>,
    body: Vec<u8>,
    is_batch: bool,
) -> Result<Vec<u8>, RpcCause> {
    let said = wire::start(&body);
    let as_error = ErrorObject { code: 0, message: said.clone(), data: None };
    let refuses_batch = Class::of(&as_error) == Class::BatchTooLarge;
    match status {
        200..=299 => Ok(body),
        // Infura says 429 to a batch that is too long (U36).
        413 | 429 if is_batch && (refuses_batch || status == 413) => {
            Err(RpcCause::BatchRefused { why: said })
        }
        429 => Err(RpcCause::Throttled { why: said, retry_after_ms }),
        503 if retry_after_ms.is_some() => Err(RpcCause::Throttled { why: said, retry_after_ms }),
        // Some servers give their JSON-RPC errors such a status.
        400..=499 if said.contains("\"error\"") => Ok(body),
        400 | 405 | 415 | 422 if is_batch => Err(RpcCause::BatchRefused { why: said }),
        _ => Err(RpcCause::Status { status, body: said }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_join(url: &str, path: &str, wanted: &str) {
        assert_eq!(join(&url.parse().unwrap(), path).as_str(), wanted);
    }

    #[test]
    fn paths_go_behind_the_endpoints_own() {
        check_join("http://a:1", "/eth/v1/x?y=1&y=2", "http://a:1/eth/v1/x?y=1&y=2");
        check_join("http://a:1/key/?k=2", "/eth", "http://a:1/key/eth?k=2");
    }

    #[track_caller]
    fn check(status: u16, body: &str, is_batch: bool, wanted: &str) {
        let found = match judge(status, Some(5), body.into(), is_batch) {
            Ok(_) => "body".into(),
            Err(cause) => cause.to_string(),
        };
        assert!(found.starts_with(wanted), "{status} {body}: {found}");
    }

    #[test]
    fn a_status_is_read_together_with_the_body() {
        check(200, "", false, "body");
        check(429, "batch item count exceeded", true, "batch refused");
        check(429, "batch item count exceeded", false, "throttled");
        check(429, "", true, "throttled");
        check(413, "", true, "batch refused");
        check(413, "", false, "HTTP status 413");
        check(400, r#"{"error":{"code":-32600}}"#, true, "body");
        check(400, "", true, "batch refused");
        check(503, "", false, "throttled");
        check(502, r#"{"error":{}}"#, false, "HTTP status 502");
        check(301, "", false, "HTTP status 301");
        check(401, "no", false, "HTTP status 401: no");
    }
}
