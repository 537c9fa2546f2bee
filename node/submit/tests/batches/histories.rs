//! Random histories: delays, losses, reorgs, restarts, under every fork. All blocks come out of
//! derivation, in order, and the sequencer never has to give one up.

use crate::{
    chains::forks,
    network::{Network, Round},
};
use opal_submit::{BatchKind, ChannelOptions, DataAvailability, Fees, Payload, PendingOptions};
use opal_types::{Compression, Fork, MAX_BLOB_DATA, parse_frames};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use std::cell::RefCell;

/// What happens in a round.
#[derive(Clone, Debug)]
enum Event {
    Quiet,
    Blocks {
        transactions: u64,
        data: u64,
    },
    /// L1 takes few transactions.
    Slow {
        included: usize,
    },
    /// Derivation falls behind.
    Lag {
        steps: usize,
    },
    Lose {
        index: usize,
    },
    Reorg {
        depth: usize,
        loses: bool,
    },
    NewBatcher,
    Flush,
    /// The price of blobs changes.
    BlobFee {
        wei: u128,
    },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Quiet),
        6 => (1..6_u64, prop_oneof![Just(40_u64), Just(3_000), Just(20_000)])
            .prop_map(|(transactions, data)| Event::Blocks { transactions, data }),
        3 => (0..3_usize).prop_map(|included| Event::Slow { included }),
        2 => (0..40_usize).prop_map(|steps| Event::Lag { steps }),
        2 => (0..6_usize).prop_map(|index| Event::Lose { index }),
        2 => (1..8_usize, any::<bool>()).prop_map(|(depth, loses)| Event::Reorg { depth, loses }),
        1 => Just(Event::NewBatcher),
        1 => Just(Event::Flush),
        1 => prop_oneof![Just(1), Just(30_000), Just(10_u128.pow(12))].prop_map(|wei| Event::BlobFee { wei }),
    ]
}

fn compression() -> impl Strategy<Value = Compression> {
    prop_oneof![
        Just(Compression::Zlib),
        (9..=11_u8).prop_map(|level| Compression::Brotli { level }),
    ]
}

fn channels() -> impl Strategy<Value = ChannelOptions> {
    let kind = prop_oneof![Just(BatchKind::Singular), Just(BatchKind::Span)];
    let data = prop_oneof![
        Just(DataAvailability::Calldata),
        Just(DataAvailability::Blobs),
        Just(DataAvailability::Auto),
    ];
    let size = prop_oneof![Just(180_usize), Just(1_000), Just(30_000), Just(120_000)];
    (kind, compression(), data, 1..=6_usize, size, 0..5_u64, 0..10_u64).prop_map(
        |(kind, compression, data_availability, frames, size, duration, margin)| ChannelOptions {
            kind,
            compression,
            data_availability,
            target_num_frames: frames,
            max_l1_tx_size: size,
            max_channel_duration: duration,
            sub_safety_margin: margin,
        },
    )
}

fn pending() -> impl Strategy<Value = PendingOptions> {
    (5..100_usize, 1_000..2_000_000_usize, 1..40_usize).prop_map(
        |(max_blocks, max_bytes, max_transactions)| PendingOptions {
            max_blocks,
            max_bytes,
            max_transactions,
        },
    )
}

#[derive(Clone, Debug)]
struct History {
    channels: ChannelOptions,
    pending: PendingOptions,
    /// Seconds until the next fork.
    next_fork: Option<u64>,
    events: Vec<Event>,
    seed: u64,
}

impl History {
    /// Most bytes of call data of a transaction, so that L1 can take what the sequencer makes.
    fn most_data(&self) -> u64 {
        let at_once = self.pending.max_transactions.min(10);
        (self.channels.max_l1_tx_size * at_once / 10) as u64
    }
}

fn history() -> impl Strategy<Value = History> {
    let next_fork = prop_oneof![Just(None), (2..150_u64).prop_map(|it| Some(it & !1))];
    let events = prop::collection::vec(event(), 1..40);
    (channels(), pending(), next_fork, events, any::<u64>()).prop_map(
        |(channels, mut pending, next_fork, events, seed)| {
            if channels.max_l1_tx_size < 1_000 {
                pending.max_transactions = pending.max_transactions.max(20);
            }
            History { channels, pending, next_fork, events, seed }
        },
    )
}

/// What histories went through, so that it is seen if they get too tame.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    restarts: usize,
    calldata: usize,
    blobs: usize,
    channels: usize,
    frames: usize,
    dropped: usize,
}

impl Tally {
    fn add(&mut self, network: &Network) {
        self.restarts += network.restarts.len();
        self.dropped += network.chains.dropped.len();
        for payload in &network.sent {
            let parts = match payload {
                Payload::Calldata(data) => std::slice::from_ref(data),
                Payload::Blobs(datas) => datas,
            };
            let is_calldata = matches!(payload, Payload::Calldata(_));
            self.calldata += usize::from(is_calldata);
            self.blobs += if is_calldata { 0 } else { parts.len() };
            let frames = parts.iter().flat_map(|part| parse_frames(part).unwrap());
            for frame in frames {
                self.channels += usize::from(frame.number == 0);
                self.frames += 1;
            }
        }
    }
}

fn play(fork: Fork, history: &History, tally: &RefCell<Tally>) -> Result<(), String> {
    let History { channels, pending, next_fork, events, seed } = history;
    let mut network = Network::new(forks(fork, *next_fork), *channels, *pending, *seed);
    for event in events {
        let mut round = Round { transactions: 1, data: 60, included: 40, steps: usize::MAX };
        match *event {
            Event::Quiet => round.transactions = 0,
            Event::Blocks { transactions, data } => {
                (round.transactions, round.data) = (transactions, data.min(history.most_data()));
            }
            Event::Slow { included } => round.included = included,
            Event::Lag { steps } => round.steps = steps,
            Event::Lose { index } => network.lose(index),
            Event::Reorg { depth, loses } => network.reorg(depth, loses),
            Event::NewBatcher => network.replace_batcher(),
            Event::Flush => network.machine.flush(),
            Event::BlobFee { wei } => {
                network.fees = Fees { blob_base_fee: Some(wei), ..network.fees };
            }
        }
        network.round(round);
        if network.chains.adopt() {
            return Err(format!("the sequencer lost blocks: {:#?}", network.chains.dropped));
        }
        check_bounds(&network, history)?;
    }
    network.settle(150)?;
    if network.chains.adopt() {
        return Err("the sequencer lost blocks".into());
    }
    tally.borrow_mut().add(&network);
    Ok(())
}

/// No transaction and no buffer is larger than the options allow.
fn check_bounds(network: &Network, history: &History) -> Result<(), String> {
    let figures = network.machine.figures();
    if figures.in_flight > history.pending.max_transactions {
        return Err(format!("{figures:?} in flight"));
    }
    if figures.blocks > history.pending.max_blocks {
        return Err(format!("{figures:?} held"));
    }
    for payload in &network.sent {
        let (parts, limit) = match payload {
            Payload::Calldata(data) => {
                (std::slice::from_ref(data), history.channels.max_l1_tx_size)
            }
            Payload::Blobs(datas) => (datas.as_slice(), MAX_BLOB_DATA),
        };
        if parts.len() > history.channels.target_num_frames.max(1) {
            return Err(format!("{} blobs in a transaction", parts.len()));
        }
        for part in parts {
            let frames = parse_frames(part).map_err(|error| error.to_string())?;
            if part.len() > limit || frames.len() != 1 {
                return Err(format!("{} bytes of {limit}, {} frames", part.len(), frames.len()));
            }
        }
    }
    Ok(())
}

#[track_caller]
fn check(fork: Fork, cases: u32) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let tally = RefCell::default();
    runner
        .run(&history(), |history| play(fork, &history, &tally).map_err(TestCaseError::fail))
        .unwrap();
    let tally = tally.into_inner();
    assert!(tally.restarts > 0 && tally.dropped > 0, "{tally:?}");
    assert!(tally.calldata > 0 && (tally.blobs > 0 || fork < Fork::Delta), "{tally:?}");
    assert!(tally.frames > 2 * tally.channels, "{tally:?}");
}

#[test]
fn every_block_comes_out_under_canyon_and_when_delta_comes() {
    check(Fork::Canyon, 16);
}

#[test]
fn every_block_comes_out_under_delta_and_when_ecotone_comes() {
    check(Fork::Delta, 16);
}

#[test]
fn every_block_comes_out_under_ecotone_and_when_fjord_comes() {
    check(Fork::Ecotone, 16);
}

#[test]
fn every_block_comes_out_under_fjord_and_when_granite_comes() {
    check(Fork::Fjord, 16);
}

#[test]
fn every_block_comes_out_under_granite_and_when_holocene_comes() {
    check(Fork::Granite, 16);
}

#[test]
fn every_block_comes_out_under_holocene_and_when_isthmus_comes() {
    check(Fork::Holocene, 16);
}

#[test]
fn every_block_comes_out_under_isthmus_and_when_jovian_comes() {
    check(Fork::Isthmus, 16);
}

#[test]
fn every_block_comes_out_under_jovian_and_when_karst_comes() {
    check(Fork::Jovian, 16);
}

#[test]
fn every_block_comes_out_under_karst() {
    check(Fork::Karst, 16);
}
