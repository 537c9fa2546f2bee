//! opal's decoders of frames, channels and batches beside op-node's and kona's, on random and damaged bytes: the same
//! batches and the same drops (rows D2, D5, D6, D7).
//!
//! Start at [`every_random_input_is_decoded_as_in_op_node`]. `OPAL_PEER_INPUTS` sets how many inputs are compared,
//! `OPAL_SEED` the first case. A mismatch prints the seed of its case and a reduced input with both answers.
//!
//! **Invariant:** a case is made from its seed alone, beside the vectors that some mutations start from.

mod answer;
mod batches;
mod client;
mod deflate;
mod generate;
mod kona;
mod mutate;
mod opal;
mod reduce;
mod rlp;
mod rng;

use client::{Answer, Client};
use generate::{Case, Generator, Operation};
use opal_harness::{
    Vectors,
    peer::{go_peer, rust_peer},
    ran,
};
use std::collections::{BTreeMap, VecDeque};

/// Inputs that each peer is asked about.
const DEFAULT_COUNT: usize = 100_000;
/// Requests on their way to a peer while opal works on the next ones.
const IN_FLIGHT: usize = 200;

#[test]
fn every_random_input_is_decoded_as_in_op_node() {
    const TEST: &str = "peer_codecs::inputs beside op-node";
    let Some(program) = go_peer("derive", TEST) else { return };
    let mut account = Account::default();
    compare(
        Client::start(&program),
        |_, _| true,
        |client, asked, theirs| {
            if theirs.result != asked.mine.result {
                let differ =
                    |_: &Case, mine: &Answer, theirs: &Answer| mine.result != theirs.result;
                reduce::report(&mut client.another(), &asked.case, differ);
                panic!("seed {}: opal differs from op-node", asked.seed);
            }
            account.add(&asked, "same");
        },
    );
    ran(TEST, &format!("{account}, seeds from {}", first_seed()));
    account.check_spread();
}

/// Row D7 and sections 1h and 1i: where kona differs it is by a rule that is written down.
#[test]
fn kona_differs_from_opal_only_as_listed() {
    const TEST: &str = "peer_codecs::inputs beside kona";
    let Some(program) = rust_peer("kona_codec", TEST) else { return };
    let mut account = Account::default();
    // kona clears 50 MB for each channel of Brotli.
    let is_wanted = |seed: u64, case: &Case| seed.is_multiple_of(8) || !case.is_brotli();
    compare(Client::start(&program), is_wanted, |client, asked, theirs| {
        let Some(class) = kona::class(&asked.case, &asked.mine, &theirs) else {
            let differ = |case: &Case, mine: &Answer, theirs: &Answer| {
                kona::class(case, mine, theirs).is_none()
            };
            reduce::report(&mut client.another(), &asked.case, differ);
            panic!("seed {}: opal differs from kona in an unknown way", asked.seed);
        };
        account.add(&asked, class);
    });
    ran(TEST, &format!("{account}, seeds from {}", first_seed()));
    account.check_spread();
    // Some are rare.
    if count() >= DEFAULT_COUNT {
        account.check_classes(&kona::CLASSES);
    }
}

/// A case that was sent to a peer, with opal's answer.
struct Asked {
    seed: u64,
    case: Case,
    mine: Answer,
}

/// Puts the cases that are wanted to opal and the peer.
fn compare(
    mut client: Client,
    is_wanted: impl Fn(u64, &Case) -> bool,
    mut settle: impl FnMut(&mut Client, Asked, Answer),
) {
    let generator = Generator { channels: go_channels() };
    let mut waiting = VecDeque::new();
    let seeds = (0..).map(|index| first_seed().wrapping_add(index));
    let cases = seeds.map(|seed| (seed, generator.case(seed)));
    let mut cases = cases.filter(|(seed, case)| is_wanted(*seed, case)).take(count());
    loop {
        let next = cases.next();
        let is_last = next.is_none();
        if let Some((seed, case)) = next {
            client.send(&case);
            let mine = opal::answer(&case);
            waiting.push_back(Asked { seed, case, mine });
        }
        if waiting.len() > IN_FLIGHT || is_last {
            let Some(asked) = waiting.pop_front() else { break };
            let theirs = client.receive();
            settle(&mut client, asked, theirs);
        }
    }
}

/// Channels that the Go batcher wrote, whole.
fn go_channels() -> Vec<Vec<u8>> {
    #[derive(serde::Deserialize)]
    struct Channel {
        frames: Vec<String>,
    }
    let Some(vectors) = Vectors::for_test("peer_codecs::seeds of mutations") else { return vec![] };
    let channels: Vec<Channel> = vectors.json("protocol/channels.json");
    vectors.finish();
    let whole = |channel: &Channel| {
        // Between the fixed parts of a frame: 22 bytes before the data, 1 after it.
        let data = |frame: &String| {
            let bytes = alloy_primitives::hex::decode(frame).expect("frames are in hex");
            bytes[22..bytes.len() - 1].to_vec()
        };
        channel.frames.iter().flat_map(data).collect()
    };
    channels.iter().map(whole).collect()
}

fn count() -> usize {
    number("OPAL_PEER_INPUTS").map_or(DEFAULT_COUNT, |count| count as usize)
}

fn first_seed() -> u64 {
    number("OPAL_SEED").unwrap_or(1)
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {value}")))
}

/// What has been compared.
#[derive(Default)]
struct Account {
    inputs: u64,
    /// By operation: answers with content, with content and a drop, without content.
    outcomes: BTreeMap<&'static str, [u64; 3]>,
    classes: BTreeMap<&'static str, u64>,
}

impl Account {
    fn add(&mut self, asked: &Asked, class: &'static str) {
        self.inputs += 1;
        *self.classes.entry(class).or_default() += 1;
        let operation = match asked.case.operation {
            Operation::Frames => "frames",
            Operation::Channel { .. } => "channels",
            Operation::Batch => "batches",
        };
        let outcome = match &*asked.mine.result {
            [] | [0] => 2,
            _ if !asked.mine.text.is_empty() => 1,
            _ => 0,
        };
        self.outcomes.entry(operation).or_default()[outcome] += 1;
    }

    /// A generator that lost a kind of case would pass for ever.
    #[track_caller]
    fn check_spread(&self) {
        assert_eq!(self.outcomes.len(), 3, "kinds of cases: {:?}", self.outcomes);
        for (operation, outcomes) in &self.outcomes {
            // A tenth of each kind is accepted and a tenth is not.
            let least = outcomes.iter().sum::<u64>() / 10;
            let [whole, part, nothing] = *outcomes;
            assert!(whole >= least && part + nothing >= least, "{operation}: {outcomes:?}");
        }
    }

    /// An exception that no longer occurs must go.
    #[track_caller]
    fn check_classes(&self, known: &[&str]) {
        let unseen: Vec<_> = known.iter().filter(|it| !self.classes.contains_key(*it)).collect();
        assert!(unseen.is_empty(), "no input shows {unseen:?}");
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} inputs", self.inputs)?;
        for (operation, [whole, part, nothing]) in &self.outcomes {
            write!(out, ", {operation} {whole} whole {part} in part {nothing} dropped")?;
        }
        match self.classes.len() {
            1 => Ok(()),
            _ => write!(out, ", {:?}", self.classes),
        }
    }
}
