//! The schedule, on a clock made of numbers.

use super::{L2_TIME, block, hash};
use opal_driver::sequencer::{Building, Duty, Failure, Schedule, Sequencer, SequencerError};
use opal_engine::PayloadId;

const START_MS: u64 = L2_TIME * 1000;

fn schedule(max_safe_lag: Option<u64>) -> Schedule {
    Schedule { block_time_ms: 2000, sealing_ms: 50, max_safe_lag }
}

fn running(max_safe_lag: Option<u64>, now_ms: u64) -> Sequencer {
    let mut sequencer = Sequencer::new(schedule(max_safe_lag), true, false);
    sequencer.unpark(block(0), 0, now_ms);
    sequencer
}

fn building(onto: u64) -> Building {
    let onto = block(onto);
    Building { onto, id: PayloadId::new([7; 8]), timestamp: onto.timestamp + 2 }
}

/// Builds and seals the block on `onto` as soon as the schedule says; tells when.
fn build(sequencer: &mut Sequencer, onto: u64, now_ms: u64) -> (u64, u64) {
    let start_ms = sequencer.due_ms().unwrap().max(now_ms);
    assert_eq!(sequencer.duty(start_ms), Some(Duty::Build { onto: block(onto) }));
    sequencer.started(building(onto), start_ms);
    let seal_ms = sequencer.due_ms().unwrap();
    assert_eq!(sequencer.duty(seal_ms), Some(Duty::Seal(building(onto))));
    sequencer.sealed(block(onto + 1), seal_ms);
    (start_ms, seal_ms)
}

#[test]
fn a_block_is_started_one_block_time_before_its_own_and_sealed_just_before_it() {
    let mut sequencer = running(None, START_MS);
    assert_eq!(build(&mut sequencer, 0, START_MS), (START_MS, START_MS + 1950));
    assert_eq!(build(&mut sequencer, 1, 0), (START_MS + 2000, START_MS + 3950));
    assert_eq!(build(&mut sequencer, 2, 0), (START_MS + 4000, START_MS + 5950));
}

#[test]
fn before_the_first_block_is_due_nothing_is_built() {
    let sequencer = running(None, START_MS - 10_000);
    assert_eq!(sequencer.duty(START_MS - 1), None);
    assert_eq!(sequencer.due_ms(), Some(START_MS));
}

#[test]
fn late_blocks_follow_one_another_without_waiting() {
    let now_ms = START_MS + 10_000;
    let mut sequencer = running(None, now_ms);
    for onto in 0..4 {
        assert_eq!(build(&mut sequencer, onto, now_ms), (now_ms, now_ms));
    }
    // Block 5 belongs to the current time, and has its full time again.
    assert_eq!(build(&mut sequencer, 4, now_ms), (now_ms, now_ms));
    assert_eq!(build(&mut sequencer, 5, now_ms), (now_ms, now_ms + 1950));
}

#[test]
fn another_head_drops_the_block_that_is_being_built() {
    let mut sequencer = running(None, START_MS);
    sequencer.started(building(0), START_MS);
    let mut other = block(1);
    other.hash = hash(777);
    sequencer.follow(other, 0, START_MS + 100);
    assert_eq!(sequencer.duty(START_MS + 2000), Some(Duty::Build { onto: other }));
}

#[test]
fn a_head_that_goes_back_is_built_on() {
    let mut sequencer = running(None, START_MS);
    build(&mut sequencer, 0, START_MS);
    build(&mut sequencer, 1, START_MS);
    sequencer.follow(block(1), 0, START_MS + 9000);
    assert_eq!(sequencer.duty(START_MS + 9000), Some(Duty::Build { onto: block(1) }));
}

#[test]
fn while_derivation_looks_for_its_start_nothing_is_built_and_then_a_block_time_passes() {
    let mut sequencer = running(None, START_MS);
    sequencer.started(building(0), START_MS);
    sequencer.park();
    assert_eq!(sequencer.due_ms(), None);
    sequencer.follow(block(0), 0, START_MS + 500);
    sequencer.failed(Failure::Temporary, START_MS + 500);
    assert_eq!(sequencer.due_ms(), None);
    sequencer.unpark(block(0), 0, START_MS + 1000);
    assert_eq!(sequencer.due_ms(), Some(START_MS + 3000));
    assert_eq!(sequencer.duty(START_MS + 3000), Some(Duty::Build { onto: block(0) }));
}

#[test]
fn failures_are_tried_again_later() {
    let mut sequencer = running(None, START_MS);
    sequencer.failed(Failure::Temporary, START_MS);
    assert_eq!(sequencer.due_ms(), Some(START_MS + 1000));
    sequencer.started(building(0), START_MS + 1000);
    sequencer.failed(Failure::Temporary, START_MS + 1950);
    assert_eq!(sequencer.duty(START_MS + 2950), Some(Duty::Seal(building(0))), "it may finish yet");
    sequencer.failed(Failure::Invalid, START_MS + 2950);
    assert_eq!(sequencer.duty(START_MS + 4949), None);
    assert_eq!(sequencer.duty(START_MS + 4950), Some(Duty::Build { onto: block(0) }));
}

#[test]
fn too_far_above_the_safe_head_it_waits() {
    let mut sequencer = running(Some(3), START_MS);
    for onto in 0..3 {
        build(&mut sequencer, onto, START_MS);
    }
    assert!(sequencer.is_lagging());
    assert_eq!(sequencer.due_ms(), None);
    sequencer.follow(block(3), 0, START_MS + 60_000);
    assert_eq!(sequencer.due_ms(), None);
    sequencer.follow(block(3), 1, START_MS + 61_000);
    assert_eq!(sequencer.duty(START_MS + 61_000), Some(Duty::Build { onto: block(3) }));
}

#[test]
fn a_wider_lag_lets_it_go_on() {
    let mut sequencer = running(Some(1), START_MS);
    build(&mut sequencer, 0, START_MS);
    assert!(sequencer.is_lagging());
    sequencer.set_max_safe_lag(None, START_MS + 5000);
    assert_eq!(sequencer.due_ms(), Some(START_MS + 5000));
}

#[test]
fn it_starts_and_stops_on_command() {
    let mut sequencer = Sequencer::new(schedule(None), false, false);
    let received = block(0).hash;
    let error = sequencer.start(received, START_MS);
    assert_eq!(error, Err(SequencerError::NoHead { head: received }));
    sequencer.unpark(block(0), 0, START_MS);
    assert_eq!(sequencer.due_ms(), None);
    let error = sequencer.start(hash(5), START_MS);
    assert_eq!(error, Err(SequencerError::OtherHead { head: received, received: hash(5) }));
    assert_eq!(sequencer.stop(), Err(SequencerError::NotRunning));
    assert_eq!(sequencer.start(received, START_MS), Ok(()));
    assert_eq!(sequencer.start(received, START_MS), Err(SequencerError::AlreadyRunning));
    assert_eq!(sequencer.duty(START_MS), Some(Duty::Build { onto: block(0) }));
    sequencer.started(building(0), START_MS);
    assert_eq!(sequencer.stop(), Ok(received));
    assert_eq!(sequencer.duty(u64::MAX), None, "the block it had begun is forgotten");
}
