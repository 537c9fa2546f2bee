//! `opal execute` from the outside: real blocks, damaged inputs, exit statuses.
//!
//! **Invariant:** damage gives "invalid" or "undetermined", never "valid" for another block and never a panic.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use opal_harness::Vectors;
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};
use tempfile::TempDir;

/// Status and JSON answer.
fn execute(fixture: &Path, preimages: &Path) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_opal"))
        .args(["execute", "--json", "--preimages"])
        .args([preimages, fixture])
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    let answer = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), answer.unwrap_or_else(|error| panic!("{error}: {stderr}")))
}

#[test]
fn real_blocks_have_the_hashes_the_chain_gave_them() {
    let Some(vectors) = Vectors::for_test("execute_cli::blocks") else { return };
    for file in vectors.files_like("op-sepolia-blocks/*.fixture.json") {
        let fixture: Value = vectors.json(&file);
        let preimages = vectors.path(&file.replace("fixture.json", "preimages.bin"));
        let (status, answer) = execute(&vectors.path(&file), &preimages);
        assert_eq!(status, 0, "{answer}");
        assert_eq!(answer["verdict"], "valid");
        assert_eq!(answer["computed_hash"], fixture["expected_block_hash"]);
        let transactions = fixture["executing_payload"]["transactions"].as_array().unwrap();
        assert_eq!(answer["transactions"], transactions.len());
    }
    vectors.finish();
}

/// The smallest block, to be damaged.
struct Block {
    folder: TempDir,
    fixture: Value,
    preimages: Vec<u8>,
}

impl Block {
    fn open(vectors: &Vectors) -> Self {
        for file in vectors.files() {
            vectors.path(&file);
        }
        Self {
            folder: TempDir::new().unwrap(),
            fixture: vectors.json("op-sepolia-blocks/block-26207960.fixture.json"),
            preimages: vectors.bytes("op-sepolia-blocks/block-26207960.preimages.bin"),
        }
    }

    fn execute(&self) -> (i32, Value) {
        let [fixture, preimages] =
            ["fixture.json", "preimages.bin"].map(|it| self.folder.path().join(it));
        fs::write(&fixture, self.fixture.to_string()).unwrap();
        fs::write(&preimages, &self.preimages).unwrap();
        execute(&fixture, &preimages)
    }

    /// Offsets of the records' first bytes.
    fn records(&self) -> Vec<usize> {
        let mut offsets = Vec::new();
        let mut offset = 0;
        while offset < self.preimages.len() {
            let length = u32::from_be_bytes(self.preimages[offset..offset + 4].try_into().unwrap());
            offsets.push(offset + 4);
            offset += 4 + length as usize;
        }
        offsets
    }
}

#[test]
fn a_flipped_byte_in_a_preimage_is_undetermined_if_the_record_is_read() {
    let Some(vectors) = Vectors::for_test("execute_cli::damage") else { return };
    let mut block = Block::open(&vectors);
    let mut undetermined = 0;
    for offset in block.records().into_iter().step_by(20) {
        block.preimages[offset] ^= 1;
        match block.execute() {
            (0, answer) => assert_eq!(answer["verdict"], "valid"),
            (2, answer) => {
                assert!(answer["missing_key"].is_string(), "{answer}");
                undetermined += 1;
            }
            other => panic!("{other:?}"),
        }
        block.preimages[offset] ^= 1;
    }
    assert!(undetermined > 0);
    vectors.finish();
}

#[test]
fn a_truncated_preimage_file_is_undetermined_and_names_the_offset() {
    let Some(vectors) = Vectors::for_test("execute_cli::damage") else { return };
    let mut block = Block::open(&vectors);
    let last = *block.records().last().unwrap();
    block.preimages.pop();
    let (status, answer) = block.execute();
    assert_eq!(status, 2);
    let reason = answer["reason"].as_str().unwrap();
    assert!(reason.contains(&format!("offset {}", last - 4)), "{reason}");
    vectors.finish();
}

#[test]
fn a_changed_claim_is_invalid_and_names_the_field() {
    let Some(vectors) = Vectors::for_test("execute_cli::damage") else { return };
    let original = Block::open(&vectors).fixture;
    let changes = [
        ("/expected_block_hash", json!(format!("0x{}", "11".repeat(32))), "expected_block_hash"),
        ("/executing_payload/transactions/1", json!("0x02"), "executing_payload.transactions[1]"),
        ("/executing_payload/transactions/1", json!("0x03ff"), "executing_payload.transactions[1]"),
        ("/executing_payload/timestamp", json!("0x1"), "executing_payload.timestamp"),
        ("/parent_header/extraData", json!("0x"), "parent_header.extra_data"),
        (
            "/parent_header/receiptsRoot",
            original["parent_header"]["stateRoot"].clone(),
            "expected_block_hash",
        ),
    ];
    let mut block = Block::open(&vectors);
    for (pointer, value, field) in changes {
        block.fixture = original.clone();
        *block.fixture.pointer_mut(pointer).unwrap() = value;
        let (status, answer) = block.execute();
        assert_eq!((status, answer["field"].as_str()), (1, Some(field)), "{pointer}: {answer}");
    }
    vectors.finish();
}

#[test]
fn a_file_that_is_no_fixture_is_undetermined_and_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("fixture.json");
    fs::write(&path, "{}").unwrap();
    for fixture in [&path, &folder.path().join("absent.json")] {
        let (status, answer) = execute(fixture, &path);
        assert_eq!((status, &answer["verdict"]), (2, &json!("undetermined")));
        let name = fixture.file_name().unwrap().to_str().unwrap();
        assert!(answer["reason"].as_str().unwrap().contains(name), "{answer}");
    }
}
