//! Random L1 histories: whatever happens on the way, the blocks are those of a fresh derivation over the final
//! L1 chain.
//!
//! **Invariant:** the disturbed node and the fresh one share nothing but the facts.

use crate::{
    batcher::{frames, post, post_batches, raw, singular, span, user_transaction},
    world::{BATCHER, Content, Node, STRANGER, World, deposit_log, transaction, up_to},
};
use alloy_primitives::Bytes;
use opal_derive::{Derivation, Fact, Request, Step};
use opal_types::{Batch, ChannelId, Fork, L2Ref};
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};

/// What happens on L1 in one block, and what disturbs the node meanwhile.
#[derive(Clone, Debug)]
enum Event {
    Nothing,
    Singular { poisoned: bool },
    Span { count: u64, skip_back: u64 },
    SmallFrames { count: u64, order: u64 },
    Garbage { bytes: Vec<u8> },
    ReusedChannel { count: u64 },
    Bomb,
    Stranger,
    Deposit { value: u64 },
    Blob { count: u64 },
    Reorg { depth: usize },
    Reset,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Nothing),
        4 => any::<bool>().prop_map(|poisoned| Event::Singular { poisoned }),
        4 => (1..5_u64, 0..3_u64).prop_map(|(count, skip_back)| Event::Span { count, skip_back }),
        3 => (1..4_u64, any::<u64>()).prop_map(|(count, order)| Event::SmallFrames { count, order }),
        2 => prop::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| Event::Garbage { bytes }),
        2 => (1..3_u64).prop_map(|count| Event::ReusedChannel { count }),
        1 => Just(Event::Bomb),
        1 => Just(Event::Stranger),
        2 => (0..9_u64).prop_map(|value| Event::Deposit { value }),
        2 => (1..4_u64).prop_map(|count| Event::Blob { count }),
        2 => (1..7_usize).prop_map(|depth| Event::Reorg { depth }),
        1 => Just(Event::Reset),
    ]
}

/// A tenth of a megabyte that becomes ten.
fn bomb() -> Bytes {
    let mut encoder = Vec::from([0x78, 0x9c]);
    encoder.extend(miniz_oxide::deflate::compress_to_vec(&vec![0x80; 11_000_000], 9));
    encoder.into()
}

/// What the event puts on L1, seen from the safe head.
fn content(world: &mut World, node: &Node, event: &Event, salt: u64) -> Content {
    let safe = *node.derivation.safe_head();
    let transactions = match event {
        Event::Singular { poisoned } => {
            vec![post_batches(1, &[one_block(world, &safe, *poisoned)])]
        }
        Event::Span { count, skip_back } => {
            let parent = back(node, &safe, *skip_back);
            vec![post_batches(2, &[raw(world, &span(world, &parent, *count, 2))])]
        }
        Event::SmallFrames { count, order } => {
            let batch = raw(world, &span(world, &safe, *count, 1));
            let mut frames = frames(3, &[batch], 60);
            let places = frames.len().max(1);
            frames.rotate_left(*order as usize % places);
            frames.chunks(2).map(post).collect()
        }
        Event::Garbage { bytes } => vec![transaction(BATCHER, bytes.clone())],
        Event::ReusedChannel { count } => {
            let first = frames(4, &[one_block(world, &safe, false)], 50);
            let second = frames(4, &[raw(world, &span(world, &safe, *count, 0))], 50);
            vec![post(&first[..first.len() - 1]), post(&second), post(&first)]
        }
        Event::Bomb => {
            let channel = ChannelId([5; 16]);
            let frame = opal_types::Frame { channel, number: 0, data: bomb(), is_last: true };
            vec![post(&[frame])]
        }
        Event::Stranger => {
            let data =
                opal_types::encode_frames(&frames(6, &[one_block(world, &safe, false)], 999));
            vec![transaction(STRANGER, data)]
        }
        Event::Blob { count } => {
            let batch = raw(world, &span(world, &safe, *count, 1));
            let data = opal_types::encode_frames(&frames(7, &[batch], 100_000));
            vec![world.blob_transaction(&data)]
        }
        _ => Vec::new(),
    };
    let logs = match event {
        Event::Deposit { value } => vec![deposit_log(*value)],
        _ => Vec::new(),
    };
    Content { transactions, logs, salt }
}

fn one_block(world: &World, safe: &L2Ref, poisoned: bool) -> Batch {
    let transactions = if poisoned {
        vec![user_transaction(crate::world::POISON_SEED)]
    } else {
        vec![user_transaction(safe.number)]
    };
    Batch::Singular(singular(world, safe, transactions))
}

/// The safe block some blocks before the head, so that a span overlaps.
fn back(node: &Node, safe: &L2Ref, blocks: u64) -> L2Ref {
    let number = safe.number.saturating_sub(blocks);
    let block = node.chain.iter().find(|it| it.header.number == number).unwrap();
    opal_derive::L2Head::reference(&node.config, block).unwrap()
}

/// Stale and repeated facts before each answer.
fn disturb(
    known: &[(Request, Fact)],
    seed: u64,
) -> impl FnMut(&World, &mut Derivation, &Request) + use<> {
    let mut turn = seed;
    let stale: Vec<_> = known.iter().rev().take(4).cloned().collect();
    move |world, derivation, request| {
        turn = turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // Asking again changes nothing, nor do facts of an earlier time.
        assert_eq!(derivation.step(), Ok(Step::Need(request.clone())));
        for (request, fact) in &stale {
            derivation.supply(request, fact.clone()).unwrap();
        }
        if turn >> 60 == 0 {
            let fact = world.answer(request);
            derivation.supply(request, fact.clone()).unwrap();
            derivation.supply(request, fact).unwrap();
        }
    }
}

fn play(fork: Fork, events: &[Event], seed: u64) {
    let mut world = World::new(up_to(fork));
    let mut node = Node::new(&world);
    let mut known = Vec::new();
    let mut highest = 0;
    for (salt, event) in (seed..).zip(events) {
        highest = highest.max(world.l1.len());
        match event {
            Event::Reorg { depth } => world.drop_l1(*depth),
            Event::Reset => node.derivation.reset(),
            _ => {}
        }
        let content = content(&mut world, &node, event, salt);
        world.mine(content);
        let mut disturb = disturb(&known, salt);
        while node.step(&mut world, &mut disturb) {}
        let asked = Request::L1Transactions { block: world.l1.last().unwrap().header.hash };
        let fact = world.answer(&asked);
        known.push((asked, fact));
    }
    // A reorg is noticed when L1 grows beyond what was read (T39).
    while world.l1.len() <= highest + 1 {
        world.mine(Content::default());
        node.run(&mut world);
    }
    let mut fresh = Node::new(&world);
    fresh.run(&mut world);
    assert_eq!(node.safe_chain(), fresh.safe_chain(), "the disturbed node has another chain");
    for block in &world.l1 {
        let number = block.header.number;
        assert_eq!(
            node.safe_heads.at(number),
            fresh.safe_heads.at(number),
            "safe head at {number}"
        );
    }
    assert!(fresh.chain.len() > 1 || world.l1.len() < 14, "an expired window forces blocks");
}

#[track_caller]
fn check(fork: Fork, cases: u32) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let inputs = (prop::collection::vec(event(), 1..40), any::<u32>());
    runner
        .run(&inputs, |(events, seed)| {
            play(fork, &events, seed.into());
            Ok(())
        })
        .unwrap();
}

#[test]
fn disturbed_histories_before_holocene_give_the_same_blocks() {
    check(Fork::Granite, 60);
}

#[test]
fn disturbed_histories_before_canyon_give_the_same_blocks() {
    check(Fork::Regolith, 40);
}

#[test]
fn disturbed_histories_from_holocene_give_the_same_blocks() {
    check(Fork::Karst, 60);
}
