//! What a server does with clients that ask for too much, come from elsewhere, or do not leave.

use crate::client::{Served, http, options, subscribe};
use crate::world;
use opal_engine::StoreLocation;
use opal_engine::rpc::{Cors, Limits, ServeError, serve};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const MEMORY: StoreLocation = StoreLocation::Memory;

fn request(id: u64) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "eth_chainId", "params": [] })
}

#[tokio::test]
async fn batches_are_answered_up_to_their_limit() {
    let mut options = options();
    options.limits = Limits { batch: 3, ..Limits::STANDARD };
    let served = Served::with(world::l2(MEMORY), options).await;
    let batch: Vec<_> = (0..3).map(request).collect();
    let answer: Value = served.post(served.url(), &json!(batch)).await.json().await.unwrap();
    let ids: Vec<_> = answer.as_array().unwrap().iter().map(|it| it["id"].clone()).collect();
    assert_eq!(ids, [json!(0), json!(1), json!(2)]);
    let batch: Vec<_> = (0..4).map(request).collect();
    let answer: Value = served.post(served.url(), &json!(batch)).await.json().await.unwrap();
    assert!(answer.get("error").is_some(), "{answer}");
}

#[tokio::test]
async fn long_requests_and_answers_are_refused() {
    let mut options = options();
    options.limits = Limits { request_bytes: 1_000, response_bytes: 2_000, ..Limits::STANDARD };
    let served = Served::with(world::l2(MEMORY), options).await;
    served.world.grow();
    let long = json!({ "jsonrpc": "2.0", "id": 1, "method": "web3_sha3",
        "params": [format!("0x{}", "00".repeat(1_000))] });
    assert_eq!(served.post(served.url(), &long).await.status().as_u16(), 413);
    let (_, text) = served.no("eth_getBlockByNumber", json!(["latest", true])).await;
    assert!(text.contains("too big"), "{text}");
    served.ok("eth_chainId", json!([])).await;
}

#[tokio::test]
async fn subscriptions_of_a_connection_are_counted() {
    let mut options = options();
    options.limits = Limits { subscriptions: 1, ..Limits::STANDARD };
    let served = Served::with(world::l2(MEMORY), options).await;
    let ws = served.ws().await;
    let _first = subscribe(&ws, &[json!("newHeads")]).await;
    use jsonrpsee::core::client::SubscriptionClientT;
    let params = jsonrpsee::rpc_params!["newHeads"];
    let second = ws.subscribe::<Value, _>("eth_subscribe", params, "eth_unsubscribe").await;
    assert!(second.is_err());
    // Another connection has its own count.
    let other = served.ws().await;
    subscribe(&other, &[json!("newHeads")]).await;
}

#[tokio::test]
async fn http_and_ws_share_a_port() {
    use jsonrpsee::core::client::ClientT;
    let served = Served::new(world::l2(MEMORY)).await;
    let ws = served.ws().await;
    let number: Value = ws.request("eth_blockNumber", jsonrpsee::rpc_params![]).await.unwrap();
    assert_eq!(number, served.ok("eth_blockNumber", json!([])).await);
}

#[tokio::test]
async fn pages_of_this_machine_may_call_and_others_not() {
    for (cors, origin, allowed) in [
        (Cors::Localhost, "http://localhost:3000", true),
        (Cors::Localhost, "https://example.org", false),
        (Cors::Any, "https://example.org", true),
    ] {
        let mut options = options();
        options.cors = cors;
        let served = Served::with(world::l2(MEMORY), options).await;
        let preflight = http()
            .request(reqwest::Method::OPTIONS, served.url())
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
            .send()
            .await
            .unwrap();
        let found = preflight.headers().get("access-control-allow-origin");
        assert_eq!(found.is_some(), allowed, "{cors:?} {origin}");
    }
}

#[tokio::test]
async fn wrong_calls_are_refused_in_geths_words() {
    let served = Served::new(world::l2(MEMORY)).await;
    for (method, params, code, text) in [
        ("eth_nothing", json!([]), -32601, "Method not found"),
        ("eth_getBalance", json!([]), -32602, "missing value for required argument 0"),
        ("eth_chainId", json!([1]), -32602, "too many arguments, want at most 0"),
        ("eth_getBlockByNumber", json!({ "a": 1 }), -32602, "non-array args"),
    ] {
        assert_eq!(served.no(method, params).await, (code, text.to_owned()), "{method}");
    }
    let (code, text) = served.no("eth_getBalance", json!(["0x12"])).await;
    assert_eq!(code, -32602);
    assert!(text.starts_with("invalid argument 0: "), "{text}");
}

#[tokio::test]
async fn a_server_stops_within_a_second_whoever_is_connected() {
    let served = Served::new(world::l2(MEMORY)).await;
    let ws = served.ws().await;
    let _heads = subscribe(&ws, &[json!("newHeads")]).await;
    let address = served.handle.http();
    let start = Instant::now();
    served.handle.stop().await;
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error() {
    let served = Served::new(world::l2(MEMORY)).await;
    let mut options = options();
    options.http = served.handle.http();
    let refused = serve(served.world.engine.clone(), options).await;
    assert!(
        matches!(refused, Err(ServeError::Bind { address, .. }) if address == served.handle.http())
    );
}
