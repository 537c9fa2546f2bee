//! Recorded chains: what each L2 block says of L1 follows from its parent and its L1 origin.
//!
//! Start with [`check_chain`]. It is the part of derivation that knows no batches.

use alloy_consensus::{Header, ReceiptEnvelope};
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{B256, Bytes, Log, hex};
use opal_harness::{Vectors, skipped};
use opal_types::{
    BlockId, ChainConfig, EpochPosition, Fork, L1BlockInfo, L1Flavour, SystemConfig,
    l1_info_deposit,
    read::{l1_config_json, rollup_json},
    upgrade_gas, upgrade_transactions,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

const CHAINS: [&str; 7] = [
    "a-allforks-singular-calldata",
    "b-span-blobs-brotli",
    "d-window-expiry",
    "e-small-frames",
    "g-l1-reorg",
    "h-inject-holocene",
    "i-genesis-jovian-l1-blob-schedule",
];

/// One L1 block, as far as L2 sees it.
struct L1Block {
    info: L1BlockInfo,
    logs: Vec<Log>,
}

/// One L2 block.
struct L2Block {
    hash: B256,
    header: Header,
    transactions: Vec<Bytes>,
    position: EpochPosition,
}

impl L2Block {
    fn first_transaction(&self) -> &[u8] {
        self.transactions.first().map_or(&[], |it| it)
    }
}

/// The lines of a compressed file.
fn lines(vectors: &Vectors, file: &str) -> Vec<Value> {
    let output = Command::new("xz").arg("-dc").arg(vectors.path(file)).output().expect("xz runs");
    assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("a JSON line")).collect()
}

#[track_caller]
fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("text")).expect("hex")
}

/// Splits a block into header and transactions, each in its own encoding.
fn split(block: &[u8]) -> (Vec<u8>, Vec<Bytes>) {
    let mut fields = alloy_rlp::Header::decode_bytes(&mut &block[..], true).expect("a list");
    let whole = fields;
    alloy_rlp::Header::decode_bytes(&mut fields, true).expect("a header");
    let header = whole[..whole.len() - fields.len()].to_vec();
    let mut list = alloy_rlp::Header::decode_bytes(&mut fields, true).expect("transactions");
    let mut transactions = Vec::new();
    while !list.is_empty() {
        let mut rest = list;
        let item = alloy_rlp::Header::decode(&mut rest).expect("a transaction");
        // Legacy transactions are lists and stand as they are, the others are byte strings.
        let (head, end) = (list.len() - rest.len(), item.payload_length);
        let whole = if item.list { &list[..head + end] } else { &rest[..end] };
        transactions.push(Bytes::copy_from_slice(whole));
        list = &rest[end..];
    }
    (header, transactions)
}

/// The logs of the successful receipts of an L1 block.
fn logs(line: &Value) -> Vec<Log> {
    let receipts = line["receipts"].as_array().expect("receipts");
    let receipts = receipts
        .iter()
        .map(|it| ReceiptEnvelope::<Log>::decode_2718(&mut &bytes(it)[..]).expect("a receipt"));
    receipts.filter(|it| it.is_success()).flat_map(|it| it.logs().to_vec()).collect()
}

fn l2_block(line: &Value) -> L2Block {
    let (header, transactions) = split(&bytes(&line["block"]));
    let header: Header = alloy_rlp::decode_exact(&header).expect("a header");
    let hash = line["hash"].as_str().expect("a hash").parse().expect("a hash");
    assert_eq!(header.hash_slow(), hash);
    let origin = &line["l1_origin"];
    let l1_origin = BlockId {
        number: origin["number"].as_u64().expect("a number"),
        hash: origin["hash"].as_str().expect("a hash").parse().expect("a hash"),
    };
    let sequence_number = line["seq"].as_u64().expect("a number");
    let position = EpochPosition { l1_origin, sequence_number };
    L2Block { hash, header, transactions, position }
}

/// T43: attributes, gas limits and upgrade transactions of the recorded chains, activation blocks
/// of seven forks among them. Updates of all kinds, malformed ones too, come by on the way.
#[test]
fn recorded_chains_say_of_l1_what_follows_from_parent_and_origin() {
    if Command::new("xz").arg("--version").output().is_err() {
        skipped("l1_data::recorded_chains", "there is no xz to unpack the chains");
        return;
    }
    let Some(vectors) = Vectors::for_test("l1_data::recorded_chains") else { return };
    let mut activated = BTreeSet::new();
    for chain in CHAINS {
        let file = |name: &str| format!("derivation/{chain}/{name}");
        let config = rollup_json(&vectors.bytes(&file("rollup.json"))).expect(chain);
        let l1_config = l1_config_json(&vectors.bytes(&file("l1-genesis.json"))).expect(chain);
        let (l1, l2) = (file("l1.jsonl.xz"), file("l2.jsonl.xz"));
        let (l1, l2) = (lines(&vectors, &l1), lines(&vectors, &l2));
        let l1_block = |line: &Value| {
            let (header, _) = split(&bytes(&line["block"]));
            let header = L1Flavour::Ethereum.decode_header(&header).expect("a header");
            assert_eq!(header.hash.to_string(), line["hash"].as_str().expect("a hash"));
            let block = L1Block { info: l1_config.block_info(&config, &header), logs: logs(line) };
            (header.number, block)
        };
        let l1: BTreeMap<u64, L1Block> = l1.iter().map(l1_block).collect();
        let l2: Vec<L2Block> = l2.iter().map(l2_block).collect();
        check_chain(&config, &l1, &l2, &mut activated);
    }
    let activated: Vec<_> = activated.into_iter().map(Fork::name).collect();
    let forks = ["ecotone", "fjord", "isthmus", "jovian", "karst"];
    assert_eq!(activated, forks, "forks whose upgrade transactions came by");
    vectors.finish();
}

fn check_chain(
    config: &ChainConfig,
    l1: &BTreeMap<u64, L1Block>,
    l2: &[L2Block],
    activated: &mut BTreeSet<Fork>,
) {
    for pair in l2.windows(2) {
        let [parent, block] = pair else { continue };
        let of = |block: &L2Block| {
            let first = block.first_transaction();
            EpochPosition::of_block(config, &block.header, block.hash, first)
        };
        assert_eq!(of(parent), Ok(parent.position));
        assert_eq!(of(block), Ok(block.position));
        let (header, origin) = (&parent.header, &l1[&block.position.l1_origin.number]);
        let first = parent.first_transaction();
        let mut system_config =
            SystemConfig::of_block(config, header, parent.hash, first).expect("a whole block");
        if block.position.sequence_number == 0 {
            system_config.apply_logs(config, origin.info.timestamp, &origin.logs);
        }
        check_block(config, &system_config, &origin.info, block, activated);
    }
}

fn check_block(
    config: &ChainConfig,
    system_config: &SystemConfig,
    l1: &L1BlockInfo,
    block: &L2Block,
    activated: &mut BTreeSet<Fork>,
) {
    let (number, timestamp) = (block.header.number, block.header.timestamp);
    let sequence_number = block.position.sequence_number;
    let deposit = l1_info_deposit(config, system_config, sequence_number, l1, timestamp);
    let deposit = deposit.expect("a sound scalar").encoded_2718();
    assert_eq!(block.first_transaction(), deposit, "{number}");

    let mut gas_limit = system_config.gas_limit;
    let mut upgrades = Vec::new();
    for fork in Fork::ALL.into_iter().filter(|fork| config.activates(*fork, timestamp)) {
        gas_limit += upgrade_gas(fork);
        upgrades.extend(upgrade_transactions(fork).expect("sound data"));
        if !upgrades.is_empty() {
            activated.insert(fork);
        }
    }
    assert_eq!(block.header.gas_limit, gas_limit, "{number}");
    // Deposits of users stand before them, transactions of the sequencer behind.
    let there = upgrades.is_empty()
        || block.transactions.windows(upgrades.len()).any(|window| window == upgrades);
    assert!(there, "{number}: upgrade transactions");
    let extra = opal_types::ExtraData::decode(&config.forks, timestamp, &block.header.extra_data)
        .expect("sound extra data");
    let Some(extra) = extra else { return };
    let params = if system_config.eip1559.is_zero() {
        config.base_fee_constants(timestamp)
    } else {
        system_config.eip1559
    };
    assert_eq!(extra.params, params, "{number}");
    // Before Jovian no block has room for it.
    assert!(extra.min_base_fee.is_none_or(|it| it == system_config.min_base_fee), "{number}");
}
