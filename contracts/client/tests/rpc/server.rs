//! A JSON-RPC and REST server that misbehaves on a script.
//!
//! **Invariant:** each request takes one step of the script; behind its end the server behaves.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};
use tokio::task::JoinHandle;
use url::Url;

/// What happens to one request.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// It is answered.
    Answer,
    /// A status, `Retry-After`, and a body.
    Status(u16, Option<u64>, String),
    /// Status 200 and this body.
    Body(String),
    /// No answer ever comes.
    Hang,
    /// The connection breaks inside of the answer.
    Break,
}

#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) script: VecDeque<Step>,
    /// Longer batches are refused with this error.
    pub(crate) max_batch: Option<(usize, i64, String)>,
    /// Calls that get an error: method, code, message.
    pub(crate) errors: Vec<(String, i64, String)>,
    /// Ids of a batch that are left out, by place; used once.
    pub(crate) left_out: Vec<usize>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Seen {
    /// Calls in it.
    pub(crate) fn calls(&self) -> usize {
        self.body.as_array().map_or(1, Vec::len)
    }
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: Url,
    shared: Arc<Mutex<(Plan, Vec<Seen>)>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(plan: Plan) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let shared = Arc::new(Mutex::new((plan, Vec::new())));
        let router = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, task }
    }

    pub(crate) async fn scripted(script: impl IntoIterator<Item = Step>) -> Self {
        Self::start(Plan { script: script.into_iter().collect(), ..Plan::default() }).await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.lock().unwrap().1.clone()
    }

    /// Calls in each request so far.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        self.seen().iter().map(Seen::calls).collect()
    }
}

type Shared = Arc<Mutex<(Plan, Vec<Seen>)>>;

async fn serve(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (step, answer) = {
        let (plan, seen) = &mut *shared.lock().unwrap();
        seen.push(Seen { method, uri, headers, body: body.clone() });
        (plan.script.pop_front().unwrap_or(Step::Answer), answer(plan, &body))
    };
    match step {
        Step::Answer => answer.to_string().into_response(),
        Step::Status(status, retry_after, body) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            if let Some(seconds) = retry_after {
                response.headers_mut().insert("retry-after", seconds.into());
            }
            response
        }
        Step::Body(body) => body.into_response(),
        Step::Hang => std::future::pending().await,
        Step::Break => {
            let parts = [Ok("{\"jsonrpc\":"), Err(std::io::Error::other("broken"))];
            Body::from_stream(futures_util::stream::iter(parts)).into_response()
        }
    }
}

/// Calls are answered with their own parameters.
fn answer(plan: &mut Plan, body: &Value) -> Value {
    let Value::Array(calls) = body else { return answer_one(plan, body) };
    if let Some((most, code, message)) = &plan.max_batch
        && calls.len() > *most
    {
        let error = json!({ "code": code, "message": message });
        return json!({ "jsonrpc": "2.0", "id": null, "error": error });
    }
    let left_out = std::mem::take(&mut plan.left_out);
    let answers = calls.iter().enumerate().filter(|(at, _)| !left_out.contains(at));
    answers.map(|(_, call)| answer_one(plan, call)).rev().collect()
}

fn answer_one(plan: &Plan, call: &Value) -> Value {
    let id = &call["id"];
    match plan.errors.iter().find(|(method, ..)| call["method"] == *method) {
        None => json!({ "jsonrpc": "2.0", "id": id, "result": call["params"] }),
        Some((_, code, message)) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
    }
}
