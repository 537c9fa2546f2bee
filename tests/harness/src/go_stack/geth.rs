//! geth and op-geth: one process with its HTTP and Engine API ports.
//!
//! **Invariant:** archive state, no gossip, no discovery: what it knows came over its two ports.

use super::{START_LIMIT, field};
use crate::{process::Process, rpc::Rpc};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The secret of the Engine API, as a file and as bytes.
#[derive(Clone, Debug)]
pub struct Jwt {
    /// The file, in hex.
    pub file: PathBuf,
    /// What it stands for.
    pub secret: Vec<u8>,
}

impl Jwt {
    /// Writes a secret of a test's own.
    pub fn write(file: PathBuf) -> Self {
        let secret = vec![0x5a; 32];
        std::fs::write(&file, alloy_primitives::hex::encode(&secret)).expect("a scratch folder");
        Self { file, secret }
    }

    /// Reads the file that another program wrote.
    #[track_caller]
    pub fn read(file: PathBuf) -> Self {
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let secret =
            alloy_primitives::hex::decode(text.trim()).expect("a secret is written in hex");
        Self { file, secret }
    }
}

/// What a geth or op-geth is started with.
#[derive(Debug)]
pub struct GethOptions<'a> {
    /// The program.
    pub program: &'a Path,
    /// How it is called in messages; its files carry the same name.
    pub name: &'a str,
    /// Its genesis file; without one it continues from its folder.
    pub genesis: Option<&'a Path>,
    /// Whose Engine API secret.
    pub jwt: &'a Jwt,
    /// Where its data and log go.
    pub folder: &'a Path,
    /// Further flags.
    pub flags: &'a [&'a str],
}

/// A running geth or op-geth.
#[derive(Debug)]
pub struct Geth {
    /// The process.
    pub process: Process,
    /// Its public JSON-RPC.
    pub rpc: Rpc,
    /// Its Engine API.
    pub engine: Rpc,
}

impl Geth {
    /// Starts it and waits until both ports are open.
    #[track_caller]
    pub fn start(options: &GethOptions<'_>) -> Self {
        if let Some(genesis) = options.genesis {
            initialise(options, genesis);
        }
        let mut process = Process::start(options.name, &mut command(options), options.folder);
        let mut port = |auth: bool| {
            let wanted = format!("auth={auth}");
            let started = process.line("HTTP server started", START_LIMIT, |line| {
                line.text.contains("HTTP server started") && line.text.contains(&wanted)
            });
            let endpoint = field(&started.text, "endpoint").expect("it tells its port");
            format!("http://{endpoint}")
        };
        let rpc = Rpc::new(port(false));
        let engine = Rpc::with_jwt(port(true), &options.jwt.secret);
        Self { process, rpc, engine }
    }
}

fn data_folder(options: &GethOptions<'_>) -> PathBuf {
    options.folder.join(format!("{}-data", options.name))
}

#[track_caller]
fn initialise(options: &GethOptions<'_>, genesis: &Path) {
    let mut command = Command::new(options.program);
    command.arg("--datadir").arg(data_folder(options));
    command.args(["--state.scheme", "hash", "init"]).arg(genesis);
    let mut init = Process::start(&format!("{}-init", options.name), &mut command, options.folder);
    let status = init.end(START_LIMIT);
    assert!(status.success(), "{}: init failed: {status}", options.name);
}

fn command(options: &GethOptions<'_>) -> Command {
    let mut command = Command::new(options.program);
    command.arg("--datadir").arg(data_folder(options));
    command.args(["--http", "--http.addr", "127.0.0.1", "--http.port", "0"]);
    command.args(["--http.api", "admin,debug,eth,miner,net,txpool,web3"]);
    command.args(["--authrpc.addr", "127.0.0.1", "--authrpc.port", "0", "--authrpc.jwtsecret"]);
    command.arg(&options.jwt.file);
    command.args([
        "--nodiscover",
        "--maxpeers",
        "0",
        "--port",
        "0",
        "--ipcdisable",
        "--nat",
        "none",
    ]);
    command.args(["--gcmode", "archive", "--syncmode", "full", "--rpc.allow-unprotected-txs"]);
    command.args(options.flags);
    command
}
