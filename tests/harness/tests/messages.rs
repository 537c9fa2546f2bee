//! Interop messages against what the Go stack computes, reads and refuses (I1-I4).
//!
//! **Invariant:** each case is decided by the code that blocks are decided with.

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256, hex};
use opal_harness::Vectors;
use opal_message::{
    Access, AccessError, ExecutingMessageError, Identifier, Message, log_hash, payload,
    payload_hash, read_access_list,
};
use serde_json::Value;

/// The bytes of a hex text, with or without 0x.
#[track_caller]
fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap_or_else(|| panic!("no text: {value}"));
    hex::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[track_caller]
fn word(value: &Value) -> B256 {
    B256::from_slice(&bytes(value))
}

#[track_caller]
fn address(value: &Value) -> Address {
    Address::from_slice(&bytes(value))
}

/// A JSON number, or a text with 0x.
#[track_caller]
fn number(value: &Value) -> u64 {
    let text = || u64::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok();
    value.as_u64().or_else(text).unwrap_or_else(|| panic!("no number: {value}"))
}

#[track_caller]
fn index(value: &Value) -> u32 {
    number(value).try_into().expect("log indexes have 32 bits")
}

/// A chain id in decimal.
#[track_caller]
fn decimal(value: &Value) -> U256 {
    let text = value.as_str().unwrap_or_else(|| panic!("no text: {value}"));
    text.parse().unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The items of a list; null is Go's empty one.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The cases of a list that has some.
#[track_caller]
fn cases(value: &Value) -> &[Value] {
    let cases = list(value);
    assert!(!cases.is_empty(), "no case");
    cases
}

fn words(value: &Value) -> Vec<B256> {
    list(value).iter().map(word).collect()
}

/// A log from its parts, with as many topics as the file has.
fn log(address_of: &Value, topics: &Value, data: &Value) -> Log {
    let data = LogData::new_unchecked(words(topics), Bytes::from(bytes(data)));
    Log { address: address(address_of), data }
}

fn whole_log(case: &Value) -> Log {
    log(&case["address"], &case["topics"], &case["data"])
}

/// The message of a log that lies in this place.
fn message(log: &Log, place: &Value, chain_id: U256) -> Message {
    let block = if place["block"].is_null() { &place["block_number"] } else { &place["block"] };
    let at = if place["logIndex"].is_null() { &place["log_index"] } else { &place["logIndex"] };
    let identifier = Identifier {
        origin: log.address,
        block_number: number(block),
        log_index: index(at),
        timestamp: number(&place["timestamp"]),
        chain_id,
    };
    Message { identifier, payload_hash: payload_hash(log) }
}

/// What a message must be hashed to, and announced by.
#[track_caller]
fn check_message(message: &Message, hashes: [B256; 3], entries: &[B256]) {
    assert_eq!([message.payload_hash, message.log_hash(), message.checksum().word()], hashes);
    let access = Access::from(message);
    assert_eq!(access.entries(), entries);
    let mut rest = entries;
    assert_eq!(Access::take(&mut rest), Ok(access));
    assert!(rest.is_empty(), "{rest:?}");
}

#[test]
fn messages_have_the_go_nodes_checksums() {
    let Some(vectors) = Vectors::for_test("messages::go_node") else { return };
    let file: Value = vectors.json("protocol/misc.json");
    for case in cases(&file["interopMessages"]) {
        let log = log(&case["logAddress"], &case["logTopics"], &case["logData"]);
        assert_eq!(payload(&log), bytes(&case["payload"]));
        let chain_id = U256::try_from_be_slice(&bytes(&case["chainId"])).expect("32 bytes");
        let hashes = ["payloadHash", "logHash", "checksum"].map(|it| word(&case[it]));
        let entries = words(&case["accessListStorageKeys"]);
        check_message(&message(&log, case, chain_id), hashes, &entries);
    }
    vectors.finish();
}

#[test]
fn messages_have_the_supernodes_checksums() {
    let Some(vectors) = Vectors::for_test("messages::supernode") else { return };
    let file: Value = vectors.json("interop/checksums-superroots-depset.json");
    let mut wide = 0;
    for case in cases(&file["checksums"]) {
        let log = whole_log(&case["log"]);
        let message = message(&log, case, decimal(&case["chain_id"]));
        let hashes = ["payload_hash", "log_hash", "checksum"].map(|it| word(&case[it]));
        let entries = words(&case["access_entries"]);
        wide += usize::from(entries.len() == 3);
        check_message(&message, hashes, &entries);
    }
    assert!(wide > 0, "no chain id above 64 bits");
    vectors.finish();
}

#[test]
fn messages_have_the_printed_checksums() {
    let Some(vectors) = Vectors::for_test("messages::printed") else { return };
    let file: Value = vectors.json("derived/spec-values.json");
    for case in cases(&file["interop_checksum"]) {
        let data = Bytes::copy_from_slice(case["payload_ascii"].as_str().expect("text").as_bytes());
        let log =
            Log { address: address(&case["origin"]), data: LogData::new_unchecked(vec![], data) };
        let identifier = Identifier {
            origin: log.address,
            block_number: number(&case["blockNumber"]),
            log_index: index(&case["logIndex"]),
            timestamp: number(&case["timestamp"]),
            chain_id: U256::from(number(&case["chainId"])),
        };
        let message = Message { identifier, payload_hash: payload_hash(&log) };
        let hashes = ["msgHash", "logHash", "checksum"].map(|it| word(&case[it]));
        check_message(&message, hashes, &[word(&case["lookup"]), word(&case["checksum"])]);
    }
    for case in cases(&file["log_hash"]) {
        let log = whole_log(&case["log"]);
        let expected = word(&case["log"]["logHash"]);
        assert_eq!(log_hash(log.address, payload_hash(&log)), expected, "{}", case["name"]);
    }
    vectors.finish();
}

/// What the file says of an announced message, in our order.
fn expected_access(case: &Value) -> (u64, u64, u32, U256, B256) {
    (
        number(&case["block_number"]),
        number(&case["timestamp"]),
        index(&case["log_index"]),
        decimal(&case["chain_id"]),
        word(&case["checksum"]),
    )
}

fn found_access(access: &Access) -> (u64, u64, u32, U256, B256) {
    let checksum = access.checksum.word();
    (access.block_number, access.timestamp, access.log_index, access.chain_id, checksum)
}

#[track_caller]
fn check_accesses(case: &Value, found: &[Access]) {
    let expected: Vec<_> = list(&case["accesses"]).iter().map(expected_access).collect();
    let found: Vec<_> = found.iter().map(found_access).collect();
    assert_eq!(found, expected, "{}", case["name"]);
}

/// Our facts in the Go node's words.
fn access_error(error: Option<AccessError>) -> Option<String> {
    error.map(|error| match error {
        AccessError::Ended { .. } => "expected entry".to_owned(),
        AccessError::WrongKind { expected, found } => {
            format!("expected {expected}, got entry type {found}: unexpected entry type")
        }
        AccessError::Padding { .. } => "expected zero bytes: malformed entry".to_owned(),
    })
}

#[test]
fn access_lists_are_read_as_the_go_filter_reads_them() {
    let Some(vectors) = Vectors::for_test("messages::access_lists") else { return };
    let file: Value = vectors.json("interop/access-lists.json");
    let mut refused = 0;
    for case in cases(&file["entry_lists"]) {
        let entries = words(&case["entries"]);
        let mut rest = entries.as_slice();
        let mut accesses = Vec::new();
        let mut error = None;
        while error.is_none() && !rest.is_empty() {
            match Access::take(&mut rest) {
                Ok(access) => accesses.push(access),
                Err(found) => error = Some(found),
            }
        }
        check_accesses(case, &accesses);
        assert_eq!(access_error(error).as_deref(), case["error"].as_str(), "{}", case["name"]);
        assert_eq!(error.is_none(), case["ok"].as_bool().expect("a verdict"));
        if error.is_some() {
            refused += 1;
            let at = entries.len() - rest.len();
            assert_eq!(at as u64, number(&case["error_at_entry"]), "{}", case["name"]);
        }
    }
    assert!(refused > 200, "{refused}");
    for case in cases(&file["tx_access_lists"]) {
        let item = |item: &Value| AccessListItem {
            address: address(&item["address"]),
            storage_keys: words(&item["storageKeys"]),
        };
        let found =
            read_access_list(&AccessList(list(&case["access_list"]).iter().map(item).collect()));
        check_accesses(case, found.as_deref().unwrap_or_default());
        let error = access_error(found.err());
        assert_eq!(error.as_deref(), case["error"].as_str(), "{}", case["name"]);
    }
    vectors.finish();
}

#[test]
fn executing_messages_are_read_as_the_supernode_reads_them() {
    let Some(vectors) = Vectors::for_test("messages::executing") else { return };
    let file: Value = vectors.json("interop/executing-message-decode.json");
    for case in cases(&file) {
        let log = whole_log(&case["log"]);
        assert_eq!(log_hash(log.address, payload_hash(&log)), word(&case["log_hash"]));
        let name = &case["name"];
        match (Message::from_log(&log), case["result"].as_str().expect("a result")) {
            (Ok(Some(message)), "ok") => {
                let expected = expected_access(&case["message"]);
                assert_eq!(found_access(&Access::from(&message)), expected, "{name}");
                assert_eq!(message.identifier.origin, address(&case["origin"]), "{name}");
                assert_eq!(message.payload_hash, word(&case["payload_hash"]), "{name}");
            }
            (Ok(None), "not_executing_message") => {}
            (Err(error), "error") => {
                let expected = case["error"].as_str().expect("an error");
                let expected = expected.strip_prefix("invalid executing message: ");
                assert_eq!(Some(executing_error(error)).as_deref(), expected, "{name}");
            }
            (found, result) => panic!("{name}: {found:?}, not {result}"),
        }
    }
    vectors.finish();
}

/// Our facts in the Go node's words.
fn executing_error(error: ExecutingMessageError) -> String {
    match error {
        ExecutingMessageError::WrongLength { length } => {
            format!("unexpected identifier data length: {length}")
        }
        ExecutingMessageError::TooWide { field, .. } => {
            let field = if field == "origin" { "address" } else { field };
            format!("invalid {field} padding: expected zero")
        }
    }
}
