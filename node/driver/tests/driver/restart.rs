//! A node that is dropped at random moments, with what it had not flushed, goes on where it was.

use crate::{
    l1::TestL1,
    node::{Chain, Node, NodeOptions},
    recorded::{DEPTHS, compare, compare_safe_heads, heads, open},
};
use opal_host::Recording;
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};

async fn restart_often(folder: &str, seed: u8) {
    let Some(recording) = open(folder, "driver::restart") else { return };
    let node = follow_with_restarts(&recording, seed).await;
    compare_safe_heads(&recording, &node);
}

/// Ends with every recorded block.
async fn follow_with_restarts(recording: &Recording, seed: u8) -> Node {
    let l1 = TestL1::serve(DEPTHS.0, DEPTHS.1).await;
    let chain = Chain::of(recording);
    let place = tempfile::tempdir().unwrap();
    let options = || NodeOptions { folder: Some(place.path()), ..NodeOptions::follower() };
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut node = Node::new(&chain, &l1, options());
    let (mut restarts, mut finalized) = (0, 0);
    for head in heads(recording) {
        l1.move_to(recording, head);
        if random.next_u32().is_multiple_of(4) {
            // Dropped after a few ticks, in the middle of whatever it does.
            node.now_ms += 500;
            for _ in 0..random.next_u32() % 4 {
                node.tick().await;
            }
            let now_ms = node.now_ms;
            drop(node);
            node = Node::new(&chain, &l1, options());
            node.now_ms = now_ms;
            restarts += 1;
        }
        node.settle().await;
        let status = node.handle.sync_status();
        assert!(status.finalized_l2.number >= finalized, "finalized goes back");
        finalized = status.finalized_l2.number;
    }
    assert!(restarts > 5);
    assert_eq!(node.safe_number(), *recording.l2.last_key_value().unwrap().0);
    compare(recording, &node).await;
    node
}

/// What a hostile batcher sent too early, and Holocene dropped, serves a node that starts again from a later block:
/// there, blocks may be safe from an earlier L1 block on (D25 starts with the same L1 data). The chain is the same.
#[tokio::test]
async fn restarts_under_a_hostile_batcher_change_no_block() {
    let Some(recording) = open("h-inject-holocene", "driver::restart") else { return };
    follow_with_restarts(&recording, 1).await;
}

#[tokio::test]
async fn restarts_change_nothing_between_outages_of_the_batcher() {
    restart_often("d-window-expiry", 4).await;
}

#[tokio::test]
async fn restarts_change_nothing_with_small_frames() {
    restart_often("e-small-frames", 5).await;
}

#[tokio::test]
async fn restarts_change_nothing_with_blobs() {
    restart_often("b-span-blobs-brotli", 2).await;
}

#[tokio::test]
async fn restarts_change_nothing_between_l1_reorgs() {
    restart_often("g-l1-reorg", 3).await;
}
