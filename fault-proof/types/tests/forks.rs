//! When forks are active, and what hangs on them.

use alloy_primitives::address;
use opal_types::{BaseFeeParams, DEPOSIT_EVENT, Fork, ForkTimes, alias};

fn times() -> ForkTimes {
    ForkTimes {
        regolith: Some(0),
        canyon: Some(10),
        delta: Some(10),
        ecotone: Some(25),
        ..ForkTimes::default()
    }
}

#[track_caller]
fn check(timestamp: u64, newest: Fork) {
    assert_eq!(times().at(timestamp), newest);
    for fork in Fork::ALL {
        assert_eq!(times().active(fork, timestamp), fork <= newest, "{fork:?}");
    }
}

#[test]
fn a_fork_is_active_from_its_second_on() {
    check(0, Fork::Regolith);
    check(9, Fork::Regolith);
    check(10, Fork::Delta);
    check(24, Fork::Delta);
    check(25, Fork::Ecotone);
    check(u64::MAX, Fork::Ecotone);
}

#[test]
fn without_times_only_bedrock_is_active() {
    assert_eq!(ForkTimes::default().at(u64::MAX), Fork::Bedrock);
    assert!(!ForkTimes::default().active(Fork::Regolith, u64::MAX));
}

#[test]
fn forks_stand_in_order_and_have_their_own_names() {
    assert!(Fork::ALL.is_sorted());
    let names: std::collections::BTreeSet<_> = Fork::ALL.map(Fork::name).into();
    assert_eq!(names.len(), Fork::ALL.len());
}

#[test]
fn a_senders_alias_wraps_around() {
    let first = address!("0000000000000000000000000000000000000000");
    assert_eq!(alias(first), address!("1111000000000000000000000000000000001111"));
    let last = address!("ffffffffffffffffffffffffffffffffffffffff");
    assert_eq!(alias(last), address!("1111000000000000000000000000000000001110"));
}

#[test]
fn the_deposit_event_is_the_hash_of_its_signature() {
    let signature = "TransactionDeposited(address,address,uint256,bytes)";
    assert_eq!(alloy_primitives::keccak256(signature), DEPOSIT_EVENT);
}

#[test]
fn zeros_stand_for_the_chains_constants_only_together() {
    let params = |denominator, elasticity| BaseFeeParams { denominator, elasticity };
    assert!(params(0, 0).check_attributes().is_ok());
    assert!(params(0, 6).check_attributes().is_err());
    assert!(params(250, 0).check_attributes().is_err());
    assert!(params(250, 6).check_attributes().is_ok());
    assert!(params(0, 0).check_header().is_err());
}
