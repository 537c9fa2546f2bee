//! Cycles: what op-supernode replaced because of them, small graphs, and random ones (I6).
//!
//! **Invariant:** the seed is fixed, and each graph is decided with both ways of the switch.

use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256};
use lzma_rust2::XzReader;
use opal_harness::Vectors;
use opal_message::{
    Identifier, LogPlace, Message, Prerequisites, SimultaneousMessage, unresolved_chains,
    unresolved_messages,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, RngSeed},
};
use serde::Deserialize;
use std::{collections::BTreeSet, fs::File, io::Read};

const SHARE: Prerequisites = Prerequisites::ShareTheFate;
const SPARE: Prerequisites = Prerequisites::AreSpared;

/// Executing chain and log, initiating chain and log.
type Row = (u64, u32, u64, u32);

fn place(chain: u64, log_index: u32) -> LogPlace {
    LogPlace { chain_id: U256::from(chain), log_index }
}

fn messages(rows: &[Row]) -> Vec<SimultaneousMessage> {
    let message = |&(chain, log, of_chain, of_log): &Row| SimultaneousMessage {
        executing: place(chain, log),
        initiating: place(of_chain, of_log),
    };
    rows.iter().map(message).collect()
}

fn chains(ids: &[u64]) -> BTreeSet<U256> {
    ids.iter().copied().map(U256::from).collect()
}

/// The places that a message needs, by the words of the rule.
fn needs(all: &[SimultaneousMessage], message: &SimultaneousMessage) -> BTreeSet<LogPlace> {
    let last = |chain_id: U256, fits: &dyn Fn(u32) -> bool| {
        let places = all.iter().map(|it| it.executing);
        places.filter(|it| it.chain_id == chain_id && fits(it.log_index)).max()
    };
    let SimultaneousMessage { executing, initiating } = *message;
    let before = last(executing.chain_id, &|it| it < executing.log_index);
    let behind = last(initiating.chain_id, &|it| it <= initiating.log_index);
    before.into_iter().chain(behind).collect()
}

/// The same decision by the words of the rule, in the cube of the time.
fn slowly(all: &[SimultaneousMessage], prerequisites: Prerequisites) -> Vec<LogPlace> {
    let edges: Vec<_> = all.iter().map(|it| (it.executing, needs(all, it))).collect();
    let mut left: BTreeSet<_> = edges.iter().map(|(it, _)| *it).collect();
    let needed_by = |some: &BTreeSet<LogPlace>| -> BTreeSet<LogPlace> {
        edges.iter().filter(|(it, _)| some.contains(it)).flat_map(|(_, it)| it).copied().collect()
    };
    match prerequisites {
        SHARE => loop {
            let needed = needed_by(&left);
            if needed == left {
                return left.into_iter().collect();
            }
            left = needed;
        },
        SPARE => {
            left.retain(|start| {
                let mut reached = needed_by(&[*start].into());
                loop {
                    let further = &reached | &needed_by(&reached);
                    if further == reached {
                        return reached.contains(start);
                    }
                    reached = further;
                }
            });
            left.into_iter().collect()
        }
    }
}

/// The chains that are replaced, and those that are when prerequisites are spared.
#[track_caller]
fn check(rows: &[Row], shared: &[u64], spared: &[u64]) {
    let messages = messages(rows);
    for (prerequisites, expected) in [(SHARE, shared), (SPARE, spared)] {
        let found = unresolved_chains(&messages, prerequisites);
        assert_eq!(found, chains(expected), "{prerequisites:?}");
        let found = unresolved_messages(&messages, prerequisites);
        assert_eq!(found, slowly(&messages, prerequisites), "{prerequisites:?}");
    }
}

/// T46b, monorepo#22825.
#[test]
fn prerequisite_of_a_cycle_shares_its_fate_as_in_the_official_clients() {
    assert_eq!(Prerequisites::default(), SHARE);
    // 901 and 902 are a cycle. 901 first executes a log of 903, behind a message that 903 executes.
    let cycle = [(901, 0, 903, 1), (901, 1, 902, 0), (902, 0, 901, 1)];
    let with = |more: &[Row]| [&cycle, more].concat();
    check(&with(&[(903, 0, 901, 0)]), &[901, 902, 903], &[901, 902, 903]);
    check(&with(&[(903, 0, 904, 0)]), &[901, 902, 903], &[901, 902]);
    check(&with(&[(903, 1, 904, 0)]), &[901, 902, 903], &[901, 902]);
    // What 903 needs in turn falls with it.
    check(&with(&[(903, 0, 904, 7), (904, 7, 905, 0)]), &[901, 902, 903, 904], &[901, 902]);
    // Plain logs are no nodes, and what 903 executes later is not needed.
    check(&with(&[]), &[901, 902], &[901, 902]);
    check(&with(&[(903, 2, 904, 0)]), &[901, 902], &[901, 902]);
    // Neither is what 901 needs after its part of the cycle.
    check(
        &[(901, 0, 902, 0), (902, 0, 901, 0), (901, 1, 903, 1), (903, 0, 904, 0)],
        &[901, 902],
        &[901, 902],
    );
}

/// So 903, which one cycle needs and which needs another, is spared too: it falls when its message
/// of 904 is missing.
#[test]
fn what_lies_between_two_cycles_is_a_prerequisite_of_the_first() {
    let first = [(901, 0, 903, 0), (901, 1, 902, 0), (902, 0, 901, 1)];
    let second = [(903, 0, 904, 0), (904, 0, 905, 0), (905, 0, 904, 0)];
    check(&first, &[901, 902], &[901, 902]);
    check(&second, &[904, 905], &[904, 905]);
    let both = [first, second].concat();
    check(&both, &[901, 902, 903, 904, 905], &[901, 902, 904, 905]);
}

/// T46a, monorepo#20303.
#[test]
fn cycles_are_found_triangle_self_and_cross_chain() {
    check(&[(1, 0, 2, 0), (2, 0, 3, 0), (3, 0, 1, 0)], &[1, 2, 3], &[1, 2, 3]);
    check(&[(1, 0, 2, 0), (2, 0, 3, 0), (3, 1, 1, 0)], &[], &[]);
    check(&[(1, 0, 1, 0)], &[1], &[1]);
    check(&[(1, 0, 2, 5), (2, 4, 1, 3)], &[1, 2], &[1, 2]);
    // By the order of logs: each executes what comes after the other's own message.
    check(&[(1, 2, 2, 9), (2, 8, 1, 2), (2, 9, 1, 1)], &[1, 2], &[1, 2]);
    check(&[(1, 2, 2, 9), (2, 8, 1, 1), (2, 9, 1, 1)], &[], &[]);
}

#[test]
fn a_later_log_of_the_own_block_is_always_a_loop() {
    check(&[(1, 3, 1, 2)], &[], &[]);
    check(&[(1, 3, 1, 3)], &[1], &[1]);
    check(&[(1, 3, 1, 4)], &[1], &[1]);
    check(&[(1, 3, 1, u32::MAX)], &[1], &[1]);
    check(&[(1, 3, 1, 6), (1, 5, 2, 0)], &[1], &[1]);
    check(&[(1, 3, 2, 0), (1, 5, 1, 4)], &[], &[]);
}

#[test]
fn no_cycle_no_replacement() {
    check(&[], &[], &[]);
    check(&[(1, 0, 2, 0)], &[], &[]);
    // A diamond: 1 executes 2 and 3, which both execute 4.
    let diamond = [(1, 0, 2, 0), (1, 1, 3, 0), (2, 0, 4, 1), (3, 0, 4, 1)];
    check(&diamond, &[], &[]);
    check(&[&diamond[..], &[(4, 0, 5, 0)]].concat(), &[], &[]);
    // The cycle is closed by a log of 4 at or before the one that is executed.
    check(&[&diamond[..], &[(4, 2, 1, 0)]].concat(), &[], &[]);
    check(&[&diamond[..], &[(4, 1, 1, 0)]].concat(), &[1, 2, 4], &[1, 2, 4]);
    check(&[&diamond[..], &[(4, 1, 1, 1)]].concat(), &[1, 2, 3, 4], &[1, 2, 3, 4]);
}

#[test]
fn dependents_of_a_cycle_are_not_its_members() {
    let cycle = [(1, 0, 2, 0), (2, 0, 1, 0)];
    check(&[&cycle[..], &[(3, 0, 1, 5), (4, 0, 3, 0)]].concat(), &[1, 2], &[1, 2]);
}

#[test]
fn only_messages_of_the_same_second_take_part() {
    let identifier = Identifier {
        origin: Address::ZERO,
        block_number: 7,
        log_index: 4,
        timestamp: 100,
        chain_id: U256::MAX,
    };
    let found = |timestamp| SimultaneousMessage::new(place(1, 2), timestamp, &identifier);
    let initiating = LogPlace { chain_id: U256::MAX, log_index: 4 };
    assert_eq!(found(100), Some(SimultaneousMessage { executing: place(1, 2), initiating }));
    assert_eq!([found(99), found(101)], [None; 2]);
}

#[test]
fn long_chains_are_decided_in_one_pass() {
    const LENGTH: u32 = 100_000;
    // Two blocks lean on each other, log by log. What is added makes one cycle of all but the last
    // message of 2, which nothing needs.
    let ladder = (0..LENGTH).flat_map(|log| [(1, log, 2, log), (2, log + 1, 1, log)]);
    let mut rows: Vec<Row> = ladder.collect();
    let ends = |rows: &[Row]| {
        let messages = messages(rows);
        [SHARE, SPARE].map(|it| unresolved_messages(&messages, it).len())
    };
    assert_eq!(ends(&rows), [0, 0]);
    rows.push((2, 0, 1, LENGTH));
    assert_eq!(ends(&rows), [rows.len() - 1; 2]);
    // As many cycles, each a prerequisite of the next.
    let loops = (0..LENGTH).map(|log| (1, log, 1, log));
    assert_eq!(ends(&loops.collect::<Vec<_>>()), [LENGTH as usize; 2]);
}

proptest! {
    #![proptest_config(Config {
        cases: 2_000,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(6),
        ..Config::default()
    })]

    #[test]
    fn random_graphs_are_decided_by_the_words_of_the_rule(
        rows in vec((1u64..5, 0u32..6, 1u64..6, 0u32..6), 0..14),
    ) {
        let mut messages = messages(&rows);
        let mut seen = BTreeSet::new();
        for prerequisites in [SHARE, SPARE] {
            let found = unresolved_messages(&messages, prerequisites);
            // Of a log that is given twice the first counts.
            messages.retain(|it| seen.insert(it.executing));
            prop_assert_eq!(&found, &slowly(&messages, prerequisites));
            let chains: BTreeSet<_> = found.iter().map(|it| it.chain_id).collect();
            prop_assert_eq!(&chains, &unresolved_chains(&messages, prerequisites));
            messages.reverse();
            prop_assert_eq!(found, unresolved_messages(&messages, prerequisites));
            seen.clear();
        }
    }
}

/// One second of some chains, decided again and again until nothing is invalid.
#[derive(Deserialize)]
struct Case {
    name: String,
    timestamp: u64,
    chains: Vec<Chain>,
    rounds: Vec<Round>,
    replaced: Vec<U256>,
}

#[derive(Deserialize)]
struct Chain {
    chain_id: U256,
    block: Block,
}

#[derive(Deserialize)]
struct Block {
    time: u64,
    deposit_logs: usize,
    logs: Vec<RecordedLog>,
}

#[derive(Deserialize)]
struct RecordedLog {
    address: Address,
    topics: Vec<B256>,
    data: Bytes,
}

#[derive(Deserialize)]
struct Round {
    invalid_by_message: Vec<U256>,
    invalid_by_cycle: Vec<U256>,
    invalid: BTreeSet<U256>,
    /// Sorted as texts; null is Go's empty list.
    cycle_unresolved: Option<BTreeSet<String>>,
}

impl Block {
    fn messages(&self, chain_id: U256, timestamp: u64) -> Vec<SimultaneousMessage> {
        let read = |(log_index, log): (u32, &RecordedLog)| {
            let data = LogData::new_unchecked(log.topics.clone(), log.data.clone());
            // The event with damaged data is no message.
            let message = Message::from_log(&Log { address: log.address, data }).ok()??;
            let executing = LogPlace { chain_id, log_index };
            SimultaneousMessage::new(executing, timestamp, &message.identifier)
        };
        if self.time != timestamp {
            return Vec::new();
        }
        (0u32..).zip(&self.logs).filter_map(read).collect()
    }
}

/// What became of the rounds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    cases: usize,
    rounds: usize,
    /// Rounds with a cycle.
    cyclic: usize,
    /// Of these, rounds in which the switch spares a chain.
    sparing: usize,
}

impl Tally {
    /// Only the verdicts about cycles are ours: `invalid_by_cycle` and `cycle_unresolved` of each
    /// round. What a round starts from is recorded too, the replacements for messages included.
    fn check(&mut self, mut case: Case) {
        let name = &case.name;
        let mut replaced = BTreeSet::<U256>::new();
        for round in &case.rounds {
            let all = case.chains.iter();
            let all = all.flat_map(|it| it.block.messages(it.chain_id, case.timestamp));
            let messages: Vec<_> = all.collect();
            let unresolved = unresolved_messages(&messages, SHARE);
            let written = unresolved.iter().map(|it| format!("{}:{}", it.chain_id, it.log_index));
            let recorded = round.cycle_unresolved.clone().unwrap_or_default();
            assert_eq!(written.collect::<BTreeSet<_>>(), recorded, "{name}");
            let found = unresolved_chains(&messages, Prerequisites::default());
            assert!(found.iter().eq(&round.invalid_by_cycle), "{name}");
            let by_message = round.invalid_by_message.iter().copied();
            assert_eq!(by_message.chain(found.clone()).collect::<BTreeSet<_>>(), round.invalid);

            let spared = unresolved_messages(&messages, SPARE);
            assert_eq!(spared, slowly(&messages, SPARE), "{name}");
            let spared = unresolved_chains(&messages, SPARE);
            assert!(spared.is_subset(&found) && spared.is_empty() == found.is_empty(), "{name}");
            self.rounds += 1;
            self.cyclic += usize::from(!found.is_empty());
            self.sparing += usize::from(spared != found);
            for chain in case.chains.iter_mut().filter(|it| round.invalid.contains(&it.chain_id)) {
                chain.block.logs.truncate(chain.block.deposit_logs);
            }
            replaced.extend(&round.invalid);
        }
        assert!(replaced.iter().eq(&case.replaced), "{name}");
        self.cases += 1;
    }
}

#[test]
fn recorded_graphs_are_decided_as_op_supernode_did() {
    let Some(vectors) = Vectors::for_test("cycles::graphs") else { return };
    let mut tally = Tally::default();
    for file in vectors.files() {
        let packed = File::open(vectors.path(&file)).unwrap();
        let mut text = Vec::new();
        XzReader::new(packed, false).read_to_end(&mut text).unwrap();
        let cases: Vec<Case> = serde_json::from_slice(&text).unwrap();
        cases.into_iter().for_each(|case| tally.check(case));
    }
    assert_eq!(tally, Tally { cases: 495, rounds: 856, cyclic: 173, sparing: 16 });
    vectors.finish();
}
