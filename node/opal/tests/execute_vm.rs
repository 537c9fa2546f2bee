//! `opal execute --vm`: the program inside the VM decides as the native one, and costs what the table says.
//!
//! **Invariant:** the table of steps is the only thing here that may change without a change of meaning.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use opal_harness::{StepsTable, Vectors};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};
use tempfile::TempDir;

/// Status and JSON answer.
fn execute(fixture: &Path, preimages: &Path, more: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_opal"))
        .args(["execute", "--json", "--vm", "--preimages"])
        .args([preimages, fixture])
        .args(more)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    let answer = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), answer.unwrap_or_else(|error| panic!("{error}: {stderr}")))
}

/// Whether this opal was built without a guest image; says so in the closing table.
fn without_guest(answer: &Value, test: &str) -> bool {
    let reason = answer["reason"].as_str().unwrap_or_default();
    let without = reason.contains("no guest image");
    if without {
        opal_harness::skipped(test, reason);
    }
    without
}

#[test]
fn real_blocks_are_valid_in_the_vm_and_cost_what_the_table_says() {
    let Some(vectors) = Vectors::for_test("execute_vm::blocks") else { return };
    let mut table = StepsTable::open(
        "fault-proof/guest/steps.toml",
        "Steps of the guest on real blocks, pre-image reads and hints included. Written by the test beside `opal execute`:",
        "-p opal --test execute_vm",
    );
    let mut skipped = false;
    for file in vectors.files_like("op-sepolia-blocks/*.fixture.json") {
        let fixture: Value = vectors.json(&file);
        let preimages = vectors.path(&file.replace("fixture.json", "preimages.bin"));
        let (status, answer) = execute(&vectors.path(&file), &preimages, &[]);
        if without_guest(&answer, "execute_vm::blocks") {
            skipped = true;
            continue;
        }
        assert_eq!((status, &answer["verdict"]), (0, &json!("valid")), "{answer}");
        assert_eq!(answer["exit_code"], 0);
        assert_eq!(answer["computed_hash"], fixture["expected_block_hash"]);
        let name = file.rsplit('/').next().unwrap().trim_end_matches(".fixture.json");
        let (gas, steps) =
            (answer["gas_used"].as_u64().unwrap(), answer["steps"].as_u64().unwrap());
        let per_mgas = steps * 1_000_000 / gas;
        table.row(name, &[("gas", gas), ("steps", steps), ("steps_per_mgas", per_mgas)]);
    }
    vectors.finish();
    if !skipped {
        table.finish(true);
    }
}

#[test]
fn damage_has_the_same_verdict_in_the_vm() {
    let Some(vectors) = Vectors::for_test("execute_vm::damage") else { return };
    let fixture: Value = vectors.json("op-sepolia-blocks/block-26207960.fixture.json");
    let preimages = vectors.bytes("op-sepolia-blocks/block-26207960.preimages.bin");
    vectors.files().iter().for_each(|file| drop(vectors.path(file)));
    vectors.finish();
    let folder = TempDir::new().unwrap();
    let path = |name| folder.path().join(name);
    let run = |fixture: &Value, preimages: &[u8], more: &[&str]| {
        fs::write(path("fixture.json"), fixture.to_string()).unwrap();
        fs::write(path("preimages.bin"), preimages).unwrap();
        execute(&path("fixture.json"), &path("preimages.bin"), more)
    };
    let (_, answer) = run(&fixture, &preimages, &[]);
    if without_guest(&answer, "execute_vm::damage") {
        return;
    }

    // Nothing is there: the host stops the VM at the first key.
    let (status, answer) = run(&fixture, &[], &[]);
    assert_eq!((status, &answer["verdict"]), (2, &json!("undetermined")), "{answer}");
    assert!(answer["missing_key"].is_string() && answer["exit_code"].is_null(), "{answer}");
    assert!(answer["steps"].as_u64().unwrap() > 0);

    let mut damaged = preimages;
    damaged[4] ^= 1;
    let (status, answer) = run(&fixture, &damaged, &[]);
    assert!(status == 0 || status == 2 && answer["missing_key"].is_string(), "{answer}");
    damaged[4] ^= 1;

    let changes = [
        ("/expected_block_hash", json!(format!("0x{}", "11".repeat(32))), "expected_block_hash"),
        ("/executing_payload/transactions/1", json!("0x02"), "executing_payload.transactions[1]"),
        ("/parent_header/extraData", json!("0x"), "parent_header.extra_data"),
    ];
    for (pointer, value, field) in changes {
        let mut changed = fixture.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        let (status, answer) = run(&changed, &damaged, &[]);
        assert_eq!((status, answer["field"].as_str()), (1, Some(field)), "{pointer}: {answer}");
        assert_eq!(answer["exit_code"], 1);
    }

    let no_elf = path("preimages.bin");
    let (status, answer) = run(&fixture, &damaged, &["--guest", no_elf.to_str().unwrap()]);
    assert_eq!(status, 2);
    assert!(answer["reason"].as_str().unwrap().contains("guest image"), "{answer}");
}
