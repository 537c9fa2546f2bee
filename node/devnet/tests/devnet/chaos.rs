//! Faults on a schedule: nothing halts for good, and followers agree afterwards.

use crate::world::{Sent, World, options, send};
use alloy_primitives::Address;
use opal_devnet::{Chaos, ClockMode, DevnetOptions};
use opal_submit::DataAvailability;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Between two looks at the status line.
const LOOK: Duration = Duration::from_millis(5);

fn chaotic(faults: &str, data: DataAvailability) -> DevnetOptions {
    DevnetOptions {
        chaos: Some(Chaos::from_toml(faults).unwrap()),
        finality_depth: 32,
        data,
        ..options(1)
    }
}

/// What the status line said that L1 or the chain waits for.
#[derive(Debug, Default)]
struct Waits(BTreeSet<String>);

impl Waits {
    /// Looks at the line until this is over.
    async fn look(&mut self, world: &World, work: impl Future<Output = ()>) {
        tokio::pin!(work);
        loop {
            let status = world.devnet.status();
            self.0.extend(status.chains[0].waits_for.clone().or(status.l1_waits_for));
            tokio::select! {
                () = &mut work => return,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn check(&self, wanted: &[&str]) {
        for words in wanted {
            assert!(self.0.iter().any(|it| it.contains(words)), "{words} in {:#?}", self.0);
        }
    }
}

/// Runs under these faults, and demands safe blocks up to `lag` blocks below the head at the end. On the way the status
/// line says what is waited for, in these words.
async fn check(faults: &str, data: DataAvailability, seconds: u64, lag: u64, waits_for: &[&str]) {
    let world = World::start(chaotic(faults, data)).await;
    let follower = world.follower().await;
    let mut waits = Waits::default();
    for _ in 0..seconds / 2 {
        waits.look(&world, world.advance(2)).await;
    }
    waits.check(waits_for);
    let status = world.devnet.status();
    let chain = &status.chains[0];
    assert!(chain.safe_number + lag >= seconds / 2, "{status}");
    assert_eq!((&chain.waits_for, &status.l1_waits_for), (&None, &None), "{status}");
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
        delay-ms = 600
    "#;
    check(faults, DataAvailability::Calldata, 100, 12, &["throttled", "no answer yet"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_refuse_every_request_are_outwaited() {
    let faults = r#"
        [[fault]]
        kind = "rate-limit"
        at = 5
        blocks = 4
        endpoint = "l1"
        retry-after-s = 30

        [[fault]]
        kind = "rate-limit"
        at = 15
        blocks = 6
        endpoint = "beacon"
    "#;
    let named = ["cannot read L1 latest block", "blobs of L1 block", "throttled"];
    check(faults, DataAvailability::Blobs, 100, 20, &named).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_are_unplugged_are_outwaited() {
    let faults = r#"
        [[fault]]
        kind = "unplug"
        at = 5
        blocks = 4
        endpoint = "l1"

        [[fault]]
        kind = "unplug"
        at = 15
        blocks = 6
        endpoint = "beacon"

        [[fault]]
        kind = "unplug"
        at = 30
        blocks = 5
        endpoint = "l1"

        [[fault]]
        kind = "l1-reorg"
        at = 34
        depth = 8
        drop-transactions = true
    "#;
    let named = ["cannot read L1 latest block", "blobs of L1 block", "unreachable"];
    check(faults, DataAvailability::Blobs, 140, 20, &named).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_the_real_clock_unplugged_refusing_and_stalling_endpoints_are_named_and_outwaited() {
    let faults = r#"
        [[fault]]
        kind = "unplug"
        at = 3
        blocks = 2
        endpoint = "l1"

        [[fault]]
        kind = "rate-limit"
        at = 8
        blocks = 2
        endpoint = "l1"
        retry-after-s = 1

        [[fault]]
        kind = "stall"
        at = 13
        blocks = 2
        endpoint = "l1"
        delay-ms = 1500
    "#;
    let world = World::start(DevnetOptions {
        clock: ClockMode::Real,
        genesis_time: None,
        ..chaotic(faults, DataAvailability::Calldata)
    })
    .await;
    let follower = world.follower().await;
    let mut waits = Waits::default();
    let start = Instant::now();
    let heals = async {
        let status = || world.devnet.status();
        while status().l1 < 18 || world.safe(0) < 14 || status().chains[0].waits_for.is_some() {
            assert!(start.elapsed() < Duration::from_secs(120), "{}", status());
            tokio::time::sleep(LOOK).await;
        }
    };
    waits.look(&world, heals).await;
    waits.check(&["L1: unreachable, next try in", "L1: 429, next try in", "no answer yet"]);
    world.check_agrees(&follower).await;
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
    check(faults, DataAvailability::Blobs, 100, 20, &["blobs of L1 block"]).await;
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
    check(faults, DataAvailability::Calldata, 300, 20, &["the end of a halt"]).await;
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
    check(faults, DataAvailability::Calldata, 160, 12, &[]).await;
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
