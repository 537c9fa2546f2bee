//! The Engine API: who may call, which version when, and a whole cycle.

use crate::client::{Refused, SECRET, Served, http};
use crate::world::{self, GAS_LIMIT, World, funded};
use alloy_primitives::{B256, Bytes};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use opal_client::JwtSecret;
use opal_engine::engine_api::{RemoteEngine, RemoteEngineOptions};
use opal_engine::{
    BlockData, EngineHandle, Forkchoice, ForkchoiceStatus, InsertStatus, Label, StoreLocation,
};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const MEMORY: StoreLocation = StoreLocation::Memory;

fn token(secret: [u8; 32], shift_s: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({ "iat": now.saturating_add_signed(shift_s) });
    let key = EncodingKey::from_secret(&secret);
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

/// A call on the port for those with a token.
async fn call(served: &Served, method: &str, params: Value) -> Result<Value, Refused> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let url = format!("http://{}", served.handle.auth().unwrap());
    let request = http().post(url).bearer_auth(token(SECRET, 0)).json(&body);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    match answer.get("error") {
        None => Ok(answer["result"].clone()),
        Some(error) => Err(Refused {
            code: error["code"].as_i64().unwrap(),
            message: error["message"].as_str().unwrap().to_owned(),
            data: error["data"].clone(),
        }),
    }
}

/// Code and reason of a call that is refused.
async fn refusal(served: &Served, method: &str, params: Value) -> (i64, String) {
    let error = call(served, method, params).await.unwrap_err();
    (error.code, error.data["err"].as_str().unwrap_or(&error.message).to_owned())
}

#[tokio::test]
async fn only_a_fresh_token_with_the_secret_opens_the_port() {
    let served = Served::new(world::l2(MEMORY)).await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] });
    let url = format!("http://{}", served.handle.auth().unwrap());
    let client = http();
    for (token, status, text) in [
        (None, 401, "missing token"),
        (Some(token([8; 32], 0)), 401, "token is not valid"),
        (Some(token(SECRET, -120)), 401, "stale token"),
        (Some(token(SECRET, 120)), 401, "future token"),
        (Some(token(SECRET, -30)), 200, "\"0x385\""),
    ] {
        let mut request = client.post(&url).json(&body);
        if let Some(token) = &token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{text}");
        let found = answer.text().await.unwrap();
        assert!(found.contains(text), "{found}");
    }
    // Without a token nothing of the engine is there.
    let (code, _) = served.no("engine_exchangeCapabilities", json!([[]])).await;
    assert_eq!(code, -32601);
}

fn state(head: B256) -> Value {
    json!({ "headBlockHash": head, "safeBlockHash": head, "finalizedBlockHash": head })
}

/// Attributes of the next block in the form of op-node.
fn attributes(world: &World) -> Value {
    let wanted = world.attributes(world.head());
    let mut value = json!({
        "timestamp": format!("{:#x}", wanted.timestamp),
        "prevRandao": wanted.prev_randao,
        "suggestedFeeRecipient": wanted.fee_recipient,
        "withdrawals": [],
        "parentBeaconBlockRoot": wanted.parent_beacon_block_root,
    });
    if world.rules.l2().is_some() {
        value["transactions"] = json!(wanted.transactions);
        value["gasLimit"] = json!(format!("{GAS_LIMIT:#x}"));
        value["eip1559Params"] = json!("0x0000000000000000");
        value["minBaseFee"] = json!(0);
    }
    value
}

#[tokio::test]
async fn a_block_goes_round_through_the_engine_api() {
    for make in [world::l2 as fn(StoreLocation) -> World, |store| world::l1(store, 0)] {
        let (maker, follower) = (Served::new(make(MEMORY)).await, Served::new(make(MEMORY)).await);
        let [alice, ..] = funded();
        let sent = maker.world.send(&alice.sign(maker.world.count(0)));
        let genesis = maker.world.head();
        let params = json!([state(genesis), attributes(&maker.world)]);
        let answer = call(&maker, "engine_forkchoiceUpdatedV3", params).await.unwrap();
        assert_eq!(answer["payloadStatus"]["status"], json!("VALID"));
        assert_eq!(answer["payloadStatus"]["latestValidHash"], json!(genesis));
        let id = answer["payloadId"].clone();
        let envelope = call(&maker, "engine_getPayloadV5", json!([id])).await.unwrap();
        let payload = envelope["executionPayload"].clone();
        assert_eq!(envelope["shouldOverrideBuilder"], json!(false));
        assert_eq!(envelope["executionRequests"], json!([]));
        let bundle = json!({ "commitments": [], "proofs": [], "blobs": [] });
        assert_eq!(envelope["blobsBundle"], bundle);
        let is_l2 = maker.world.rules.l2().is_some();
        assert_eq!(payload.get("withdrawalsRoot").is_some(), is_l2);
        assert_eq!(envelope.get("parentBeaconBlockRoot").is_some(), is_l2);
        let hash: B256 = serde_json::from_value(payload["blockHash"].clone()).unwrap();
        let params = json!([payload, [], B256::ZERO, []]);
        for served in [&maker, &follower] {
            let status = call(served, "engine_newPayloadV4", params.clone()).await.unwrap();
            let wanted =
                json!({ "status": "VALID", "latestValidHash": hash, "validationError": null });
            assert_eq!(status, wanted);
            let params = json!([state(hash), null]);
            let answer = call(served, "engine_forkchoiceUpdatedV3", params).await.unwrap();
            assert_eq!(answer["payloadStatus"]["status"], json!("VALID"));
            assert_eq!(answer["payloadId"], Value::Null);
            assert_eq!(served.world.head(), hash);
            let receipt = served.ok("eth_getTransactionReceipt", json!([sent])).await;
            assert_eq!(receipt["status"], json!("0x1"));
            let safe = served.ok("eth_getBlockByNumber", json!(["safe", false])).await;
            assert_eq!(safe["hash"], json!(hash));
        }
        let bodies = json!([[hash, B256::ZERO]]);
        let bodies = call(&maker, "engine_getPayloadBodiesByHashV1", bodies).await.unwrap();
        assert_eq!(bodies[0]["transactions"], payload["transactions"]);
        assert_eq!(bodies[0]["withdrawals"], json!([]));
        assert_eq!(bodies[1], Value::Null);
        let range = json!(["0x1", "0x5"]);
        let range = call(&maker, "engine_getPayloadBodiesByRangeV1", range).await.unwrap();
        assert_eq!(range, json!([bodies[0]]));
    }
}

#[tokio::test]
async fn every_version_is_for_its_forks() {
    // Karst is active: only the newest versions fit.
    let served = Served::new(world::l2(MEMORY)).await;
    let genesis = served.world.head();
    let with = |change: fn(&mut Value)| {
        let mut attributes = attributes(&served.world);
        change(&mut attributes);
        json!([state(genesis), attributes])
    };
    let unsupported = -38005;
    let invalid = -38003;
    for (method, params, code, text) in [
        (
            "engine_forkchoiceUpdatedV2",
            with(|it| it["parentBeaconBlockRoot"] = Value::Null),
            unsupported,
            "fcuV2 must only be called with paris or shanghai payloads",
        ),
        ("engine_forkchoiceUpdatedV2", with(|_| ()), invalid, "unexpected beacon root"),
        (
            "engine_forkchoiceUpdatedV3",
            with(|it| it["withdrawals"] = Value::Null),
            invalid,
            "missing withdrawals",
        ),
        (
            "engine_forkchoiceUpdatedV3",
            with(|it| it["gasLimit"] = Value::Null),
            invalid,
            "gasLimit parameter is required",
        ),
        (
            "engine_forkchoiceUpdatedV3",
            with(|it| it["eip1559Params"] = json!("0x00")),
            invalid,
            "holocene eip-1559 params should be 8 bytes, got 1",
        ),
        ("engine_getPayloadV5", json!(["0x0000000000000001"]), -38001, "Unknown payload"),
    ] {
        assert_eq!(refusal(&served, method, params).await, (code, text.to_owned()), "{method}");
    }
    // op-node says null where it builds nothing, whatever the version.
    let answer = call(&served, "engine_forkchoiceUpdatedV2", json!([state(genesis), null])).await;
    assert_eq!(answer.unwrap()["payloadStatus"]["status"], json!("VALID"));
    let answer = call(&served, "engine_forkchoiceUpdatedV3", with(|_| ())).await.unwrap();
    let id = answer["payloadId"].clone();
    for method in ["engine_getPayloadV2", "engine_getPayloadV3", "engine_getPayloadV4"] {
        let wanted = (unsupported, "Unsupported fork".to_owned());
        assert_eq!(refusal(&served, method, json!([id])).await, wanted, "{method}");
    }
    let payload = call(&served, "engine_getPayloadV5", json!([id])).await.unwrap();
    let payload = payload["executionPayload"].clone();
    for (method, params, code, text) in [
        ("engine_newPayloadV2", json!([payload]), -32602, "can't use newPayloadV2 post-cancun"),
        (
            "engine_newPayloadV3",
            json!([payload, [], B256::ZERO]),
            unsupported,
            "newPayloadV3 must only be called for cancun payloads",
        ),
        (
            "engine_newPayloadV4",
            json!([payload, null, B256::ZERO, []]),
            -32602,
            "nil versionedHashes post-cancun",
        ),
        (
            "engine_newPayloadV4",
            json!([payload, [], B256::ZERO, ["0x01"]]),
            -32602,
            "empty request: 0x01",
        ),
    ] {
        assert_eq!(refusal(&served, method, params).await, (code, text.to_owned()), "{method}");
    }
}

#[tokio::test]
async fn a_wrong_payload_is_invalid_and_an_orphan_is_waited_for() {
    let served = Served::new(world::l2(MEMORY)).await;
    let other = Served::new(world::l2(MEMORY)).await;
    let (one, two) = (other.world.grow(), other.world.grow());
    let payload = |hash: B256| {
        let other = &other;
        async move {
            let body = other.ok("eth_getBlockByHash", json!([hash, false])).await;
            let built = other.world.engine.block(hash).unwrap().unwrap();
            json!({
                "parentHash": body["parentHash"], "feeRecipient": body["miner"],
                "stateRoot": body["stateRoot"], "receiptsRoot": body["receiptsRoot"],
                "logsBloom": body["logsBloom"], "prevRandao": body["mixHash"],
                "blockNumber": body["number"], "gasLimit": body["gasLimit"],
                "gasUsed": body["gasUsed"], "timestamp": body["timestamp"],
                "extraData": body["extraData"], "baseFeePerGas": body["baseFeePerGas"],
                "blockHash": body["hash"], "transactions": built.transactions,
                "withdrawals": [], "blobGasUsed": body["blobGasUsed"],
                "excessBlobGas": body["excessBlobGas"], "withdrawalsRoot": body["withdrawalsRoot"],
            })
        }
    };
    let first = payload(one.block.header.hash()).await;
    let second = payload(two.block.header.hash()).await;
    let insert = |payload: Value| {
        let params = json!([payload, [], B256::ZERO, []]);
        call(&served, "engine_newPayloadV4", params)
    };
    let status = insert(second.clone()).await.unwrap();
    assert_eq!(status["status"], json!("SYNCING"));
    let unknown = json!([state(two.block.header.hash()), null]);
    let answer = call(&served, "engine_forkchoiceUpdatedV3", unknown).await.unwrap();
    assert_eq!(answer["payloadStatus"]["status"], json!("SYNCING"));
    let mut forged = first.clone();
    forged["gasUsed"] = json!("0x1");
    let status = insert(forged).await.unwrap();
    assert_eq!(status["status"], json!("INVALID"));
    assert_eq!(status["latestValidHash"], Value::Null);
    let text = status["validationError"].as_str().unwrap().to_owned();
    assert!(text.starts_with("blockhash mismatch"), "{text}");
    let mut rootless = first.clone();
    rootless.as_object_mut().unwrap().remove("withdrawalsRoot");
    let status = insert(rootless).await.unwrap();
    assert_eq!(status["validationError"], json!("nil withdrawalsRoot post-Isthmus"));
    assert_eq!(insert(first).await.unwrap()["status"], json!("VALID"));
    assert_eq!(insert(second).await.unwrap()["status"], json!("VALID"));
    let zero = json!([state(B256::ZERO), null]);
    let answer = call(&served, "engine_forkchoiceUpdatedV3", zero).await.unwrap();
    assert_eq!(answer["payloadStatus"]["status"], json!("INVALID"));
    let beside = json!([{
        "headBlockHash": one.block.header.hash(),
        "safeBlockHash": two.block.header.hash(),
        "finalizedBlockHash": B256::ZERO,
    }, null]);
    let (code, _) = refusal(&served, "engine_forkchoiceUpdatedV3", beside).await;
    assert_eq!(code, -38002);
}

#[tokio::test]
async fn capabilities_and_versions_are_told() {
    let served = Served::new(world::l2(MEMORY)).await;
    let told = call(&served, "engine_exchangeCapabilities", json!([[]])).await.unwrap();
    for name in told.as_array().unwrap() {
        let name = name.as_str().unwrap();
        let refused = call(&served, name, json!([])).await;
        assert!(refused.passes_or(|error| error.code != -32601), "{name}");
    }
    let version = call(&served, "engine_getClientVersionV1", json!([{}])).await.unwrap();
    assert_eq!(version[0]["name"], json!("opal"));
    let signal = call(&served, "engine_signalSuperchainV1", json!([null])).await.unwrap();
    let wanted = "0x0000000000000000000000000000000000000009000000000000000000000000";
    assert_eq!(signal, json!(wanted));
}

trait PassesOr<E> {
    fn passes_or(self, check: impl FnOnce(E) -> bool) -> bool;
}

impl<T, E> PassesOr<E> for Result<T, E> {
    fn passes_or(self, check: impl FnOnce(E) -> bool) -> bool {
        match self {
            Ok(_) => true,
            Err(error) => check(error),
        }
    }
}

fn remote(served: &Served) -> EngineHandle {
    let options = RemoteEngineOptions {
        endpoint: format!("http://{}", served.handle.auth().unwrap()).parse().unwrap(),
        secret: JwtSecret::new(SECRET),
        config: served.world.rules.l2().unwrap().clone(),
    };
    EngineHandle::Remote(RemoteEngine::new(options).unwrap())
}

#[tokio::test]
async fn a_remote_engine_answers_as_a_local_one() {
    let served = Served::new(world::l2(MEMORY)).await;
    let world = &served.world;
    let local = EngineHandle::Local(world.engine.clone());
    let remote = remote(&served);
    let genesis = world.head();
    let now = Forkchoice { head: genesis, safe: genesis, finalized: genesis };
    let attributes = world.attributes(genesis);
    let timestamp = attributes.timestamp;
    let id = remote.build(now, &attributes).await.unwrap();
    assert_eq!(local.build(now, &attributes).await.unwrap(), id);
    let payload = remote.payload(id, timestamp).await.unwrap();
    assert_eq!(local.payload(id, timestamp).await.unwrap(), payload);
    let hash = payload.block_hash;
    assert_eq!(remote.insert(&payload).await.unwrap(), InsertStatus::Valid { hash });
    let next = Forkchoice { head: hash, safe: genesis, finalized: genesis };
    let status = remote.forkchoice(next).await.unwrap();
    assert_eq!(status, ForkchoiceStatus::Valid { head: hash });
    assert_eq!(world.head(), hash);
    world.grow();
    let head = world.grow().block.header.hash();
    for number in 0..=4 {
        let found = remote.block_by_number(number).await.unwrap();
        assert_eq!(found, local.block_by_number(number).await.unwrap(), "{number}");
        let found = remote.ancestor(head, number).await.unwrap();
        assert_eq!(found, local.ancestor(head, number).await.unwrap(), "{number}");
    }
    for label in [Label::Latest, Label::Safe, Label::Finalized] {
        let found = remote.block_by_label(label).await.unwrap();
        assert_eq!(found, local.block_by_label(label).await.unwrap(), "{label:?}");
    }
    let found = remote.block(hash).await.unwrap();
    assert_eq!(found, local.block(hash).await.unwrap());
    assert_eq!(remote.block(B256::repeat_byte(9)).await.unwrap(), None);
    let found = remote.output_root(hash).await.unwrap().unwrap();
    assert_eq!(Some(found), local.output_root(hash).await.unwrap());
}

#[tokio::test]
async fn a_remote_engine_finds_ancestors_beside_the_chain() {
    let served = Served::new(world::l2(MEMORY)).await;
    let mut world_beside = world::l2(MEMORY);
    let world = &served.world;
    let one = world.grow();
    world.grow();
    world_beside.salt = 9;
    world_beside.insert(&one);
    world_beside.follow(one.block.header.hash());
    let (two, three) = (world_beside.grow(), world_beside.grow());
    for built in [&two, &three] {
        world.engine.insert(&BlockData::from(&*built.block)).unwrap();
    }
    let remote = remote(&served);
    let tip = three.block.header.hash();
    let hash_at = |number| {
        let remote = &remote;
        async move { remote.ancestor(tip, number).await.unwrap().unwrap().header.hash() }
    };
    assert_eq!(hash_at(3).await, tip);
    assert_eq!(hash_at(2).await, two.block.header.hash());
    assert_eq!(hash_at(1).await, one.block.header.hash());
    assert_eq!(hash_at(0).await, world.engine.first_block().hash);
    assert!(remote.ancestor(tip, 4).await.unwrap().is_none());
}

#[tokio::test]
async fn a_remote_engine_tells_attributes_that_are_invalid() {
    let served = Served::new(world::l2(MEMORY)).await;
    let remote = remote(&served);
    let genesis = served.world.head();
    let now = Forkchoice { head: genesis, safe: genesis, finalized: genesis };
    let mut attributes = served.world.attributes(genesis);
    attributes.transactions.push(Bytes::from_static(&[0x02, 0xc0]));
    let error = remote.build(now, &attributes).await.unwrap_err();
    assert!(error.is_invalid_attributes(), "{error}");
    let unknown = Forkchoice { head: B256::repeat_byte(9), ..now };
    remote.build(unknown, &attributes).await.unwrap_err();
    let status = remote.forkchoice(unknown).await.unwrap();
    assert_eq!(status, ForkchoiceStatus::Syncing);
}
