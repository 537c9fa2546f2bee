//! op-node: the official rollup node.
//!
//! **Invariant:** no gossip: a follower learns everything from its L1.

use super::{Jwt, START_LIMIT, field};
use crate::{process::Process, rpc::Rpc};
use serde_json::{Value, json};
use std::{path::Path, process::Command, time::Duration};

/// What an op-node is started with.
#[derive(Debug)]
pub struct OpNodeOptions<'a> {
    /// The program.
    pub program: &'a Path,
    /// How it is called in messages; its files carry the same name.
    pub name: &'a str,
    /// JSON-RPC of the L1.
    pub l1: &'a str,
    /// The L1's beacon API; without one only calldata is read.
    pub l1_beacon: Option<&'a str>,
    /// The Engine API of the L2.
    pub l2_engine: &'a str,
    /// The secret of that.
    pub jwt: &'a Jwt,
    /// rollup.json.
    pub rollup: &'a Path,
    /// The L1's chain config, or its genesis file.
    pub l1_config: &'a Path,
    /// Whether it builds blocks.
    pub sequencer: bool,
    /// Where its data and log go.
    pub folder: &'a Path,
}

/// A running op-node.
#[derive(Debug)]
pub struct OpNode {
    /// The process.
    pub process: Process,
    /// Its RPC: `optimism_*` and `admin_*`.
    pub rpc: Rpc,
}

impl OpNode {
    /// Starts it and waits until it answers.
    #[track_caller]
    pub fn start(options: &OpNodeOptions<'_>) -> Self {
        let mut process = Process::start(options.name, &mut command(options), options.folder);
        let started = process.line_with("Started JSON-RPC server", START_LIMIT);
        let address = field(&started, "addr").expect("it tells its port");
        let address = address.trim_start_matches("http://");
        Self { process, rpc: Rpc::new(format!("http://{address}")) }
    }

    /// `optimism_syncStatus`, if it answers.
    pub fn sync_status(&self) -> Option<Value> {
        self.rpc.call("optimism_syncStatus", json!([])).ok()
    }

    /// The number of the block with this label in the sync status: `safe_l2`, `unsafe_l2`, ...
    pub fn number(&self, label: &str) -> Option<u64> {
        self.sync_status()?[label]["number"].as_u64()
    }

    /// Waits until the block with this label is at least at `number`.
    #[track_caller]
    pub fn until_number(&mut self, label: &str, number: u64, limit: Duration) {
        let rpc = self.rpc.clone();
        self.process.until(&format!("{label} at {number}"), limit, |_| {
            let status = rpc.call("optimism_syncStatus", json!([])).ok()?;
            (status[label]["number"].as_u64()? >= number).then_some(())
        });
    }
}

fn command(options: &OpNodeOptions<'_>) -> Command {
    let mut command = Command::new(options.program);
    command.args(["--l1", options.l1, "--l1.rpckind", "standard"]);
    match options.l1_beacon {
        Some(beacon) => command.args(["--l1.beacon", beacon]),
        None => command.arg("--l1.beacon.ignore"),
    };
    // The defaults suit an L1 of twelve seconds.
    command.args(["--l1.http-poll-interval", "500ms", "--l1.epoch-poll-interval", "2s"]);
    command.args(["--l2", options.l2_engine, "--l2.enginekind", "geth", "--l2.jwt-secret"]);
    command.arg(&options.jwt.file);
    command.arg("--rollup.config").arg(options.rollup);
    command.arg("--rollup.l1-chain-config").arg(options.l1_config);
    command.args(["--rpc.addr", "127.0.0.1", "--rpc.port", "0", "--rpc.enable-admin"]);
    command.args(["--p2p.disable", "--syncmode", "consensus-layer", "--verifier.l1-confs", "0"]);
    command.arg("--safedb.path").arg(options.folder.join(format!("{}-safedb", options.name)));
    if options.sequencer {
        command.args(["--sequencer.enabled", "--sequencer.l1-confs", "0"]);
    }
    command
}
