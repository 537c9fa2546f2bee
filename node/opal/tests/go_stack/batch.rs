//! op-batcher posts for opal's sequencer, and opal's batcher for op-node's.

use crate::scene::{Scene, labelled, same_blocks, same_safe_heads, text};
use opal_harness::ran;

/// Blocks until the chain is taken for running.
const LAST: u64 = 12;

#[track_caller]
fn op_batcher_posts(test: &str, flags: &[&str]) {
    let Some(scene) = Scene::start(test, &["--no-batcher"]) else { return };
    let chain = scene.chain();
    let batcher = scene.op_batcher(&chain.rpc, scene.rollup(), flags);
    scene.with_traffic("opal derives what op-batcher posted", &chain.rpc, || {
        labelled(scene.rollup(), "safe_l2").is_some_and(|it| it >= LAST)
    });
    assert!(batcher.published() > 0);
    // What is safe was sequenced by opal: a batch that was dropped would have been replaced by empty blocks.
    let transactions: usize = (1..=LAST)
        .filter_map(|number| chain.rpc.block(&format!("0x{number:x}")))
        .map(|block| block["transactions"].as_array().map_or(0, Vec::len))
        .sum();
    assert!(transactions > usize::try_from(LAST).expect("a small number"), "only L1 infos");
    ran(test, &format!("{LAST} blocks, {} batcher transactions", batcher.published()));
}

#[test]
fn op_batcher_posts_span_batches_in_blobs() {
    op_batcher_posts("go-batch-blobs", &["--compression-algo", "brotli-10"]);
}

#[test]
fn op_batcher_posts_singular_batches_in_calldata() {
    let flags = ["--data-availability-type", "calldata", "--batch-type", "0"];
    op_batcher_posts("go-batch-calldata", &flags);
}

#[test]
fn opals_batcher_posts_for_op_nodes_sequencer() {
    let flags = ["--no-sequencer", "--no-batcher"];
    let Some(scene) = Scene::start("go-batch-opal", &flags) else { return };
    let geth = scene.op_geth("op-geth");
    let node = scene.op_node("op-node", &geth.engine, true);
    let key_file = scene.devnet.batcher_key_file(scene.chain().chain_id);
    let (l1, l2, rollup) = (scene.devnet.l1.url(), geth.rpc.url(), node.rpc.url());
    let arguments = ["batcher", "--l1", l1, "--l2", l2, "--rollup", rollup];
    let (_batcher, _) =
        scene.opal("opal-batcher", &[&arguments[..], &["--key-file", text(&key_file)]].concat());
    let safe = |rollup| labelled(rollup, "safe_l2").is_some_and(|it| it >= LAST);
    scene.with_traffic("both derive what opal's batcher posted", &geth.rpc, || {
        safe(&node.rpc) && safe(scene.rollup())
    });
    same_blocks(&scene.chain().rpc, &geth.rpc, LAST);
    let l1_blocks = labelled(&node.rpc, "current_l1").expect("it answered before") - 1;
    let heads = same_safe_heads(scene.rollup(), &node.rpc, l1_blocks);
    ran("opal's batcher posts for op-node", &format!("{LAST} blocks, {heads} safe heads"));
}
