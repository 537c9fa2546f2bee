//! op-node and op-geth follow a chain of the devnet, fed by its L1 alone.

use crate::scene::{Scene, deposits_succeeded, labelled, same_blocks, same_safe_heads};
use opal_harness::ran;

/// Seconds between blocks.
const BLOCK_TIME: u64 = 2;

#[test]
fn op_node_and_op_geth_follow_through_isthmus_jovian_and_karst() {
    let forks = [("isthmus", 12), ("jovian", 20), ("karst", 28)];
    let flags = forks.map(|(name, after)| format!("{name}=+{after}"));
    let flags: Vec<_> = flags.iter().flat_map(|it| ["--fork-at", it]).collect();
    let Some(scene) = Scene::start("go-follow", &flags) else { return };
    let geth = scene.op_geth("op-geth");
    let node = scene.op_node("op-node", &geth.engine, false);
    let last = forks[2].1 / BLOCK_TIME + 6;
    let safe = |rollup| labelled(rollup, "safe_l2").is_some_and(|it| it >= last);
    scene.with_traffic("Karst is safe on both sides", &scene.chain().rpc, || {
        safe(&node.rpc) && safe(scene.rollup())
    });
    same_blocks(&scene.chain().rpc, &geth.rpc, last);
    let upgrades = forks.map(|(_, after)| deposits_succeeded(&geth.rpc, after / BLOCK_TIME));
    assert!(upgrades.iter().all(|&deposits| deposits > 1), "{upgrades:?}");
    let l1_blocks = labelled(&node.rpc, "current_l1").expect("it answered before") - 1;
    let heads = same_safe_heads(scene.rollup(), &node.rpc, l1_blocks);
    assert!(heads > 1, "one safe head proves nothing");
    ran("op-node and op-geth follow", &format!("{last} blocks, {heads} safe heads"));
}
