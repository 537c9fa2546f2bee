//! What a request is answered with when it fails.
//!
//! **Invariant:** the body is the beacon API's own: a code and a message.

use crate::EngineError;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Refusal {
    NotFound(String),
    BadRequest(String),
    Internal(String),
}

impl From<EngineError> for Refusal {
    fn from(error: EngineError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, message) = match self {
            Self::NotFound(message) => (StatusCode::NOT_FOUND, message),
            Self::BadRequest(message) => (StatusCode::BAD_REQUEST, message),
            Self::Internal(message) => (StatusCode::INTERNAL_SERVER_ERROR, message),
        };
        (code, Json(json!({ "code": code.as_u16(), "message": message }))).into_response()
    }
}
