//! JSON-RPC 2.0 as bytes.
//!
//! Start with [`request`] and [`answers`].
//!
//! **Invariant:** an outcome is only handed out for the id that it names, once.

use crate::{
    error::{Class, ErrorObject, RpcCause, clip},
    rpc::Call,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, value::RawValue};

/// Most characters of a server's text that are kept.
const TEXT: usize = 300;

/// What the server gave for one call.
pub(crate) type Outcome = Result<Box<RawValue>, ErrorObject>;

#[derive(Serialize)]
struct Request<'a> {
    jsonrpc: &'static str,
    id: u64,
    method: &'a str,
    params: &'a RawValue,
}

#[derive(Deserialize)]
struct Response {
    #[serde(default)]
    id: Value,
    #[serde(default, deserialize_with = "present")]
    result: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<WireError>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    code: Value,
    #[serde(default)]
    message: Value,
    #[serde(default, deserialize_with = "present")]
    data: Option<Box<RawValue>>,
}

/// Tells null from absence.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(input).map(Some)
}

/// The bytes that ask these calls, which get ids from `first_id` on. One call is not wrapped in an array: some
/// servers take no arrays at all.
pub(crate) fn request(calls: &[Call], first_id: u64) -> Vec<u8> {
    let wrap = |(call, id): (&Call, u64)| {
        let request =
            Request { jsonrpc: "2.0", id, method: &call.method, params: call.params.as_ref() };
        serde_json::to_string(&request).expect("text, numbers and checked JSON can be written")
    };
    let parts: Vec<_> = calls.iter().zip(first_id..).map(wrap).collect();
    match parts.as_slice() {
        [one] => one.clone().into_bytes(),
        many => format!("[{}]", many.join(",")).into_bytes(),
    }
}

/// Sorts the answers to `count` calls with ids from `first_id` on. `None` = the server left the call out.
pub(crate) fn answers(
    body: &[u8],
    first_id: u64,
    count: usize,
) -> Result<Vec<Option<Outcome>>, RpcCause> {
    if count == 1 {
        return single(body, first_id).map(|outcome| vec![Some(outcome)]);
    }
    let Ok(responses) = serde_json::from_slice::<Vec<Response>>(body) else {
        return Err(not_a_batch(body));
    };
    let mut outcomes: Vec<_> = (0..count).map(|_| None).collect();
    for response in responses {
        let place = id(&response.id)
            .and_then(|id| usize::try_from(id.checked_sub(first_id)?).ok())
            .and_then(|place| outcomes.get_mut(place));
        if let Some(place @ None) = place {
            *place = response.outcome();
        }
    }
    Ok(outcomes)
}

fn single(body: &[u8], wanted: u64) -> Result<Outcome, RpcCause> {
    let malformed = |why: String| RpcCause::Malformed { why };
    // Some servers answer a call on its own with a batch of one. Asked for first: serde reads an array as a struct, too.
    let response = match serde_json::from_slice::<[Response; 1]>(body) {
        Ok([response]) => response,
        Err(_) => serde_json::from_slice(body)
            .map_err(|error| malformed(format!("{error} in `{}`", start(body))))?,
    };
    let found = response.id.clone();
    let is_error = response.error.is_some();
    let outcome = response.outcome().ok_or_else(|| malformed("neither result nor error".into()))?;
    // Errors about the request as a whole carry no id.
    if id(&found) == Some(wanted) || is_error && found.is_null() {
        Ok(outcome)
    } else {
        Err(malformed(format!("answer to call {}, not {wanted}", clip(&found.to_string(), 40))))
    }
}

/// Something else came back for an array: mostly one error about all of it.
fn not_a_batch(body: &[u8]) -> RpcCause {
    let Ok(Response { error: Some(error), .. }) = serde_json::from_slice(body) else {
        return RpcCause::Malformed { why: format!("no batch in `{}`", start(body)) };
    };
    let error = error.object();
    match (Class::of(&error), error.code) {
        (Class::Throttled, _) => {
            RpcCause::Throttled { why: error.to_string(), retry_after_ms: None }
        }
        // Invalid request, method not found, parse error: arrays are not understood.
        (Class::BatchTooLarge, _) | (_, -32600 | -32601 | -32700) => {
            RpcCause::BatchRefused { why: error.to_string() }
        }
        _ => RpcCause::Answered(error),
    }
}

impl Response {
    fn outcome(self) -> Option<Outcome> {
        match (self.error, self.result) {
            (Some(error), _) => Some(Err(error.object())),
            (None, Some(result)) => Some(Ok(result)),
            (None, None) => None,
        }
    }
}

impl WireError {
    fn object(self) -> ErrorObject {
        let message = match &self.message {
            Value::String(text) => clip(text, TEXT),
            Value::Null => String::new(),
            other => clip(&other.to_string(), TEXT),
        };
        ErrorObject { code: self.code.as_i64().unwrap_or_default(), message, data: self.data }
    }
}

/// The id as a number; some servers make strings of them.
fn id(id: &Value) -> Option<u64> {
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

/// Beginning of a body, for texts.
pub(crate) fn start(body: &[u8]) -> String {
    let head = body.get(..TEXT).unwrap_or(body);
    clip(&String::from_utf8_lossy(head), TEXT / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str) -> Call {
        Call::new(method.to_owned(), ("0x1", true))
    }

    /// What is read, as text: results as they are, errors by code, `-` for what was left out.
    fn read(body: &str, count: usize) -> String {
        let word = |outcome: Option<Outcome>| match outcome {
            None => "-".into(),
            Some(Ok(result)) => result.get().to_owned(),
            Some(Err(error)) => format!("E{}", error.code),
        };
        match answers(body.as_bytes(), 7, count) {
            Ok(outcomes) => outcomes.into_iter().map(word).collect::<Vec<_>>().join(" "),
            Err(cause) => cause.to_string(),
        }
    }

    #[track_caller]
    fn check(body: &str, count: usize, wanted: &str) {
        let found = read(body, count);
        assert!(found.starts_with(wanted), "{body}: {found}");
    }

    #[test]
    fn one_call_is_an_object_and_more_are_an_array() {
        let one = request(&[call("a")], 7);
        assert_eq!(one, br#"{"jsonrpc":"2.0","id":7,"method":"a","params":["0x1",true]}"#);
        let two = String::from_utf8(request(&[call("a"), call("b")], 7)).unwrap();
        assert!(two.starts_with("[{") && two.contains(r#""id":8,"method":"b""#), "{two}");
    }

    #[test]
    fn answers_go_to_the_calls_that_they_name() {
        check(r#"{"id":7,"result":null}"#, 1, "null");
        check(r#"{"id":"7","result":1}"#, 1, "1");
        check(r#"[{"id":7,"result":1}]"#, 1, "1");
        check(r#"{"id":null,"error":{"code":-3,"message":"m"}}"#, 1, "E-3");
        check(r#"{"id":7,"error":{"code":"x","message":4}}"#, 1, "E0");
        check(r#"{"id":9,"result":1}"#, 1, "malformed answer: answer to call 9, not 7");
        check(r#"{"id":7}"#, 1, "malformed answer: neither");
        check("<html>", 1, "malformed answer: ");
        check("", 1, "malformed answer: ");
        let mixed =
            r#"[{"id":8,"result":2},{"id":7,"result":1},{"id":8,"result":3},{"id":99,"result":4}]"#;
        check(mixed, 3, "1 2 -");
        check(
            r#"[{"id":7,"error":{"code":-32005,"message":"slow down"}},{"id":8}]"#,
            2,
            "E-32005 -",
        );
    }

    #[test]
    fn an_error_about_a_whole_batch_says_what_to_do() {
        let error = |code: i64, text: &str| {
            format!(r#"{{"id":null,"error":{{"code":{code},"message":"{text}"}}}}"#)
        };
        check(&error(-32600, "batch too large"), 2, "batch refused");
        check(&error(-32700, "parse error"), 2, "batch refused");
        check(&error(-32005, "batch item count exceeded"), 2, "batch refused");
        check(&error(-32005, "daily request count exceeded, request rate limited"), 2, "throttled");
        check(&error(-1, "no"), 2, "server says");
        check("[1]", 2, "malformed");
        check("nonsense", 2, "malformed");
    }

    #[test]
    fn deep_and_odd_json_is_refused_without_panic() {
        let deep = "[".repeat(100_000);
        check(&deep, 1, "malformed");
        check(&deep, 2, "malformed");
        check(&format!(r#"{{"id":7,"error":{deep}"#), 1, "malformed");
    }
}
