//! L1 blocks and the configs of a chain on them, and the files they go to.
//!
//! **Invariant:** each file is written whole; a recording read back gives the same blocks.

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, constants::EMPTY_WITHDRAWALS};
use alloy_primitives::{Address, B256, Bytes, Log, address, b256, keccak256, logs_bloom};
use opal_execute::{Receipt, ordered_root};
use opal_host::{Archive, ArchiveError, block_rlp};
use opal_types::read::{GenesisFile, rollup_json};
use serde_json::{Value, json};
use std::{fs, path::Path};

pub(crate) const INBOX: Address = address!("ff00000000000000000000000000000000001902");
pub(crate) const PORTAL: Address = address!("0000000000000000000000000000000000000a01");
pub(crate) const SYSTEM_CONFIG: Address = address!("0000000000000000000000000000000000000a02");
/// Counts its calls, and logs.
pub(crate) const COUNTER: Address = address!("000000000000000000000000000000000000c001");
pub(crate) const L1_CHAIN: u64 = 1901;
pub(crate) const L2_CHAIN: u64 = 1902;
pub(crate) const START_TIME: u64 = 1_800_000_000;
pub(crate) const L2_BLOCK_TIME: u64 = 2;
/// Ommers and withdrawals: two empty lists.
pub(crate) const BLOCK_TAIL: [u8; 2] = [0xc0, 0xc0];
/// Writes the L1 attributes of Ecotone and later into the slots they have in the real contract (E3).
const L1_BLOCK_CODE: &str = "0x3373deaddeaddeaddeaddeaddeaddeaddeaddead00011461001c57005b60003560e01c63015d8eb9146\
1006b5760143560801c60005560243560015560443560075560643560025560843560045560043560801c60035560a43560a01c60b03560f01c\
60601b17600855005b60243560401b6004351760005560443560015560643560025560843560035560a43560045560c43560055560e43560065\
500";
const COUNTER_CODE: &str = "0x60005460010180600055600052366000602037366020016000a000";

/// What is not the same on every chain made here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) sequencing_window: u64,
    /// Forks of the chain, all from its first block on.
    pub(crate) forks: &'a [&'a str],
    pub(crate) batcher: Address,
    /// Accounts with ether.
    pub(crate) users: &'a [Address],
}

/// A transaction with what its receipt says.
pub(crate) struct Included {
    pub(crate) raw: Bytes,
    pub(crate) logs: Vec<Log>,
}

/// An L1 block and its receipts.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) hash: B256,
    rlp: Bytes,
    receipts: Vec<Bytes>,
}

/// The block so many seconds after `parent`; the first one has none.
pub(crate) fn l1_block(parent: Option<&Block>, block_time: u64, included: Vec<Included>) -> Block {
    let number = parent.map_or(0, |it| it.header.number + 1);
    let mut receipts = Vec::new();
    for Included { raw, logs } in &included {
        receipts.push(Receipt {
            tx_type: raw[0],
            success: true,
            cumulative_gas_used: 100_000 * (receipts.len() as u64 + 1),
            bloom: logs_bloom(logs),
            logs: logs.clone(),
            deposit_nonce: None,
            has_deposit_version: false,
        });
    }
    let transactions: Vec<_> = included.into_iter().map(|it| it.raw).collect();
    let header = Header {
        parent_hash: parent.map_or(B256::ZERO, |it| it.hash),
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        transactions_root: ordered_root(transactions.iter().cloned()),
        receipts_root: ordered_root(receipts.iter().map(Receipt::encode)),
        logs_bloom: receipts.iter().fold(Default::default(), |all, it| all | it.bloom),
        number,
        gas_limit: 30_000_000,
        gas_used: 100_000 * receipts.len() as u64,
        timestamp: START_TIME + number * block_time,
        mix_hash: keccak256(number.to_be_bytes()),
        base_fee_per_gas: Some(1_000_000_000 + number),
        withdrawals_root: Some(EMPTY_WITHDRAWALS),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(number << 17),
        parent_beacon_block_root: Some(keccak256(format!("beacon block {number}"))),
        ..Header::default()
    };
    let rlp = block_rlp(&alloy_rlp::encode(&header), &transactions, &BLOCK_TAIL);
    let receipts = receipts.iter().map(Receipt::encode).collect();
    Block { hash: header.hash_slow(), header, rlp, receipts }
}

/// Writes the three configs of a chain that starts at this L1 block.
pub(crate) fn write_configs(folder: &Path, l1: &Block, plan: Plan<'_>) {
    let l2_genesis = l2_genesis(plan.users);
    let mut rollup = rollup(l1.hash, plan);
    let config = rollup_json(rollup.to_string().as_bytes()).unwrap();
    let genesis = GenesisFile::from_json(l2_genesis.to_string().as_bytes()).unwrap();
    // The config names the first block, which follows from the accounts.
    let Err(ArchiveError::OtherGenesis { found, .. }) = Archive::new(config, &genesis) else {
        panic!("the first block has hash zero");
    };
    rollup["genesis"]["l2"]["hash"] = json!(found);
    let write = |file: &str, value: &Value| {
        let text = serde_json::to_string_pretty(value).unwrap() + "\n";
        fs::write(folder.join(file), text).unwrap();
    };
    write("rollup.json", &rollup);
    write("l2-genesis.json", &l2_genesis);
    let fraction = json!({ "baseFeeUpdateFraction": 5_007_716, "max": 9, "target": 6 });
    let schedule = json!({ "cancun": fraction, "prague": fraction });
    let l1_config =
        json!({ "chainId": L1_CHAIN, "cancunTime": 0, "pragueTime": 0, "blobSchedule": schedule });
    write("l1-genesis.json", &json!({ "config": l1_config }));
}

fn l2_genesis(users: &[Address]) -> Value {
    let mut alloc = json!({
        COUNTER.to_string(): { "balance": "0x0", "code": COUNTER_CODE },
        "0x4200000000000000000000000000000000000015": { "balance": "0x0", "code": L1_BLOCK_CODE },
        "0x4200000000000000000000000000000000000016": { "balance": "0x0", "code": "0x60016000355500" },
    });
    for user in users {
        alloc[user.to_string()] = json!({ "balance": "0xde0b6b3a7640000" });
    }
    json!({
        "alloc": alloc,
        "baseFeePerGas": "0x3b9aca00",
        "difficulty": "0x0",
        // Jovian: denominator 250, elasticity 6, no lowest base fee (E5).
        "extraData": "0x01000000fa000000060000000000000000",
        "gasLimit": "0x1c9c380",
        "timestamp": format!("{START_TIME:#x}"),
    })
}

fn rollup(l1_hash: B256, plan: Plan<'_>) -> Value {
    let mut config = json!({
        "genesis": {
            "l1": { "hash": l1_hash, "number": 0 },
            "l2": { "hash": B256::ZERO, "number": 0 },
            "l2_time": START_TIME,
            "system_config": {
                "batcherAddr": plan.batcher,
                "overhead": B256::ZERO,
                "scalar": b256!("010000000000000000000000000000000000000000000000000c3c9d00000558"),
                "gasLimit": 30_000_000,
            },
        },
        "block_time": L2_BLOCK_TIME,
        "max_sequencer_drift": 60,
        "seq_window_size": plan.sequencing_window,
        "channel_timeout": 30,
        "l1_chain_id": L1_CHAIN,
        "l2_chain_id": L2_CHAIN,
        "batch_inbox_address": INBOX,
        "deposit_contract_address": PORTAL,
        "l1_system_config_address": SYSTEM_CONFIG,
        "chain_op_config": {
            "eip1559Elasticity": 6, "eip1559Denominator": 50, "eip1559DenominatorCanyon": 250,
        },
    });
    for fork in plan.forks {
        config[format!("{fork}_time")] = json!(0);
    }
    config
}

/// Writes the L1 blocks.
pub(crate) fn write_l1(folder: &Path, blocks: &[Block]) {
    let line = |block: &Block| {
        json!({
            "number": block.header.number, "hash": block.hash, "timestamp": block.header.timestamp,
            "block": block.rlp, "receipts": block.receipts,
        })
    };
    write_lines(folder, "l1.jsonl", blocks.iter().map(line));
}

/// Writes one JSON object per line.
pub(crate) fn write_lines(folder: &Path, file: &str, lines: impl Iterator<Item = Value>) {
    let text: String = lines.map(|line| line.to_string() + "\n").collect();
    fs::write(folder.join(file), text).unwrap();
}
