//! Endpoints that lack, lag, throttle or lie (T35g, T35h, T38, U28-U30).
//!
//! **Invariant:** no fault becomes a fact: an answer is right or an error that names what is waited for.

use super::{Endpoint, Served, World, endpoint::Lie, rpc, sources};
use alloy_consensus::{
    Header, Receipt, ReceiptEnvelope, ReceiptWithBloom, SignableTransaction, TxEip1559, TxLegacy,
};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Log, Signature, TxKind, U256, keccak256};
use opal_client::{Rpc, RpcOptions, kzg};
use opal_derive::{Fact, Request};
use opal_execute::ordered_root;
use opal_sources::{
    Addressing, BeaconOptions, Label, SourceError, SourceRemedy, Sources, SourcesOptions,
};
use serde_json::json;

const PORTAL: Address = Address::repeat_byte(7);

fn transaction(nonce: u64) -> Bytes {
    let signature = Signature::new(U256::ONE, U256::from(nonce + 1), false);
    let to = TxKind::Call(PORTAL);
    if nonce.is_multiple_of(2) {
        let it = TxLegacy { nonce, to, gas_limit: 21_000, ..TxLegacy::default() };
        alloy_consensus::TxEnvelope::from(it.into_signed(signature)).encoded_2718().into()
    } else {
        let it = TxEip1559 { chain_id: 900, nonce, to, ..TxEip1559::default() };
        alloy_consensus::TxEnvelope::from(it.into_signed(signature)).encoded_2718().into()
    }
}

fn receipt(gas: u64) -> ReceiptWithBloom<Receipt> {
    let log = Log::new_unchecked(PORTAL, vec![B256::ZERO], Bytes::from_static(&[1, 2]));
    Receipt { status: true.into(), cumulative_gas_used: gas, logs: vec![log] }.with_bloom()
}

/// A block on another; `salt` tells siblings apart.
fn block(number: u64, parent: B256, salt: u64, count: u64) -> Served {
    // Each block has its own.
    let first = 2 * (salt * 100_000 + number * 100);
    let transactions: Vec<_> = (first..first + count).map(transaction).collect();
    let receipts: Vec<Bytes> = (0..count)
        .map(|at| match at.is_multiple_of(2) {
            true => ReceiptEnvelope::Legacy(receipt(at + 1)),
            false => ReceiptEnvelope::Eip1559(receipt(at + 1)),
        })
        .map(|it| it.encoded_2718().into())
        .collect();
    let logs_bloom = if count > 0 { receipt(0).logs_bloom } else { Default::default() };
    let header = Header {
        parent_hash: parent,
        number,
        timestamp: 1000 + 2 * number,
        transactions_root: ordered_root(transactions.iter().cloned()),
        receipts_root: ordered_root(receipts.iter().cloned()),
        logs_bloom,
        gas_limit: salt,
        base_fee_per_gas: Some(7),
        ..Header::default()
    };
    Served::l1(&alloy_rlp::encode(header).into(), &transactions, &receipts)
}

/// Blocks `from..=to` on a parent.
fn extend(world: &mut World, from: u64, to: u64, salt: u64) {
    let mut parent = from.checked_sub(1).map_or(B256::ZERO, |it| world.canonical[&it]);
    for number in from..=to {
        let count = if number.is_multiple_of(3) { 4 } else { 0 };
        let served = block(number, parent, salt, count);
        parent = served.hash;
        world.add(served);
    }
}

fn world(head: u64) -> World {
    let mut world = World::default();
    extend(&mut world, 0, head, 0);
    world
}

fn at(endpoint: &Endpoint, number: u64) -> Served {
    let world = endpoint.world.lock().unwrap();
    world.blocks[&world.canonical[&number]].clone()
}

async fn header(sources: &Sources, number: u64) -> Option<B256> {
    match sources.answer(&Request::L1Header { number }).await.unwrap() {
        Fact::L1Header(header) => header.map(|it| it.hash),
        other => panic!("{other:?}"),
    }
}

async fn receipts(sources: &Sources, block: &Served) -> Result<(), SourceError> {
    let fact = sources.answer(&Request::L1Receipts { block: block.hash }).await?;
    assert_eq!(fact, Fact::L1Receipts(block.raw_receipts.clone()));
    Ok(())
}

#[tokio::test]
async fn a_long_l1_is_read_ahead_in_batches() {
    let node = Endpoint::start(world(1000)).await;
    let options =
        SourcesOptions { watched: vec![PORTAL], ..SourcesOptions::new(rpc("L1", &[&node])) };
    let sources = Sources::new(options).unwrap();
    for number in 0..=1000 {
        let block = at(&node, number);
        assert_eq!(header(&sources, number).await, Some(block.hash));
        let request = Request::L1Transactions { block: block.hash };
        let transactions = sources.answer(&request).await.unwrap();
        assert_eq!(transactions, Fact::L1Transactions(block.raw_transactions.clone()));
        if number.is_multiple_of(3) {
            receipts(&sources, &block).await.unwrap();
        }
    }
    assert_eq!(header(&sources, 1001).await, None);
    let (rpc, kept) = sources.counters().l1;
    assert!(rpc.requests <= 50, "{rpc:?}");
    assert!(kept.hits >= 1001, "{kept:?}");
    let asked = node.world.lock().unwrap().asked.clone();
    let count = |what: &str| asked.iter().filter(|it| *it == what).count();
    assert!(count("eth_getBlockByNumber") <= 1001 + 129, "{}", count("eth_getBlockByNumber"));
    assert_eq!(count("eth_getBlockByHash"), 0);
    assert_eq!(count("eth_getBlockReceipts"), 334);
}

/// T35h: `rate_limit_429_and_batch_limit_are_survived`.
#[tokio::test]
async fn a_server_that_limits_batches_and_rates_is_read_all_the_same() {
    let node = Endpoint::start(world(300)).await;
    node.change(|world| (world.max_batch, world.throttles) = (Some(7), Some(5)));
    let sources = sources(&[&node]);
    for number in 0..=300 {
        let block = at(&node, number);
        assert_eq!(header(&sources, number).await, Some(block.hash));
        receipts(&sources, &block).await.unwrap();
    }
}

#[tokio::test]
async fn at_the_end_of_l1_each_look_asks_for_one_block() {
    let node = Endpoint::start(world(20)).await;
    let sources = sources(&[&node]);
    for number in 0..=20 {
        header(&sources, number).await;
    }
    node.take_count("");
    for number in 21..40 {
        assert_eq!(header(&sources, number).await, None);
        assert_eq!(header(&sources, number).await, None);
        node.change(|world| extend(world, number, number, 0));
        assert!(header(&sources, number).await.is_some());
        assert_eq!(node.take_count("eth_getBlockByNumber"), 3, "{number}");
    }
}

/// T39, as far as sources go: what was read ahead never hides a reorg for good.
#[tokio::test]
async fn after_a_reorg_the_new_blocks_are_given() {
    let node = Endpoint::start(world(100)).await;
    let sources = sources(&[&node]);
    for number in 0..50 {
        header(&sources, number).await;
    }
    node.change(|world| extend(world, 40, 110, 1));
    // The reader goes up, notices at some block that the parent differs, and goes back.
    let mut number = 50;
    let mut parent = at(&node, 49).hash;
    let mut looks = 0;
    while number <= 110 {
        looks += 1;
        assert!(looks < 400, "stuck at {number}");
        let request = Request::L1Header { number };
        let Fact::L1Header(Some(found)) = sources.answer(&request).await.unwrap() else { panic!() };
        if found.parent_hash == parent || number == 35 {
            (parent, number) = (found.hash, number + 1);
        } else {
            number = 35;
        }
    }
    for number in 35..=110 {
        assert_eq!(header(&sources, number).await, Some(at(&node, number).hash));
    }
}

#[tokio::test]
async fn finalized_blocks_are_not_asked_for_again() {
    let node = Endpoint::start(world(30)).await;
    node.change(|world| world.labels = [("finalized", 25), ("safe", 28)].into());
    let sources = sources(&[&node]);
    let number = async |label| sources.l1_head(label).await.unwrap().map(|it| it.number);
    assert_eq!(number(Label::Latest).await, Some(30));
    assert_eq!(number(Label::Safe).await, Some(28));
    assert_eq!(number(Label::Finalized).await, Some(25));
    for number in 0..=30 {
        header(&sources, number).await;
    }
    node.take_count("");
    let other = sources.clone();
    for number in 0..=25 {
        assert_eq!(header(&other, number).await, Some(at(&node, number).hash));
    }
    assert_eq!(node.take_count("eth_getBlockByNumber"), 0);
}

/// Receipts come by whatever way the server offers.
#[tokio::test]
async fn receipts_are_read_in_three_ways() {
    let node = Endpoint::start(world(6)).await;
    let ways: [(&[&str], &str); 3] = [
        (&["debug_"], "eth_getBlockReceipts"),
        (&["eth_getBlockReceipts"], "debug_getRawReceipts"),
        (&["debug_", "eth_getBlockReceipts"], "eth_getTransactionReceipt"),
    ];
    for (lacks, way) in ways {
        node.change(|world| world.lacks = lacks.to_vec());
        let sources = sources(&[&node]);
        receipts(&sources, &at(&node, 6)).await.unwrap();
        assert!(node.take_count(way) >= 1, "{way}");
        receipts(&sources, &at(&node, 3)).await.unwrap();
        // What is not offered was probed once.
        let probes = lacks.iter().map(|it| node.take_count(it)).sum::<usize>();
        assert_eq!(probes, 0, "{way}");
    }
}

#[tokio::test]
async fn half_of_the_receipts_are_no_answer() {
    let node = Endpoint::start(world(6)).await;
    node.change(|world| {
        world.lacks = vec!["debug_", "eth_getTransactionReceipt"];
        world.faults = vec![("eth_getBlockReceipts", |it| {
            it.as_array_mut().unwrap().pop();
        })];
    });
    let error = receipts(&sources(&[&node]), &at(&node, 6)).await.unwrap_err();
    assert!(matches!(error, SourceError::Wrong { .. } | SourceError::Rpc { .. }), "{error}");
    // Another way or another endpoint has them all.
    node.change(|world| world.lacks = vec!["debug_"]);
    receipts(&sources(&[&node]), &at(&node, 6)).await.unwrap();
    node.change(|world| world.lacks = vec!["debug_", "eth_getTransactionReceipt"]);
    let good = Endpoint::start(world(6)).await;
    receipts(&sources(&[&node, &good]), &at(&good, 6)).await.unwrap();
}

#[tokio::test]
async fn receipts_without_blooms_are_completed() {
    let node = Endpoint::start(world(6)).await;
    node.change(|world| {
        world.lacks = vec!["debug_", "eth_getTransactionReceipt"];
        world.faults = vec![("eth_getBlockReceipts", |it| {
            for receipt in it.as_array_mut().unwrap() {
                receipt.as_object_mut().unwrap().remove("logsBloom");
            }
        })];
    });
    receipts(&sources(&[&node]), &at(&node, 6)).await.unwrap();
}

/// An endpoint that lies is passed over; alone it is named.
#[tokio::test]
async fn a_lying_endpoint_is_named_and_passed_over() {
    let lies: [(&str, Lie); 4] = [
        ("eth_getBlockByNumber", |it| it["timestamp"] = json!("0x1")),
        ("eth_getBlockByNumber", |it| it["hash"] = json!(B256::repeat_byte(1))),
        ("eth_getBlockByNumber", |it| it["number"] = json!("0x5")),
        ("eth_getBlockByNumber", |it| it["transactions"] = json!([])),
    ];
    for lie in lies {
        let liar = Endpoint::start(world(6)).await;
        liar.change(|world| (world.faults, world.lacks) = (vec![lie], vec!["debug_"]));
        let error = sources(&[&liar]).answer(&Request::L1Header { number: 3 }).await.unwrap_err();
        assert!(matches!(error, SourceError::Wrong { .. }), "{error}");
        assert!(error.to_string().contains(liar.url.as_str().trim_end_matches('/')), "{error}");
        assert_eq!(error.remedy(), SourceRemedy::Retry);
        let good = Endpoint::start(world(6)).await;
        let found = header(&sources(&[&liar, &good]), 3).await;
        assert_eq!(found, Some(at(&good, 3).hash));
    }
}

/// A chain that is consistent in itself, but not the one of the others.
#[tokio::test]
async fn a_quorum_finds_the_endpoint_on_another_chain() {
    let (mut odd, even) = (World::default(), world(40));
    extend(&mut odd, 0, 40, 9);
    let nodes =
        [Endpoint::start(odd).await, Endpoint::start(even).await, Endpoint::start(world(40)).await];
    let of = |quorum, nodes: &[&Endpoint]| {
        let urls = nodes.iter().map(|it| it.url.clone()).collect();
        let options = RpcOptions { quorum, ..RpcOptions::new("L1", urls) };
        Sources::new(SourcesOptions::new(Rpc::new(options).unwrap())).unwrap()
    };
    for order in [[1, 0, 2], [0, 1, 2]] {
        let sources = of(2, &order.map(|at: usize| &nodes[at]));
        for number in 0..=40 {
            assert_eq!(header(&sources, number).await, Some(at(&nodes[1], number).hash));
        }
    }
    let sources = of(2, &[&nodes[0], &nodes[1]]);
    let error = sources.answer(&Request::L1Header { number: 3 }).await.unwrap_err();
    assert_eq!(error.remedy(), SourceRemedy::Retry, "{error}");
}

/// D27: a type from the future does not stop anything.
#[tokio::test]
async fn transactions_of_unknown_types_are_read_raw() {
    let mut world = world(2);
    let unknown = Bytes::from_static(&[0x55, 1, 2, 3]);
    let transactions = [transaction(0), unknown.clone(), transaction(1)];
    let receipts: Vec<Bytes> = [
        ReceiptEnvelope::Legacy(receipt(1)).encoded_2718().into(),
        [&[0x55][..], &alloy_rlp::encode(receipt(2))].concat().into(),
        ReceiptEnvelope::Eip1559(receipt(3)).encoded_2718().into(),
    ]
    .into();
    let header = Header {
        parent_hash: world.canonical[&2],
        number: 3,
        transactions_root: ordered_root(transactions.iter().cloned()),
        receipts_root: ordered_root(receipts.iter().cloned()),
        base_fee_per_gas: Some(7),
        ..Header::default()
    };
    let known = [transactions[0].clone(), transactions[2].clone()];
    let shown = [receipts[0].clone(), receipts[2].clone()];
    let mut served = Served::l1(&alloy_rlp::encode(header).into(), &known, &shown);
    let hash = keccak256(&unknown);
    let mut shown = served.receipt(0).clone();
    shown["type"] = json!("0x55");
    shown["cumulativeGasUsed"] = json!("0x2");
    let strange = json!({ "type": "0x55", "hash": hash, "future": true });
    served.insert(1, strange, unknown, shown);
    served.raw_receipts = receipts;
    let block = served.clone();
    world.add(served);
    let node = Endpoint::start(world).await;
    let sources = sources(&[&node]);
    let found = sources.answer(&Request::L1Transactions { block: block.hash }).await.unwrap();
    assert_eq!(found, Fact::L1Transactions(transactions.to_vec()));
    self::receipts(&sources, &block).await.unwrap();
}

#[tokio::test]
async fn a_header_with_fields_from_the_future_is_read_raw() {
    let node = Endpoint::start(world(3)).await;
    node.change(|world| {
        // The JSON lacks a field that the hash covers.
        world.faults = vec![("eth_getBlock", |it| {
            it.as_object_mut().unwrap().remove("baseFeePerGas");
        })];
    });
    assert_eq!(header(&sources(&[&node]), 3).await, Some(at(&node, 3).hash));
    node.change(|world| world.lacks = vec!["debug_"]);
    let error = sources(&[&node]).answer(&Request::L1Header { number: 3 }).await.unwrap_err();
    assert!(matches!(error, SourceError::Wrong { .. }), "{error}");
}

/// U30: a block that L1 dropped is not waited for.
#[tokio::test]
async fn data_of_a_dropped_block_ask_for_a_reset() {
    let node = Endpoint::start(world(10)).await;
    let sources = sources(&[&node]);
    let old = at(&node, 9);
    header(&sources, 9).await;
    node.change(|world| {
        extend(world, 8, 12, 1);
        world.blocks.remove(&old.hash);
    });
    let error = receipts(&sources, &old).await.unwrap_err();
    assert!(matches!(error, SourceError::Reorged { number: 9, .. }), "{error}");
    assert_eq!(error.remedy(), SourceRemedy::Reset);
    let request = Request::L1Receipts { block: B256::repeat_byte(3) };
    let error = sources.answer(&request).await.unwrap_err();
    assert!(matches!(error, SourceError::Waits { .. }), "{error}");
}

fn blob(byte: u8) -> Bytes {
    let mut blob = vec![0; kzg::BLOB_BYTES];
    blob[1] = byte;
    blob.into()
}

fn hash_of(blob: &Bytes) -> B256 {
    kzg::versioned_hash(&kzg::commitment(blob).unwrap())
}

/// A node whose block 6 carries blobs, one slot of two seconds per block.
async fn blob_node(blobs: Vec<Bytes>) -> Endpoint {
    let world = World {
        genesis_time: Some(1000),
        seconds_per_slot: Some(2),
        blobs: [("6".to_owned(), blobs)].into(),
        ..world(10)
    };
    Endpoint::start(world).await
}

fn blob_request(node: &Endpoint, hashes: Vec<B256>) -> Request {
    let block = at(node, 6);
    Request::Blobs { block: block.hash, timestamp: block.timestamp, hashes }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_come_in_any_order_from_either_form_of_the_api() {
    let blobs = [blob(1), blob(2), blob(3)];
    let hashes: Vec<_> = [2, 0, 2].map(|at: usize| hash_of(&blobs[at])).into();
    let wanted = Fact::Blobs([2, 0, 2].map(|at: usize| blobs[at].clone()).into());
    let node = blob_node(blobs.to_vec()).await;
    for lacks in ["/eth/v1/beacon/blob_sidecars", "/eth/v1/beacon/blobs"] {
        node.change(|world| world.lacks = vec![lacks]);
        let found = sources(&[&node]).answer(&blob_request(&node, hashes.clone())).await.unwrap();
        assert_eq!(found, wanted);
    }
}

/// T38, U28, U29: `blob_underfill_overfill_and_missed_slot_reset`: missing blobs are waited for by name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_blobs_are_waited_for_and_taken_when_they_come() {
    let (blobs, foreign) = ([blob(1), blob(2)], blob(9));
    let node = blob_node(vec![blobs[0].clone(), foreign]).await;
    let sources = sources(&[&node]);
    let request = blob_request(&node, blobs.iter().map(hash_of).collect());
    let error = sources.answer(&request).await.unwrap_err();
    assert_eq!(error.remedy(), SourceRemedy::Retry);
    let text = error.to_string();
    assert!(text.starts_with("waiting for 1 of 2 blobs of L1 block 0x"), "{text}");
    node.change(|world| world.blobs.clear());
    let error = sources.answer(&request).await.unwrap_err();
    assert!(error.to_string().contains("has no blobs there"), "{error}");
    node.change(|world| world.blobs = [("6".to_owned(), vec![blobs[1].clone()])].into());
    // The first was kept from before.
    assert_eq!(sources.answer(&request).await.unwrap(), Fact::Blobs(blobs.to_vec()));
    // The block is dropped: nobody waits for its blobs any more.
    let other = blob_request(&node, vec![hash_of(&blob(7))]);
    header(&sources, 6).await;
    node.change(|world| extend(world, 5, 12, 1));
    let error = sources.answer(&other).await.unwrap_err();
    assert_eq!(error.remedy(), SourceRemedy::Reset, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_the_blobs_here_and_half_there_make_a_whole() {
    let blobs = [blob(1), blob(2)];
    let first = blob_node(vec![blobs[0].clone()]).await;
    let second = blob_node(vec![blobs[1].clone()]).await;
    let request = blob_request(&first, blobs.iter().map(hash_of).collect());
    let found = sources(&[&first, &second]).answer(&request).await.unwrap();
    assert_eq!(found, Fact::Blobs(blobs.to_vec()));
}

/// As anvil has it: no `config/spec`, blocks by height. Or the slots are an option.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_are_named_as_the_api_or_the_options_say() {
    let node = blob_node(vec![blob(1)]).await;
    node.change(|world| world.seconds_per_slot = None);
    let request = blob_request(&node, vec![hash_of(&blob(1))]);
    let wanted = Fact::Blobs(vec![blob(1)]);
    assert_eq!(sources(&[&node]).answer(&request).await.unwrap(), wanted);
    assert_eq!(node.take_count("/eth/v1/beacon/blobs/6"), 1);
    let with = |beacon: BeaconOptions| {
        let l1 = rpc("L1", &[&node]);
        Sources::new(SourcesOptions { beacon: Some(beacon), ..SourcesOptions::new(l1) }).unwrap()
    };
    let slots = BeaconOptions {
        seconds_per_slot: Some(12),
        genesis_time: Some(1000),
        ..super::beacon(&[&node])
    };
    node.change(|world| world.blobs = [("1".to_owned(), vec![blob(1)])].into());
    assert_eq!(with(slots).answer(&request).await.unwrap(), wanted);
    let strict = BeaconOptions { addressing: Addressing::Slot, ..super::beacon(&[&node]) };
    let error = with(strict).answer(&request).await.unwrap_err();
    assert!(error.to_string().contains("give it as an option"), "{error}");
    assert_eq!(error.remedy(), SourceRemedy::GiveUp);
}

/// T35g: `l1_without_blobs_is_supported`.
#[tokio::test]
async fn an_l1_without_blobs_needs_no_beacon_node() {
    let node = Endpoint::start(world(3)).await;
    let sources = Sources::new(SourcesOptions::new(rpc("L1", &[&node]))).unwrap();
    for number in 0..=3 {
        receipts(&sources, &at(&node, number)).await.unwrap();
    }
    let ask = |hashes| Request::Blobs { block: B256::ZERO, timestamp: 0, hashes };
    assert_eq!(sources.answer(&ask(Vec::new())).await.unwrap(), Fact::Blobs(Vec::new()));
    let error = sources.answer(&ask(vec![B256::ZERO])).await.unwrap_err();
    assert!(error.to_string().contains("no beacon endpoint is set"), "{error}");
}

#[tokio::test]
async fn what_l1_does_not_have_is_no_error() {
    let node = Endpoint::start(world(3)).await;
    let sources = sources(&[&node]);
    assert_eq!(sources.l1_head(Label::Latest).await.unwrap().unwrap().number, 3);
    assert_eq!(header(&sources, 4).await, None);
    assert_eq!(sources.l1_head(Label::Finalized).await.unwrap(), None);
    assert_eq!(sources.l1_chain_id().await.unwrap(), 900);
}
