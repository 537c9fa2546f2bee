//! opal's VM beside Go cannon's, on random states and programs: state hashes after every step, exceptions, whole state
//! files, and proofs (rows C1 to C10).
//!
//! Start at [`every_random_step_is_the_same_as_in_go_cannon`]. `OPAL_PEER_STEPS` sets how many steps are compared,
//! `OPAL_PEER_MINUTES` bounds the time instead, `OPAL_SEED` the first case. A mismatch prints the seed of its case, the
//! step, the difference of the states and a reduced state.
//!
//! **Invariant:** a case is made from its seed alone.

mod client;
mod generate;
mod opal;
mod reduce;
mod state;

use client::{CONTENT, Client, EACH, End, PROOF, Run};
use generate::{Case, case};
use opal_harness::{peer::go_peer, ran};
use state::State;
use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

const TEST: &str = "peer_cannon::random steps";
/// Requests on their way to Go while opal works on the next ones.
const IN_FLIGHT: usize = 64;

/// What of a case is compared beyond the hashes.
const fn flags(seed: u64, steps: u32) -> u8 {
    match (steps, seed % 8) {
        (1, 0) => EACH | PROOF | CONTENT,
        (_, 1) => EACH | CONTENT,
        _ => EACH,
    }
}

#[test]
fn every_random_step_is_the_same_as_in_go_cannon() {
    let Some(program) = go_peer("cannon", TEST) else { return };
    let goal = number("OPAL_PEER_STEPS").unwrap_or(130_000);
    let minutes = number("OPAL_PEER_MINUTES");
    let deadline = minutes.map(|it| Instant::now() + Duration::from_secs(60 * it));
    let first = number("OPAL_SEED").unwrap_or(1);
    let mut client = Client::start(&program);
    let mut waiting = VecDeque::new();
    let mut account = Account::default();
    let mut seed = first;
    loop {
        let enough = deadline.map_or(account.steps >= goal, |it| Instant::now() >= it);
        if !enough {
            waiting.push_back(submit(&client, seed));
            seed = seed.wrapping_add(1);
        }
        if waiting.len() > IN_FLIGHT || enough {
            let Some(asked) = waiting.pop_front() else { break };
            account.settle(&mut client, asked);
        }
    }
    ran(TEST, &format!("{account}, seeds from {first}"));
    account.check_spread();
}

#[test]
fn the_test_codec_reads_what_it_writes() {
    for seed in 0..200 {
        let state = case(seed).state;
        assert_eq!(State::decode(&state.encode()), state, "seed {seed}");
    }
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {value}")))
}

/// A case that was sent to Go, with opal's answer.
struct Asked {
    seed: u64,
    case: Case,
    flags: u8,
    mine: Run,
}

fn submit(client: &Client, seed: u64) -> Asked {
    let case = case(seed);
    let flags = flags(seed, case.steps);
    let content = case.state.encode();
    client.send(flags, case.steps, &content);
    let mine = opal::run(flags, case.steps, &content);
    Asked { seed, case, flags, mine }
}

/// What has been compared.
#[derive(Default)]
struct Account {
    steps: u64,
    cases: BTreeMap<&'static str, u64>,
    exceptions: BTreeMap<String, u64>,
    proofs: u64,
}

impl Account {
    #[track_caller]
    fn settle(&mut self, client: &mut Client, asked: Asked) {
        let (mine, theirs) = in_scope(asked.mine, named(client.receive(asked.flags)));
        if theirs != mine {
            reduce::report(&mut client.another(), asked.seed, &asked.case);
            panic!("seed {}: {} differs from Go cannon", asked.seed, asked.case.name);
        }
        self.steps += theirs.hashes.len() as u64;
        *self.cases.entry(asked.case.name).or_default() += 1;
        self.proofs += u64::from(!theirs.proof.is_empty());
        if let End::Exception(kind) = theirs.end {
            self.steps += 1;
            *self.exceptions.entry(kind).or_default() += 1;
        }
    }

    /// A generator that lost a kind of case would pass for ever.
    #[track_caller]
    fn check_spread(&self) {
        assert_eq!(self.cases.len(), 6, "kinds of cases: {:?}", self.cases);
        assert_eq!(self.exceptions.len(), 7, "kinds of exceptions: {:?}", self.exceptions);
        assert!(self.proofs > 0, "no proof was compared");
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { steps, cases, exceptions, proofs } = self;
        write!(out, "{steps} steps, {proofs} proofs, cases {cases:?}, exceptions {exceptions:?}")
    }
}

/// Both answers, up to the step that one side was not asked for.
fn in_scope(mut mine: Run, mut theirs: Run) -> (Run, Run) {
    if mine.end == End::OutOfScope || theirs.end == End::OutOfScope {
        let both = mine.hashes.len().min(theirs.hashes.len());
        for run in [&mut mine, &mut theirs] {
            run.hashes.truncate(both);
            *run = Run { hashes: std::mem::take(&mut run.hashes), ..Run::default() };
        }
    }
    (mine, theirs)
}

/// Go's answer with its panic as a kind.
fn named(mut run: Run) -> Run {
    if let End::Exception(text) = &mut run.end {
        *text = opal::kind_of_panic(text).to_owned();
    }
    run
}
