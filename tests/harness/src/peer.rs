//! Programs of other teams that answer the same questions as opal, behind a pipe: the oracles of differential tests.
//!
//! Start with [`go_peer`] and [`rust_peer`]; the programs are in `tests/peers`, `scripts/peers.sh` builds them into the cache.
//!
//! **Invariant:** a peer is a process of its own, nothing of it is linked, and no network is used here. Where Go is
//! missing the test is skipped with a notice; where Go is there and `CI` is set, a peer that cannot run is a failure.

use crate::{skipped, workspace_root};
use std::{
    io::{BufReader, BufWriter},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Exit status of the script when Go is not installed.
const GO_IS_MISSING: i32 = 3;

/// The program of `tests/peers/NAME`, built if its folder changed; `None` after noting why `test` is skipped.
#[track_caller]
pub fn go_peer(name: &str, test: &str) -> Option<PathBuf> {
    built(
        name,
        test,
        "the Go peer does not build offline: run scripts/peers.sh once with a network",
    )
}

/// As [`go_peer`], for a program in Rust with a lock of its own.
#[track_caller]
pub fn rust_peer(name: &str, test: &str) -> Option<PathBuf> {
    built(name, test, "the Rust peer does not build offline: run scripts/setup.sh with a network")
}

#[track_caller]
fn built(name: &str, test: &str, why: &str) -> Option<PathBuf> {
    let script = workspace_root().join("scripts/peers.sh");
    let output = Command::new(script)
        .args(["--offline", name])
        .stderr(Stdio::inherit())
        .output()
        .expect("scripts/peers.sh can be started");
    if output.status.success() {
        return Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    if output.status.code() == Some(GO_IS_MISSING) {
        skipped(test, "Go is not installed");
        return None;
    }
    assert!(std::env::var_os("CI").is_none(), "{test}: {why}");
    skipped(test, why);
    None
}

/// A running peer. It ends when its input closes, and is waited for when this is dropped.
#[derive(Debug)]
pub struct Peer {
    child: Child,
    /// What it reads.
    input: Option<BufWriter<ChildStdin>>,
    /// What it answers.
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts the program.
    pub fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        let input = child.stdin.take().map(|it| BufWriter::with_capacity(1 << 20, it));
        let output = child.stdout.take().expect("its output is piped");
        Self { child, input, output: BufReader::with_capacity(1 << 20, output) }
    }

    /// The pipe to it, for a thread of its own. Whoever has it must close it before the peer is dropped.
    pub fn take_input(&mut self) -> BufWriter<ChildStdin> {
        self.input.take().expect("taken once")
    }

    /// The pipe to it.
    pub fn input(&mut self) -> &mut BufWriter<ChildStdin> {
        self.input.as_mut().expect("open until dropped")
    }

    /// The pipe from it.
    pub fn output(&mut self) -> &mut BufReader<ChildStdout> {
        &mut self.output
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Closing the input is the request to end.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
