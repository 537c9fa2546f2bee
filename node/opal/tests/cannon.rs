//! `opal cannon` from the outside: the same files, hashes and exit statuses as the Go program's.
//!
//! **Invariant:** every expectation comes from the recorded runs of the Go cannon or from its command line's rules.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use opal_harness::Vectors;
use serde_json::Value;
use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

/// Tells this test program, started as a pre-image server, to be one.
const PLAY_HOST: &str = "OPAL_TEST_PLAYS_HOST";

fn cannon(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_opal"))
        .arg("cannon")
        .args(arguments)
        .current_dir(folder)
        .env(PLAY_HOST, "yes")
        .output()
        .unwrap()
}

#[track_caller]
fn ok(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

fn witness(folder: &Path, state: &str) -> Value {
    let output = cannon(folder, &["witness", "--input", state]);
    ok(&output);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Loads the guest and compares the state in front of some recorded steps and at the end.
fn check_run(vectors: &Vectors, name: &str, host: &[&str]) {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    let elf = vectors.path(&format!("cannon/elf/{name}.elf"));
    let recorded: Value = vectors.json(&format!("cannon/cannon-{name}.json"));
    ok(&cannon(at, &["load-elf", "--path", elf.to_str().unwrap()]));
    for state in recorded["states"].as_array().unwrap().iter().step_by(40) {
        let stop = format!("={}", state["step"]);
        let arguments = ["run", "--stop-at", &stop, "--output", "at.bin"];
        ok(&cannon(at, &[&arguments, host].concat()));
        let found = witness(at, "at.bin");
        assert_eq!(found["step"], state["step"]);
        assert_eq!(found["witness"], format!("0x{}", state["witness"].as_str().unwrap()));
        assert_eq!(found["witnessHash"], format!("0x{}", state["hash"].as_str().unwrap()));
    }
    ok(&cannon(at, &[&["run", "--output", "end.bin.gz"], host].concat()));
    let found = witness(at, "end.bin.gz");
    assert_eq!(found["witnessHash"], format!("0x{}", recorded["finalHash"].as_str().unwrap()));
    assert_eq!(found["step"], recorded["totalSteps"]);
    assert_eq!(found["exited"], true);
}

#[test]
fn a_rust_guest_stands_where_the_go_cannon_stood() {
    let Some(vectors) = Vectors::for_test("cannon_cli::run_a") else { return };
    check_run(&vectors, "a_30", &[]);
    vectors.finish();
}

#[test]
fn a_go_guest_with_a_host_process_stands_where_the_go_cannon_stood() {
    let Some(vectors) = Vectors::for_test("cannon_cli::run_go") else { return };
    let program = std::env::current_exe().unwrap();
    let host = ["--", program.to_str().unwrap(), "--exact", "this_program_can_play_the_host"];
    check_run(&vectors, "go_mt", &host);
    vectors.finish();
}

/// The server's side of the pipes, with the pre-images of the recording: 100 bytes, byte i = key[31] + i.
#[test]
fn this_program_can_play_the_host() {
    let [Ok(mut hints), Ok(mut keys)] = [3, 5].map(|it| File::open(format!("/dev/fd/{it}"))) else {
        return;
    };
    if std::env::var_os(PLAY_HOST).is_none() {
        return;
    }
    let [mut acks, mut values] =
        [4, 6].map(|it| File::options().write(true).open(format!("/dev/fd/{it}")).unwrap());
    let hearing = std::thread::spawn(move || {
        let mut prefix = [0; 4];
        while hints.read_exact(&mut prefix).is_ok() {
            let mut text = vec![0; u32::from_be_bytes(prefix) as usize];
            hints.read_exact(&mut text).unwrap();
            acks.write_all(&[0]).unwrap();
        }
    });
    let mut key = [0; 32];
    while keys.read_exact(&mut key).is_ok() {
        let value: Vec<u8> = (0..100).map(|it: u8| key[31].wrapping_add(it)).collect();
        values.write_all(&[&100_u64.to_be_bytes(), &value[..]].concat()).unwrap();
    }
    hearing.join().unwrap();
}

#[test]
fn a_missing_file_is_status_1_and_named() {
    let folder = TempDir::new().unwrap();
    let output = cannon(folder.path(), &["witness", "--input", "absent.bin"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("absent.bin"));
    let output = cannon(folder.path(), &["run", "--input", "absent.bin"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("meta.json"));
}

#[test]
fn a_wrong_option_is_status_1_as_in_the_original_and_named() {
    let folder = TempDir::new().unwrap();
    let output = cannon(folder.path(), &["run", "--stop-at", "10"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("never, always, =N or %N"));
}

#[test]
fn a_preimage_read_without_a_host_is_a_vm_panic_and_writes_no_state() {
    let Some(vectors) = Vectors::for_test("cannon_cli::no_host") else { return };
    let folder = TempDir::new().unwrap();
    let elf = vectors.path("cannon/elf/go_mt.elf");
    vectors.path("cannon/cannon-go_mt.json");
    let load = ["load-elf", "--path", elf.to_str().unwrap(), "--meta", ""];
    ok(&cannon(folder.path(), &load));
    assert!(!folder.path().join("meta.json").exists(), "an empty path is no file");
    let output = cannon(folder.path(), &["run", "--meta", "", "--output", "end.bin.gz"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("end.bin.gz").exists());
    vectors.finish();
}
