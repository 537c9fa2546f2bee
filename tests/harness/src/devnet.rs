//! `opal devnet` and its rivals as processes: started on free ports, ended with the test.
//!
//! Start with [`Devnet::opal`]; [`Devnet::supersim`] is what it is compared with.
//!
//! **Invariant:** what a test knows of a devnet is what any user is told: its JSON, its exported files, its RPC.

use crate::{
    clients::NodeClients,
    go_stack::Jwt,
    process::{Process, Scratch, Stream},
    rpc::Rpc,
};
use alloy_primitives::Address;
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// How long a devnet may take to be ready, with other tests beside it; on a foreign L1 it deploys contracts first.
const START_LIMIT: Duration = Duration::from_secs(180);

/// A running devnet.
#[derive(Debug)]
pub struct Devnet {
    /// The process.
    pub process: Process,
    /// The L1's JSON-RPC.
    pub l1: Rpc,
    /// The L1's beacon API, if it has one.
    pub beacon: Option<String>,
    /// What moves its clock and reorganises its L1, if it is opal's.
    pub admin: Option<Rpc>,
    /// The L2 chains in order.
    pub chains: Vec<DevnetChain>,
    /// From its start until it said that it is ready.
    pub ready_after: Duration,
    /// Where the exported files are.
    export: PathBuf,
}

/// One L2 chain of a devnet.
#[derive(Clone, Debug)]
pub struct DevnetChain {
    /// Its chain id.
    pub chain_id: u64,
    /// Its JSON-RPC.
    pub rpc: Rpc,
    /// Its rollup RPC, if it is derived.
    pub rollup: Option<Rpc>,
}

/// Flags that let it take any free port; it tells which.
const FREE_PORTS: [&str; 10] = [
    "--l1.port",
    "0",
    "--l2.starting.port",
    "0",
    "--beacon.port",
    "0",
    "--rollup.starting.port",
    "0",
    "--admin.port",
    "0",
];

impl Devnet {
    /// Starts `opal devnet` of the program at this path, with further flags; it exports its files.
    #[track_caller]
    pub fn opal(program: &Path, flags: &[&str], scratch: &Scratch) -> Self {
        let export = scratch.folder("export");
        let mut command = Command::new(program);
        command.arg("devnet").arg("--export").arg(&export).args(flags);
        Self { export, ..Self::start_opal(&mut command, scratch) }
    }

    /// As [`Devnet::opal`], but nothing is written: for measuring.
    #[track_caller]
    pub fn opal_in_memory(program: &Path, flags: &[&str], scratch: &Scratch) -> Self {
        let mut command = Command::new(program);
        Self::start_opal(command.arg("devnet").args(flags), scratch)
    }

    #[track_caller]
    fn start_opal(command: &mut Command, scratch: &Scratch) -> Self {
        command.arg("--json").args(FREE_PORTS);
        let start = Instant::now();
        let mut process = Process::start("devnet", command, scratch.path());
        let ready = process.line("the ready line", START_LIMIT, |line| line.stream == Stream::Out);
        let ready_after = start.elapsed();
        let ready: Value = serde_json::from_str(&ready.text)
            .unwrap_or_else(|error| panic!("the ready line is no JSON: {error}: {}", ready.text));
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let chains = ready["chains"].as_array().into_iter().flatten().map(|chain| DevnetChain {
            chain_id: chain["chain_id"].as_u64().expect("a chain has an id"),
            rpc: Rpc::new(text(&chain["rpc"]).expect("a chain has a JSON-RPC")),
            rollup: text(&chain["rollup"]).map(Rpc::new),
        });
        Self {
            chains: chains.collect(),
            l1: Rpc::new(text(&ready["l1"]["rpc"]).expect("there is an L1")),
            beacon: text(&ready["l1"]["beacon"]),
            admin: text(&ready["admin"]).map(Rpc::new),
            ready_after,
            export: PathBuf::new(),
            process,
        }
    }

    /// Starts supersim.
    #[track_caller]
    pub fn supersim(clients: &NodeClients, scratch: &Scratch) -> Self {
        let anvil = clients.program("anvil");
        let programs = anvil.parent().expect("a program is in a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(clients.program("supersim"));
        command.env("PATH", format!("{}:{path}", programs.display()));
        command.args(["--l1.port", "0", "--l2.starting.port", "0", "--admin.port", "0"]);
        command.arg("--logs.directory").arg(scratch.folder("supersim-logs"));
        let start = Instant::now();
        let mut process = Process::start("supersim", &mut command, scratch.path());
        // One line of its log holds the whole list.
        let ready = process.line_with("Chain Configuration", START_LIMIT);
        let ready_after = start.elapsed();
        let mut chains: Vec<_> = ready.split("ChainID: ").skip(1).map(chain_of_supersim).collect();
        chains.sort_by_key(|chain| chain.chain_id);
        let l1 = chains.remove(0).rpc;
        Self { chains, l1, beacon: None, admin: None, ready_after, export: PathBuf::new(), process }
    }

    /// The exported genesis of the L1; op-node reads its chain config from it.
    pub fn l1_genesis(&self) -> PathBuf {
        self.export.join("l1-genesis.json")
    }

    /// The folder with the exported files of all chains.
    pub fn export(&self) -> &Path {
        &self.export
    }

    /// The exported `rollup.json` of a chain.
    pub fn rollup_file(&self, chain_id: u64) -> PathBuf {
        self.export.join(chain_id.to_string()).join("rollup.json")
    }

    /// The exported genesis of a chain.
    pub fn genesis_file(&self, chain_id: u64) -> PathBuf {
        self.export.join(chain_id.to_string()).join("genesis.json")
    }

    /// The L1 contract that takes a chain's deposits.
    #[track_caller]
    pub fn portal(&self, chain_id: u64) -> Address {
        let rollup = read_json(&self.rollup_file(chain_id));
        let address = rollup["deposit_contract_address"].as_str().expect("a config names it");
        address.parse().expect("an address is written in hex")
    }

    /// The exported file with the key of the account that sends a chain's batches.
    pub fn batcher_key_file(&self, chain_id: u64) -> PathBuf {
        self.export.join(chain_id.to_string()).join("batcher.key")
    }

    /// The exported secret of the Engine APIs.
    #[track_caller]
    pub fn jwt(&self) -> Jwt {
        Jwt::read(self.export.join("jwt.txt"))
    }
}

/// `NUMBER  RPC: URL  LogPath: ...`, as supersim lists its chains.
#[track_caller]
fn chain_of_supersim(text: &str) -> DevnetChain {
    let mut words = text.split_whitespace();
    let chain_id = words.next().and_then(|it| it.parse().ok()).expect("a chain has an id");
    let url = words.nth(1).expect("a chain has a JSON-RPC");
    DevnetChain { chain_id, rpc: Rpc::new(url), rollup: None }
}

#[track_caller]
fn read_json(file: &Path) -> Value {
    let text = std::fs::read_to_string(file);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
