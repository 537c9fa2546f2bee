//! op-node runs on opal's engine through the Engine API, as a follower and as the sequencer.

use crate::scene::{Scene, labelled, same_blocks, same_safe_heads, text};
use opal_harness::{process::Process, ran, rpc::Rpc};

/// Blocks until the chain is taken for running.
const LAST: u64 = 16;

/// `opal engine` with the chain's genesis: the process, its JSON-RPC and its Engine API.
#[track_caller]
fn opal_engine(scene: &Scene) -> (Process, Rpc, Rpc) {
    let rollup_file = scene.rollup_file();
    let mut arguments = vec!["engine", "--chain", text(&rollup_file)];
    arguments.extend(["--jwt", text(&scene.jwt.file), "--rpc.port", "0", "--engine.port", "0"]);
    let (process, ready) = scene.opal("opal-engine", &arguments);
    let url = |name: &str| ready[name].as_str().expect("it tells its endpoints");
    (process, Rpc::new(url("rpc")), Rpc::with_jwt(url("engine"), &scene.jwt.secret))
}

#[test]
fn op_node_follows_on_opals_engine_through_karst() {
    let forks = ["--fork-at", "isthmus=+8", "--fork-at", "jovian=+14", "--fork-at", "karst=+20"];
    let Some(scene) = Scene::start("go-on-opal-follow", &forks) else { return };
    let (_engine, rpc, engine) = opal_engine(&scene);
    let node = scene.op_node("op-node", &engine, false);
    scene.with_traffic("the follower's safe head", &scene.chain().rpc, || {
        labelled(&node.rpc, "safe_l2").is_some_and(|it| it >= LAST)
    });
    same_blocks(&scene.chain().rpc, &rpc, LAST);
    let l1_blocks = labelled(&node.rpc, "current_l1").expect("it answered before") - 1;
    let heads = same_safe_heads(scene.rollup(), &node.rpc, l1_blocks);
    ran("op-node follows on opal's engine", &format!("{LAST} blocks, {heads} safe heads"));
}

#[test]
fn op_node_sequences_on_opals_engine_through_karst() {
    let flags = ["--no-sequencer", "--no-batcher", "--fork-at", "karst=+20"];
    let Some(scene) = Scene::start("go-on-opal-sequence", &flags) else { return };
    let (_engine, rpc, engine) = opal_engine(&scene);
    let node = scene.op_node("op-node", &engine, true);
    let _batcher = scene.op_batcher(&rpc, &node.rpc, &[]);
    scene.with_traffic("the devnet derives the sequencer's blocks", &rpc, || {
        labelled(scene.rollup(), "safe_l2").is_some_and(|it| it >= LAST)
    });
    same_blocks(&scene.chain().rpc, &rpc, LAST);
    ran("op-node sequences on opal's engine", &format!("{LAST} blocks"));
}
