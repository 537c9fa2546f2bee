//! Faults on a schedule: nothing halts for good, and followers agree afterwards.

use crate::world::{Sent, World, options, send};
use alloy_primitives::Address;
use opal_devnet::{Chaos, DevnetOptions};
use opal_submit::DataAvailability;

fn chaotic(faults: &str, data: DataAvailability) -> DevnetOptions {
    DevnetOptions {
        chaos: Some(Chaos::from_toml(faults).unwrap()),
        finality_depth: 32,
        data,
        ..options(1)
    }
}

/// Runs under these faults, and demands safe blocks up to `lag` blocks below the head at the end. On the way the status
/// line says what is waited for, in these words.
async fn check(
    faults: &str,
    data: DataAvailability,
    seconds: u64,
    lag: u64,
    waits_for: Option<&str>,
) {
    let world = World::start(chaotic(faults, data)).await;
    let follower = world.follower().await;
    let mut waits = Vec::new();
    for _ in 0..seconds / 2 {
        world.advance(2).await;
        waits.extend(world.devnet.status().chains[0].waits_for.clone());
    }
    let is_named = |words: &str| waits.iter().any(|it| it.contains(words));
    assert!(waits_for.is_none_or(is_named), "{waits_for:?} in {waits:#?}");
    let status = world.devnet.status();
    let chain = &status.chains[0];
    assert!(chain.safe_number + lag >= seconds / 2, "{status}");
    assert_eq!(chain.waits_for, None, "{status}");
    world.check_agrees(&follower).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_refuse_and_stall_are_outwaited() {
    let faults = r#"
        [[fault]]
        kind = "rate-limit"
        at = 5
        blocks = 4
        endpoint = "l1"
        requests = 3

        [[fault]]
        kind = "stall"
        at = 12
        blocks = 2
        endpoint = "l1"
        requests = 1
        delay-ms = 300
    "#;
    check(faults, DataAvailability::Calldata, 100, 12, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn blobs_that_are_missing_for_a_while_are_waited_for() {
    let faults = r#"
        [[fault]]
        kind = "missing-blobs"
        at = 4
        blocks = 8

        [[fault]]
        kind = "partial-blobs"
        at = 16
        blocks = 5
        keep = 0
    "#;
    check(faults, DataAvailability::Blobs, 100, 20, Some("blobs of L1 block")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reorgs_and_halts_of_l1_are_followed() {
    let faults = r#"
        [[fault]]
        kind = "l1-reorg"
        at = 10
        depth = 4

        [[fault]]
        kind = "l1-reorg"
        at = 25
        depth = 20
        drop-transactions = true

        [[fault]]
        kind = "l1-halt"
        at = 40
        seconds = 60
    "#;
    check(faults, DataAvailability::Calldata, 300, 20, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequencer_with_another_clock_and_a_batcher_that_rests_do_no_harm() {
    let faults = r#"
        [[fault]]
        kind = "clock-skew"
        at = 5
        blocks = 10
        chain = 901
        skew-ms = -7000

        [[fault]]
        kind = "clock-skew"
        at = 20
        blocks = 10
        chain = 901
        skew-ms = 5000

        [[fault]]
        kind = "batcher-outage"
        at = 12
        blocks = 15
    "#;
    check(faults, DataAvailability::Calldata, 160, 12, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batcher_that_rests_longer_than_the_window_costs_its_blocks() {
    let faults = r#"
        [[fault]]
        kind = "batcher-outage"
        at = 5
        blocks = 60
    "#;
    let mut asked = chaotic(faults, DataAvailability::Calldata);
    asked.seq_window_size = Some(20);
    let world = World::start(asked).await;
    let follower = world.follower().await;
    world.advance(38).await;
    let (sent, ..) = send(world.l2(0), 0, Sent::transfer(Address::repeat_byte(0x11), 7)).unwrap();
    world.advance(12).await;
    let before = world.l2(0).hash_by_number(20).unwrap();
    assert!(before.is_some() && world.safe(0) < 20, "{}", world.devnet.status());
    world.advance(250).await;
    assert_ne!(world.l2(0).hash_by_number(20).unwrap(), before, "the block was not replaced");
    assert!(world.l2(0).transaction(sent).unwrap().is_some(), "it comes in again later");
    let status = world.devnet.status();
    assert!(status.chains[0].safe_number > 100, "{status}");
    world.check_agrees(&follower).await;
}
