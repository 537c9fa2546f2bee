//! What can go wrong between here and an endpoint, and what to do about it.
//!
//! Start with [`RpcError`]; [`RpcCause`] says why and [`RpcError::remedy`] what now.
//!
//! **Invariant:** texts are short, ASCII, and free of credentials.

use serde_json::value::RawValue;
use std::fmt;

/// What the caller should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Ask again later: the cause passes, or waits for somebody else.
    Retry,
    /// Asking again changes nothing.
    GiveUp,
}

/// An error that a server put into its answer.
#[derive(Clone, Debug)]
pub struct ErrorObject {
    /// JSON-RPC code.
    pub code: i64,
    /// Text, at most a few hundred characters.
    pub message: String,
    /// Further data as JSON, for instance what a call reverted with.
    pub data: Option<Box<RawValue>>,
}

impl fmt::Display for ErrorObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RpcCause {
    /// No connection, or it broke.
    #[error("unreachable: {why}")]
    Unreachable {
        /// The transport's words.
        why: String,
    },
    /// No answer in time.
    #[error("no answer within {after_ms} ms")]
    TimedOut {
        /// Time given.
        after_ms: u64,
    },
    /// The server asks for patience (HTTP 429, or a rate limit in its own words).
    #[error("throttled: {why}")]
    Throttled {
        /// The server's words.
        why: String,
        /// How long it asks to wait.
        retry_after_ms: Option<u64>,
    },
    /// An HTTP status that is not success.
    #[error("HTTP status {status}: {body}")]
    Status {
        /// The status.
        status: u16,
        /// Beginning of the body.
        body: String,
    },
    /// Not what JSON-RPC allows.
    #[error("malformed answer: {why}")]
    Malformed {
        /// What is wrong.
        why: String,
    },
    /// More bytes than are read.
    #[error("answer has more than {limit_bytes} bytes")]
    TooLarge {
        /// Most bytes read.
        limit_bytes: usize,
    },
    /// The server does not take that many calls at once.
    #[error("batch refused: {why}")]
    BatchRefused {
        /// The server's words.
        why: String,
    },
    /// A batch came back without this call.
    #[error("no answer to this call in the batch")]
    Unanswered,
    /// The server's own error.
    #[error("server says: {0}")]
    Answered(ErrorObject),
    /// JSON of another shape than the method gives.
    #[error("answer of an unexpected shape: {why}")]
    OtherShape {
        /// What the parser says.
        why: String,
    },
    /// Too few endpoints gave the same answer.
    #[error("only {agreeing} of the {wanted} endpoints needed agree")]
    Disagree {
        /// Size of the largest group with the same answer.
        agreeing: usize,
        /// Endpoints that must agree.
        wanted: usize,
    },
}

impl RpcCause {
    /// Whether asking again can help.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Status { status, .. } => status_remedy(*status),
            Self::Answered(error) => match Class::of(error) {
                Class::Throttled | Class::Transient | Class::Elsewhere => Remedy::Retry,
                Class::Final | Class::Missing | Class::BatchTooLarge => Remedy::GiveUp,
            },
            Self::TooLarge { .. } | Self::BatchRefused { .. } => Remedy::GiveUp,
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Throttled { .. }
            | Self::Malformed { .. }
            | Self::Unanswered
            | Self::OtherShape { .. }
            | Self::Disagree { .. } => Remedy::Retry,
        }
    }

    /// A few words for a status line.
    pub fn brief(&self) -> String {
        match self {
            Self::Unreachable { .. } => "unreachable".into(),
            Self::TimedOut { .. } => "timeout".into(),
            Self::Throttled { .. } => "429".into(),
            Self::Status { status, .. } => status.to_string(),
            other => clip(&other.to_string(), 60),
        }
    }
}

fn status_remedy(status: u16) -> Remedy {
    match status {
        408 | 425 | 429 | 500..=599 => Remedy::Retry,
        _ => Remedy::GiveUp,
    }
}

/// A call that failed, after all retries.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{method} at {endpoint}: {cause}{}", hint(.cause))]
pub struct RpcError {
    /// Method, or path of a REST request.
    pub method: String,
    /// Where, without credentials.
    pub endpoint: String,
    /// Why.
    pub cause: Box<RpcCause>,
}

impl RpcError {
    /// What now.
    pub fn remedy(&self) -> Remedy {
        self.cause.remedy()
    }

    /// The error that the server gave, if it gave one.
    pub fn answered(&self) -> Option<&ErrorObject> {
        match &*self.cause {
            RpcCause::Answered(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the server does not know the method.
    pub fn is_missing_method(&self) -> bool {
        self.answered().is_some_and(|error| Class::of(error) == Class::Missing)
    }

    /// Whether the server does not know the block that was named: not yet, or no longer.
    pub fn is_unknown_block(&self) -> bool {
        self.answered().is_some_and(|error| Class::of(error) == Class::Elsewhere)
    }
}

/// What to do, where the cause alone does not say it.
fn hint(cause: &RpcCause) -> &'static str {
    match cause {
        RpcCause::Status { status: 401 | 403, .. } => " (check the token, JWT secret or clock)",
        RpcCause::Status { status: 404, .. } => " (check the path of the URL)",
        _ => "",
    }
}

/// Why a transport cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcSetupError {
    /// There is nobody to ask.
    #[error("{name} has no endpoint: give at least one URL")]
    NoEndpoint {
        /// The transport's name.
        name: String,
    },
    /// Neither HTTP nor WebSocket.
    #[error("{name} endpoint {url} has scheme `{scheme}`: give one of {known}")]
    UnknownScheme {
        /// The transport's name.
        name: String,
        /// The endpoint.
        url: String,
        /// Its scheme.
        scheme: String,
        /// Schemes understood.
        known: &'static str,
    },
    /// More votes than voters.
    #[error("{name} needs {quorum} agreeing endpoints of {endpoints}")]
    Quorum {
        /// The transport's name.
        name: String,
        /// Endpoints that must agree.
        quorum: usize,
        /// Endpoints there are.
        endpoints: usize,
    },
    /// The HTTP client could not be set up.
    #[error("{name} cannot be set up: {why}")]
    Client {
        /// The transport's name.
        name: String,
        /// Its words.
        why: String,
    },
}

/// Kinds of server errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Wait, then ask again.
    Throttled,
    /// Ask again.
    Transient,
    /// Another endpoint may have it, or this one later.
    Elsewhere,
    /// The server does not offer the method.
    Missing,
    /// Ask for less at once.
    BatchTooLarge,
    /// It stays so.
    Final,
}

/// Words of the servers, lower case, in the order in which they are looked for.
const WORDS: [(Class, &[&str]); 5] = [
    (
        Class::BatchTooLarge,
        &[
            "batch too large",
            "batch size",
            "batch item",
            "batch limit",
            "batch request",
            "batches are not",
            "too many batch",
            "batch of requests",
            "response too large",
            "batch not supported",
        ],
    ),
    (
        Class::Throttled,
        &[
            "too many requests",
            "rate limit",
            "rate-limit",
            "ratelimit",
            "request limit",
            "daily limit",
            "compute units",
            "exceeded the quota",
            "throttl",
            "slow down",
        ],
    ),
    (
        Class::Missing,
        &[
            "method not found",
            "method not supported",
            "method is not supported",
            "unsupported method",
            "does not exist/is not available",
            "method not available",
            "is not whitelisted",
            "not implemented",
            "method not allowed",
        ],
    ),
    (
        Class::Elsewhere,
        &[
            "header not found",
            "block not found",
            "unknown block",
            "missing trie node",
            "header for hash not found",
            "not yet available",
            "historical state",
            "state not available",
            "could not find block",
        ],
    ),
    (
        Class::Transient,
        &[
            "timeout",
            "timed out",
            "try again",
            "temporarily",
            "overloaded",
            "busy",
            "unavailable",
            // geth, of receipts soon after its start.
            "indexing is in progress",
        ],
    ),
];

impl Class {
    pub(crate) fn of(error: &ErrorObject) -> Self {
        let message = error.message.to_ascii_lowercase();
        let said = |words: &[&str]| words.iter().any(|word| message.contains(word));
        let by_words = WORDS.iter().find(|(_, words)| said(words)).map(|(class, _)| *class);
        match (error.code, by_words) {
            // A revert is an answer, whatever its text says: the text is the contract's.
            (3, _) => Self::Final,
            (-32601, _) => Self::Missing,
            (-32005 | 429, None | Some(Self::Transient)) => Self::Throttled,
            (_, Some(class)) => class,
            (_, None) => Self::Final,
        }
    }
}

/// The beginning of a text from outside, in printable ASCII.
pub(crate) fn clip(text: &str, most: usize) -> String {
    let printable = |it: char| if it.is_ascii_graphic() || it == ' ' { it } else { ' ' };
    let text = text.trim();
    let short: String = text.chars().take(most).map(printable).collect();
    let rest = if text.chars().nth(most).is_some() { "..." } else { "" };
    format!("{}{rest}", short.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: i64, message: &str, wanted: Class) {
        let error = ErrorObject { code, message: message.into(), data: None };
        assert_eq!(Class::of(&error), wanted, "{code} {message}");
    }

    #[test]
    fn servers_say_the_same_thing_in_many_words() {
        check(-32005, "", Class::Throttled);
        check(429, "Your app has exceeded its compute units per second capacity", Class::Throttled);
        check(-32000, "Too Many Requests", Class::Throttled);
        check(-32005, "batch item count exceeded", Class::BatchTooLarge);
        check(-32600, "batch too large", Class::BatchTooLarge);
        check(-32003, "response too large", Class::BatchTooLarge);
        check(-32601, "no", Class::Missing);
        check(-32601, "the method debug_x does not exist/is not available", Class::Missing);
        check(-32000, "header not found", Class::Elsewhere);
        check(-32000, "transaction indexing is in progress", Class::Transient);
        check(-39001, "Unknown block", Class::Elsewhere);
        check(-32000, "missing trie node 0xab (path )", Class::Elsewhere);
        check(-32002, "request timed out", Class::Transient);
        check(-32000, "nonce too low: next nonce 5, tx nonce 4", Class::Final);
        check(3, "execution reverted: too many requests", Class::Final);
        check(-32000, "blob limit exceeded", Class::Final);
    }

    #[test]
    fn texts_from_outside_are_short_and_printable() {
        assert_eq!(clip(" a\u{1b}[31mb\nc\u{e9} ", 100), "a [31mb c");
        assert_eq!(clip("abcdef", 3), "abc...");
        assert_eq!(clip("abc", 3), "abc");
    }
}
