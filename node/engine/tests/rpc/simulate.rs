//! `eth_simulateV1`.

use crate::client::Served;
use crate::world::{self, COUNTER, GWEI, funded};
use alloy_primitives::{Address, B256, U256, b256};
use opal_engine::StoreLocation;
use serde_json::{Value, json};

const MEMORY: StoreLocation = StoreLocation::Memory;
const SOMEBODY: Address = Address::with_last_byte(0x77);

async fn simulate(served: &Served, payload: Value) -> Value {
    served.ok("eth_simulateV1", json!([payload, "latest"])).await
}

#[tokio::test]
async fn calls_see_what_calls_before_them_did() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let served = Served::new(world).await;
        let head = served.world.grow();
        let [alice, ..] = funded();
        let call = json!({ "from": alice.address, "to": COUNTER });
        let blocks = simulate(
            &served,
            json!({ "blockStateCalls": [{ "calls": [call, call] }, { "calls": [call] }] }),
        )
        .await;
        let first = &blocks[0];
        assert_eq!(first["number"], json!("0x2"));
        assert_eq!(first["parentHash"], json!(head.block.header.hash()));
        assert_eq!(first["baseFeePerGas"], json!("0x0"));
        assert_eq!(blocks[1]["parentHash"], first["hash"]);
        let counts: Vec<_> = blocks
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|block| block["calls"].as_array().unwrap())
            .map(|call| call["logs"][0]["data"].clone())
            .collect();
        let wanted: Vec<_> = (1..=3).map(|it| json!(B256::with_last_byte(it))).collect();
        assert_eq!(counts, wanted);
        for call in first["calls"].as_array().unwrap() {
            assert_eq!(call["status"], json!("0x1"));
            assert_eq!(call["logs"][0]["blockHash"], first["hash"]);
        }
        // Nothing of it lasts.
        assert_eq!(served.world.head(), head.block.header.hash());
        let slot = served.ok("eth_getStorageAt", json!([COUNTER, "0x0", "latest"])).await;
        assert_eq!(slot, json!(B256::ZERO));
    }
}

#[tokio::test]
async fn a_simulated_transaction_gives_the_state_that_the_real_one_gives() {
    let served = Served::new(world::l1(MEMORY, 0)).await;
    let [alice, ..] = funded();
    served.world.send(&alice.sign(served.world.count(0)));
    let built = served.world.build(served.world.head());
    let header = &built.block.header;
    let tx = served.world.count(0);
    let simulated = served
        .ok(
            "eth_simulateV1",
            json!([{
                "validation": true,
                "blockStateCalls": [{
                    "blockOverrides": {
                        "time": format!("{:#x}", header.timestamp),
                        "feeRecipient": header.beneficiary,
                        "prevRandao": header.mix_hash,
                    },
                    "calls": [{
                        "from": alice.address, "to": COUNTER, "gas": format!("{:#x}", tx.gas_limit),
                        "maxFeePerGas": format!("{:#x}", tx.max_fee_per_gas),
                        "maxPriorityFeePerGas": format!("{:#x}", tx.max_priority_fee_per_gas),
                    }],
                }],
            }, "latest"]),
        )
        .await;
    let block = &simulated[0];
    assert_eq!(block["stateRoot"], json!(header.state_root));
    assert_eq!(block["receiptsRoot"], json!(header.receipts_root));
    assert_eq!(block["gasUsed"], json!(format!("{:#x}", header.gas_used)));
    assert_eq!(block["logsBloom"], json!(header.logs_bloom));
}

#[tokio::test]
async fn validation_minds_nonces_and_fees() {
    let served = Served::new(world::l2(MEMORY)).await;
    let [alice, ..] = funded();
    let check = |call: Value, code: i64| {
        let served = &served;
        async move {
            let payload = json!({ "validation": true, "blockStateCalls": [{ "calls": [call] }] });
            let (found, text) = served.no("eth_simulateV1", json!([payload, "latest"])).await;
            assert_eq!(found, code, "{text}");
        }
    };
    let from = alice.address;
    let fee = format!("{:#x}", 10 * GWEI);
    check(json!({ "from": from, "to": SOMEBODY }), -32602).await;
    check(json!({ "from": from, "to": SOMEBODY, "nonce": "0x5", "maxFeePerGas": fee }), -38011)
        .await;
    check(json!({ "from": SOMEBODY, "to": COUNTER, "maxFeePerGas": fee }), -38014).await;
    check(json!({ "from": from, "to": SOMEBODY, "gas": "0x1", "maxFeePerGas": fee }), -38013).await;
    check(json!({ "from": from, "to": SOMEBODY, "gas": "0xffffffffff" }), -38015).await;
}

#[tokio::test]
async fn transfers_and_failures_are_told() {
    let served = Served::new(world::l2(MEMORY)).await;
    let [alice, ..] = funded();
    let blocks = simulate(
        &served,
        json!({
            "traceTransfers": true,
            "returnFullTransactions": true,
            "blockStateCalls": [{
                "stateOverrides": { SOMEBODY.to_string(): { "code": "0x5f5ffd" } },
                "calls": [
                    { "from": alice.address, "to": Address::with_last_byte(0x78), "value": "0x5" },
                    { "from": alice.address, "to": SOMEBODY },
                ],
            }],
        }),
    )
    .await;
    let calls = &blocks[0]["calls"];
    let log = &calls[0]["logs"][0];
    let transfer = b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
    assert_eq!(log["topics"][0], json!(transfer));
    assert_eq!(log["data"], json!(B256::from(U256::from(5))));
    // It is told, not part of the receipts.
    assert_eq!(blocks[0]["logsBloom"], json!(alloy_primitives::Bloom::ZERO));
    assert_eq!(calls[1]["status"], json!("0x0"));
    assert_eq!(calls[1]["error"]["code"], json!(3));
    let transactions = blocks[0]["transactions"].as_array().unwrap();
    assert_eq!(transactions.len(), 2);
    assert_eq!(transactions[0]["from"], json!(alice.address));
    assert_eq!(transactions[1]["nonce"], json!("0x1"));
}

#[tokio::test]
async fn too_much_is_refused() {
    let served = Served::new(world::l2(MEMORY)).await;
    for (payload, code) in [
        (json!({ "blockStateCalls": [] }), -32602),
        (json!({ "blockStateCalls": vec![json!({}); 257] }), -38026),
        (json!({ "blockStateCalls": [{ "blockOverrides": { "number": "0x0" } }] }), -38020),
        (json!({ "blockStateCalls": [{ "blockOverrides": { "time": "0x1" } }] }), -38021),
        (json!({ "blockStateCalls": [{ "calls": vec![json!({}); 5_001] }] }), -38026),
    ] {
        let (found, text) = served.no("eth_simulateV1", json!([payload, "latest"])).await;
        assert_eq!(found, code, "{text}");
    }
}
