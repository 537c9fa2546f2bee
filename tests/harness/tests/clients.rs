//! The clients' scripts run on supersim: what they expect is what users know, not what opal happens to do.
//!
//! **Invariant:** nothing of opal runs here.

use opal_harness::{
    clients::{NodeClients, node_clients, python_clients, run},
    devnet::Devnet,
    process::Scratch,
    ran,
    wallet::DEV_KEYS,
    workspace_root,
};
use std::{process::Command, time::Duration};

/// For a script with about ten steps of a few blocks each.
const LIMIT: Duration = Duration::from_secs(240);

/// Where this version of supersim has chain A's contracts on its L1; its chain definition says otherwise.
const PORTAL: &str = "0x75CEb25776D0402972B736F6E13Fd0616BE98f22";
const MESSENGER: &str = "0xc8c71093ffc2092D61A72369d81940B839Bb12b4";

fn cast(clients: &NodeClients) -> Command {
    let mut command = Command::new("bash");
    command.arg(workspace_root().join("tests/clients/cast.sh"));
    command.env("CAST", clients.program("cast"));
    command
}

#[test]
fn every_script_runs_on_supersim() {
    let test = "every_script_runs_on_supersim";
    let (Some(node), Some(python)) = (node_clients(test), python_clients(test)) else { return };
    let scratch = Scratch::new("supersim");
    let supersim = Devnet::supersim(&node, &scratch);
    let scripts = [
        ("cast", cast(&node)),
        ("viem", node.script("viem.mjs", scratch.path())),
        ("ethers", node.script("ethers.mjs", scratch.path())),
        ("web3py", python.script("web3py.py")),
    ];
    for ((name, mut command), key) in scripts.into_iter().zip(DEV_KEYS) {
        command.env("L1_URL", supersim.l1.url()).env("L2_URL", supersim.chains[0].rpc.url());
        command.env("PRIVATE_KEY", key).env("PORTAL", PORTAL);
        command.env("OTHER_PORTAL", PORTAL).env("OTHER_MESSENGER", MESSENGER);
        run(name, &mut command, scratch.path(), LIMIT);
    }
    ran("clients on supersim", &format!("ready after {:.1?}", supersim.ready_after));
}
