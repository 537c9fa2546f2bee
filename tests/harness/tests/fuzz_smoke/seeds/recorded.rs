//! Seeds from the vectors of the Go packages.

use super::{Seed, piece};
use alloy_eips::Decodable2718;
use alloy_primitives::hex;
use op_alloy_consensus::TxDeposit;
use opal_harness::Vectors;
use opal_program::BlockTask;
use opal_types::{
    Fork,
    read::{BlockFixture, rollup_json},
};
use serde_json::Value;

/// Larger seeds are left out: a fuzzer is fast with small ones.
const MAX_BYTES: usize = 20_000;

pub(crate) fn seeds() -> Vec<Seed> {
    let Some(vectors) = Vectors::for_test("fuzz_smoke::seeds") else { return Vec::new() };
    let file = |name: &str| vectors.json::<Value>(&format!("protocol/{name}.json"));
    let mut seeds = [
        frames(&file("frames")),
        channels(&file("channels")),
        batches(&file("batches")),
        blobs(&file("blobs")),
        attributes(&file("l1-attributes")),
        updates(&file("system-config-updates")),
        deposits(&file("deposit-logs")),
        configs(&file("rollup-configs")),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    for name in vectors.files_like("op-sepolia-blocks/*") {
        let text = vectors.bytes(&name);
        seeds.extend(block(&text));
    }
    vectors.finish();
    seeds.retain(|it| it.bytes.len() <= MAX_BYTES);
    seeds
}

#[track_caller]
fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("a text")).expect("hex")
}

#[track_caller]
fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn frames(file: &Value) -> Vec<Seed> {
    let cases = list(file).iter();
    cases.map(|it| Seed { target: "frames", bytes: bytes(&it["tx"]) }).collect()
}

/// The frames of a channel one after the other; each has 22 bytes in front of its data, and one behind.
fn channels(file: &Value) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for case in list(file) {
        let frames: Vec<_> = list(&case["frames"]).iter().map(bytes).collect();
        let data = frames.iter().map(|it| &it[22..it.len() - 1]);
        let channel = data.collect::<Vec<_>>().concat();
        seeds.push(Seed { target: "channel", bytes: [&[1], channel.as_slice()].concat() });
        let posted = [&[0], frames.concat().as_slice()].concat();
        let command = [&[10, 3, 1], piece(&posted).as_slice(), &[0, 0]].concat();
        seeds.push(Seed { target: "derivation", bytes: command });
    }
    seeds
}

fn batches(file: &Value) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for case in list(&file["singular"]).iter().chain(list(&file["span"])) {
        seeds.push(Seed { target: "batch", bytes: bytes(&case["batchData"]) });
    }
    for case in list(&file["singular"]) {
        let transactions = list(&case["batch"]["txs"]).iter().map(|it| piece(&bytes(it)));
        let bytes = [vec![9], transactions.collect::<Vec<_>>().concat()].concat();
        seeds.push(Seed { target: "transaction", bytes });
    }
    seeds
}

fn blobs(file: &Value) -> Vec<Seed> {
    let cases = list(&file["cases"]).iter().filter_map(|it| it.get("blobTrimmed"));
    cases.map(|it| Seed { target: "blob", bytes: bytes(it) }).collect()
}

fn attributes(file: &Value) -> Vec<Seed> {
    let good = list(file).iter().filter_map(|it| it.get("depositTx")).filter(|it| it.is_string());
    good.map(|it| {
        let deposit = TxDeposit::decode_2718(&mut &*bytes(it)).expect("a deposit");
        Seed { target: "l1_info", bytes: deposit.input.to_vec() }
    })
    .collect()
}

fn updates(file: &Value) -> Vec<Seed> {
    let cases = list(&file["cases"]).iter().map(|it| {
        let fork = Fork::ALL.iter().position(|fork| it["fork"] == fork.name()).expect("a fork");
        let head = [u8::try_from(fork).expect("few forks"), 3];
        let topics = [&[0; 64], bytes(&it["updateType"]).as_slice()].concat();
        let bytes = [&head, topics.as_slice(), &bytes(&it["data"])].concat();
        Seed { target: "config_update", bytes }
    });
    cases.collect()
}

fn deposits(file: &Value) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for case in list(&file["logs"]) {
        let topics: Vec<_> = list(&case["topics"]).iter().map(bytes).collect();
        let head = vec![u8::try_from(topics.len()).expect("few topics")];
        let bytes = [head, topics.concat(), bytes(&case["data"])].concat();
        seeds.push(Seed { target: "deposit_log", bytes });
        if let Some(deposit) = case.get("depositTx").filter(|it| it.is_string()) {
            let bytes = [vec![1], piece(&self::bytes(deposit))].concat();
            seeds.push(Seed { target: "transaction", bytes });
        }
    }
    seeds
}

/// Every fourth chain: they differ little.
fn configs(file: &Value) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for chain in file.as_object().expect("chains by name").values().step_by(4) {
        let text = chain.to_string();
        let config = rollup_json(text.as_bytes()).expect("a config of the registry");
        seeds.push(Seed { target: "configs", bytes: config.to_rlp() });
        seeds.push(Seed { target: "config_file", bytes: [&[0], text.as_bytes()].concat() });
    }
    seeds
}

fn block(text: &[u8]) -> Vec<Seed> {
    let BlockFixture { config, parent, attributes, expected_hash } =
        BlockFixture::from_json(text).expect("a recorded block");
    let rlp = attributes.to_rlp();
    let header = alloy_rlp::encode(&parent);
    let task = BlockTask { config, parent, attributes, expected_hash };
    vec![
        Seed { target: "configs", bytes: rlp },
        Seed { target: "configs", bytes: task.encode() },
        Seed { target: "l1_header", bytes: header },
    ]
}
