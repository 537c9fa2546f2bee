//! Gossiped payloads and post-execution transactions as the Go stack writes them (N2, N3, E15).
//!
//! **Invariant:** each vector is read and written again, byte for byte.

use alloy_consensus::{Block, Header};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, B256, Bloom, Bytes, U256, hex};
use alloy_rlp::Decodable;
use op_alloy_consensus::{OpTxEnvelope, POST_EXEC_TX_TYPE_ID, SDMGasEntry, TxPostExec};
use opal_harness::{Vectors, skipped};
use opal_types::{PayloadEnvelope, PayloadError, PayloadVersion, read::rollup_json};
use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

const VERSIONS: [PayloadVersion; 4] =
    [PayloadVersion::V1, PayloadVersion::V2, PayloadVersion::V3, PayloadVersion::V4];

#[track_caller]
fn bytes(value: &Value) -> Bytes {
    let text = value.as_str().unwrap_or_else(|| panic!("no text: {value}"));
    hex::decode(text).unwrap_or_else(|error| panic!("{error}: {text}")).into()
}

#[track_caller]
fn word(value: &Value) -> B256 {
    B256::from_slice(&bytes(value))
}

/// A number in hex without leading zeros.
#[track_caller]
fn quantity(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|it| it.strip_prefix("0x"));
    let number = digits.and_then(|it| u64::from_str_radix(it, 16).ok());
    number.unwrap_or_else(|| panic!("no number: {value}"))
}

/// `None` for a field that is not there.
fn maybe<T>(value: &Value, read: impl Fn(&Value) -> T) -> Option<T> {
    (!value.is_null()).then(|| read(value))
}

/// The Go node's JSON form of an envelope; null is its empty list.
#[track_caller]
fn envelope(json: &Value) -> PayloadEnvelope {
    let payload = &json["executionPayload"];
    let transactions = payload["transactions"].as_array();
    let withdrawals = |list: &Value| {
        assert_eq!(list.as_array().map(Vec::len), Some(0), "L2 has no withdrawals");
        Vec::new()
    };
    PayloadEnvelope {
        parent_hash: word(&payload["parentHash"]),
        fee_recipient: Address::from_slice(&bytes(&payload["feeRecipient"])),
        state_root: word(&payload["stateRoot"]),
        receipts_root: word(&payload["receiptsRoot"]),
        logs_bloom: Bloom::from_slice(&bytes(&payload["logsBloom"])),
        prev_randao: word(&payload["prevRandao"]),
        number: quantity(&payload["blockNumber"]),
        gas_limit: quantity(&payload["gasLimit"]),
        gas_used: quantity(&payload["gasUsed"]),
        timestamp: quantity(&payload["timestamp"]),
        extra_data: bytes(&payload["extraData"]),
        base_fee_per_gas: U256::from(quantity(&payload["baseFeePerGas"])),
        block_hash: word(&payload["blockHash"]),
        transactions: transactions.into_iter().flatten().map(bytes).collect(),
        withdrawals: maybe(&payload["withdrawals"], withdrawals),
        blob_gas_used: maybe(&payload["blobGasUsed"], quantity),
        excess_blob_gas: maybe(&payload["excessBlobGas"], quantity),
        parent_beacon_block_root: maybe(&json["parentBeaconBlockRoot"], word),
        withdrawals_root: maybe(&payload["withdrawalsRoot"], word),
    }
}

#[test]
fn payloads_are_the_go_nodes() {
    let Some(vectors) = Vectors::for_test("payloads::envelopes") else { return };
    let cases: Vec<Value> = vectors.json("protocol/payload-ssz.json");
    let mut versions = BTreeSet::new();
    for case in &cases {
        let version = VERSIONS[case["version"].as_u64().expect("a version") as usize];
        let (envelope, ssz) = (envelope(&case["envelopeJson"]), bytes(&case["ssz"]));
        assert_eq!(envelope.version(), Ok(version));
        assert_eq!(envelope.encode().map(Bytes::from), Ok(ssz.clone()));
        assert_eq!(PayloadEnvelope::decode(version, &ssz).as_ref(), Ok(&envelope));
        assert_eq!(envelope.payload_hash(), Ok(word(&case["payloadHashKeccak"])));
        // The generator drew the block hashes at random, so none of them follows from the fields.
        let header = envelope.header().expect("a base fee of 64 bits");
        assert_ne!(header.hash_slow(), envelope.block_hash);
        let again =
            PayloadEnvelope::of_block(&header, envelope.block_hash, envelope.transactions.clone());
        assert_eq!(again, envelope);
        versions.insert(version);
    }
    assert_eq!(versions.len(), VERSIONS.len());
    vectors.finish();
}

#[test]
fn a_damaged_payload_is_refused_or_another_payload() {
    let Some(vectors) = Vectors::for_test("payloads::damage") else { return };
    let cases: Vec<Value> = vectors.json("protocol/payload-ssz.json");
    let mut refused = 0;
    for case in &cases {
        let version = VERSIONS[case["version"].as_u64().expect("a version") as usize];
        let ssz = bytes(&case["ssz"]);
        // In whatever version: one that is not the sender's may fit, but says the same bytes.
        for version in VERSIONS {
            if let Ok(other) = PayloadEnvelope::decode(version, &ssz) {
                assert_eq!(other.encode().map(Bytes::from), Ok(ssz.clone()));
            }
        }
        for at in 0..ssz.len() {
            let cut = PayloadEnvelope::decode(version, &ssz[..at]);
            assert!(cut.is_err() || cut.is_ok_and(|it| it.encode() == Ok(ssz[..at].to_vec())));
            for flip in [0x01, 0x04, 0x80] {
                let mut flipped = ssz.to_vec();
                flipped[at] ^= flip;
                match PayloadEnvelope::decode(version, &flipped) {
                    Ok(other) => assert_eq!(other.encode(), Ok(flipped), "{at} {flip}"),
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
    vectors.finish();
}

#[test]
fn recorded_blocks_keep_their_hash_through_gossip() {
    if Command::new("xz").arg("--version").output().is_err() {
        skipped("payloads::recorded_blocks", "there is no xz to unpack the chains");
        return;
    }
    let Some(vectors) = Vectors::for_test("payloads::recorded_blocks") else { return };
    let mut versions = BTreeSet::new();
    for file in vectors.files_like("derivation/*/rollup.json") {
        let folder = file.trim_end_matches("rollup.json");
        let config = rollup_json(&vectors.bytes(&file)).expect("a config");
        let path = vectors.path(&format!("{folder}l2.jsonl.xz"));
        let output = Command::new("xz").arg("-dc").arg(path).output().expect("xz runs");
        assert!(output.status.success(), "{file}");
        let text = String::from_utf8(output.stdout).expect("text");
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            let (block, hash) = (bytes(&line["block"]), word(&line["hash"]));
            let version =
                PayloadVersion::at(&config.forks, line["timestamp"].as_u64().expect("seconds"));
            check_block(&block, hash, version);
            versions.insert(version);
        }
    }
    assert_eq!(versions, BTreeSet::from(VERSIONS));
    vectors.finish();
}

#[track_caller]
fn check_block(block: &[u8], hash: B256, version: PayloadVersion) {
    let block = Block::<OpTxEnvelope, Header>::decode(&mut &*block).expect("a block");
    let transactions = block.body.transactions.iter().map(|it| it.encoded_2718().into()).collect();
    let sent = PayloadEnvelope::of_block(&block.header, hash, transactions);
    assert_eq!(sent.version(), Ok(version));
    let received = PayloadEnvelope::decode(version, &sent.encode().expect("it fits"));
    let received = received.expect("what was sent");
    assert_eq!(received, sent);
    let header = received.header().expect("a base fee of 64 bits");
    assert_eq!(header.hash_slow(), received.block_hash);
}

#[test]
fn fields_of_no_version_and_wide_base_fees_are_refused() {
    let mut envelope = PayloadEnvelope { blob_gas_used: Some(0), ..Default::default() };
    assert_eq!(envelope.encode(), Err(PayloadError::NoVersion));
    envelope.blob_gas_used = None;
    envelope.base_fee_per_gas = U256::MAX;
    let bytes = envelope.encode().expect("the format has room");
    assert_eq!(PayloadEnvelope::decode(PayloadVersion::V1, &bytes).as_ref(), Ok(&envelope));
    assert_eq!(envelope.header(), Err(PayloadError::BaseFee { base_fee: U256::MAX }));
    envelope.extra_data = vec![0; 33].into();
    let too_long = PayloadError::TooLong { field: "extra data", length: 33 };
    assert_eq!(envelope.encode(), Err(too_long));
}

#[test]
fn post_execution_transactions_are_the_go_nodes() {
    let Some(vectors) = Vectors::for_test("payloads::post_exec") else { return };
    let file: Value = vectors.json("protocol/misc.json");
    let cases = file["postExecTx"].as_array().expect("cases");
    assert_eq!(cases.len(), 4);
    for case in cases {
        assert!(case["decodeErr"].is_null());
        let (payload, raw) = (&case["payload"], bytes(&case["tx"]));
        let entry = |entry: &Value| SDMGasEntry {
            index: entry["index"].as_u64().expect("an index"),
            gas_refund: entry["gas_refund"].as_u64().expect("a refund"),
        };
        let entries = payload["gas_refund_entries"].as_array().into_iter().flatten();
        let number = payload["block_number"].as_u64().expect("a number");
        let made = op_alloy_consensus::build_post_exec_tx(number, entries.map(entry).collect());
        assert_eq!(
            u64::from(made.payload.version),
            payload["version"].as_u64().expect("a version")
        );
        assert_eq!(made.encoded_2718(), raw);
        assert_eq!(made.tx_hash(), word(&case["hash"]));
        assert_eq!(raw[0], POST_EXEC_TX_TYPE_ID);
        let mut rest = &raw[..];
        let read = OpTxEnvelope::decode_2718(&mut rest).expect("a transaction");
        assert!(rest.is_empty());
        assert_eq!(read.tx_hash(), word(&case["hash"]));
        assert_eq!(read.encoded_2718(), raw);
        check_damaged_post_exec(&raw);
    }
    vectors.finish();
}

/// What is cut is refused, and what is flipped is refused or another transaction.
#[track_caller]
fn check_damaged_post_exec(raw: &[u8]) {
    for length in 0..raw.len() {
        assert!(TxPostExec::decode_2718(&mut &raw[..length]).is_err(), "cut at {length}");
    }
    for at in 0..raw.len() {
        let mut flipped = raw.to_vec();
        flipped[at] ^= 0x01;
        let mut rest = &flipped[..];
        if let Ok(other) = TxPostExec::decode_2718(&mut rest) {
            let taken = flipped.len() - rest.len();
            assert_eq!(other.encoded_2718(), flipped[..taken], "flipped at {at}");
        }
    }
}
