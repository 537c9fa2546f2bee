//! op-batcher: the official batcher.
//!
//! **Invariant:** it closes a channel with every few L1 blocks, so that tests do not wait for volume.

use super::START_LIMIT;
use crate::process::Process;
use std::{path::Path, process::Command};

/// What an op-batcher is started with.
#[derive(Debug)]
pub struct OpBatcherOptions<'a> {
    /// The program.
    pub program: &'a Path,
    /// How it is called in messages; its files carry the same name.
    pub name: &'a str,
    /// JSON-RPC of the L1.
    pub l1: &'a str,
    /// JSON-RPC of the sequencer's execution client.
    pub l2: &'a str,
    /// RPC of the sequencer's rollup node.
    pub rollup: &'a str,
    /// The key of the batcher's account on the L1, hex.
    pub key: &'a str,
    /// When the L1 got cell proofs (its Osaka time).
    pub cell_proof_time: u64,
    /// `calldata`, `blobs` or `auto`.
    pub availability: &'a str,
    /// Where its log goes.
    pub folder: &'a Path,
    /// Further flags.
    pub flags: &'a [&'a str],
}

/// A running op-batcher.
#[derive(Debug)]
pub struct OpBatcher {
    /// The process.
    pub process: Process,
}

impl OpBatcher {
    /// Starts it and waits until its services run.
    #[track_caller]
    pub fn start(options: &OpBatcherOptions<'_>) -> Self {
        let mut process = Process::start(options.name, &mut command(options), options.folder);
        process.line_with("Started RPC server", START_LIMIT);
        Self { process }
    }

    /// How many of its transactions the L1 included so far.
    pub fn published(&self) -> usize {
        self.process.count("Transaction confirmed")
    }
}

fn command(options: &OpBatcherOptions<'_>) -> Command {
    let mut command = Command::new(options.program);
    command.args(["--l1-eth-rpc", options.l1, "--l2-eth-rpc", options.l2]);
    command.args(["--rollup-rpc", options.rollup, "--private-key", options.key]);
    command.args(["--rpc.addr", "127.0.0.1", "--rpc.port", "0", "--rpc.enable-admin"]);
    command.args(["--num-confirmations", "1", "--poll-interval", "500ms"]);
    command.args(["--txmgr.receipt-query-interval", "500ms", "--resubmission-timeout", "20s"]);
    command.args(["--sub-safety-margin", "4", "--max-channel-duration", "2"]);
    command.args(["--txmgr.cell-proof-time", &options.cell_proof_time.to_string()]);
    // Else it asks the execution client to limit its blocks, and ends where it cannot.
    command.args(["--throttle.unsafe-da-bytes-lower-threshold", "0"]);
    command.args(["--data-availability-type", options.availability, "--batch-type", "1"]);
    command.args(options.flags);
    command
}
