//! Who may call: bearers of a token signed with the shared secret (HS256), not older than a minute.
//!
//! **Invariant:** without a good token nothing of a request is read but its headers.

use futures_util::future::{Either, Ready, ready};
use http::{HeaderMap, Request, Response, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use opal_client::JwtSecret;
use serde::Deserialize;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};
use tower::{Layer, Service};

/// How far the time of issue may lie from now, seconds.
const MAX_AGE_S: u64 = 60;

/// Lets requests with a good token through.
#[derive(Clone, Debug)]
pub(crate) struct AuthLayer(pub(crate) JwtSecret);

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService { inner, secret: self.0.clone() }
    }
}

/// A server behind [`AuthLayer`].
#[derive(Clone, Debug)]
pub(crate) struct AuthService<S> {
    inner: S,
    secret: JwtSecret,
}

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Response<R>, S::Error>>, S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The edge of the program: tokens live in wall time, whatever clock the chain follows.
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
        match check(request.headers(), &self.secret, now_s) {
            Ok(()) => Either::Right(self.inner.call(request)),
            Err(reason) => {
                let mut response = Response::new(R::from(reason.to_owned()));
                *response.status_mut() = StatusCode::UNAUTHORIZED;
                Either::Left(ready(Ok(response)))
            }
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    iat: Option<u64>,
}

/// Whether the token in these headers is good now; the reason is in geth's words.
fn check(headers: &HeaderMap, secret: &JwtSecret, now_s: u64) -> Result<(), &'static str> {
    let value = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let token = value.and_then(|it| it.strip_prefix("Bearer ")).ok_or("missing token")?;
    let mut rules = Validation::new(Algorithm::HS256);
    // The time of issue stands for all claims; it is checked below.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret.as_bytes());
    let token = jsonwebtoken::decode::<Claims>(token, &key, &rules);
    let issued_s =
        token.map_err(|_| "token is not valid")?.claims.iat.ok_or("missing issued-at")?;
    if issued_s.saturating_add(MAX_AGE_S) < now_s {
        Err("stale token")
    } else if now_s.saturating_add(MAX_AGE_S) < issued_s {
        Err("future token")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

    fn token(secret: [u8; 32], algorithm: Algorithm, claims: &Value) -> String {
        let key = EncodingKey::from_secret(&secret);
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    fn verdict(header_value: Option<String>) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        if let Some(value) = header_value {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        check(&headers, &JwtSecret::new([7; 32]), 1_000)
    }

    fn issued(issued_s: u64) -> Option<String> {
        Some(format!("Bearer {}", token([7; 32], Algorithm::HS256, &json!({ "iat": issued_s }))))
    }

    #[test]
    fn a_token_of_the_last_minute_is_good() {
        assert_eq!(verdict(issued(1_000)), Ok(()));
        assert_eq!(verdict(issued(940)), Ok(()));
        assert_eq!(verdict(issued(1_060)), Ok(()));
    }

    #[test]
    fn everything_else_is_refused() {
        assert_eq!(verdict(issued(939)), Err("stale token"));
        assert_eq!(verdict(issued(1_061)), Err("future token"));
        assert_eq!(verdict(None), Err("missing token"));
        assert_eq!(verdict(Some("Basic abc".to_owned())), Err("missing token"));
        assert_eq!(verdict(Some("Bearer abc".to_owned())), Err("token is not valid"));
        let bearer = |token: String| Some(format!("Bearer {token}"));
        let other_secret = token([8; 32], Algorithm::HS256, &json!({ "iat": 1_000 }));
        assert_eq!(verdict(bearer(other_secret)), Err("token is not valid"));
        let other_algorithm = token([7; 32], Algorithm::HS512, &json!({ "iat": 1_000 }));
        assert_eq!(verdict(bearer(other_algorithm)), Err("token is not valid"));
        let no_time = token([7; 32], Algorithm::HS256, &json!({ "exp": 5_000 }));
        assert_eq!(verdict(bearer(no_time)), Err("missing issued-at"));
    }
}
