//! Chains that the Go stack ran: a follower that reads their L1 over RPC reaches each block and safe head.

use crate::{
    l1::TestL1,
    node::{Chain, Node, NodeOptions},
};
use alloy_primitives::B256;
use opal_harness::{skipped, vectors_root};
use opal_host::Recording;

/// As many L1 blocks below the head were safe and final in the recorded runs.
pub(crate) const DEPTHS: (u64, u64) = (8, 16);

/// A recording, or a notice that it is not there.
pub(crate) fn open(folder: &str, test: &str) -> Option<Recording> {
    let path = vectors_root().join("derivation").join(folder);
    if !path.is_dir() {
        skipped(test, &format!("no {}", path.display()));
        return None;
    }
    Some(Recording::open(&path).unwrap())
}

/// The heads that L1 had; where they are not recorded, every block was head once.
pub(crate) fn heads(recording: &Recording) -> Vec<B256> {
    if recording.l1_heads.len() > 2 {
        return recording.l1_heads.clone();
    }
    let mut heads = Vec::new();
    let mut next = recording.l1_heads.last().copied();
    while let Some(block) = next.and_then(|hash| recording.l1_block(hash)) {
        heads.push(block.header.hash);
        next = (block.header.number > 0).then_some(block.header.parent_hash);
    }
    heads.reverse();
    heads
}

/// Whether the node has the recorded safe heads.
pub(crate) fn compare_safe_heads(recording: &Recording, node: &Node) {
    for (l1, recorded) in &recording.safe {
        let found = node.handle.safe_head_at_l1_block(*l1).unwrap();
        assert_eq!(found.map(|it| (it.l1, it.safe)), *recorded, "safe head at L1 block {l1}");
    }
}

/// Whether the node has every recorded block up to its safe head.
pub(crate) async fn compare(recording: &Recording, node: &Node) {
    let safe = node.safe_number();
    for (number, recorded) in recording.l2.range(..=safe) {
        let block = node.engine.block_by_number(*number).unwrap().unwrap();
        assert_eq!(block.header.hash(), recorded.header.hash(), "L2 block {number}");
        let output = node.handle.output_at_block(*number).await.unwrap();
        assert_eq!(output.output_root, recorded.output_root, "L2 block {number}");
        assert_eq!(output.block_ref.sequence_number, recorded.sequence_number);
        assert_eq!(output.block_ref.l1_origin, recorded.l1_origin.into());
    }
}

async fn follow(folder: &str) {
    let Some(recording) = open(folder, "driver::recorded") else { return };
    let l1 = TestL1::serve(DEPTHS.0, DEPTHS.1).await;
    let chain = Chain::of(&recording);
    let mut node = Node::new(&chain, &l1, NodeOptions::follower());
    for head in heads(&recording) {
        l1.move_to(&recording, head);
        node.settle().await;
        assert_eq!(node.handle.snapshot().fault, None, "{folder}");
    }
    let status = node.handle.sync_status();
    assert_eq!(status.current_l1.hash, *recording.l1_heads.last().unwrap(), "{folder}");
    assert_eq!(status.head_l1, status.current_l1);
    assert_eq!(status.unsafe_l2, status.safe_l2);
    let last = recording.l2.last_key_value().unwrap();
    assert_eq!(status.safe_l2.number, *last.0, "{folder}");
    compare(&recording, &node).await;
    compare_safe_heads(&recording, &node);
    let path = vectors_root().join("derivation").join(folder).join("final.json");
    let go: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let ours = serde_json::to_value(status).unwrap();
    for name in ["current_l1", "head_l1", "safe_l2", "finalized_l2", "local_safe_l2"] {
        assert_eq!(ours[name], go["ver"][name], "{folder}: {name}");
    }
}

macro_rules! recordings {
    ($($name:ident: $folder:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            follow($folder).await;
        }
    )*};
}

recordings! {
    every_fork_is_followed: "a-allforks-singular-calldata";
    blobs_are_followed: "b-span-blobs-brotli";
    outages_of_the_batcher_are_followed: "d-window-expiry";
    small_frames_are_followed: "e-small-frames";
    l1_reorgs_are_followed: "g-l1-reorg";
    a_hostile_batcher_is_followed: "h-inject-holocene";
    a_blob_schedule_is_followed: "i-genesis-jovian-l1-blob-schedule";
}
