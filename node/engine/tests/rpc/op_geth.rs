//! Beside op-geth: the same chain, the same questions, the same answers.
//!
//! The blocks reach it through opal's Engine API client.

use crate::client::{SECRET, Served, free, http};
use crate::keys::Key;
use crate::world::{self, COUNTER, GWEI, World, funded};
use alloy_consensus::{TxEip1559, TxEip2930};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U256, hex};
use opal_client::JwtSecret;
use opal_engine::engine_api::{RemoteEngine, RemoteEngineOptions};
use opal_engine::{
    Engine, EngineHandle, EngineOptions, Forkchoice, ForkchoiceStatus, InsertStatus, PoolLimits,
    Rules, StoreLocation, genesis_header,
};
use opal_execute::predeploys::MESSAGE_PASSER;
use opal_harness::peer::go_peer;
use opal_types::read::GenesisAccount;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running op-geth, ended with this.
struct OpGeth {
    process: Child,
    http: String,
    auth: String,
}

impl Drop for OpGeth {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that was free a moment ago.
fn port() -> u16 {
    std::net::TcpListener::bind(free()).unwrap().local_addr().unwrap().port()
}

/// The chain's genesis file as op-geth reads it.
async fn genesis(served: &Served) -> Value {
    let first = served.ok("eth_getBlockByNumber", json!(["earliest", false])).await;
    let mut alloc = Map::new();
    for (address, account) in &served.world.engine.genesis().alloc {
        let entry = json!({
            "balance": account.balance, "nonce": account.nonce, "code": account.code,
            "storage": account.storage,
        });
        alloc.insert(address.to_string(), entry);
    }
    json!({
        "config": served.ok("debug_chainConfig", json!([])).await,
        "alloc": alloc, "timestamp": first["timestamp"], "gasLimit": first["gasLimit"],
        "extraData": first["extraData"], "difficulty": "0x0", "mixHash": first["mixHash"],
        "coinbase": first["miner"], "baseFeePerGas": first["baseFeePerGas"],
        "excessBlobGas": first["excessBlobGas"], "blobGasUsed": first["blobGasUsed"],
    })
}

/// The L2 with a message passer that has storage: op-geth cannot do without.
fn with_message_passer() -> World {
    let plain = world::l2(StoreLocation::Memory);
    let mut genesis = plain.engine.genesis().clone();
    let slot = (B256::ZERO, B256::with_last_byte(1));
    let account = GenesisAccount { nonce: U64::ONE, storage: [slot].into(), ..Default::default() };
    genesis.alloc.insert(MESSAGE_PASSER, account);
    let mut config = plain.rules.l2().unwrap().clone();
    let rules = Rules::L2(Box::new(config.clone()));
    config.genesis.l2.hash = genesis_header(&rules, &genesis).unwrap().hash();
    let rules = Rules::L2(Box::new(config));
    let options = EngineOptions {
        rules: rules.clone(),
        genesis,
        store: StoreLocation::Memory,
        pool: PoolLimits::STANDARD,
    };
    let engine = Engine::open(options).unwrap();
    // The scalars that are in L1Block from the first block on.
    let mut system_config = plain.system_config;
    system_config.scalar = U256::from_limbs([(810_949 << 32) + 1_368, 0, 0, 1 << 56]);
    World { engine, rules, system_config, salt: 0 }
}

async fn start(program: &Path, folder: &Path, genesis: &Value) -> OpGeth {
    let data = folder.join("data");
    let data = data.to_str().unwrap();
    let (file, jwt) = (folder.join("genesis.json"), folder.join("jwt.txt"));
    std::fs::write(&file, serde_json::to_vec(genesis).unwrap()).unwrap();
    std::fs::write(&jwt, hex::encode(SECRET)).unwrap();
    let init = Command::new(program)
        .args(["--datadir", data, "--state.scheme", "hash", "init"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
    let (public, auth) = (port(), port());
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let process = Command::new(program)
        .args(["--datadir", data, "--state.scheme", "hash", "--networkid", "901"])
        .args(["--http", "--http.addr", "127.0.0.1", "--http.port", &public.to_string()])
        .args(["--http.api", "eth,net,web3,debug,txpool"])
        .args(["--authrpc.addr", "127.0.0.1", "--authrpc.port", &auth.to_string()])
        .arg("--authrpc.jwtsecret")
        .arg(&jwt)
        .args(["--nodiscover", "--maxpeers", "0", "--port", "0", "--gcmode", "archive"])
        .args(["--syncmode", "full", "--ipcdisable", "--rollup.disabletxpoolgossip=true"])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let peer = OpGeth {
        process,
        http: format!("http://127.0.0.1:{public}"),
        auth: format!("http://127.0.0.1:{auth}"),
    };
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] });
    for _ in 0..600 {
        if http().post(&peer.http).json(&body).send().await.is_ok() {
            return peer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("op-geth did not start: {}", std::fs::read_to_string(folder.join("log")).unwrap());
}

/// A few blocks with all kinds of transactions.
fn grow(world: &World) -> Vec<B256> {
    let [alice, bob, carol, dave] = funded();
    let list = vec![AccessListItem { address: COUNTER, storage_keys: vec![B256::ZERO] }];
    let listed = TxEip2930 {
        chain_id: world.rules.chain_id(),
        nonce: 0,
        gas_price: 3 * GWEI,
        gas_limit: 100_000,
        to: TxKind::Call(COUNTER),
        value: U256::ZERO,
        access_list: AccessList(list),
        input: Bytes::new(),
    };
    let input = Bytes::from_static(&[0x60, 0x01, 0x5f, 0x55, 0x00]);
    let created = TxEip1559 { to: TxKind::Create, value: U256::ZERO, input, ..world.transfer(1) };
    let failing = TxEip1559 {
        to: TxKind::Create,
        value: U256::ZERO,
        input: Bytes::from_static(&[0xfe]),
        gas_limit: 60_000,
        ..world.transfer(1)
    };
    let mut hashes = vec![
        world.send(&alice.sign(world.legacy(0, 4 * GWEI))),
        world.send(&bob.sign(listed)),
        world.send(&carol.sign(world.count(0))),
    ];
    world.grow();
    let delegation = world.delegation(0, &Key::new("erin"), COUNTER);
    hashes.push(world.send(&dave.sign(delegation)));
    hashes.push(world.send(&alice.sign(created)));
    hashes.push(world.send(&carol.sign(failing)));
    hashes.push(world.send(&bob.sign(world.count(1))));
    world.grow();
    world.grow();
    hashes
}

/// Questions about the whole chain.
fn questions(world: &World, hashes: &[B256]) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let nobody = B256::repeat_byte(9);
    for at in ["0x0", "0x1", "0x2", "0x3", "latest", "safe", "finalized", "earliest", "0x99"] {
        all.push(("eth_getBlockByNumber", json!([at, true])));
        all.push(("eth_getBlockByNumber", json!([at, false])));
        all.push(("eth_getBlockReceipts", json!([at])));
        all.push(("eth_getHeaderByNumber", json!([at])));
        all.push(("eth_getBlockTransactionCountByNumber", json!([at])));
        all.push(("eth_getUncleCountByBlockNumber", json!([at])));
        all.push(("eth_getTransactionByBlockNumberAndIndex", json!([at, "0x0"])));
        for method in ["debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts"] {
            all.push((method, json!([at])));
        }
    }
    let head = world.head();
    for hash in [head, nobody] {
        all.push(("eth_getBlockByHash", json!([hash, true])));
        all.push(("eth_getBlockTransactionCountByHash", json!([hash])));
        all.push(("eth_getLogs", json!([{ "blockHash": hash }])));
        all.push(("eth_getBalance", json!([COUNTER, { "blockHash": hash }])));
    }
    for hash in hashes.iter().chain([&nobody]) {
        for method in [
            "eth_getTransactionByHash",
            "eth_getTransactionReceipt",
            "eth_getRawTransactionByHash",
            "debug_getRawTransaction",
        ] {
            all.push((method, json!([hash])));
        }
        for options in tracers() {
            all.push(("debug_traceTransaction", json!([hash, options])));
        }
    }
    for options in tracers() {
        all.push(("debug_traceBlockByNumber", json!(["0x2", options])));
        all.push(("debug_traceBlockByNumber", json!(["0x0", options])));
    }
    accounts(&mut all);
    calls(&mut all);
    fees(&mut all);
    all
}

fn tracers() -> Vec<Value> {
    vec![
        json!({}),
        json!({ "enableMemory": true, "enableReturnData": true }),
        json!({ "disableStack": true, "disableStorage": true }),
        json!({ "tracer": "callTracer" }),
        json!({ "tracer": "callTracer", "tracerConfig": { "withLog": true } }),
        json!({ "tracer": "callTracer", "tracerConfig": { "onlyTopCall": true } }),
        json!({ "tracer": "prestateTracer" }),
        json!({ "tracer": "prestateTracer", "tracerConfig": { "diffMode": true } }),
        json!({ "tracer": "4byteTracer" }),
        json!({ "tracer": "noopTracer" }),
    ]
}

fn accounts(all: &mut Vec<(&'static str, Value)>) {
    let [alice, ..] = funded();
    for address in [alice.address, COUNTER, Address::repeat_byte(0x99)] {
        for at in ["0x0", "0x1", "latest"] {
            all.push(("eth_getBalance", json!([address, at])));
            all.push(("eth_getTransactionCount", json!([address, at])));
            all.push(("eth_getCode", json!([address, at])));
            all.push(("eth_getStorageAt", json!([address, "0x0", at])));
            all.push(("eth_getProof", json!([address, ["0x0", "0x1"], at])));
            all.push(("eth_getProof", json!([address, [B256::ZERO], at])));
            all.push(("eth_getProof", json!([address, [], at])));
        }
    }
    all.push(("eth_getStorageAt", json!([COUNTER, "0xzz", "latest"])));
    all.push(("eth_getStorageAt", json!([COUNTER, format!("0x{:065x}", 1), "latest"])));
}

fn calls(all: &mut Vec<(&'static str, Value)>) {
    let [alice, ..] = funded();
    let from = alice.address;
    let somebody = Address::with_last_byte(0x77);
    let reverting = format!("08c379a0{:0>64}{:0>64}{:0<64}", "20", "2", "6e6f");
    let panicking = format!("4e487b71{:0>64}", "11");
    let with = |data: &str| {
        let length = data.len() / 2;
        format!("0x60{length:02x}600a5f3960{length:02x}5ffd{data}")
    };
    let codes = [
        "0x5f5f5f5f5f60c15af1".to_owned(),
        with(&reverting),
        with(&panicking),
        "0xfe".to_owned(),
        "0x01".to_owned(),
        "0x5b5f56".to_owned(),
        "0x6001".to_owned(),
        "0x60ff56".to_owned(),
        "0x465f5260205ff3".to_owned(),
        "0x485f5260205ff3".to_owned(),
        "0x4a5f5260205ff3".to_owned(),
        "0x425f5260205ff3".to_owned(),
        "0x435f5260205ff3".to_owned(),
        "0x60014303405f5260205ff3".to_owned(),
        "0x445f5260205ff3".to_owned(),
        "0x3a5f5260205ff3".to_owned(),
        "0x415f5260205ff3".to_owned(),
    ];
    for code in &codes {
        let overrides = json!({ somebody.to_string(): { "code": code } });
        let call = json!({ "from": from, "to": somebody });
        let priced =
            json!({ "from": from, "to": somebody, "gasPrice": "0x77359400", "gas": "0x186a0" });
        for call in [call, priced] {
            all.push(("eth_call", json!([call, "latest", overrides])));
            all.push(("eth_estimateGas", json!([call, "latest", overrides])));
            all.push(("eth_createAccessList", json!([call, "latest", overrides])));
            let options = json!({ "tracer": "callTracer", "stateOverrides": overrides });
            all.push(("debug_traceCall", json!([call, "latest", options])));
        }
        let blocks = json!({ "blockStateCalls": [{ "stateOverrides": overrides,
            "calls": [{ "from": from, "to": somebody }] }] });
        all.push(("eth_simulateV1", json!([blocks, "latest"])));
    }
    for request in [
        json!({}),
        json!({ "from": from }),
        json!({ "to": COUNTER }),
        json!({ "from": from, "to": somebody, "value": "0x1" }),
        json!({ "from": from, "to": somebody, "value": "0xffffffffffffffffffff" }),
        json!({ "from": from, "to": somebody, "gas": "0x1" }),
        json!({ "from": from, "to": COUNTER, "gas": "0x5208" }),
        json!({ "from": from, "to": somebody, "maxFeePerGas": "0x1" }),
        json!({ "from": from, "to": somebody, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2" }),
        json!({ "from": from, "to": somebody, "gasPrice": "0x1", "maxFeePerGas": "0x1" }),
        json!({ "from": from, "to": somebody, "chainId": "0x1" }),
        json!({ "from": from, "input": "0x60016000556001600055" }),
        json!({ "from": from, "data": "0x6001", "input": "0x6002" }),
        json!({ "from": somebody, "to": COUNTER, "gasPrice": "0x77359400" }),
        json!({ "from": COUNTER, "to": COUNTER }),
        json!({ "to": Address::with_last_byte(4), "input": "0x1234" }),
        json!({ "to": Address::with_last_byte(2), "input": "0x1234" }),
        json!({ "from": from, "to": COUNTER, "accessList": [{ "address": COUNTER, "storageKeys": [B256::ZERO] }] }),
    ] {
        for method in ["eth_call", "eth_estimateGas", "eth_createAccessList"] {
            all.push((method, json!([request, "latest"])));
        }
        for validation in [true, false] {
            let blocks =
                json!({ "validation": validation, "blockStateCalls": [{ "calls": [request] }] });
            all.push(("eth_simulateV1", json!([blocks, "latest"])));
        }
    }
    all.push(("eth_call", json!([{ "to": COUNTER }, "0x99"])));
    for (overrides, block) in [
        (json!({ somebody.to_string(): { "code": codes[12] } }), json!({ "number": "0x99" })),
        (json!({ somebody.to_string(): { "code": codes[11] } }), json!({ "time": "0x1234" })),
        (json!({ somebody.to_string(): { "code": codes[9] } }), json!({ "baseFeePerGas": "0x7" })),
        (json!({ somebody.to_string(): { "state": {}, "stateDiff": {} } }), json!({})),
        (
            json!({ COUNTER.to_string(): { "stateDiff": { (B256::ZERO.to_string()): B256::repeat_byte(1) } } }),
            json!({}),
        ),
    ] {
        all.push(("eth_call", json!([{ "to": somebody }, "latest", overrides, block])));
    }
}

fn fees(all: &mut Vec<(&'static str, Value)>) {
    for params in [
        json!(["0x2", "latest", [0.0, 50.0, 100.0]]),
        json!(["0x9", "0x2", []]),
        json!(["0x1", "0x99", []]),
        json!(["0x0", "latest", []]),
        json!(["0x1", "latest", [101.0]]),
        json!(["0x2", "latest", null]),
    ] {
        all.push(("eth_feeHistory", params));
    }
    for method in [
        "eth_chainId",
        "eth_blockNumber",
        "eth_syncing",
        "eth_gasPrice",
        "eth_maxPriorityFeePerGas",
        "eth_blobBaseFee",
        "eth_accounts",
        "eth_config",
        "net_version",
        "net_peerCount",
        "net_listening",
        "txpool_status",
        "txpool_content",
        "txpool_inspect",
        "debug_chainConfig",
    ] {
        all.push((method, json!([])));
    }
    for params in [
        json!([{ "fromBlock": "0x0", "toBlock": "latest" }]),
        json!([{ "fromBlock": "0x1", "toBlock": "0x2", "address": COUNTER, "topics": [] }]),
        json!([{ "fromBlock": "0x2", "toBlock": "0x1" }]),
        json!([{ "fromBlock": "pending", "toBlock": "pending" }]),
        json!([{ "fromBlock": "0x1", "blockHash": B256::ZERO }]),
    ] {
        all.push(("eth_getLogs", params));
    }
    for params in
        [json!([]), json!(["0x12", "latest"]), json!([COUNTER, "latest", 1, 2]), json!({})]
    {
        all.push(("eth_getBalance", params));
    }
    all.push(("web3_sha3", json!(["0x68656c6c6f"])));
    all.push(("eth_nothing", json!([])));
}

/// Asks, and gives result or error without the frame around it.
async fn ask(url: &str, method: &str, params: &Value) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let answer = http().post(url).json(&body).send().await.unwrap();
    let mut answer: Value = answer.json().await.unwrap();
    match answer.get_mut("error") {
        Some(error) => json!({ "error": error.take() }),
        None => json!({ "result": answer["result"].take() }),
    }
}

/// Where two answers differ.
fn difference(path: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, value) in ours {
                let other = theirs.get(key).unwrap_or(&Value::Null);
                if theirs.contains_key(key) {
                    difference(&format!("{path}.{key}"), value, other, found);
                } else {
                    found.push(format!("{path}.{key}: only ours: {value}"));
                }
            }
            for (key, value) in theirs.iter().filter(|(key, _)| !ours.contains_key(*key)) {
                found.push(format!("{path}.{key}: only theirs: {value}"));
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                difference(&format!("{path}[{index}]"), ours, theirs, found);
            }
        }
        _ if ours == theirs => {}
        (Value::Number(ours), Value::Number(theirs)) if ours.as_f64() == theirs.as_f64() => {}
        _ => found.push(format!("{path}: {ours} / {theirs}")),
    }
}

/// Differences that stay, each for a reason.
fn is_known(method: &str, params: &Value, line: &str) -> bool {
    let is_prestate = params.to_string().contains("prestateTracer");
    match method {
        // op-geth has empty bytes, or null, for a block that is not there; opal says so.
        "debug_getRawHeader" | "debug_getRawBlock" | "debug_getRawReceipts" => params[0] == "0x99",
        // op-geth's tracer does not see the fee that goes to the L1 fee vault, and names the other receivers
        // of fees for deposits too, which pay none.
        "debug_traceTransaction" | "debug_traceBlockByNumber" if is_prestate => {
            line.contains("42000000000000000000000000000000000000")
                || line.contains("00000000000000000000000000000000000000fe")
        }
        // Counted over the transaction, not the block.
        "debug_traceTransaction" if line.starts_with(".result.logs[") => line.contains(".index"),
        // op-geth makes the sender pay for gas at a price nobody named.
        "eth_createAccessList" => true,
        // Fails in op-geth, which has no blob parameters to tell.
        "eth_config" => true,
        "debug_chainConfig" => line.contains(".depositContractAddress: only theirs"),
        // What the parsers of parameters say, and the server of unknown methods.
        "eth_nothing" => line.starts_with(".error.message"),
        _ => {
            line.contains("stack underflow")
                || line.contains("StackUnderflow")
                || line.starts_with(".error.message: \"invalid argument ")
        }
    }
}

#[tokio::test]
async fn op_geth_answers_alike() {
    let Some(program) = go_peer("op-geth", "op_geth_answers_alike") else { return };
    let served = Served::new(with_message_passer()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = genesis(&served).await;
    let peer = start(&program, folder.path(), &file).await;
    let first = json!(["0x0", true]);
    let mut found = Vec::new();
    let ours = ask(&served.url(), "eth_getBlockByNumber", &first).await;
    let theirs = ask(&peer.http, "eth_getBlockByNumber", &first).await;
    difference("", &ours, &theirs, &mut found);
    assert!(found.is_empty(), "{}", found.join("\n"));
    let hashes = grow(&served.world);
    let options = RemoteEngineOptions {
        endpoint: peer.auth.parse().unwrap(),
        secret: JwtSecret::new(SECRET),
        config: served.world.rules.l2().unwrap().clone(),
    };
    let remote = EngineHandle::Remote(RemoteEngine::new(options).unwrap());
    let engine = &served.world.engine;
    for number in 1..=3 {
        let block = engine.block_by_number(number).unwrap().unwrap();
        let hash = block.header.hash();
        let status = remote.insert(&block.payload()).await.unwrap();
        assert_eq!(status, InsertStatus::Valid { hash }, "{number}");
    }
    let at = |number| engine.block_by_number(number).unwrap().unwrap().header.hash();
    let state = Forkchoice { head: at(3), safe: at(2), finalized: at(1) };
    assert_eq!(remote.forkchoice(state).await.unwrap(), ForkchoiceStatus::Valid { head: at(3) });
    engine.forkchoice(state).unwrap();
    let mut differences = Vec::new();
    for (method, params) in questions(&served.world, &hashes) {
        let ours = ask(&served.url(), method, &params).await;
        let theirs = ask(&peer.http, method, &params).await;
        let mut found = Vec::new();
        difference("", &ours, &theirs, &mut found);
        found.retain(|line| !is_known(method, &params, line));
        if !found.is_empty() {
            differences.push(format!("{method} {params}\n    {}", found.join("\n    ")));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
