//! opal's driver runs on op-geth through the Engine API, as a follower and as the sequencer.

use crate::scene::{Scene, labelled, same_blocks, text};
use opal_harness::{go_stack::Geth, process::Process, ran, rpc::Rpc};

/// Blocks until the chain is taken for running.
const LAST: u64 = 12;

/// `opal node` on this op-geth; gives its rollup RPC.
#[track_caller]
fn opal_node(scene: &Scene, geth: &Geth, flags: &[&str]) -> (Process, Rpc) {
    let (rollup_file, l1_config) = (scene.rollup_file(), scene.devnet.l1_genesis());
    let beacon = scene.devnet.beacon.as_deref().expect("opal's L1 has a beacon API");
    let mut arguments = vec!["node", "--l1", scene.devnet.l1.url(), "--l1.beacon", beacon];
    arguments.extend(["--l1.chain-config", text(&l1_config), "--chains", text(&rollup_file)]);
    arguments.extend(["--engine", geth.engine.url(), "--jwt", text(&scene.jwt.file)]);
    arguments.extend(["--rpc.port", "0", "--rollup.port", "0"]);
    arguments.extend(flags);
    let (process, ready) = scene.opal("opal-node", &arguments);
    let rollup = ready["chains"][0]["rollup"].as_str().expect("a chain has a rollup RPC");
    (process, Rpc::new(rollup))
}

#[test]
fn opals_driver_follows_on_op_geth() {
    let forks = ["--fork-at", "jovian=+12", "--fork-at", "karst=+20"];
    let Some(scene) = Scene::start("go-engine-follow", &forks) else { return };
    let geth = scene.op_geth("op-geth");
    let (_node, rollup) = opal_node(&scene, &geth, &[]);
    scene.with_traffic("the follower's safe head", &scene.chain().rpc, || {
        labelled(&rollup, "safe_l2").is_some_and(|it| it >= LAST)
    });
    same_blocks(&scene.chain().rpc, &geth.rpc, LAST);
    ran("opal's driver follows on op-geth", &format!("{LAST} blocks"));
}

#[test]
fn opals_driver_sequences_on_op_geth() {
    let flags = ["--no-sequencer", "--no-batcher"];
    let Some(scene) = Scene::start("go-engine-sequence", &flags) else { return };
    let geth = scene.op_geth("op-geth");
    let (_node, rollup) = opal_node(&scene, &geth, &["--sequencer"]);
    let _batcher = scene.op_batcher(&geth.rpc, &rollup, &[]);
    scene.with_traffic("the devnet derives the sequencer's blocks", &geth.rpc, || {
        labelled(scene.rollup(), "safe_l2").is_some_and(|it| it >= LAST)
    });
    same_blocks(&scene.chain().rpc, &geth.rpc, LAST);
    ran("opal's driver sequences on op-geth", &format!("{LAST} blocks"));
}
