//! Blocks, transactions and receipts have exactly the fields that op-geth and geth give them.

use crate::client::Served;
use crate::keys::Key;
use crate::world::{self, COUNTER, GWEI, World, funded};
use alloy_consensus::{TxEip1559, TxEip2930};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{B256, Bytes, TxKind, U256, keccak256};
use opal_engine::StoreLocation;
use serde_json::{Value, json};

const MEMORY: StoreLocation = StoreLocation::Memory;

/// One transaction of each type, the last one a contract creation.
fn filled(world: &World) -> Vec<B256> {
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
    let raws = [
        alice.sign(world.legacy(0, 4 * GWEI)),
        bob.sign(listed),
        carol.sign(world.count(0)),
        dave.sign(world.delegation(0, &Key::new("erin"), COUNTER)),
        alice.sign(created),
    ];
    raws.iter().map(|raw| world.send(raw)).collect()
}

fn keys(value: &Value) -> Vec<String> {
    let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

fn sorted(names: &str) -> Vec<String> {
    let mut names: Vec<_> = names.split_whitespace().map(str::to_owned).collect();
    names.sort();
    names
}

const HEADER: &str = "number hash parentHash nonce mixHash sha3Uncles logsBloom stateRoot miner \
    difficulty extraData gasLimit gasUsed timestamp transactionsRoot receiptsRoot baseFeePerGas \
    withdrawalsRoot blobGasUsed excessBlobGas parentBeaconBlockRoot requestsHash";
const PLACE: &str = "blockHash blockNumber blockTimestamp transactionIndex from gas gasPrice hash \
    input nonce to value type v r s";

#[tokio::test]
async fn blocks_have_the_fields_of_geth() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let served = Served::new(world).await;
        filled(&served.world);
        let built = served.world.grow();
        let header = &built.block.header;
        let block = served.ok("eth_getBlockByNumber", json!(["latest", false])).await;
        let more = format!("{HEADER} size transactions uncles withdrawals");
        assert_eq!(keys(&block), sorted(&more));
        assert_eq!(block["hash"], json!(header.hash()));
        assert_eq!(block["number"], json!("0x1"));
        assert_eq!(block["difficulty"], json!("0x0"));
        assert_eq!(block["nonce"], json!("0x0000000000000000"));
        assert_eq!(block["timestamp"], json!(format!("{:#x}", header.timestamp)));
        assert_eq!(block["uncles"], json!([]));
        assert_eq!(block["withdrawals"], json!([]));
        assert_eq!(block["transactions"], json!(built.block.transaction_hashes));
        let raw = served.ok("debug_getRawBlock", json!(["latest"])).await;
        let length = raw.as_str().unwrap().len() / 2 - 1;
        assert_eq!(block["size"], json!(format!("{length:#x}")));
        // The header is bound by its hash: what was written reads back to it.
        let text = serde_json::to_vec(&block).unwrap();
        assert_eq!(opal_types::read::header_json(&text).unwrap(), *header);
        let by_hash = served.ok("eth_getBlockByHash", json!([header.hash(), false])).await;
        assert_eq!(by_hash, block);
        let headers = served.ok("eth_getHeaderByNumber", json!(["0x1"])).await;
        assert_eq!(keys(&headers), sorted(HEADER));
    }
}

#[tokio::test]
async fn transactions_have_the_fields_of_their_type() {
    let served = Served::new(world::l2(MEMORY)).await;
    let sent = filled(&served.world);
    let built = served.world.grow();
    let block = served.ok("eth_getBlockByNumber", json!(["0x1", true])).await;
    let transactions = block["transactions"].as_array().unwrap();
    assert_eq!(transactions.len(), sent.len() + 1);
    let typed = |more: &str| sorted(&format!("{PLACE} chainId yParity accessList {more}"));
    for transaction in transactions {
        let wanted = match transaction["type"].as_str().unwrap() {
            "0x0" => sorted(&format!("{PLACE} chainId")),
            "0x1" => typed(""),
            "0x2" => typed("maxFeePerGas maxPriorityFeePerGas"),
            "0x4" => typed("maxFeePerGas maxPriorityFeePerGas authorizationList"),
            "0x7e" => sorted(&format!("{PLACE} sourceHash mint depositReceiptVersion")),
            other => panic!("type {other}"),
        };
        assert_eq!(keys(transaction), wanted, "{transaction}");
        let hash = transaction["hash"].clone();
        let alone = served.ok("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!(&alone, transaction);
        let index = transaction["transactionIndex"].clone();
        let params = json!([built.block.header.hash(), index]);
        let by_index = served.ok("eth_getTransactionByBlockHashAndIndex", params).await;
        assert_eq!(&by_index, transaction);
        let raw = served.ok("eth_getRawTransactionByHash", json!([hash])).await;
        let raw: Bytes = serde_json::from_value(raw).unwrap();
        assert_eq!(json!(keccak256(&raw)), hash);
        // What is written reads back as alloy's own type.
        serde_json::from_value::<op_alloy_rpc_types::Transaction>(alone).unwrap();
    }
    let deposit = &transactions[0];
    assert_eq!(deposit["nonce"], json!("0x0"));
    assert_eq!(deposit["gasPrice"], json!("0x0"));
    assert_eq!(deposit["depositReceiptVersion"], json!("0x1"));
    assert_eq!([&deposit["v"], &deposit["r"], &deposit["s"]], [&json!("0x0"); 3]);
}

#[tokio::test]
async fn an_included_transaction_names_the_price_it_paid() {
    let served = Served::new(world::l1(MEMORY, 0)).await;
    let [alice, ..] = funded();
    let hash = served.world.send(&alice.sign(served.world.transfer(0)));
    let waiting = served.ok("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(waiting["gasPrice"], json!("0x2540be400"));
    let place = ["blockHash", "blockNumber", "blockTimestamp", "transactionIndex"];
    assert!(place.iter().all(|name| waiting[*name].is_null() && waiting.get(name).is_some()));
    let built = served.world.grow();
    let base_fee = u128::from(built.block.header.base_fee_per_gas.unwrap());
    let included = served.ok("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(included["gasPrice"], json!(format!("{:#x}", base_fee + GWEI)));
}

const RECEIPT: &str = "blockHash blockNumber transactionHash transactionIndex from to gasUsed \
    cumulativeGasUsed contractAddress logs logsBloom type effectiveGasPrice status";

#[tokio::test]
async fn receipts_tell_what_the_place_on_l1_cost() {
    let served = Served::new(world::l2(MEMORY)).await;
    let sent = filled(&served.world);
    let built = served.world.grow();
    let receipts = served.ok("eth_getBlockReceipts", json!(["latest"])).await;
    let receipts = receipts.as_array().unwrap();
    let deposit = format!("{RECEIPT} depositNonce depositReceiptVersion");
    assert_eq!(keys(&receipts[0]), sorted(&deposit));
    assert_eq!(receipts[0]["depositNonce"], json!("0x0"));
    let costs = "l1GasPrice l1GasUsed l1Fee l1BlobBaseFee l1BaseFeeScalar l1BlobBaseFeeScalar \
        daFootprintGasScalar blobGasUsed";
    let stored = served.world.engine.receipts(built.block.header.hash()).unwrap().unwrap();
    for (receipt, stored) in receipts.iter().zip(stored.iter()).skip(1) {
        assert_eq!(keys(receipt), sorted(&format!("{RECEIPT} {costs}")), "{receipt}");
        assert_eq!(receipt["l1Fee"], json!(stored.l1_fee));
        assert_eq!(receipt["l1GasPrice"], json!("0x3b9aca00"));
        assert_eq!(receipt["daFootprintGasScalar"], json!("0x190"));
        assert_eq!(receipt["blobGasUsed"], json!(format!("{:#x}", stored.da_size * 400)));
        let hash = receipt["transactionHash"].clone();
        let alone = served.ok("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(&alone, receipt);
        serde_json::from_value::<op_alloy_rpc_types::OpTransactionReceipt>(alone).unwrap();
    }
    let created = served.ok("eth_getTransactionReceipt", json!([sent[4]])).await;
    let [alice, ..] = funded();
    assert_eq!(created["contractAddress"], json!(alice.address.create(1)));
    assert!(created["to"].is_null());
    let counted = served.ok("eth_getTransactionReceipt", json!([sent[2]])).await;
    let log = &counted["logs"][0];
    let wanted = "address topics data blockNumber transactionHash transactionIndex blockHash \
        blockTimestamp logIndex removed";
    assert_eq!(keys(log), sorted(wanted));
    assert_eq!(log["transactionHash"], json!(sent[2]));
}

#[tokio::test]
async fn receipts_of_an_l1_have_no_such_costs() {
    let served = Served::new(world::l1(MEMORY, 0)).await;
    filled(&served.world);
    served.world.grow();
    let receipts = served.ok("eth_getBlockReceipts", json!(["0x1"])).await;
    for receipt in receipts.as_array().unwrap() {
        assert_eq!(keys(receipt), sorted(RECEIPT));
    }
}

#[tokio::test]
async fn log_indexes_count_over_the_block() {
    let served = Served::new(world::l2(MEMORY)).await;
    for key in funded() {
        served.world.send(&key.sign(served.world.count(0)));
    }
    served.world.grow();
    let receipts = served.ok("eth_getBlockReceipts", json!(["latest"])).await;
    let indexes: Vec<_> = receipts
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|receipt| receipt["logs"].as_array().unwrap())
        .map(|log| log["logIndex"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(indexes, ["0x0", "0x1", "0x2", "0x3"]);
}

#[tokio::test]
async fn what_is_not_there_is_null_or_an_error_as_in_geth() {
    let served = Served::new(world::l2(MEMORY)).await;
    let nobody = B256::repeat_byte(9);
    for (method, params) in [
        ("eth_getBlockByNumber", json!(["0x99", true])),
        ("eth_getBlockByHash", json!([nobody, false])),
        ("eth_getTransactionByHash", json!([nobody])),
        ("eth_getTransactionReceipt", json!([nobody])),
        ("eth_getBlockReceipts", json!(["0x99"])),
        ("eth_getBlockTransactionCountByNumber", json!(["0x99"])),
        ("eth_getUncleByBlockNumberAndIndex", json!(["latest", "0x0"])),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["latest", "0x0"])),
    ] {
        assert_eq!(served.ok(method, params).await, Value::Null, "{method}");
    }
    for (method, params, text) in [
        ("eth_getBlockByNumber", json!(["safe", false]), "safe block not found"),
        ("eth_getBlockByNumber", json!(["finalized", false]), "finalized block not found"),
        ("eth_getBalance", json!([COUNTER, "0x99"]), "header not found"),
        ("eth_getBalance", json!([COUNTER, nobody]), "header not found"),
    ] {
        assert_eq!(served.no(method, params).await, (-32000, text.to_owned()), "{method}");
    }
}

#[tokio::test]
async fn a_block_is_found_by_every_name_it_has() {
    let served = Served::new(world::l2(MEMORY)).await;
    let world = &served.world;
    let (one, two) = (world.grow(), world.grow());
    let state = opal_engine::Forkchoice {
        head: two.block.header.hash(),
        safe: one.block.header.hash(),
        finalized: world.engine.first_block().hash,
    };
    world.engine.forkchoice(state).unwrap();
    let hash = one.block.header.hash();
    for (name, number) in [
        (json!("latest"), "0x2"),
        (json!("pending"), "0x2"),
        (json!("safe"), "0x1"),
        (json!("finalized"), "0x0"),
        (json!("earliest"), "0x0"),
        (json!("0x1"), "0x1"),
    ] {
        let block = served.ok("eth_getBlockByNumber", json!([name, false])).await;
        assert_eq!(block["number"], json!(number), "{name}");
    }
    for name in [
        json!("0x1"),
        json!("safe"),
        json!(hash),
        json!({ "blockNumber": "0x1" }),
        json!({ "blockHash": hash }),
        json!({ "blockHash": hash, "requireCanonical": true }),
    ] {
        let receipts = served.ok("eth_getBlockReceipts", json!([name])).await;
        assert_eq!(receipts[0]["blockHash"], json!(hash), "{name}");
    }
    // A block beside the chain is found by its hash, but is not canonical.
    let mut beside = world.attributes(hash);
    beside.prev_randao = B256::repeat_byte(5);
    let beside = world.insert(&world.build_with(hash, beside));
    served.ok("eth_getBlockReceipts", json!([beside])).await;
    let strict = json!([COUNTER, { "blockHash": beside, "requireCanonical": true }]);
    let wanted = (-32000, "hash is not currently canonical".to_owned());
    assert_eq!(served.no("eth_getBalance", strict).await, wanted);
}

#[tokio::test]
async fn raw_parts_of_a_block_hash_to_what_the_header_says() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let served = Served::new(world).await;
        filled(&served.world);
        let built = served.world.grow();
        let header = &built.block.header;
        let raw: Bytes =
            serde_json::from_value(served.ok("debug_getRawHeader", json!(["0x1"])).await).unwrap();
        assert_eq!(keccak256(&raw), header.hash());
        let raw: Bytes =
            serde_json::from_value(served.ok("debug_getRawBlock", json!(["0x1"])).await).unwrap();
        let block: alloy_consensus::Block<op_alloy_consensus::OpTxEnvelope> =
            alloy_rlp::decode_exact(&raw).unwrap();
        assert_eq!(block.header, *header.inner());
        assert_eq!(block.body.transactions.len(), built.block.transactions.len());
        let receipts = served.ok("debug_getRawReceipts", json!(["0x1"])).await;
        let receipts: Vec<Bytes> = serde_json::from_value(receipts).unwrap();
        assert_eq!(opal_execute::ordered_root(receipts), header.receipts_root);
    }
}
