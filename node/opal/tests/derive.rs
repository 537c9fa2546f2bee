//! `opal derive` from the outside: the recording that ships with opal, whole and damaged.
//!
//! **Invariant:** what is missing or damaged gives "undetermined", never another chain and never a panic.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use opal_harness::{files_below, workspace_root};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};
use tempfile::TempDir;

/// Status and JSON answer.
fn derive(folder: &Path) -> (i32, Value) {
    let (status, stdout) = run(folder, "--json");
    (status, serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}")))
}

fn run(folder: &Path, flag: &str) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_opal"))
        .args(["derive", flag])
        .arg(folder)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// A copy of the recording, to be damaged.
fn copy() -> TempDir {
    let folder = TempDir::new().unwrap();
    let shipped = workspace_root().join("tests/recordings/first");
    for file in files_below(&shipped, &[]) {
        fs::copy(shipped.join(&file), folder.path().join(&file)).unwrap();
    }
    folder
}

/// Changes one line (from 1) of a file.
fn change(folder: &Path, file: &str, line: usize, how: impl FnOnce(&mut Value)) {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let mut value = serde_json::from_str(&lines[line - 1]).unwrap();
    how(&mut value);
    lines[line - 1] = value.to_string();
    fs::write(path, lines.join("\n")).unwrap();
}

#[test]
fn the_first_recording_is_derived_as_recorded() {
    let folder = copy();
    let (status, answer) = derive(folder.path());
    assert_eq!((status, &answer["result"]), (0, &json!("equal")), "{answer}");
    let blocks = answer["blocks"].as_array().unwrap();
    assert!(blocks.len() > 10);
    assert_eq!(blocks.last().unwrap()["hash"], answer["safe_head"]["hash"]);
    let rules: Vec<_> =
        answer["dropped"].as_array().unwrap().iter().map(|it| &it["rule"]).collect();
    for rule in ["D1", "D13", "D14"] {
        assert!(rules.contains(&&json!(rule)), "{rules:?}");
    }
    let (status, text) = run(folder.path(), "--explain");
    assert_eq!((status, text.matches("[D14]").count()), (0, 1), "{text}");
    assert!(text.contains("recorded         equal"), "{text}");
}

#[test]
fn blocks_origins_and_safe_heads_are_listed_when_asked_for() {
    let folder = workspace_root().join("tests/recordings/first");
    let (status, text) = run(&folder, "--blocks");
    assert_eq!(status, 0, "{text}");
    let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("L2 block "), 14, "{text}");
    assert!(text.contains(", L1 origin 1, 3 transactions"), "{text}");
    assert!(count("L1 block ") > 2 && text.contains(": safe head 13"), "{text}");
}

#[test]
fn without_recorded_blocks_there_is_nothing_to_differ_from() {
    let folder = copy();
    for file in ["l2.jsonl", "safe.jsonl"] {
        fs::remove_file(folder.path().join(file)).unwrap();
    }
    let (status, answer) = derive(folder.path());
    assert_eq!((status, &answer["result"]), (0, &json!("nothing recorded")));
}

#[track_caller]
fn check_differs(file: &str, line: usize, how: impl FnOnce(&mut Value), field: &str, number: u64) {
    let folder = copy();
    change(folder.path(), file, line, how);
    let (status, answer) = derive(folder.path());
    let difference = &answer["first_difference"];
    assert_eq!(status, 1, "{answer}");
    assert_eq!((&difference["field"], &difference["number"]), (&json!(field), &json!(number)));
}

#[test]
fn the_first_difference_names_block_and_field() {
    let hash = json!(format!("0x{}", "11".repeat(32)));
    check_differs("l2.jsonl", 5, |it| it["output_root"] = hash.clone(), "output_root", 4);
    check_differs("l2.jsonl", 6, |it| it["seq"] = json!(7), "seq", 5);
    let passer = "message_passer_storage_root";
    check_differs("l2.jsonl", 7, |it| it[passer] = hash.clone(), passer, 6);
    check_differs(
        "safe.jsonl",
        4,
        |it| it["result"]["safeHead"]["number"] = json!(9),
        "safe_head",
        3,
    );
}

#[track_caller]
fn check_undetermined(damage: impl FnOnce(&Path), reason: &str) {
    let folder = copy();
    damage(folder.path());
    let (status, answer) = derive(folder.path());
    assert_eq!((status, &answer["result"]), (2, &json!("undetermined")), "{answer}");
    assert!(answer["reason"].as_str().unwrap().contains(reason), "{answer}");
}

#[test]
fn damage_is_undetermined_and_names_file_line_and_field() {
    let hash = json!(format!("0x{}", "11".repeat(32)));
    let remove = |file: &'static str| move |it: &Path| fs::remove_file(it.join(file)).unwrap();
    check_undetermined(remove("rollup.json"), "rollup.json: ");
    check_undetermined(remove("l1.jsonl"), "l1.jsonl: is missing");
    let damage = |it: &Path| change(it, "l1.jsonl", 3, |it| it["hash"] = hash.clone());
    check_undetermined(damage, "l1.jsonl line 3: hash: ");
    let damage = |it: &Path| change(it, "l1.jsonl", 3, |it| it["receipts"][0] = json!("0x02c0"));
    check_undetermined(damage, "l1.jsonl line 3: receipts: ");
    let damage = |it: &Path| change(it, "l2.jsonl", 4, |it| it["block"] = json!("0xc0"));
    check_undetermined(damage, "l2.jsonl line 4: block: ");
    let damage =
        |it: &Path| change(it, "blobs.jsonl", 1, |it| it["data"] = json!("0x00000003aabbcc"));
    check_undetermined(damage, "blobs.jsonl line 1: data: ");
    let damage = |it: &Path| fs::write(it.join("safe.jsonl"), "{\"l1\": 0}\n").unwrap();
    check_undetermined(damage, "safe.jsonl line 1: .: ");
    let damage =
        |it: &Path| fs::write(it.join("l1.jsonl"), "{\"number\": 0, \"hash\": 5}").unwrap();
    check_undetermined(damage, "l1.jsonl line 1: hash: ");
}

#[test]
fn a_missing_blob_is_named() {
    let folder = copy();
    let blobs = folder.path().join("blobs.jsonl");
    let blob: Value = serde_json::from_str(&fs::read_to_string(&blobs).unwrap()).unwrap();
    fs::remove_file(blobs).unwrap();
    let (status, answer) = derive(folder.path());
    assert_eq!((status, &answer["missing_key"]), (2, &blob["versioned_hash"]), "{answer}");
}
