//! The machine on a simulated chain with one node's pool.
//!
//! **Invariant:** the pool has a node's rules: one transaction per nonce, replacement for enough more, one kind of
//! transaction per account, the nonce gap.

mod world;

use super::*;
use alloy_primitives::{Bytes, U256};
use proptest::prelude::*;
use world::World;

pub(super) fn rules() -> Rules {
    Rules {
        confirmations: 3,
        resubmission_timeout_ms: 10_000,
        max_pending: 4,
        max_queued: 100,
        fees: FeeLimits { max_fee_wei: 1_000_000, max_blob_fee_wei: 1_000_000, min_tip_wei: 1 },
    }
}

fn plain() -> Candidate {
    let (to, value) = (Some(Default::default()), U256::ONE);
    Candidate { to, data: Bytes::new(), value, blobs: Vec::new(), gas_limit: Some(30_000) }
}

fn blob() -> Candidate {
    Candidate { blobs: vec![Bytes::from_static(&[1])], ..plain() }
}

/// The events as words: `sent 0@5`, `confirmed 0`.
fn words(events: &[TransactionEvent]) -> Vec<String> {
    let word = |event: &TransactionEvent| match event {
        TransactionEvent::Sent { id, nonce, .. } => format!("sent {}@{nonce}", id.0),
        TransactionEvent::Included { id, .. } => format!("included {}", id.0),
        TransactionEvent::Reorged { id, .. } => format!("reorged {}", id.0),
        TransactionEvent::Confirmed { id, .. } => format!("confirmed {}", id.0),
        TransactionEvent::Refused { id, .. } => format!("refused {}", id.0),
        TransactionEvent::Cancelled { id } => format!("cancelled {}", id.0),
    };
    events.iter().map(word).collect()
}

impl World {
    #[track_caller]
    fn check(&mut self, machine: &mut Machine, wanted: &[&str]) {
        let events = self.tick(machine);
        assert_eq!(words(&events), wanted, "{:?}", machine.hindrance());
    }
}

#[test]
fn candidates_are_sent_in_order_included_and_confirmed() {
    let (mut world, mut machine) = (World::new(5), Machine::new(rules()));
    for _ in 0..6 {
        machine.submit(plain()).unwrap();
    }
    world.check(&mut machine, &["sent 0@5", "sent 1@6", "sent 2@7", "sent 3@8"]);
    world.check(&mut machine, &[]);
    world.mine(2);
    world.check(&mut machine, &["included 0", "included 1", "sent 4@9", "sent 5@10"]);
    world.mine(0);
    world.check(&mut machine, &[]);
    world.mine(10);
    let wanted =
        ["included 2", "included 3", "included 4", "included 5", "confirmed 0", "confirmed 1"];
    world.check(&mut machine, &wanted);
    world.mine(0);
    world.mine(0);
    world.check(&mut machine, &["confirmed 2", "confirmed 3", "confirmed 4", "confirmed 5"]);
    assert_eq!(machine.open(), 0);
}

#[test]
fn what_waits_too_long_is_replaced_for_more_up_to_the_limit() {
    for (candidate, percent) in [(plain(), 110), (blob(), 200)] {
        let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
        machine.submit(candidate).unwrap();
        world.check(&mut machine, &["sent 0@0"]);
        let mut fees = world.pool[&0].fees;
        world.pass(9_999);
        world.check(&mut machine, &[]);
        let mut raises = 0;
        loop {
            world.pass(10_000);
            let events = world.tick(&mut machine);
            if events.is_empty() {
                break;
            }
            assert_eq!(words(&events), ["sent 0@0"]);
            let raised = world.pool[&0].fees;
            assert!(raised.max_fee * 100 >= fees.max_fee * percent, "{fees:?} {raised:?}");
            assert!(raised.max_fee <= 1_000_000);
            (fees, raises) = (raised, raises + 1);
        }
        assert!(raises >= 10, "{raises}");
        assert!(machine.hindrance().unwrap().starts_with("fees are at their limit"));
        // The last offer stands and is taken in the end.
        world.mine(1);
        world.check(&mut machine, &["included 0"]);
    }
}

#[test]
fn nothing_is_sent_while_the_chain_asks_for_more_than_the_limit() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    world.market.base_fee = 2_000_000;
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &[]);
    assert!(machine.hindrance().is_some());
    world.market.base_fee = 10;
    world.check(&mut machine, &["sent 0@0"]);
    assert_eq!(machine.hindrance(), None);
}

#[test]
fn a_reorg_brings_a_transaction_back_to_the_pool() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &["sent 0@0"]);
    world.mine(1);
    world.check(&mut machine, &["included 0"]);
    // The node forgets it: it is sent again at once.
    world.reorg(1, false);
    world.check(&mut machine, &["reorged 0"]);
    assert!(world.pool.contains_key(&0));
    world.mine(1);
    world.check(&mut machine, &["included 0"]);
    // It moves to another block between two looks.
    world.reorg(1, true);
    world.mine(1);
    world.check(&mut machine, &["included 0"]);
    world.mine(0);
    world.mine(0);
    world.check(&mut machine, &["confirmed 0"]);
}

#[test]
fn a_pool_that_forgets_gets_its_transactions_again() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    machine.submit(plain()).unwrap();
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &["sent 0@0", "sent 1@1"]);
    world.pool.clear();
    world.pass(2_000);
    world.check(&mut machine, &[]);
    assert_eq!(world.pool.len(), 2);
}

/// T35j: `nonce_gap_is_repaired`.
#[test]
fn a_nonce_gap_is_filled() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    world.foreign(0);
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &["sent 0@1"]);
    world.pool.remove(&0);
    world.check(&mut machine, &[]);
    world.pass(1_000);
    world.check(&mut machine, &[]);
    assert!(world.pool.contains_key(&0));
    world.mine(5);
    world.check(&mut machine, &["included 0"]);
}

#[test]
fn a_strange_transaction_in_the_way_is_waited_for_and_then_replaced() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    world.foreign(0);
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &["sent 0@1"]);
    world.pass(9_000);
    world.check(&mut machine, &[]);
    assert!(world.is_foreign(0));
    for _ in 0..40 {
        world.pass(1_000);
        world.tick(&mut machine);
    }
    assert!(!world.is_foreign(0), "the filler outbid it");
    world.mine(5);
    world.check(&mut machine, &["included 0"]);
}

/// The node's count of pending transactions lags, or the pool of another node is asked.
#[test]
fn a_nonce_that_somebody_else_used_begins_again() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    world.foreign(0);
    world.hides_pool = true;
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &[]);
    assert_eq!(machine.hindrance(), Some("another transaction with nonce 0 is pending"));
    world.mine(1);
    world.check(&mut machine, &["sent 0@1"]);
}

/// It may be ours after all, if we do not know whether the node took it.
#[test]
fn a_nonce_is_only_given_up_when_it_settled_for_somebody_else() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    world.unreachable = true;
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &[]);
    world.unreachable = false;
    world.foreign(0);
    world.mine(1);
    for _ in 0..4 {
        world.check(&mut machine, &[]);
        world.mine(0);
    }
    world.check(&mut machine, &["sent 0@1"]);
}

#[test]
fn blobs_and_other_transactions_wait_for_one_another() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    for candidate in [plain(), plain(), blob(), plain()] {
        machine.submit(candidate).unwrap();
    }
    world.check(&mut machine, &["sent 0@0", "sent 1@1"]);
    assert!(machine.hindrance().unwrap().contains("wait for one another"));
    world.mine(2);
    world.check(&mut machine, &["included 0", "included 1", "sent 2@2"]);
    world.mine(1);
    world.check(&mut machine, &["included 2", "sent 3@3"]);
}

#[test]
fn an_account_whose_pool_has_the_other_kind_waits() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    world.foreign(0);
    machine.submit(blob()).unwrap();
    world.check(&mut machine, &[]);
    let why = machine.hindrance().unwrap();
    assert_eq!(why, "the account has transactions of the other kind pending");
    world.mine(1);
    world.pass(1_000);
    world.check(&mut machine, &["sent 0@1"]);
}

/// A reorg takes back a transaction with blobs while one without waits in the pool behind it.
#[test]
fn a_nonce_that_a_pool_refuses_to_the_kind_is_given_up_and_the_candidate_begins_again() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    machine.submit(blob()).unwrap();
    world.check(&mut machine, &["sent 0@0"]);
    world.mine(1);
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &["included 0", "sent 1@1"]);
    world.reorg(1, false);
    world.check(&mut machine, &["reorged 0"]);
    world.check(&mut machine, &[]);
    assert!(world.pool.contains_key(&0), "nothing is sent with the nonce of 0");
    world.mine(2);
    world.check(&mut machine, &["included 1"]);
    world.mine(0);
    world.mine(0);
    world.check(&mut machine, &["confirmed 1", "sent 0@2"]);
}

#[test]
fn missing_funds_are_waited_for_and_named() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    world.says = Some(Answer::Funds("insufficient funds".into()));
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &[]);
    assert_eq!(machine.hindrance(), Some("insufficient funds"));
    world.says = None;
    world.pass(1_000);
    world.check(&mut machine, &["sent 0@0"]);
}

#[test]
fn what_no_node_takes_is_refused_and_leaves_no_gap() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    world.says = Some(Answer::Never("oversized data".into()));
    machine.submit(plain()).unwrap();
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &["refused 0", "refused 1"]);
    world.says = None;
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &["sent 2@0"]);
}

#[test]
fn candidates_are_taken_back_as_long_as_there_is_time() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    for _ in 0..5 {
        machine.submit(plain()).unwrap();
    }
    machine.cancel(CandidateId(4));
    world.check(&mut machine, &["cancelled 4", "sent 0@0", "sent 1@1", "sent 2@2", "sent 3@3"]);
    machine.cancel(CandidateId(1));
    world.check(&mut machine, &[]);
    world.mine(4);
    world.check(&mut machine, &["included 0", "included 2", "included 3"]);
    machine.cancel(CandidateId(2));
    world.mine(0);
    world.mine(0);
    world.check(&mut machine, &["confirmed 0", "cancelled 1", "confirmed 2", "confirmed 3"]);
}

#[test]
fn a_restart_goes_on_behind_what_is_pending() {
    let (mut world, mut machine) = (World::new(0), Machine::new(rules()));
    for _ in 0..3 {
        machine.submit(plain()).unwrap();
    }
    world.tick(&mut machine);
    world.mine(1);
    let mut machine = Machine::new(rules());
    machine.submit(plain()).unwrap();
    world.check(&mut machine, &["sent 0@3"]);
}

#[test]
fn the_queue_is_bounded() {
    let mut machine = Machine::new(Rules { max_queued: 2, ..rules() });
    machine.submit(plain()).unwrap();
    machine.submit(plain()).unwrap();
    assert_eq!(machine.submit(plain()), Err(QueueFull { queued: 2 }));
}

/// Something that happens to the world.
#[derive(Clone, Debug)]
enum Happening {
    Submit(bool),
    Cancel(u64),
    Mine(usize),
    Reorg(usize, bool),
    Forget,
    Foreign,
    BaseFee(u128),
    Unreachable(bool),
    HidePool(bool),
    Pass(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => any::<bool>().prop_map(Happening::Submit),
        1 => (0..20_u64).prop_map(Happening::Cancel),
        6 => (0..5_usize).prop_map(Happening::Mine),
        1 => (1..3_usize, any::<bool>()).prop_map(|(depth, keeps)| Happening::Reorg(depth, keeps)),
        1 => Just(Happening::Forget),
        1 => Just(Happening::Foreign),
        1 => (1..1000_u128).prop_map(Happening::BaseFee),
        1 => any::<bool>().prop_map(Happening::Unreachable),
        1 => any::<bool>().prop_map(Happening::HidePool),
        3 => (0..20_000_u64).prop_map(Happening::Pass),
    ]
}

fn happen(world: &mut World, machine: &mut Machine, what: Happening, submitted: &mut u64) {
    match what {
        Happening::Submit(with_blob) => {
            machine.submit(if with_blob { blob() } else { plain() }).unwrap();
            *submitted += 1;
        }
        Happening::Cancel(id) => machine.cancel(CandidateId(id)),
        Happening::Mine(most) => world.mine(most),
        Happening::Reorg(depth, keeps) => world.reorg(depth, keeps),
        Happening::Forget => world.pool.clear(),
        Happening::Foreign => world.foreign_next(),
        Happening::BaseFee(wei) => world.market.base_fee = wei,
        Happening::Unreachable(is) => world.unreachable = is,
        Happening::HidePool(is) => world.hides_pool = is,
        Happening::Pass(ms) => world.pass(ms),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens: each candidate ends once, and is in the chain once if it was confirmed.
    #[test]
    fn every_candidate_ends_once(happenings in prop::collection::vec(happening(), 1..80)) {
        let (mut world, mut machine) = (World::new(3), Machine::new(rules()));
        let mut events = Vec::new();
        let mut submitted = 0;
        for what in happenings {
            happen(&mut world, &mut machine, what, &mut submitted);
            events.extend(world.tick(&mut machine));
        }
        world.calm();
        for _ in 0..200 {
            world.pass(3_000);
            world.mine(10);
            events.extend(world.tick(&mut machine));
        }
        prop_assert_eq!(machine.open(), 0, "{:?}", machine);
        let ends = words(&events);
        for id in 0..submitted {
            let count = |word: &str| ends.iter().filter(|it| **it == format!("{word} {id}")).count();
            prop_assert_eq!(count("confirmed") + count("cancelled"), 1, "{} {:?}", id, ends);
            prop_assert_eq!(count("refused"), 0);
            prop_assert_eq!(world.included(CandidateId(id)), count("confirmed"), "{}", id);
        }
    }
}
