//! Which L1 origin the next block takes, case by case.

use super::{block, config, hash};
use alloy_primitives::{B256, Bloom, U256};
use opal_driver::sequencer::origin::{OriginError, Origins, choose};
use opal_types::{ForkTimes, L1Header, L2Ref};

fn l1(number: u64, parent: B256, timestamp: u64) -> L1Header {
    L1Header {
        hash: hash(9000 + number),
        number,
        parent_hash: parent,
        timestamp,
        base_fee: U256::ZERO,
        mix_hash: B256::ZERO,
        excess_blob_gas: None,
        parent_beacon_block_root: None,
        transactions_root: B256::ZERO,
        receipts_root: B256::ZERO,
        logs_bloom: Bloom::ZERO,
    }
}

/// Head at 1000 s after its origin's time less `lead`; the next L1 block comes `next` seconds after the origin.
#[track_caller]
fn check(
    fjord: bool,
    lead: u64,
    next: Option<u64>,
    recovers: bool,
    expected: Result<u64, OriginError>,
) {
    let forks = ForkTimes { fjord: fjord.then_some(0), ..ForkTimes::default() };
    let config = config(forks);
    let current = l1(10, hash(9009), 5_000_000);
    let next = next.map(|after| l1(11, current.hash, current.timestamp + after));
    // The next block's time is the head's and 2 s.
    let head = L2Ref { timestamp: current.timestamp + lead - 2, ..block(7) };
    let origins = Origins { current: &current, next: next.as_ref(), must_know_next: recovers };
    assert_eq!(choose(&config, &head, origins).map(|it| it.number), expected);
}

#[test]
fn the_next_origin_is_taken_as_soon_as_l2_time_has_reached_it() {
    check(false, 12, Some(12), false, Ok(11));
    check(false, 12, Some(11), false, Ok(11));
    check(false, 12, Some(13), false, Ok(10));
}

#[test]
fn without_a_next_block_the_origin_stays_until_the_drift_is_used_up() {
    check(false, 12, None, false, Ok(10));
    check(false, 600, None, false, Ok(10));
    let wanted = OriginError::NextWanted { origin: 10, drift: 602, max: 600 };
    check(false, 602, None, false, Err(wanted));
}

#[test]
fn from_fjord_the_drift_is_1800_s() {
    check(true, 1800, None, false, Ok(10));
    let wanted = OriginError::NextWanted { origin: 10, drift: 1802, max: 1800 };
    check(true, 1802, None, false, Err(wanted));
}

#[test]
fn beyond_the_drift_the_origin_stays_if_the_next_block_is_too_young() {
    check(false, 700, Some(720), false, Ok(10));
    check(false, 700, Some(700), false, Ok(11));
}

#[test]
fn recovery_waits_for_the_next_block() {
    check(false, 12, None, true, Err(OriginError::NextUnknown { origin: 10 }));
    check(false, 12, Some(12), true, Ok(11));
}

#[test]
fn an_origin_that_l1_has_dropped_is_noticed() {
    let config = config(ForkTimes::default());
    let current = l1(10, hash(9009), 5_000_000);
    let other = l1(11, hash(1234), 5_000_012);
    let head = L2Ref { timestamp: 5_000_020, ..block(7) };
    let origins = |current, next| Origins { current, next, must_know_next: false };
    assert_eq!(choose(&config, &head, origins(&current, Some(&other))), Err(OriginError::Orphaned));
    assert_eq!(choose(&config, &head, origins(&other, None)), Err(OriginError::Orphaned));
}
