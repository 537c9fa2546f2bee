//! The transport against servers that misbehave (T35h, U36).
//!
//! **Invariant:** the servers are real sockets on this machine; what they do is a script.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "rpc/server.rs"]
mod server;

use jsonrpsee::server::{RpcModule, Server as JsonRpcServer};
use opal_client::{
    Call, JwtSecret, Remedy, Rest, RestOptions, Rpc, RpcCause, RpcError, RpcOptions, RpcSetupError,
};
use serde_json::{Value, json};
use server::{Plan, Server, Step};
use std::time::{Duration, Instant};
use url::Url;

fn options(urls: Vec<Url>) -> RpcOptions {
    RpcOptions {
        timeout_ms: 2000,
        backoff_ms: 5,
        max_backoff_ms: 20,
        max_attempts: 4,
        ..RpcOptions::new("L1", urls)
    }
}

fn rpc(servers: &[&Server]) -> Rpc {
    Rpc::new(options(servers.iter().map(|it| it.url.clone()).collect())).unwrap()
}

/// Asks for a number and gets it back.
async fn echo(rpc: &Rpc, number: u64) -> Result<u64, RpcError> {
    let [answer] = rpc.call::<[u64; 1]>("echo", [number]).await?;
    Ok(answer)
}

fn calls(count: u64) -> Vec<Call> {
    (0..count).map(|number| Call::new("echo", [number])).collect()
}

async fn check_batch(rpc: &Rpc, count: u64) {
    let answers = rpc.batch::<[u64; 1]>(calls(count)).await;
    let numbers: Vec<_> = answers.into_iter().map(|it| it.unwrap()[0]).collect();
    assert_eq!(numbers, (0..count).collect::<Vec<_>>());
}

fn status(code: u16) -> Step {
    Step::Status(code, None, "no".to_owned())
}

/// T35h: `rate_limit_429_and_batch_limit_are_survived`, the rate limit.
#[tokio::test]
async fn rate_limits_are_waited_out_and_the_status_says_so() {
    let server = Server::scripted([Step::Status(429, Some(1), "slow down".into())]).await;
    let rpc = rpc(&[&server]);
    let mut status = rpc.status();
    let start = Instant::now();
    let (answer, line) = tokio::join!(echo(&rpc, 7), async {
        status.changed().await.unwrap();
        status.borrow().describe()
    });
    assert_eq!(answer.unwrap(), 7);
    assert!(start.elapsed() >= Duration::from_millis(990), "Retry-After is honoured");
    assert_eq!(line.unwrap(), "L1: 429, next try in 1 s");
    assert_eq!(rpc.describe(), None);
    assert_eq!(rpc.counters().throttled, 1);
}

#[tokio::test]
async fn a_rate_limit_in_a_json_rpc_error_is_waited_out_too() {
    let error = json!({ "id": 1, "error": { "code": -32005, "message": "daily limit exceeded" } });
    let server = Server::scripted([Step::Body(error.to_string())]).await;
    assert_eq!(echo(&rpc(&[&server]), 7).await.unwrap(), 7);
    assert_eq!(server.sizes(), [1, 1]);
}

/// T35h: the batch limit.
#[tokio::test]
async fn a_refused_batch_shrinks_and_stays_smaller() {
    for (code, message) in [(-32600, "batch too large"), (-32005, "batch item count exceeded")] {
        let max_batch = Some((10, code, message.to_owned()));
        let server = Server::start(Plan { max_batch, ..Plan::default() }).await;
        let rpc = rpc(&[&server]);
        check_batch(&rpc, 50).await;
        let first = server.sizes();
        assert_eq!(first.iter().filter(|size| **size > 10).count(), 3, "50, 25, 12: {first:?}");
        check_batch(&rpc, 50).await;
        let second = &server.sizes()[first.len()..];
        assert!(second.iter().all(|size| *size <= 10), "{second:?}");
    }
}

#[tokio::test]
async fn a_batch_refused_with_status_429_shrinks_instead_of_waiting() {
    let infura = Step::Status(429, None, "batch item count exceeded".into());
    let server = Server::scripted([infura]).await;
    check_batch(&rpc(&[&server]), 8).await;
    assert_eq!(server.sizes(), [8, 4, 4]);
}

#[tokio::test]
async fn a_server_without_batches_gets_single_calls() {
    let max_batch = Some((0, -32600, "invalid request".to_owned()));
    let server = Server::start(Plan { max_batch, ..Plan::default() }).await;
    let rpc = rpc(&[&server]);
    check_batch(&rpc, 6).await;
    check_batch(&rpc, 3).await;
    let sizes = server.sizes();
    assert_eq!(&sizes[sizes.len() - 3..], [1, 1, 1]);
    assert!(server.seen().iter().skip(6).all(|it| it.body.is_object()));
}

#[tokio::test]
async fn calls_left_out_of_a_batch_are_asked_again() {
    let server = Server::start(Plan { left_out: vec![1, 4], ..Plan::default() }).await;
    check_batch(&rpc(&[&server]), 6).await;
    assert_eq!(server.sizes(), [6, 2]);
}

#[tokio::test]
async fn faults_that_pass_are_retried() {
    let garbage = ["", "<html>", "[]", "{}", "null", "[[[", r#"{"id":99,"result":[1]}"#];
    for body in garbage {
        let server = Server::scripted([Step::Body(body.to_owned())]).await;
        assert_eq!(echo(&rpc(&[&server]), 7).await.unwrap(), 7, "{body}");
    }
    for step in [status(500), status(502), status(503), status(408), Step::Break] {
        let server = Server::scripted([step.clone(), step.clone()]).await;
        assert_eq!(echo(&rpc(&[&server]), 7).await.unwrap(), 7, "{step:?}");
        assert_eq!(server.sizes().len(), 3, "{step:?}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    let server = Server::scripted([Step::Hang, Step::Hang]).await;
    let options =
        RpcOptions { timeout_ms: 30, max_attempts: 2, ..options(vec![server.url.clone()]) };
    let error = echo(&Rpc::new(options).unwrap(), 7).await.unwrap_err();
    assert!(matches!(*error.cause, RpcCause::TimedOut { after_ms: 30 }), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry);
}

/// A stall makes batches shorter, but not for good.
#[tokio::test]
async fn batches_that_take_too_long_are_halved_until_the_server_is_quick_again() {
    let server = Server::scripted([Step::Hang]).await;
    let options = RpcOptions { timeout_ms: 300, ..options(vec![server.url.clone()]) };
    let rpc = Rpc::new(options).unwrap();
    check_batch(&rpc, 8).await;
    assert_eq!(server.sizes(), [8, 4, 4]);
    check_batch(&rpc, 8).await;
    assert_eq!(server.sizes()[3..], [8]);
}

#[tokio::test]
async fn tries_are_bounded_and_the_last_reason_is_told() {
    let server = Server::scripted((0..9).map(|_| status(500))).await;
    let error = echo(&rpc(&[&server]), 7).await.unwrap_err();
    assert_eq!(server.sizes().len(), 4);
    let host = server.url.as_str().trim_end_matches('/');
    assert_eq!(error.to_string(), format!("echo at {host}: HTTP status 500: no"));
}

#[tokio::test]
async fn faults_that_stay_are_not_retried() {
    for (code, hint) in [(401, "check the token"), (404, "check the path"), (301, "")] {
        let server = Server::scripted([status(code)]).await;
        let error = echo(&rpc(&[&server]), 7).await.unwrap_err();
        assert_eq!((error.remedy(), server.sizes().len()), (Remedy::GiveUp, 1));
        assert!(error.to_string().contains(hint), "{error}");
    }
    let errors = vec![("echo".to_owned(), 3, "execution reverted".to_owned())];
    let server = Server::start(Plan { errors, ..Plan::default() }).await;
    let error = echo(&rpc(&[&server]), 7).await.unwrap_err();
    assert_eq!((error.remedy(), server.sizes().len()), (Remedy::GiveUp, 1));
    assert_eq!(error.answered().unwrap().code, 3);
}

#[tokio::test]
async fn the_next_endpoint_steps_in_and_the_first_gets_its_place_back() {
    let first = Server::scripted([status(500)]).await;
    let second = Server::scripted([]).await;
    let options =
        RpcOptions { backoff_ms: 60, ..options(vec![first.url.clone(), second.url.clone()]) };
    let rpc = Rpc::new(options).unwrap();
    assert_eq!(echo(&rpc, 1).await.unwrap(), 1);
    assert_eq!(echo(&rpc, 2).await.unwrap(), 2);
    assert_eq!((first.sizes().len(), second.sizes().len()), (1, 2));
    tokio::time::sleep(Duration::from_millis(70)).await;
    assert_eq!(echo(&rpc, 3).await.unwrap(), 3);
    assert_eq!((first.sizes().len(), second.sizes().len()), (2, 2));
}

#[tokio::test]
async fn what_one_endpoint_does_not_have_is_asked_of_the_next() {
    for (code, message) in [(-32601, "no such method"), (-32000, "header not found")] {
        let errors = vec![("echo".to_owned(), code, message.to_owned())];
        let first = Server::start(Plan { errors, ..Plan::default() }).await;
        let second = Server::scripted([]).await;
        assert_eq!(echo(&rpc(&[&first, &second]), 7).await.unwrap(), 7, "{message}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_offered_is_probed_once() {
    let errors = vec![("debug_x".to_owned(), -32601, "method not found".to_owned())];
    let server = Server::start(Plan { errors, ..Plan::default() }).await;
    let rpc = rpc(&[&server]);
    for _ in 0..3 {
        assert_eq!(rpc.call_if_offered::<Value>("debug_x", ()).await.unwrap(), None);
    }
    assert_eq!(server.sizes().len(), 1);
    assert!(!rpc.may_offer("debug_x") && rpc.may_offer("debug_y"));
    assert!(rpc.call_if_offered::<Value>("debug_y", ()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_quorum_decides_and_a_tie_waits() {
    let honest = [Server::scripted([]).await, Server::scripted([]).await];
    let lie = json!({ "jsonrpc": "2.0", "id": 1, "result": [8] }).to_string();
    let liar = Server::scripted([Step::Body(lie.clone()), Step::Body(lie)]).await;
    let urls = vec![liar.url.clone(), honest[0].url.clone(), honest[1].url.clone()];
    let of =
        |quorum, urls: &[Url]| Rpc::new(RpcOptions { quorum, ..options(urls.to_vec()) }).unwrap();
    assert_eq!(echo(&of(2, &urls), 7).await.unwrap(), 7);
    let error = echo(&of(2, &urls[..2]), 7).await.unwrap_err();
    assert!(matches!(*error.cause, RpcCause::Disagree { agreeing: 1, wanted: 2 }), "{error}");
    assert_eq!(error.remedy(), Remedy::Retry);
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read() {
    let body = format!(r#"{{"id":1,"result":["{}"]}}"#, "x".repeat(5000));
    let server = Server::scripted([Step::Body(body)]).await;
    let options = RpcOptions { max_response_bytes: 1000, ..options(vec![server.url.clone()]) };
    let error = echo(&Rpc::new(options).unwrap(), 7).await.unwrap_err();
    assert!(matches!(*error.cause, RpcCause::TooLarge { limit_bytes: 1000 }), "{error}");
}

#[tokio::test]
async fn an_answer_of_another_shape_is_a_fault_of_the_endpoint() {
    let server = Server::scripted([]).await;
    let error = rpc(&[&server]).call::<String>("echo", [7]).await.unwrap_err();
    assert!(matches!(*error.cause, RpcCause::OtherShape { .. }), "{error}");
}

#[tokio::test]
async fn a_rate_limit_of_our_own_is_kept() {
    let server = Server::scripted([]).await;
    let requests_per_second = std::num::NonZeroU32::new(100);
    let options = RpcOptions { requests_per_second, ..options(vec![server.url.clone()]) };
    let rpc = Rpc::new(options).unwrap();
    let start = Instant::now();
    check_batch(&rpc, 100).await;
    check_batch(&rpc, 20).await;
    assert!(start.elapsed() >= Duration::from_millis(190), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_token_comes_with_every_request() {
    let server = Server::scripted([]).await;
    let jwt = Some(JwtSecret::new([1; 32]));
    let rpc = Rpc::new(RpcOptions { jwt, ..options(vec![server.url.clone()]) }).unwrap();
    echo(&rpc, 7).await.unwrap();
    let seen = server.seen();
    let token = seen[0].headers["authorization"].to_str().unwrap();
    assert!(token.starts_with("Bearer ey"), "{token}");
}

#[tokio::test]
async fn nobody_there_is_an_error_without_credentials() {
    let url = "http://me:secret@127.0.0.1:1/0123456789abcdef".parse().unwrap();
    let error = echo(&Rpc::new(options(vec![url])).unwrap(), 7).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("echo at http://127.0.0.1:1/*: unreachable"), "{text}");
    assert!(!text.contains("secret") && !text.contains("0123456789abcdef"), "{text}");
}

#[test]
fn a_transport_needs_endpoints_that_it_can_speak_to() {
    let check = |urls: &[&str], quorum, wanted: &str| {
        let urls = urls.iter().map(|it| it.parse().unwrap()).collect();
        let error = Rpc::new(RpcOptions { quorum, ..options(urls) }).unwrap_err();
        assert_eq!(error.to_string(), wanted);
    };
    check(&[], 1, "L1 has no endpoint: give at least one URL");
    check(&["http://a"], 2, "L1 needs 2 agreeing endpoints of 1");
    let known = "give one of http, https, ws, wss";
    check(&["ftp://a"], 1, &format!("L1 endpoint ftp://a has scheme `ftp`: {known}"));
    let rest = RestOptions::new("beacon", vec!["ws://a".parse().unwrap()]);
    assert!(matches!(Rest::new(rest), Err(RpcSetupError::UnknownScheme { .. })));
}

#[tokio::test]
async fn websockets_carry_calls_batches_and_subscriptions_and_come_back() {
    let mut module = RpcModule::new(());
    module.register_method("echo", |params, (), _| params.parse::<Value>().unwrap()).unwrap();
    module
        .register_subscription(
            "eth_subscribe",
            "eth_subscription",
            "eth_unsubscribe",
            |_, sink, _, _| async move {
                let sink = sink.accept().await?;
                let message = serde_json::value::to_raw_value("head")?;
                sink.send(message).await?;
                Ok(())
            },
        )
        .unwrap();
    let server = JsonRpcServer::builder().build("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let handle = server.start(module.clone());
    let rpc = Rpc::new(options(vec![format!("ws://{address}").parse().unwrap()])).unwrap();
    assert_eq!(echo(&rpc, 7).await.unwrap(), 7);
    check_batch(&rpc, 20).await;
    let mut heads = rpc.subscribe(["newHeads"]).await.unwrap().unwrap();
    let head = futures_util::StreamExt::next(&mut heads).await.unwrap();
    assert_eq!(head.get(), "\"head\"");

    handle.stop().unwrap();
    handle.stopped().await;
    let error = echo(&rpc, 7).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Retry, "{error}");
    let server = JsonRpcServer::builder().build(address).await.unwrap();
    let _handle = server.start(module);
    assert_eq!(echo(&rpc, 8).await.unwrap(), 8);
}

#[tokio::test]
async fn rest_tells_not_found_from_faults() {
    let data = || Step::Body(json!({ "data": 5 }).to_string());
    let server = Server::scripted([status(404), status(503), data(), status(400)]).await;
    let options =
        RestOptions { backoff_ms: 5, ..RestOptions::new("beacon", vec![server.url.clone()]) };
    let rest = Rest::new(options).unwrap();
    assert_eq!(rest.get::<Value>(0, "/eth/v1/x?y=1&y=2").await.unwrap(), None);
    assert_eq!(rest.get::<Value>(0, "/eth/v1/x").await.unwrap(), Some(json!({ "data": 5 })));
    let error = rest.get::<Value>(0, "/eth/v1/x?y=1").await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::GiveUp);
    assert!(error.to_string().starts_with("/eth/v1/x at http://127.0.0.1"), "{error}");
    let first = &server.seen()[0];
    assert_eq!(
        (first.method.as_str(), first.uri.to_string().as_str()),
        ("GET", "/eth/v1/x?y=1&y=2")
    );
}
