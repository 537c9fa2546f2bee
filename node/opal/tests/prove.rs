//! `opal prove`, `opal prestate` and `opal host`: a claim is decided natively, in the VM, and by Go cannon with opal's host.
//!
//! **Invariant:** the same claim has the same verdict, root and final state everywhere.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use opal_harness::{StepsTable, Vectors, guest_image, peer::go_peer, workspace_root};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

const FOLDER: &str = "derivation/e-small-frames";
/// The block in question and the one before.
const BLOCK: &str = "20";
const WRONG: &str = "0x7777777777777777777777777777777777777777777777777777777777777777";

/// The recording's folder; every file of it counts as opened.
fn recording(vectors: &Vectors) -> PathBuf {
    vectors.files().iter().for_each(|file| drop(vectors.path(file)));
    let config = vectors.path(&format!("{FOLDER}/rollup.json"));
    config.parent().unwrap().to_owned()
}

/// Status, standard output and standard error.
fn opal(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_opal")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(!stderr.contains("panicked"), "{stderr}");
    (output.status.code().unwrap(), stdout, stderr)
}

/// Status and JSON answer of `opal prove`.
fn prove(folder: &Path, more: &[&str]) -> (i32, Value) {
    let folder = folder.to_str().unwrap();
    let arguments = [&["prove", "--json", "--recording", folder, "--block"], more].concat();
    let (status, answer, complaints) = opal(&arguments);
    let answer = serde_json::from_str(&answer);
    (status, answer.unwrap_or_else(|error| panic!("{error}: {complaints}")))
}

#[test]
fn a_claim_ends_in_one_of_three_statuses() {
    let Some(vectors) = Vectors::for_test("prove::recording") else { return };
    let folder = recording(&vectors);
    let (status, answer) = prove(&folder, &[BLOCK, "--agreed", "10"]);
    assert_eq!((status, &answer["verdict"]), (0, &json!("valid")), "{answer}");
    assert_eq!(answer["computed_output_root"], answer["claimed_output_root"]);
    assert_eq!((&answer["agreed_block"], &answer["blocks_derived"]), (&json!(10), &json!(10)));
    assert!(answer["preimages_read"].as_u64().unwrap() > 0);

    let (status, answer) = prove(&folder, &[BLOCK, "--claim", WRONG]);
    assert_eq!((status, &answer["verdict"]), (1, &json!("invalid")), "{answer}");
    assert_eq!(answer["first_difference"], json!(20));

    let (status, answer) = prove(&folder, &[BLOCK, "--l1-head", WRONG]);
    assert_eq!((status, &answer["verdict"]), (2, &json!("undetermined")), "{answer}");
    assert!(answer["missing_key"].is_string(), "{answer}");
    let (status, answer) = prove(&folder, &["100000"]);
    assert_eq!((status, &answer["verdict"]), (2, &json!("undetermined")), "{answer}");
    let (status, answer) = prove(Path::new("no-such-folder"), &["1"]);
    assert_eq!((status, &answer["verdict"]), (2, &json!("undetermined")), "{answer}");
    vectors.finish();
}

/// Agreed and claimed block of claims about the recording that ships with opal: first block, one behind a blob, all.
const SHIPPED: [(u64, u64); 3] = [(0, 1), (5, 6), (0, 13)];
/// The same of recordings among the vectors.
const RECORDED: [(&str, u64, u64); 4] = [
    ("a-allforks-singular-calldata", 1, 2),
    ("a-allforks-singular-calldata", 133, 134),
    ("b-span-blobs-brotli", 1, 2),
    ("b-span-blobs-brotli", 98, 99),
];

/// Decides the claim in the VM and notes what it costs.
fn measure(table: &mut StepsTable, folder: &Path, agreed: u64, claimed: u64) {
    let (from, to) = (agreed.to_string(), claimed.to_string());
    let (status, answer) = prove(folder, &[&to, "--agreed", &from, "--vm"]);
    assert_eq!((status, &answer["exit_code"]), (0, &json!(0)), "{answer}");
    let recording = folder.file_name().unwrap().to_str().unwrap();
    let figure = |name: &str| answer[name].as_u64().unwrap();
    let (blocks, steps) = (figure("blocks_derived"), figure("steps"));
    assert_eq!(blocks, claimed - agreed, "{answer}");
    let figures = [
        ("blocks", blocks),
        ("preimages", figure("preimages_read")),
        ("preimage_bytes", figure("preimage_bytes")),
        ("steps", steps),
        ("steps_per_block", steps / blocks),
    ];
    table.row(&format!("{recording}-{agreed}-to-{claimed}"), &figures);
}

#[test]
fn claims_cost_what_the_table_says() {
    if guest_image("opal-guest", "prove::steps").is_none() {
        return;
    }
    let mut table = StepsTable::open(
        "fault-proof/guest/claim_steps.toml",
        "Steps of the guest on claims about recorded chains. Written by a test of `opal prove`:",
        "-p opal --test prove",
    );
    let shipped = workspace_root().join("tests/recordings/first");
    SHIPPED.iter().for_each(|(agreed, claimed)| measure(&mut table, &shipped, *agreed, *claimed));
    let Some(vectors) = Vectors::for_test("prove::recording") else { return table.finish(false) };
    let folder = recording(&vectors);
    for (name, agreed, claimed) in RECORDED {
        measure(&mut table, &folder.with_file_name(name), agreed, claimed);
    }
    vectors.finish();
    table.finish(true);
}

/// A prestate for the recorded chain, and what `opal prestate build` says about it.
fn build_prestate(recording: &Path, out: &Path) -> Value {
    let path = |name: &str| recording.join(name).to_str().unwrap().to_owned();
    let (chain, l1) = (path("rollup.json"), path("l1-genesis.json"));
    let out = out.to_str().unwrap();
    let arguments =
        ["prestate", "build", "--json", "--chain", &chain, "--l1-config", &l1, "--out", out];
    let (status, answer, complaints) = opal(&arguments);
    assert_eq!(status, 0, "{complaints}");
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn a_prestate_has_its_chain_in_it_and_the_hash_that_witness_gives() {
    let Some(vectors) = Vectors::for_test("prove::recording") else { return };
    let folder = recording(&vectors);
    vectors.finish();
    if guest_image("opal-guest", "prove::prestate").is_none() {
        return;
    }
    let place = TempDir::new().unwrap();
    let state = place.path().join("prestate.bin.gz");
    let built = build_prestate(&folder, &state);
    let state = state.to_str().unwrap();
    let (status, shown, _) = opal(&["prestate", "show", "--json", state]);
    assert_eq!(status, 0);
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), built);
    assert_eq!((&built["step"], built["chain_ids"].as_array().unwrap().len()), (&json!(0), 1));
    let (_, witness, _) = opal(&["cannon", "witness", "--input", state]);
    let witness: Value = serde_json::from_str(&witness).unwrap();
    assert_eq!(witness["witnessHash"], built["prestate"]);

    let (status, _, complaints) = opal(&["prestate", "show", "no-such-file.bin.gz"]);
    assert_eq!(status, 74, "{complaints}");
}

/// The arguments of op-challenger's `single` for the answer of `opal prove`.
fn host_arguments(folder: &Path, answer: &Value) -> Vec<String> {
    let text = |name: &str| answer[name].as_str().unwrap().to_owned();
    let flags = [
        ("--recording", folder.to_str().unwrap().to_owned()),
        ("--l1-head", text("l1_head")),
        ("--agreed-l2-output-root", text("agreed_output_root")),
        ("--claimed-l2-output-root", text("claimed_output_root")),
        ("--claimed-l2-block-number", answer["claimed_block"].to_string()),
        ("--l2-chain-id", answer["chain_id"].to_string()),
        ("--rollup-config-path", folder.join("rollup.json").to_str().unwrap().to_owned()),
    ];
    let flags = flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]);
    ["host", "single"].map(str::to_owned).into_iter().chain(flags).collect()
}

#[test]
fn go_cannon_with_opals_host_comes_to_the_same_final_state() {
    let Some(vectors) = Vectors::for_test("prove::recording") else { return };
    let folder = recording(&vectors);
    vectors.finish();
    if guest_image("opal-guest", "prove::go_cannon").is_none() {
        return;
    }
    let (status, answer) = prove(&folder, &[BLOCK, "--vm"]);
    assert_eq!((status, &answer["exit_code"]), (0, &json!(0)), "{answer}");
    let place = TempDir::new().unwrap();
    let state = place.path().join("prestate.bin.gz");
    build_prestate(&folder, &state);
    let host = host_arguments(&folder, &answer);
    let mut native: Vec<&str> = host.iter().map(String::as_str).collect();
    native.push("--native");
    assert_eq!(opal(&native).0, 0);

    let Some(cannon) = go_peer("cannon", "prove::go_cannon") else { return };
    let kept = place.path().join("preimages");
    let output = Command::new(cannon)
        .args(["prove", state.to_str().unwrap(), "--", env!("CARGO_BIN_EXE_opal")])
        .args(&host)
        .args(["--server", "--data-dir", kept.to_str().unwrap()])
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    let ended: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(ended["state_hash"], answer["state_hash"], "{ended}");
    assert_eq!((&ended["steps"], &ended["exit_code"]), (&answer["steps"], &answer["exit_code"]));
    assert_eq!(std::fs::read_to_string(kept.join("kvformat")).unwrap(), "directory");
    opal_harness::ran("prove::go_cannon", &format!("{} steps", ended["steps"]));
}

#[test]
fn the_host_refuses_what_it_cannot_honour() {
    let hashes = ["--l1-head", "--agreed-l2-output-root", "--claimed-l2-output-root"];
    let hashes = hashes.into_iter().flat_map(|flag| [flag, WRONG]);
    let claim: Vec<&str> = ["host", "single", "--claimed-l2-block-number", "3", "--server"]
        .into_iter()
        .chain(hashes)
        .collect();
    let url = [&claim[..], &["--l1-node-address", "http://localhost"]].concat();
    let (status, _, complaints) = opal(&url);
    assert_eq!(status, 64);
    assert!(complaints.contains("--l1-node-address: this version serves recordings only"));
    let (status, _, complaints) = opal(&claim);
    assert_eq!((status, complaints.contains("--recording FOLDER is missing")), (64, true));
}
