//! Other programs as the devnet's L1: plain geth and anvil, for what they offer.
//!
//! **Invariant:** these L1s have no `debug_*` that opal could lean on, and nobody else tells it about their blocks.

use opal_harness::{
    clients::node_clients,
    devnet::Devnet,
    go_stack::{GethL1, GethL1Options, GethOptions, ShiftedChain},
    peer::go_peer,
    process::{Process, Scratch, until},
    ran,
    rpc::{Rpc, quantity},
    wallet::Wallet,
};
use serde_json::json;
use std::{path::Path, process::Command, time::Duration};

/// Until a deposit is safe, with other tests beside it.
const LIMIT: Duration = Duration::from_secs(180);

/// Blocks until the chain is taken for running.
const LAST: u64 = 6;

/// A devnet on this L1 derives batches and a deposit from it.
#[track_caller]
fn check(l1: &str, flags: &[&str], scratch: &Scratch) {
    let mut all = vec!["--chains", "1", "--l1", l1];
    all.extend(flags);
    let devnet = Devnet::opal(Path::new(env!("CARGO_BIN_EXE_opal")), &all, scratch);
    let chain = &devnet.chains[0];
    let wallet = Wallet::dev(5);
    let balance = |rpc: &Rpc| {
        let balance = rpc.call("eth_getBalance", json!([wallet.address, "latest"])).ok()?;
        u128::from_str_radix(balance.as_str()?.strip_prefix("0x")?, 16).ok()
    };
    let before = balance(&chain.rpc).expect("the chain answers");
    // A plain transfer to the portal is a deposit to the sender.
    let portal = devnet.portal(chain.chain_id);
    wallet.send(&Rpc::new(l1), Some(portal), 12_345, Default::default()).expect("it has ether");
    until("the deposit on L2", LIMIT, || balance(&chain.rpc).filter(|it| *it == before + 12_345));
    let deposited = quantity(&chain.rpc.block("latest").expect("a head")["number"]);
    let last = deposited.expect("a number").max(LAST);
    let rollup = chain.rollup.as_ref().expect("a derived chain has a rollup RPC");
    until("the deposit is safe", LIMIT, || {
        let status = rollup.call("optimism_syncStatus", json!([])).ok()?;
        status["safe_l2"]["number"].as_u64().filter(|it| *it >= last)
    });
}

#[test]
fn geth_is_an_l1() {
    let Some(geth) = go_peer("geth-node", "geth_is_an_l1") else { return };
    let scratch = Scratch::new("geth-l1");
    let files = ShiftedChain::write("i-genesis-jovian-l1-blob-schedule", &scratch);
    let l1 = GethL1::start(&GethL1Options {
        geth: GethOptions {
            program: &geth,
            name: "l1",
            genesis: Some(&files.l1_genesis),
            jwt: &files.jwt,
            folder: scratch.path(),
            flags: &["--miner.recommit", "50ms"],
        },
        period: Duration::from_secs(1),
        osaka_time: files.osaka_time,
    });
    // Without a beacon API there is nowhere to read blobs.
    check(l1.geth.rpc.url(), &["--data-availability", "calldata"], &scratch);
    ran("geth as L1", "a deposit and calldata batches");
}

/// Only its own account has ether, and it signs for that.
#[test]
fn geth_in_development_mode_is_an_l1() {
    let Some(program) = go_peer("geth-node", "geth_in_development_mode_is_an_l1") else { return };
    let scratch = Scratch::new("geth-dev-l1");
    let mut command = Command::new(program);
    command.args(["--dev", "--dev.period", "1", "--ipcdisable", "--datadir"]);
    command.arg(scratch.path().join("geth"));
    command.args(["--http", "--http.addr", "127.0.0.1", "--http.port", "0"]);
    command.args(["--http.api", "eth,net,web3", "--authrpc.port", "0"]);
    let mut geth = Process::start("geth-dev", &mut command, scratch.path());
    let started = geth.line("the port of geth", LIMIT, |line| {
        line.text.contains("HTTP server started") && line.text.contains("auth=false")
    });
    let after = started.text.split_once("endpoint=").expect("it tells its port").1;
    let url = format!("http://{}", after.split_whitespace().next().expect("an address"));
    let rpc = Rpc::new(&url);
    let accounts: Vec<String> = rpc.get("eth_accounts", json!([]));
    let gift = json!({
        "from": accounts[0], "to": Wallet::dev(5).address, "value": "0xde0b6b3a7640000"
    });
    rpc.call("eth_sendTransaction", json!([gift])).expect("it signs for its own account");
    check(&url, &["--data-availability", "calldata"], &scratch);
    ran("geth --dev as L1", "a deposit and calldata batches");
}

#[test]
fn anvil_is_an_l1() {
    let Some(clients) = node_clients("anvil_is_an_l1") else { return };
    let scratch = Scratch::new("anvil-l1");
    let mut command = Command::new(clients.program("anvil"));
    command.args(["--port", "0", "--block-time", "1", "--chain-id", "900"]);
    let mut anvil = Process::start("anvil", &mut command, scratch.path());
    let line = anvil.line_with("Listening on ", LIMIT);
    let address = line.rsplit(' ').next().expect("a line is not empty");
    check(&format!("http://{address}"), &["--data-availability", "blobs"], &scratch);
    ran("anvil as L1", "a deposit and batches in blobs");
}
