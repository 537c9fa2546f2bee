//! Users' clients on the devnet: cast, viem, ethers and web3.py send, call, deploy, watch, trace and deposit.
//!
//! **Invariant:** the scripts are those that also run on supersim; only ports and addresses differ.

use opal_harness::{
    clients::{node_clients, python_clients, run},
    devnet::Devnet,
    process::Scratch,
    ran,
    wallet::DEV_KEYS,
    workspace_root,
};
use std::{path::Path, process::Command, time::Duration};

/// For a script with about ten steps of a few blocks each.
const LIMIT: Duration = Duration::from_secs(240);

/// Runs a client's script against chain A of a devnet of its own.
#[track_caller]
fn check(name: &str, client: impl FnOnce(&Path) -> Option<Command>) {
    let scratch = Scratch::new(name);
    let Some(mut command) = client(scratch.path()) else { return };
    let devnet = Devnet::opal(Path::new(env!("CARGO_BIN_EXE_opal")), &["--chains", "1"], &scratch);
    let chain = &devnet.chains[0];
    command.env("L1_URL", devnet.l1.url()).env("L2_URL", chain.rpc.url());
    command.env("PRIVATE_KEY", DEV_KEYS[0]).env("DERIVED", "1");
    command.env("PORTAL", devnet.portal(chain.chain_id).to_string());
    run(name, &mut command, scratch.path(), LIMIT);
    ran(&format!("{name} on the devnet"), "all steps");
}

#[test]
fn cast_works_on_the_devnet() {
    check("cast", |_| {
        let clients = node_clients("cast_works_on_the_devnet")?;
        let mut command = Command::new("bash");
        command.arg(workspace_root().join("tests/clients/cast.sh"));
        command.env("CAST", clients.program("cast"));
        Some(command)
    });
}

#[test]
fn viem_works_on_the_devnet() {
    check("viem", |folder| {
        Some(node_clients("viem_works_on_the_devnet")?.script("viem.mjs", folder))
    });
}

#[test]
fn ethers_works_on_the_devnet() {
    check("ethers", |folder| {
        Some(node_clients("ethers_works_on_the_devnet")?.script("ethers.mjs", folder))
    });
}

#[test]
fn web3_py_works_on_the_devnet() {
    check("web3py", |_| Some(python_clients("web3_py_works_on_the_devnet")?.script("web3py.py")));
}
