//! What made other nodes hang or stop (go-stack.md section 2), and what this one does.

use crate::{
    l1::TestL1,
    node::{Chain, Node, NodeOptions, open_engine, sources},
    recorded::{DEPTHS, compare, open},
};
use opal_driver::{Driver, DriverOptions, FinalitySource, SafeDbLocation};
use opal_engine::EngineHandle;

/// Pitfall 3: op-node asks for the same deposits-only block 500 times a second.
#[tokio::test]
async fn an_invalid_block_of_deposits_alone_is_a_fault_and_no_endless_loop() {
    let Some(recording) = open("a-allforks-singular-calldata", "driver::traps") else { return };
    let l1 = TestL1::serve(DEPTHS.0, DEPTHS.1).await;
    let chain = Chain::of(&recording);
    // An engine that has never heard of Canyon finds every block from there on invalid.
    let mut other = chain.clone();
    let canyon = other.config.forks.canyon.take().unwrap();
    let forks = &mut other.config.forks;
    for later in [&mut forks.delta, &mut forks.ecotone, &mut forks.fjord, &mut forks.granite] {
        *later = None;
    }
    for later in [&mut forks.holocene, &mut forks.isthmus, &mut forks.jovian, &mut forks.karst] {
        *later = None;
    }
    let engine = open_engine(&other, None);
    let mut driver = Driver::new(DriverOptions {
        config: chain.config.clone(),
        l1_config: chain.l1_config.clone(),
        engine: EngineHandle::Local(engine.clone()),
        sources: sources(&chain, &l1),
        safe_db: SafeDbLocation::Memory,
        sequencer: None,
        verifier_confs: 0,
        finality: FinalitySource::Label,
        l1_poll_ms: 500,
        labels_poll_ms: 500,
        explain: true,
    })
    .unwrap();
    let handle = driver.handle();
    l1.move_to(&recording, *recording.l1_heads.last().unwrap());
    let mut now_ms = chain.config.genesis.l2_time * 1000;
    for _ in 0..3000 {
        driver.tick(now_ms).await;
        now_ms += 100;
        if handle.snapshot().fault.is_some() {
            break;
        }
    }
    let snapshot = handle.snapshot();
    let number = (canyon - chain.config.genesis.l2_time) / chain.config.block_time;
    let text = format!("block {number} is invalid although it has deposits alone");
    assert_eq!(snapshot.fault.as_deref(), Some(&*text));
    let (refused, requests) = (snapshot.refused, l1.requests());
    for _ in 0..50 {
        driver.tick(now_ms).await;
        now_ms += 60_000;
    }
    let snapshot = handle.snapshot();
    assert_eq!(snapshot.refused, refused, "it is not tried again");
    assert_eq!(snapshot.fault.as_deref(), Some(&*text), "and the fault stays visible");
    assert!(l1.requests() - requests <= 50 * 10, "L1 is only looked at");
    let output = handle.output_at_block(number - 1).await.unwrap();
    assert_eq!(output.output_root, recording.l2[&(number - 1)].output_root, "reads go on");
}

#[tokio::test]
async fn missing_blobs_are_waited_for_and_named() {
    let Some(recording) = open("b-span-blobs-brotli", "driver::traps") else { return };
    let l1 = TestL1::serve(DEPTHS.0, DEPTHS.1).await;
    let chain = Chain::of(&recording);
    let mut node = Node::new(&chain, &l1, NodeOptions::follower());
    l1.hide_blobs(true);
    l1.move_to(&recording, *recording.l1_heads.last().unwrap());
    node.settle().await;
    let tick = node.settle().await;
    let waits_for = tick.waits_for.unwrap();
    assert!(waits_for.contains("blobs of L1 block"), "{waits_for}");
    assert_eq!(node.safe_number(), 0);
    let (requests, until_ms) = (l1.requests(), node.now_ms + 60_000);
    node.run_to(until_ms).await;
    assert!(l1.requests() - requests < 120 * 10, "it asks again, later each time");
    l1.hide_blobs(false);
    node.now_ms += 15_000;
    node.finish().await;
    assert_eq!(node.handle.snapshot().waits_for, None);
    assert_eq!(node.safe_number(), *recording.l2.last_key_value().unwrap().0);
    compare(&recording, &node).await;
}

/// Pitfall 9: a reorg shows in the first block above the one that is read.
#[tokio::test]
async fn an_l1_reorg_is_noticed_by_the_next_blocks_parent() {
    let Some(recording) = open("g-l1-reorg", "driver::traps") else { return };
    let l1 = TestL1::serve(DEPTHS.0, DEPTHS.1).await;
    let chain = Chain::of(&recording);
    let mut node = Node::new(&chain, &l1, NodeOptions::follower());
    let (mut reorgs, mut height) = (0, None);
    for head in &recording.l1_heads {
        l1.move_to(&recording, *head);
        let now = Some(l1.height());
        reorgs += u64::from(height.is_some() && now <= height);
        height = now;
        node.settle().await;
    }
    assert_eq!(reorgs, 3);
    assert_eq!(node.handle.snapshot().starts, 1 + reorgs);
}

#[tokio::test]
async fn an_l1_that_fails_now_and_then_delays_and_changes_nothing() {
    let Some(recording) = open("e-small-frames", "driver::traps") else { return };
    let l1 = TestL1::serve(DEPTHS.0, DEPTHS.1).await;
    let chain = Chain::of(&recording);
    let mut node = Node::new(&chain, &l1, NodeOptions::follower());
    for (index, head) in recording.l1_heads.iter().enumerate() {
        l1.move_to(&recording, *head);
        l1.take_down(index % 7 < 3);
        node.settle().await;
    }
    l1.take_down(false);
    node.now_ms += 15_000;
    node.settle().await;
    assert_eq!(node.safe_number(), *recording.l2.last_key_value().unwrap().0);
    compare(&recording, &node).await;
}
