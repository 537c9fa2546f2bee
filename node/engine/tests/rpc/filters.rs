//! Logs, filters and subscriptions, through reorgs.

use crate::client::{Served, next, options, subscribe};
use crate::world::{self, COUNTER, World, funded};
use alloy_primitives::{Address, B256};
use opal_engine::StoreLocation;
use opal_engine::rpc::Limits;
use serde_json::{Value, json};

const MEMORY: StoreLocation = StoreLocation::Memory;

/// A block in which somebody calls the counter.
fn count(world: &World, sender: usize, nonce: u64) -> B256 {
    world.send(&funded()[sender].sign(world.count(nonce)));
    world.grow().block.header.hash()
}

/// A longer chain beside the head's last block, with one call in it.
fn reorg(world: &mut World) -> [B256; 2] {
    let head = world.engine.block(world.head()).unwrap().unwrap();
    world.salt += 1;
    let built = world.build(head.header.parent_hash);
    world.follow(world.insert(&built));
    [built.block.header.hash(), world.grow().block.header.hash()]
}

fn blocks_of(logs: &Value) -> Vec<(String, bool)> {
    let logs = logs.as_array().unwrap().iter();
    logs.map(|log| {
        (log["blockNumber"].as_str().unwrap().to_owned(), log["removed"].as_bool().unwrap())
    })
    .collect()
}

#[tokio::test]
async fn logs_are_found_by_range_hash_address_and_topic() {
    let served = Served::new(world::l2(MEMORY)).await;
    for nonce in 0..3 {
        count(&served.world, 0, nonce);
    }
    let hash = served.world.head();
    for (filter, numbers) in [
        (json!({ "fromBlock": "earliest" }), vec!["0x1", "0x2", "0x3"]),
        (json!({ "fromBlock": "0x2", "toBlock": "0x3" }), vec!["0x2", "0x3"]),
        (json!({}), vec!["0x3"]),
        (json!({ "blockHash": hash }), vec!["0x3"]),
        (json!({ "fromBlock": "0x0", "address": COUNTER }), vec!["0x1", "0x2", "0x3"]),
        (
            json!({ "fromBlock": "0x0", "address": [COUNTER, Address::ZERO] }),
            vec!["0x1", "0x2", "0x3"],
        ),
        (json!({ "fromBlock": "0x0", "address": Address::ZERO }), vec![]),
        (json!({ "fromBlock": "0x0", "topics": [B256::ZERO] }), vec![]),
        (json!({ "fromBlock": "0x0", "topics": [] }), vec!["0x1", "0x2", "0x3"]),
        (json!({ "fromBlock": "0x3", "toBlock": "0x99" }), vec!["0x3"]),
    ] {
        let logs = served.ok("eth_getLogs", json!([filter])).await;
        let found: Vec<_> = blocks_of(&logs).into_iter().map(|(number, _)| number).collect();
        assert_eq!(found, numbers, "{filter}");
    }
    for (filter, code, text) in [
        (json!({ "fromBlock": "0x2", "toBlock": "0x1" }), -32602, "invalid block range params"),
        (json!({ "blockHash": B256::ZERO }), -32000, "unknown block"),
        (json!({ "fromBlock": "pending" }), -32602, "pending logs are not supported"),
    ] {
        let wanted = (code, text.to_owned());
        assert_eq!(served.no("eth_getLogs", json!([filter])).await, wanted, "{filter}");
    }
}

#[tokio::test]
async fn ranges_and_answers_are_bounded() {
    let mut options = options();
    options.limits = Limits { log_blocks: 2, logs: 1, filters: 1, ..Limits::STANDARD };
    let served = Served::with(world::l2(MEMORY), options).await;
    for nonce in 0..3 {
        count(&served.world, 0, nonce);
    }
    let wide = json!([{ "fromBlock": "0x0", "toBlock": "latest" }]);
    let (_, text) = served.no("eth_getLogs", wide).await;
    assert_eq!(text, "exceed maximum block range: 2");
    let many = json!([{ "fromBlock": "0x2", "toBlock": "latest" }]);
    let (_, text) = served.no("eth_getLogs", many).await;
    assert_eq!(text, "query returned more than 1 results");
    let id = served.ok("eth_newBlockFilter", json!([])).await;
    let (_, text) = served.no("eth_newBlockFilter", json!([])).await;
    assert_eq!(text, "there are 1 filters already");
    assert_eq!(served.ok("eth_uninstallFilter", json!([id])).await, json!(true));
    assert_eq!(served.ok("eth_uninstallFilter", json!([id])).await, json!(false));
    served.ok("eth_newBlockFilter", json!([])).await;
}

#[tokio::test]
async fn a_filter_tells_what_is_new_and_what_is_gone() {
    let mut served = Served::new(world::l2(MEMORY)).await;
    let blocks = served.ok("eth_newBlockFilter", json!([])).await;
    let logs = served.ok("eth_newFilter", json!([{ "address": COUNTER }])).await;
    let pending = served.ok("eth_newPendingTransactionFilter", json!([])).await;
    let one = count(&served.world, 0, 0);
    let two = count(&served.world, 0, 1);
    assert_eq!(served.ok("eth_getFilterChanges", json!([blocks])).await, json!([one, two]));
    assert_eq!(served.ok("eth_getFilterChanges", json!([blocks])).await, json!([]));
    let found = served.ok("eth_getFilterChanges", json!([logs])).await;
    assert_eq!(blocks_of(&found), [("0x1".to_owned(), false), ("0x2".to_owned(), false)]);
    let hashes = served.ok("eth_getFilterChanges", json!([pending])).await;
    assert_eq!(hashes.as_array().unwrap().len(), 2);
    // The pool has the call of the block that goes, so the new one holds it again.
    let added = reorg(&mut served.world);
    assert_eq!(served.ok("eth_getFilterChanges", json!([blocks])).await, json!(added));
    let found = served.ok("eth_getFilterChanges", json!([logs])).await;
    assert_eq!(blocks_of(&found)[0], ("0x2".to_owned(), true));
    assert!(blocks_of(&found)[1..].iter().all(|(_, removed)| !removed));
    let all = served.ok("eth_getFilterLogs", json!([logs])).await;
    assert!(blocks_of(&all).iter().all(|(_, removed)| !removed));
    let (_, text) = served.no("eth_getFilterChanges", json!(["0x77"])).await;
    assert_eq!(text, "filter not found");
    let (_, text) = served.no("eth_getFilterLogs", json!([blocks])).await;
    assert_eq!(text, "filter not found");
}

#[tokio::test]
async fn subscribers_are_told_of_heads_logs_and_transactions() {
    let mut served = Served::new(world::l2(MEMORY)).await;
    let ws = served.ws().await;
    let mut heads = subscribe(&ws, &[json!("newHeads")]).await;
    let mut logs = subscribe(&ws, &[json!("logs"), json!({ "address": COUNTER })]).await;
    let mut hashes = subscribe(&ws, &[json!("newPendingTransactions")]).await;
    let mut full = subscribe(&ws, &[json!("newPendingTransactions"), json!(true)]).await;
    let one = count(&served.world, 0, 0);
    let head = next(&mut heads).await;
    assert_eq!(head["hash"], json!(one));
    assert!(head.get("transactions").is_none());
    let log = next(&mut logs).await;
    assert_eq!((&log["blockHash"], &log["removed"]), (&json!(one), &json!(false)));
    let hash = next(&mut hashes).await;
    let transaction = served.ok("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(next(&mut full).await["hash"], transaction["hash"]);
    let added = reorg(&mut served.world);
    for hash in added {
        assert_eq!(next(&mut heads).await["hash"], json!(hash));
    }
    let gone = next(&mut logs).await;
    assert_eq!((&gone["blockHash"], &gone["removed"]), (&json!(one), &json!(true)));
    let again = next(&mut logs).await;
    assert_eq!((&again["blockHash"], &again["removed"]), (&json!(added[1]), &json!(false)));
}

#[tokio::test]
async fn unknown_topics_are_refused_and_ids_are_text() {
    let served = Served::new(world::l2(MEMORY)).await;
    let ws = served.ws().await;
    let heads = subscribe(&ws, &[json!("newHeads")]).await;
    let id = match heads.kind() {
        jsonrpsee::core::client::SubscriptionKind::Subscription(id) => id.clone(),
        other => panic!("{other:?}"),
    };
    let id = serde_json::to_value(id).unwrap();
    assert!(id.as_str().unwrap().starts_with("0x"), "{id}");
    use jsonrpsee::core::client::SubscriptionClientT;
    let params = jsonrpsee::rpc_params!["nothing"];
    let refused = ws.subscribe::<Value, _>("eth_subscribe", params, "eth_unsubscribe").await;
    let text = format!("{:?}", refused.unwrap_err());
    let text = text.replace('\\', "");
    assert!(text.contains("no \"nothing\" subscription in eth namespace"), "{text}");
    // Over http there is nobody to tell.
    let (code, _) = served.no("eth_subscribe", json!(["newHeads"])).await;
    assert_eq!(code, -32603);
}
