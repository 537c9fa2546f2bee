//! opal joins a network of the Go stack: plain geth as L1, op-node and op-geth sequencing, op-batcher posting.
//!
//! **Invariant:** nothing but opal's node or engine under test is opal's; the two sides share an L1 without blobs.

use crate::scene::{LIMIT, OPAL, labelled, same_blocks, same_safe_heads, text};
use opal_harness::{
    go_stack::{Network, programs},
    process::{Process, Scratch, Stream, until},
    ran,
    rpc::Rpc,
    wallet::Wallet,
};
use serde_json::Value;
use std::process::Command;

/// Starts a process of opal that tells its endpoints.
#[track_caller]
fn opal(name: &str, arguments: &[&str], scratch: &Scratch) -> (Process, Value) {
    let mut command = Command::new(OPAL);
    command.args(arguments).arg("--json");
    let mut process = Process::start(name, &mut command, scratch.path());
    let ready = process.line("the ready line", LIMIT, |line| line.stream == Stream::Out);
    (process, serde_json::from_str(&ready.text).expect("the ready line is JSON"))
}

/// A rollup config with the genesis beside it under the name that opal looks for.
fn chain_file(network: &Network, scratch: &Scratch) -> std::path::PathBuf {
    let folder = scratch.folder("chain");
    let genesis = folder.join("genesis.json");
    std::fs::copy(&network.chain.l2_genesis, genesis).expect("a scratch folder can be written");
    let rollup = folder.join("rollup.json");
    std::fs::copy(&network.rollup, &rollup).expect("a scratch folder can be written");
    rollup
}

/// Waits until all of these rollup nodes have the block as safe, with a transfer on L2 now and then.
#[track_caller]
fn until_safe(l2: &Rpc, nodes: &[&Rpc], last: u64) {
    let mut round = 0_u64;
    until("the block is safe on every node", LIMIT, || {
        if round.is_multiple_of(20) {
            let to = Wallet::dev(9).address;
            let _ = Wallet::dev(0).send(l2, Some(to), 1, Default::default());
        }
        round += 1;
        let safe = |rollup: &&Rpc| labelled(rollup, "safe_l2").is_some_and(|it| it >= last);
        nodes.iter().all(safe).then_some(())
    });
}

/// opal's node and opal's engine under op-node both follow what op-node sequences on op-geth.
#[test]
fn opal_follows_a_go_network_through_karst() {
    let Some(programs) = programs("opal_follows_a_go_network_through_karst") else { return };
    let scratch = Scratch::new("go-join-follow");
    let network = Network::start(programs, &scratch);
    let sequencer = network.op_node("sequencer", &network.first.engine, true);
    let _batcher = network.op_batcher(&network.first.rpc, &sequencer.rpc);
    let rollup = chain_file(&network, &scratch);
    let l1 = network.l1.geth.rpc.url();
    let l1_config = text(&network.chain.l1_genesis);
    let mut arguments = vec!["node", "--l1", l1, "--l1.chain-config", l1_config];
    arguments.extend(["--chains", text(&rollup), "--rpc.port", "0", "--rollup.port", "0"]);
    let (_node, ready) = opal("opal-node", &arguments, &scratch);
    let url = |name: &str| ready["chains"][0][name].as_str().expect("it tells its endpoints");
    let (rpc, node) = (Rpc::new(url("rpc")), Rpc::new(url("rollup")));

    let last = network.karst() + 3;
    until_safe(&network.first.rpc, &[&sequencer.rpc, &node], last);
    same_blocks(&rpc, &network.first.rpc, last);
    let l1_blocks = labelled(&node, "current_l1").expect("it answered before") - 1;
    let heads = same_safe_heads(&node, &sequencer.rpc, l1_blocks);
    assert!(heads > 1, "one safe head proves nothing");
    ran("opal follows a Go network", &format!("{last} blocks, {heads} safe heads"));
}

/// op-node sequences on opal's engine what another op-node derives on op-geth.
#[test]
fn opals_engine_makes_the_blocks_of_a_go_network_through_karst() {
    let test = "opals_engine_makes_the_blocks_of_a_go_network_through_karst";
    let Some(programs) = programs(test) else { return };
    let scratch = Scratch::new("go-join-engine");
    let network = Network::start(programs, &scratch);
    let rollup = chain_file(&network, &scratch);
    let l1_config = text(&network.chain.l1_genesis);
    let mut arguments = vec!["engine", "--chain", text(&rollup), "--l1.chain-config", l1_config];
    let jwt = &network.chain.jwt;
    arguments.extend(["--jwt", text(&jwt.file), "--rpc.port", "0", "--engine.port", "0"]);
    let (_engine, ready) = opal("opal-engine", &arguments, &scratch);
    let url = |name: &str| ready[name].as_str().expect("it tells its endpoints");
    let rpc = Rpc::new(url("rpc"));
    let engine = Rpc::with_jwt(url("engine"), &jwt.secret);
    let sequencer = network.op_node("sequencer", &engine, true);
    let _batcher = network.op_batcher(&rpc, &sequencer.rpc);
    let follower = network.op_node("follower", &network.first.engine, false);

    let last = network.karst() + 3;
    until_safe(&rpc, &[&sequencer.rpc, &follower.rpc], last);
    same_blocks(&rpc, &network.first.rpc, last);
    ran("opal's engine in a Go network", &format!("{last} blocks"));
}
