//! Calls, estimates and access lists.

use crate::client::{Refused, Served};
use crate::world::{self, COUNTER, FUNDS, GWEI, funded};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use opal_engine::StoreLocation;
use serde_json::{Value, json};

const MEMORY: StoreLocation = StoreLocation::Memory;
const SOMEBODY: Address = Address::with_last_byte(0x77);

/// Answers with 32 bytes made by these instructions, which leave one word on the stack.
fn answering(code: &str) -> String {
    format!("0x{code}5f5260205ff3")
}

/// A call of code that is put at an address for it.
fn with_code(code: &str) -> Value {
    json!([{ "to": SOMEBODY }, "latest", { SOMEBODY.to_string(): { "code": code } }])
}

fn word(value: u64) -> Value {
    json!(B256::from(U256::from(value)))
}

#[tokio::test]
async fn a_call_answers_without_a_trace() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let served = Served::new(world).await;
        served.world.grow();
        let head = served.world.head();
        let answer = served.ok("eth_call", json!([{ "to": COUNTER }])).await;
        assert_eq!(answer, json!("0x"));
        let slot = served.ok("eth_getStorageAt", json!([COUNTER, "0x0", "latest"])).await;
        assert_eq!(slot, word(0));
        assert_eq!(served.world.head(), head);
    }
}

#[tokio::test]
async fn the_state_and_the_block_can_be_other_ones() {
    let served = Served::new(world::l2(MEMORY)).await;
    served.world.grow();
    let check = |code: &str, block: Value, expected: u64| {
        let mut params = with_code(&answering(code));
        params.as_array_mut().unwrap().push(block);
        let served = &served;
        async move {
            assert_eq!(served.ok("eth_call", params).await, word(expected));
        }
    };
    check("43", json!({}), 1).await;
    check("43", json!({ "number": "0x99" }), 0x99).await;
    check("42", json!({ "time": "0x1234" }), 0x1234).await;
    check("45", json!({ "gasLimit": "0x5000" }), 0x5000).await;
    check("4a", json!({}), 1).await;
    // BASEFEE of a call that pays nothing is nothing, as in geth.
    check("48", json!({}), 0).await;
    // SLOAD of slots that were set, one by one or all.
    for how in ["state", "stateDiff"] {
        let slots = json!({ (B256::ZERO.to_string()): B256::with_last_byte(7) });
        let overrides = json!({ SOMEBODY.to_string(): { "code": answering("5f54"), how: slots } });
        let answer = served.ok("eth_call", json!([{ "to": SOMEBODY }, "latest", overrides])).await;
        assert_eq!(answer, word(7), "{how}");
    }
    let both = json!({ SOMEBODY.to_string(): { "state": {}, "stateDiff": {} } });
    let (_, text) = served.no("eth_call", json!([{ "to": SOMEBODY }, "latest", both])).await;
    assert!(text.ends_with("has both 'state' and 'stateDiff'"), "{text}");
}

#[tokio::test]
async fn a_precompile_can_move() {
    let served = Served::new(world::l2(MEMORY)).await;
    let identity = Address::with_last_byte(4);
    let moved = json!({ identity.to_string(): { "movePrecompileToAddress": SOMEBODY } });
    let data = json!("0x112233");
    let call = |to: Address| json!([{ "to": to, "input": data }, "latest", moved]);
    assert_eq!(served.ok("eth_call", call(SOMEBODY)).await, data);
    assert_eq!(served.ok("eth_call", call(identity)).await, json!("0x"));
    let wrong = json!({ COUNTER.to_string(): { "movePrecompileToAddress": SOMEBODY } });
    let (_, text) = served.no("eth_call", json!([{ "to": SOMEBODY }, "latest", wrong])).await;
    assert!(text.ends_with("is not a precompile"), "{text}");
}

/// Reverts with `Error("no")`.
fn reverting() -> (String, String) {
    let data = format!("08c379a0{:0>64}{:0>64}{:0<64}", "20", "2", "6e6f");
    let length = data.len() / 2;
    (format!("0x60{length:02x}600a5f3960{length:02x}5ffd{data}"), format!("0x{data}"))
}

#[tokio::test]
async fn a_revert_is_an_error_with_code_3_and_its_data() {
    let served = Served::new(world::l2(MEMORY)).await;
    let (code, data) = reverting();
    for method in ["eth_call", "eth_estimateGas"] {
        let refused = served.call(method, with_code(&code)).await.unwrap_err();
        let message = "execution reverted: no".to_owned();
        assert_eq!(refused, Refused { code: 3, message, data: json!(data) }, "{method}");
    }
    let (code, text) = served.no("eth_call", with_code("0xfe")).await;
    assert_eq!((code, text.as_str()), (-32000, "invalid opcode: INVALID"));
    let endless = with_code("0x5b5f56");
    let (_, text) = served.no("eth_call", endless.clone()).await;
    assert_eq!(text, "out of gas");
    let (_, text) = served.no("eth_estimateGas", endless).await;
    assert_eq!(text, "gas required exceeds allowance (16777216)");
}

#[tokio::test]
async fn what_a_sender_cannot_pay_is_refused_in_geths_words() {
    let served = Served::new(world::l2(MEMORY)).await;
    let [alice, ..] = funded();
    let value = U256::from(FUNDS) + U256::from(1);
    let call = json!([{ "from": alice.address, "to": SOMEBODY, "value": value }]);
    let (code, text) = served.no("eth_call", call).await;
    assert_eq!(code, -32000);
    let wanted = format!(
        "err: insufficient funds for gas * price + value: address {} have {FUNDS} want {value} \
         (supplied gas 50000000)",
        alice.address
    );
    assert_eq!(text, wanted);
    let poor = json!([{ "from": SOMEBODY, "to": SOMEBODY, "value": "0x1", "gasPrice": "0x1" }]);
    let (_, text) = served.no("eth_estimateGas", poor).await;
    assert_eq!(text, "insufficient funds for transfer");
    let both = json!([{ "to": SOMEBODY, "gasPrice": "0x1", "maxFeePerGas": "0x1" }]);
    let (_, text) = served.no("eth_call", both).await;
    assert_eq!(text, "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified");
    let low = json!([{ "from": alice.address, "to": SOMEBODY, "maxFeePerGas": "0x1" }]);
    let (_, text) = served.no("eth_call", low).await;
    assert!(text.starts_with("err: max fee per gas less than block base fee"), "{text}");
    let other = json!([{ "to": SOMEBODY, "chainId": "0x7" }]);
    let (_, text) = served.no("eth_call", other).await;
    assert_eq!(text, "chainId does not match node's (have=7, want=901)");
}

fn quantity(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

#[tokio::test]
async fn an_estimate_is_enough_and_hardly_too_much() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let served = Served::new(world).await;
        served.world.grow();
        let [alice, bob, ..] = funded();
        let transfer = json!([{ "from": alice.address, "to": SOMEBODY, "value": "0x1" }]);
        assert_eq!(quantity(&served.ok("eth_estimateGas", transfer).await), 21_000);
        let call = json!([{ "from": alice.address, "to": COUNTER }]);
        let gas = quantity(&served.ok("eth_estimateGas", call).await);
        // With that much the transaction succeeds, and it uses nearly all of it.
        let tx = TxEip1559 { gas_limit: gas, ..served.world.count(0) };
        let hash = served.world.send(&alice.sign(tx));
        served.world.grow();
        let receipt = served.ok("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], json!("0x1"));
        let used = quantity(&receipt["gasUsed"]);
        assert!(used <= gas && gas < used * 102 / 100, "{used} {gas}");
        // Code of a contract that is to be created.
        let input = "0x60016000556001600055";
        let create = json!([{ "from": bob.address, "input": input }]);
        let gas = quantity(&served.ok("eth_estimateGas", create).await);
        let tx = TxEip1559 {
            to: TxKind::Create,
            value: U256::ZERO,
            gas_limit: gas,
            input: input.parse().unwrap(),
            ..served.world.transfer(0)
        };
        let hash = served.world.send(&bob.sign(tx));
        served.world.grow();
        let receipt = served.ok("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], json!("0x1"));
    }
}

#[tokio::test]
async fn an_estimate_leaves_room_for_the_l1_fee() {
    let served = Served::new(world::l2(MEMORY)).await;
    served.world.grow();
    // Enough for 30,000 gas at this price, were there no L1 fee; with it, for less than a transfer.
    let price = 2 * GWEI;
    let balance = U256::from(21_000 * price + 1);
    let overrides = json!({ SOMEBODY.to_string(): { "balance": balance } });
    let call = json!({ "from": SOMEBODY, "to": COUNTER, "gasPrice": format!("{price:#x}") });
    let (_, text) = served.no("eth_estimateGas", json!([call, "latest", overrides])).await;
    assert!(text.starts_with("gas required exceeds allowance (20"), "{text}");
}

#[tokio::test]
async fn an_access_list_names_what_is_touched() {
    let served = Served::new(world::l2(MEMORY)).await;
    let [alice, ..] = funded();
    let call = json!([{ "from": alice.address, "to": SOMEBODY }, "latest", {
        // Calls the counter.
        SOMEBODY.to_string(): { "code": "0x5f5f5f5f5f60c15af1" },
    }]);
    let answer = served.ok("eth_createAccessList", call).await;
    let wanted = json!([{ "address": COUNTER, "storageKeys": [B256::ZERO] }]);
    assert_eq!(answer["accessList"], wanted);
    assert!(answer.get("error").is_none());
    assert!(quantity(&answer["gasUsed"]) > 21_000);
}

#[tokio::test]
async fn accounts_are_read_at_any_block() {
    let served = Served::new(world::l2(MEMORY)).await;
    let [alice, ..] = funded();
    let before = served.world.grow();
    served.world.send(&alice.sign(served.world.count(0)));
    served.world.grow();
    served.world.send(&alice.sign(served.world.count(1)));
    let count = |at: Value| served.ok("eth_getTransactionCount", json!([alice.address, at]));
    assert_eq!(count(json!("0x0")).await, json!("0x0"));
    assert_eq!(count(json!("latest")).await, json!("0x1"));
    assert_eq!(count(json!("pending")).await, json!("0x2"));
    let funds = json!(U256::from(FUNDS));
    let old = json!([alice.address, before.block.header.hash()]);
    assert_eq!(served.ok("eth_getBalance", old).await, funds);
    assert_ne!(served.ok("eth_getBalance", json!([alice.address])).await, funds);
    assert_eq!(served.ok("eth_getStorageAt", json!([COUNTER, "0x0", "0x1"])).await, word(0));
    let full = json!([COUNTER, B256::ZERO, "latest"]);
    assert_eq!(served.ok("eth_getStorageAt", full).await, word(1));
    let code = served.ok("eth_getCode", json!([COUNTER, "latest"])).await;
    assert!(code.as_str().unwrap().starts_with("0x5f54"));
    assert_eq!(served.ok("eth_getCode", json!([alice.address])).await, json!("0x"));
}

#[tokio::test]
async fn hashes_and_versions_are_told() {
    let served = Served::new(world::l2(MEMORY)).await;
    assert_eq!(served.ok("eth_chainId", json!([])).await, json!("0x385"));
    assert_eq!(served.ok("net_version", json!([])).await, json!("901"));
    assert_eq!(served.ok("net_listening", Value::Null).await, json!(true));
    assert_eq!(served.ok("net_peerCount", json!([])).await, json!("0x0"));
    let version = served.ok("web3_clientVersion", json!([])).await;
    assert!(version.as_str().unwrap().starts_with("opal/v"));
    let hash = served.ok("web3_sha3", json!(["0x68656c6c6f"])).await;
    assert_eq!(hash, json!(alloy_primitives::keccak256("hello")));
    assert_eq!(served.ok("eth_syncing", json!([])).await, json!(false));
    let input = Bytes::from(hex!("00"));
    assert_eq!(json!(input), json!("0x00"));
}
