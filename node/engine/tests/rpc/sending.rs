//! Sending transactions, the pool, fees, and helpers for developers.

use crate::client::{Served, options};
use crate::keys::Key;
use crate::world::{self, COUNTER, FUNDS, GWEI, funded};
use alloy_primitives::{Address, B256, U256, eip191_hash_message};
use opal_engine::rpc::{DevHooks, Hook, MineRequest, Unlocked};
use opal_engine::{DaLimits, StoreLocation};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const MEMORY: StoreLocation = StoreLocation::Memory;

#[tokio::test]
async fn a_raw_transaction_enters_the_pool() {
    let served = Served::new(world::l2(MEMORY)).await;
    let [alice, ..] = funded();
    let raw = alice.sign(served.world.transfer(0));
    let hash = served.ok("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!(hash, json!(alloy_primitives::keccak256(&raw)));
    let (code, text) = served.no("eth_sendRawTransaction", json!([raw])).await;
    assert_eq!((code, text.as_str()), (-32000, "already known"));
    served.world.grow();
    let (_, text) = served.no("eth_sendRawTransaction", json!([raw])).await;
    assert!(text.starts_with("nonce too low"), "{text}");
    let poor = Key::new("nobody").sign(served.world.transfer(0));
    let (_, text) = served.no("eth_sendRawTransaction", json!([poor])).await;
    assert!(text.starts_with("insufficient funds for gas * price + value"), "{text}");
}

#[tokio::test]
async fn the_pool_is_told_by_sender_and_nonce() {
    let served = Served::new(world::l2(MEMORY)).await;
    let [alice, bob, ..] = funded();
    let world = &served.world;
    for raw in
        [alice.sign(world.transfer(0)), alice.sign(world.transfer(1)), bob.sign(world.transfer(3))]
    {
        world.send(&raw);
    }
    let status = served.ok("txpool_status", json!([])).await;
    assert_eq!(status, json!({ "pending": "0x2", "queued": "0x1" }));
    let content = served.ok("txpool_content", json!([])).await;
    let (alice, bob) = (alice.address.to_string(), bob.address.to_string());
    assert_eq!(content["pending"][&alice]["1"]["nonce"], json!("0x1"));
    assert_eq!(content["queued"][&bob]["3"]["from"], json!(bob.to_lowercase()));
    let from = served.ok("txpool_contentFrom", json!([alice])).await;
    assert_eq!(from, json!({ "pending": content["pending"][&alice], "queued": {} }));
    let inspect = served.ok("txpool_inspect", json!([])).await;
    let line = inspect["pending"][&alice]["0"].as_str().unwrap();
    assert!(line.ends_with(": 1 wei + 100000 gas \u{d7} 10000000000 wei"), "{line}");
}

/// Signs for the funded keys.
fn unlocked() -> Unlocked {
    let addresses = funded().map(|key| key.address).to_vec();
    let sign = move |address: Address, hash: B256| {
        funded().iter().find(|key| key.address == address).map(|key| key.sign_hash(hash))
    };
    Unlocked { addresses, sign: Some(Arc::new(sign)) }
}

#[tokio::test]
async fn unlocked_accounts_are_signed_for() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let mut options = options();
        options.unlocked = unlocked();
        let served = Served::with(world, options).await;
        served.world.grow();
        let [alice, ..] = funded();
        let accounts = served.ok("eth_accounts", json!([])).await;
        assert_eq!(accounts.as_array().unwrap().len(), 4);
        let request = json!({ "from": alice.address, "to": COUNTER });
        // Two at once get nonces of their own.
        let (first, second) = tokio::join!(
            served.ok("eth_sendTransaction", json!([request])),
            served.ok("eth_sendTransaction", json!([request])),
        );
        served.world.grow();
        for hash in [first, second] {
            let receipt = served.ok("eth_getTransactionReceipt", json!([hash])).await;
            assert_eq!(receipt["status"], json!("0x1"));
        }
        let signature = served.ok("eth_sign", json!([alice.address, "0x6869"])).await;
        let signature: alloy_primitives::Signature = signature.as_str().unwrap().parse().unwrap();
        assert_eq!(signature, alice.sign_hash(eip191_hash_message(b"hi")));
        let stranger = json!([{ "from": Address::ZERO, "to": COUNTER }]);
        let wanted = (-32000, "unknown account".to_owned());
        assert_eq!(served.no("eth_sendTransaction", stranger).await, wanted);
        let signed = served.ok("eth_signTransaction", json!([request])).await;
        served.ok("eth_sendRawTransaction", json!([signed["raw"]])).await;
        let free = json!([{ "from": alice.address, "to": COUNTER, "gasPrice": "0x0" }]);
        let (_, text) = served.no("eth_sendTransaction", free).await;
        assert_eq!(text, "gasPrice must be non-zero after london fork");
    }
}

#[tokio::test]
async fn prices_follow_the_head() {
    for (world, blob_fee) in [(world::l2(MEMORY), "0x1"), (world::l1(MEMORY, 0), "0x1")] {
        let is_l2 = world.rules.l2().is_some();
        let served = Served::new(world).await;
        let [alice, ..] = funded();
        served.world.send(&alice.sign(served.world.transfer(0)));
        let built = served.world.grow();
        let base_fee = built.block.header.base_fee_per_gas.unwrap();
        let tip = if is_l2 { 1_000_000 } else { 1_000_000_000 };
        let told = served.ok("eth_maxPriorityFeePerGas", json!([])).await;
        assert_eq!(told, json!(format!("{tip:#x}")));
        let price = served.ok("eth_gasPrice", json!([])).await;
        assert_eq!(price, json!(format!("{:#x}", tip + base_fee)));
        assert_eq!(served.ok("eth_blobBaseFee", json!([])).await, json!(blob_fee));
    }
}

#[tokio::test]
async fn the_fee_history_foretells_the_next_base_fee() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let served = Served::new(world).await;
        let [alice, ..] = funded();
        for nonce in 0..3 {
            served.world.send(&alice.sign(served.world.transfer(nonce)));
            served.world.grow();
        }
        let history =
            served.ok("eth_feeHistory", json!(["0x2", "latest", [0.0, 50.0, 100.0]])).await;
        assert_eq!(history["oldestBlock"], json!("0x2"));
        assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 2);
        assert_eq!(history["blobGasUsedRatio"].as_array().unwrap().len(), 2);
        assert_eq!(history["baseFeePerBlobGas"].as_array().unwrap().len(), 3);
        let tip = json!(format!("{GWEI:#x}"));
        assert_eq!(history["reward"][0][2], tip);
        let next = served.world.grow();
        let base_fee = next.block.header.base_fee_per_gas.unwrap();
        assert_eq!(history["baseFeePerGas"][2], json!(format!("{base_fee:#x}")));
        let all = served.ok("eth_feeHistory", json!([100, "latest"])).await;
        assert_eq!(all["oldestBlock"], json!("0x0"));
        assert_eq!(all["baseFeePerGas"].as_array().unwrap().len(), 6);
        assert!(all.get("reward").is_none());
        for (params, text) in [
            (json!(["0x1", "0x99"]), "request beyond head block: requested 153, head 4"),
            (json!(["0x1", "latest", [101.0]]), "invalid reward percentile: 101.000000"),
            (json!(["0x1", "latest", [5.0, 5.0]]), "invalid reward percentile: they must ascend"),
        ] {
            assert_eq!(served.no("eth_feeHistory", params).await, (-32000, text.to_owned()));
        }
    }
}

#[tokio::test]
async fn configs_are_told_in_geths_form() {
    let served = Served::new(world::l2(MEMORY)).await;
    let config = served.ok("debug_chainConfig", json!([])).await;
    assert_eq!(config["chainId"], json!(901));
    assert_eq!(config["optimism"]["eip1559DenominatorCanyon"], json!(250));
    assert_eq!((&config["karstTime"], &config["osakaTime"]), (&json!(0), &json!(0)));
    let told = served.ok("eth_config", json!([])).await;
    assert_eq!(told["current"]["chainId"], json!("0x385"));
    assert_eq!(told["next"], Value::Null);
    let precompiles = told["current"]["precompiles"].as_object().unwrap();
    assert_eq!(precompiles.len(), 18);
    assert!(precompiles.contains_key("P256VERIFY"));
    let l1 = Served::new(world::l1(MEMORY, 500)).await;
    let told = l1.ok("eth_config", json!([])).await;
    assert_eq!(told["next"]["activationTime"], json!(500));
    assert_eq!(told["current"]["blobSchedule"]["max"], json!(9));
    let config = l1.ok("debug_chainConfig", json!([])).await;
    assert_eq!(config["osakaTime"], json!(500));
    assert_eq!(config["blobSchedule"]["prague"]["target"], json!(6));
}

#[tokio::test]
async fn the_batcher_sets_limits_on_data() {
    let served = Served::new(world::l2(MEMORY)).await;
    let set = served.ok("miner_setMaxDASize", json!(["0x100", "0x0"])).await;
    assert_eq!(set, json!(true));
    let wanted = DaLimits { transaction: Some(256), block: None };
    assert_eq!(served.world.engine.pool().da_limits(), wanted);
}

/// A hook that notes what it was called with.
fn noting<A: std::fmt::Debug + Send + 'static, R: Clone + Send + Sync + 'static>(
    notes: &Arc<Mutex<Vec<String>>>,
    name: &'static str,
    answer: R,
) -> Hook<A, R> {
    let notes = Arc::clone(notes);
    Arc::new(move |argument: A| {
        notes.lock().unwrap().push(format!("{name} {argument:?}"));
        let answer = answer.clone();
        Box::pin(async move { Ok(answer) })
    })
}

#[tokio::test]
async fn helpers_for_developers_do_what_the_devnet_offers() {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let mut options = options();
    options.hooks = DevHooks {
        mine: Some(noting::<MineRequest, ()>(&notes, "mine", ())),
        increase_time: Some(noting(&notes, "increase", 90_u64)),
        set_next_timestamp: Some(noting(&notes, "timestamp", ())),
        set_balance: Some(noting(&notes, "balance", ())),
        snapshot: Some(noting(&notes, "snapshot", 5_u64)),
        revert: Some(noting(&notes, "revert", true)),
        ..DevHooks::default()
    };
    let served = Served::with(world::l1(MEMORY, 0), options).await;
    assert_eq!(served.ok("evm_mine", json!([])).await, json!("0x0"));
    served.ok("anvil_mine", json!(["0x3", 12])).await;
    assert_eq!(served.ok("evm_increaseTime", json!(["0x1e"])).await, json!(90));
    served.ok("evm_setNextBlockTimestamp", json!([777])).await;
    let funds = json!([Address::ZERO, U256::from(FUNDS)]);
    assert_eq!(served.ok("anvil_setBalance", funds).await, Value::Null);
    assert_eq!(served.ok("evm_snapshot", json!([])).await, json!("0x5"));
    assert_eq!(served.ok("evm_revert", json!(["0x5"])).await, json!(true));
    let notes = notes.lock().unwrap();
    assert_eq!(
        notes.join("\n"),
        "mine MineRequest { blocks: 1, interval_s: None, timestamp: None }\n\
         mine MineRequest { blocks: 3, interval_s: Some(12), timestamp: None }\n\
         increase 30\n\
         timestamp 777\n\
         balance (0x0000000000000000000000000000000000000000, 10000000000000000000)\n\
         snapshot ()\n\
         revert 5"
    );
}

#[tokio::test]
async fn cheats_that_l1_could_not_explain_are_refused_in_words() {
    let served = Served::new(world::l2(MEMORY)).await;
    for method in ["anvil_setCode", "anvil_impersonateAccount", "hardhat_setStorageAt"] {
        let (code, text) = served.no(method, json!([COUNTER, "0x00"])).await;
        assert_eq!(code, -32000);
        assert!(text.starts_with(&format!("{method} is refused: every state of this chain")));
    }
    for method in ["evm_mine", "evm_snapshot", "anvil_setBalance"] {
        let params = if method == "anvil_setBalance" { json!([COUNTER, "0x1"]) } else { json!([]) };
        let (code, text) = served.no(method, params).await;
        assert_eq!(code, -32601, "{text}");
    }
    let [alice, ..] = funded();
    let hash = served.world.send(&alice.sign(served.world.transfer(0)));
    assert_eq!(served.ok("anvil_dropTransaction", json!([hash])).await, json!(hash));
    assert_eq!(served.ok("anvil_dropTransaction", json!([hash])).await, Value::Null);
    let info = served.ok("anvil_nodeInfo", json!([])).await;
    assert_eq!(info["environment"]["chainId"], json!(901));
}
