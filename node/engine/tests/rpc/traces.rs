//! Traces by geth's tracers.

use crate::client::{Served, options};
use crate::world::{self, COUNTER, World, funded};
use alloy_primitives::{Address, B256};
use opal_engine::StoreLocation;
use opal_engine::rpc::Limits;
use serde_json::{Value, json};

const MEMORY: StoreLocation = StoreLocation::Memory;

/// Two calls of the counter in one block.
fn counted(world: &World) -> [B256; 2] {
    let [alice, bob, ..] = funded();
    let first = world.send(&alice.sign(world.count(0)));
    let second = world.send(&bob.sign(world.count(0)));
    world.grow();
    [first, second]
}

#[tokio::test]
async fn a_transaction_is_traced_in_the_state_it_ran_in() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let served = Served::new(world).await;
        for (index, hash) in counted(&served.world).into_iter().enumerate() {
            let trace = served.ok("debug_traceTransaction", json!([hash])).await;
            let receipt = served.ok("eth_getTransactionReceipt", json!([hash])).await;
            let gas = receipt["gasUsed"].as_str().unwrap().trim_start_matches("0x").to_owned();
            assert_eq!(trace["gas"], json!(u64::from_str_radix(&gas, 16).unwrap()));
            assert_eq!(trace["failed"], json!(false));
            let steps = trace["structLogs"].as_array().unwrap();
            let names: Vec<_> = steps.iter().map(|it| it["op"].as_str().unwrap()).collect();
            let wanted = ["PUSH0", "SLOAD", "PUSH1", "ADD", "DUP1", "PUSH1", "SSTORE", "PUSH1"];
            assert_eq!(names[..8], wanted);
            // The second one finds what the first one wrote.
            assert_eq!(steps[2]["stack"], json!([format!("{index:#x}")]));
        }
    }
}

#[tokio::test]
async fn tracers_tell_calls_states_and_selectors() {
    let served = Served::new(world::l2(MEMORY)).await;
    let [first, second] = counted(&served.world);
    let [alice, ..] = funded();
    let calls = json!([first, { "tracer": "callTracer", "tracerConfig": { "withLog": true } }]);
    let calls = served.ok("debug_traceTransaction", calls).await;
    assert_eq!(calls["type"], json!("CALL"));
    assert_eq!(calls["from"], json!(format!("{:#x}", alice.address)));
    assert_eq!(calls["to"], json!(format!("{COUNTER:#x}")));
    assert_eq!(calls["logs"].as_array().unwrap().len(), 1);
    let before = json!([second, { "tracer": "prestateTracer" }]);
    let before = served.ok("debug_traceTransaction", before).await;
    let counter = &before[format!("{COUNTER:#x}")];
    let one = json!(B256::with_last_byte(1));
    assert_eq!(counter["storage"][B256::ZERO.to_string()], one);
    let diff = json!([second, {
        "tracer": "prestateTracer", "tracerConfig": { "diffMode": true },
    }]);
    let diff = served.ok("debug_traceTransaction", diff).await;
    let counter = &diff["post"][format!("{COUNTER:#x}")];
    assert_eq!(counter["storage"][B256::ZERO.to_string()], json!(B256::with_last_byte(2)));
    let selectors = json!([first, { "tracer": "4byteTracer" }]);
    served.ok("debug_traceTransaction", selectors).await;
    let script = json!([first, { "tracer": "{ step: function() {} }" }]);
    served.no("debug_traceTransaction", script).await;
    let (_, text) = served.no("debug_traceTransaction", json!([B256::ZERO])).await;
    assert_eq!(text, "transaction not found");
}

#[tokio::test]
async fn a_block_is_traced_whole_with_its_deposits() {
    let served = Served::new(world::l2(MEMORY)).await;
    counted(&served.world);
    let options = json!({ "tracer": "callTracer" });
    let by_number = served.ok("debug_traceBlockByNumber", json!(["latest", options])).await;
    let block = served.ok("eth_getBlockByNumber", json!(["latest", false])).await;
    let hashes: Vec<_> =
        by_number.as_array().unwrap().iter().map(|it| it["txHash"].clone()).collect();
    assert_eq!(json!(hashes), block["transactions"]);
    let by_hash = served.ok("debug_traceBlockByHash", json!([block["hash"], options])).await;
    assert_eq!(by_hash, by_number);
    let raw = served.ok("debug_getRawBlock", json!(["latest"])).await;
    let by_raw = served.ok("debug_traceBlock", json!([raw, options])).await;
    assert_eq!(by_raw, by_number);
    let (_, text) = served.no("debug_traceBlockByNumber", json!(["0x0"])).await;
    assert_eq!(text, "genesis is not traceable");
}

#[tokio::test]
async fn a_call_is_traced_with_overrides() {
    let served = Served::new(world::l2(MEMORY)).await;
    let somebody = Address::with_last_byte(0x77);
    let options = json!({
        "tracer": "callTracer",
        "stateOverrides": { somebody.to_string(): { "code": "0x5f5f5f5f5f60c15af1" } },
    });
    let trace = served.ok("debug_traceCall", json!([{ "to": somebody }, "latest", options])).await;
    assert_eq!(trace["calls"][0]["to"], json!(format!("{COUNTER:#x}")));
    // In the middle of a block: after the first of two calls of the counter.
    counted(&served.world);
    for (index, found) in [(1, "0x0"), (2, "0x1"), (3, "0x2")] {
        let options = json!({ "txIndex": format!("{index:#x}") });
        let params = json!([{ "to": COUNTER }, "latest", options]);
        let trace = served.ok("debug_traceCall", params).await;
        assert_eq!(trace["structLogs"][2]["stack"], json!([found]), "{index}");
    }
}

#[tokio::test]
async fn a_trace_has_a_bounded_number_of_steps() {
    let mut options = options();
    options.limits = Limits { trace_steps: 100, ..Limits::STANDARD };
    let served = Served::with(world::l2(MEMORY), options).await;
    let somebody = Address::with_last_byte(0x77);
    let endless = json!({
        "stateOverrides": { somebody.to_string(): { "code": "0x5b5f56" } },
    });
    let params = json!([{ "to": somebody }, "latest", endless]);
    let (_, text) = served.no("debug_traceCall", params).await;
    assert!(text.contains("too many steps"), "{text}");
    let short = served.ok("debug_traceCall", json!([{ "to": COUNTER }])).await;
    assert!(short["structLogs"].as_array().map(Vec::len).unwrap_or_default() > 5);
    assert_ne!(short, Value::Null);
}
