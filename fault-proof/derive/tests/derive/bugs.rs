//! Bugs that official clients had, as tests (field.md, T36-T44), and the rules around them.

use crate::{
    batcher::{frames, post, post_batches, raw, singular, span, user_transaction},
    world::{BATCHER, Content, Node, POISON_SEED, World, transaction, up_to},
};
use alloy_primitives::Bytes;
use opal_derive::{Fact, FactError, Request, ResetReason, Step};
use opal_types::{
    Batch, ChannelId, Fork, Frame, L1Info, SpanBatch, encode_frames, upgrade_gas,
    upgrade_transactions,
};

/// A world with blocks up to L1 block `height`, and a node that has read them.
fn started(fork: Fork) -> (World, Node) {
    let world = World::new(up_to(fork));
    let node = Node::new(&world);
    (world, node)
}

/// Puts these transactions on L1 and lets the node read them.
fn feed(world: &mut World, node: &mut Node, transactions: Vec<Bytes>) -> u64 {
    world.mine_with(transactions);
    node.run(world).number
}

/// A span of `count` blocks after the node's safe head.
fn next_span(world: &World, node: &Node, count: u64) -> SpanBatch {
    span(world, node.derivation.safe_head(), count, 1)
}

#[track_caller]
fn assert_noted(node: &Node, wanted: &str) {
    let reasons = node.reasons();
    assert!(reasons.iter().any(|it| it.contains(wanted)), "no `{wanted}` in {reasons:#?}");
}

/// T36: an id that is used again costs the frames of its second use alone, not those of the channel that was
/// complete before.
#[test]
fn reused_channel_id_prunes_the_right_frames() {
    let (mut world, mut node) = started(Fork::Holocene);
    let batch = raw(&world, &next_span(&world, &node, 2));
    let complete = frames(1, &[batch], 60);
    let other =
        frames(2, &[Batch::Singular(singular(&world, node.derivation.safe_head(), vec![]))], 60);
    let mut unfinished = complete[0].clone();
    unfinished.is_last = false;
    let posted = [&complete[..], &other[..], &[unfinished], &other[..]].concat();
    assert_eq!(feed(&mut world, &mut node, vec![post(&posted)]), 2);
    let abandoned: Vec<_> =
        node.reasons().into_iter().filter(|it| it.contains("replaced before")).collect();
    assert_eq!(abandoned.len(), 1, "{abandoned:?}");
}

/// T36: within one transaction frames of the same channel come in order; what does not is dropped alone.
#[test]
fn frames_out_of_order_are_dropped_alone_in_holocene() {
    let (mut world, mut node) = started(Fork::Holocene);
    let all = frames(1, &[raw(&world, &next_span(&world, &node, 2))], 50);
    let mut posted = all.clone();
    posted.insert(1, all[0].clone());
    posted.push(all[1].clone());
    assert_eq!(feed(&mut world, &mut node, vec![post(&posted)]), 2);
    assert_noted(&node, "is out of order");
}

/// T37: a span that overlaps the safe chain must agree with it, on both sides of Holocene.
#[test]
fn span_batch_overlap_follows_the_spec() {
    for fork in [Fork::Granite, Fork::Karst] {
        let (mut world, mut node) = started(fork);
        let agrees = next_span(&world, &node, 5);
        let mut differs = agrees.clone();
        differs.blocks[1].transactions = vec![user_transaction(77)];
        let mut first = agrees.clone();
        first.blocks.truncate(3);
        for (batch, safe) in [(first, 3), (differs, 3), (agrees, 5)] {
            let posted = post_batches(1, &[raw(&world, &batch)]);
            assert_eq!(feed(&mut world, &mut node, vec![posted]), safe, "{fork:?}");
        }
        assert_noted(&node, "differs from safe block 2");
    }
}

/// T37: the part after the safe head must not fall back behind its L1 origin; the span is dropped, nothing halts.
#[test]
fn span_with_an_old_origin_behind_the_safe_head_is_dropped() {
    for fork in [Fork::Granite, Fork::Karst] {
        let (mut world, mut node) = started(fork);
        world.mine(Content::default());
        world.mine(Content::default());
        let genesis = *node.derivation.safe_head();
        let first = span(&world, &genesis, 4, 0);
        assert!(first.blocks[3].epoch_number > 0);
        let posted = post_batches(1, &[raw(&world, &first)]);
        assert_eq!(feed(&mut world, &mut node, vec![posted]), 4);
        let mut lagging = first.clone();
        let mut last = lagging.blocks[3].clone();
        last.timestamp += world.config.block_time;
        lagging.blocks.push(last);
        lagging.blocks.iter_mut().for_each(|block| block.epoch_number = 0);
        lagging.l1_origin_check = world.l1[0].header.hash[..20].try_into().unwrap();
        let posted = post_batches(2, &[raw(&world, &lagging)]);
        assert_eq!(feed(&mut world, &mut node, vec![posted]), 4, "{fork:?}");
    }
}

/// T38: too few or too many blobs are no answer; the question stays open and a right answer is still taken.
#[test]
fn blob_underfill_overfill_and_missed_slot_reset() {
    let (mut world, mut node) = started(Fork::Karst);
    let data = encode_frames(&frames(1, &[raw(&world, &next_span(&world, &node, 2))], 9_999));
    let posted = world.blob_transaction(&data);
    world.mine_with(vec![posted]);
    let mut asked = 0;
    while node.step(&mut world, &mut |world, derivation, request| {
        let Request::Blobs { hashes, .. } = request else { return };
        let Fact::Blobs(blobs) = world.answer(request) else {
            panic!("blobs are answered with blobs")
        };
        asked += 1;
        let wanted = hashes.len();
        let twice = [blobs.clone(), blobs.clone()].concat();
        for (blobs, found) in [(vec![], 0), (twice, 2 * wanted)] {
            let refused = derivation.supply(request, Fact::Blobs(blobs));
            assert_eq!(refused, Err(FactError::BlobCount { wanted, found }));
        }
        let short = blobs.iter().map(|it| it.slice(1..)).collect();
        let refused = derivation.supply(request, Fact::Blobs(short));
        assert!(matches!(refused, Err(FactError::BlobLength { .. })), "{refused:?}");
        assert_eq!(derivation.step(), Ok(Step::Need(request.clone())));
    }) {}
    assert_eq!((asked, node.derivation.safe_head().number), (1, 2));
}

/// T39: another L1 block under the one that was read is noticed by its parent, and what came from it goes.
#[test]
fn l1_origin_reorg_is_noticed() {
    let (mut world, mut node) = started(Fork::Karst);
    let posted = post_batches(1, &[raw(&world, &next_span(&world, &node, 3))]);
    assert_eq!(feed(&mut world, &mut node, vec![posted]), 3);
    let orphan = world.l1[1].header.hash;
    world.drop_l1(1);
    world.mine(Content { salt: 1, ..Content::default() });
    assert_eq!(node.run(&mut world).number, 3, "nothing can be known before L1 grows");
    world.mine(Content::default());
    assert_eq!(node.run(&mut world).number, 0);
    let (expected, found) = (orphan, world.l1[1].header.hash);
    assert_noted(&node, &ResetReason::L1Reorg { number: 2, expected, found }.to_string());
}

/// T40: from Holocene a block whose transactions are invalid keeps its deposits; span and channel are dropped.
#[test]
fn invalid_attributes_become_a_deposits_only_block() {
    let (mut world, mut node) = started(Fork::Karst);
    let mut batch = next_span(&world, &node, 4);
    batch.blocks[1].transactions.push(POISON_LEGACY.clone());
    let posted = post_batches(1, &[raw(&world, &batch)]);
    assert_eq!(feed(&mut world, &mut node, vec![posted]), 2);
    assert_noted(&node, "gets its deposits alone");
    assert_noted(&node, "2 further blocks are dropped");
    let transactions = |number: usize| {
        let Fact::L2Transactions(all) =
            world.answer(&Request::L2Transactions { block: node.chain[number].header.hash() })
        else {
            panic!("transactions are answered with transactions")
        };
        all.len()
    };
    assert_eq!((transactions(1), transactions(2)), (2, 1));
}

static POISON_LEGACY: std::sync::LazyLock<Bytes> =
    std::sync::LazyLock::new(|| user_transaction(POISON_SEED));

/// T40: before Holocene the batch is dropped, the blocks of its span before it are taken back.
#[test]
fn invalid_attributes_take_their_span_back_before_holocene() {
    let (mut world, mut node) = started(Fork::Granite);
    let mut batch = next_span(&world, &node, 4);
    batch.blocks[2].transactions.push(POISON_LEGACY.clone());
    let posted = post_batches(1, &[raw(&world, &batch)]);
    assert_eq!(feed(&mut world, &mut node, vec![posted]), 0);
    assert_noted(&node, "the next batch is tried");
    let good = next_span(&world, &node, 2);
    let posted = post_batches(2, &[raw(&world, &good)]);
    assert_eq!(feed(&mut world, &mut node, vec![posted]), 2);
    assert_eq!(node.chain.len(), 3);
}

/// T41: the bank holds 100 MB of open channels, from Fjord 1 GB; the oldest channel goes first.
#[test]
fn channel_bank_limit_changes_at_the_fork() {
    for (fork, is_pruned) in [(Fork::Ecotone, true), (Fork::Granite, false)] {
        let (mut world, mut node) = started(fork);
        let batch = raw(&world, &next_span(&world, &node, 2));
        let complete = frames(1, &[batch], 60);
        let filler = |number| Frame {
            channel: ChannelId([9; 16]),
            number,
            data: Bytes::from(vec![0; 999_000]),
            is_last: false,
        };
        world.mine_with(vec![post(&complete[..1])]);
        world.mine_with((0..101).map(|number| post(&[filler(number)])).collect());
        world.mine_with(vec![post(&complete[1..])]);
        assert_eq!(node.run(&mut world).number, if is_pruned { 0 } else { 2 }, "{fork:?}");
        let pruned = node.reasons().iter().any(|it| it.contains("was pruned from a bank"));
        assert_eq!(pruned, is_pruned);
    }
}

/// T42: an open channel lives for the chain's own number of L1 blocks, from Granite for 50.
#[test]
fn channel_timeout_follows_the_fork() {
    let safe_after = |fork: Fork, gap: u64| {
        let mut world = World::new(up_to(fork));
        world.config.seq_window_size = 100;
        let mut node = Node::new(&world);
        let all = frames(1, &[raw(&world, &next_span(&world, &node, 2))], 60);
        world.mine_with(vec![post(&all[..1])]);
        for _ in 1..gap {
            world.mine(Content::default());
        }
        world.mine_with(vec![post(&all[1..])]);
        node.run(&mut world).number
    };
    for (fork, timeout) in [(Fork::Fjord, 8), (Fork::Granite, 50), (Fork::Holocene, 50)] {
        assert_eq!(safe_after(fork, timeout), 2, "{fork:?}");
        assert_eq!(safe_after(fork, timeout + 1), 0, "{fork:?}");
    }
}

/// T43: a fork's first block has its upgrade transactions, once, and still the L1 attributes of the fork before.
#[test]
fn activation_block_of_each_fork_is_exact() {
    let forks = [Fork::Ecotone, Fork::Fjord, Fork::Isthmus, Fork::Jovian, Fork::Karst];
    for fork in forks {
        let mut times = up_to(fork);
        let at = crate::world::L1_TIME + 6;
        crate::world::set_time(&mut times, fork, at);
        let mut world = World::new(times);
        let mut node = Node::new(&world);
        let posted =
            post_batches(1, &[raw(&world, &span(&world, node.derivation.safe_head(), 5, 0))]);
        assert_eq!(feed(&mut world, &mut node, vec![posted]), 5);
        let upgrades = upgrade_transactions(fork).unwrap();
        for block in &node.chain[1..] {
            let header = block.header.inner();
            let Fact::L2Transactions(all) =
                world.answer(&Request::L2Transactions { block: block.header.hash() })
            else {
                panic!("transactions are answered with transactions")
            };
            let is_first = header.timestamp == at;
            let wanted = if is_first { &upgrades[..] } else { &[] };
            assert_eq!(&all[1..], wanted, "{fork:?} at {}", header.timestamp);
            let extra = if is_first && fork == Fork::Karst { upgrade_gas(fork) } else { 0 };
            assert_eq!(header.gas_limit, 30_000_000 + extra, "{fork:?}");
            let deposit =
                <op_alloy_consensus::TxDeposit as alloy_rlp::Decodable>::decode(&mut &all[0][1..])
                    .unwrap();
            L1Info::decode(&world.config, header.timestamp, &deposit.input).unwrap();
        }
    }
}

/// T43, D22: from Jovian on a batch with transactions for the activation block is dropped, before it is not.
#[test]
fn activation_blocks_hold_no_user_transactions_from_jovian() {
    for (fork, derived) in [(Fork::Isthmus, 4), (Fork::Jovian, 2), (Fork::Karst, 2)] {
        let mut times = up_to(fork);
        crate::world::set_time(&mut times, fork, crate::world::L1_TIME + 6);
        let mut world = World::new(times);
        let mut node = Node::new(&world);
        let batch = next_span(&world, &node, 4);
        let posted = post_batches(1, &[raw(&world, &batch)]);
        feed(&mut world, &mut node, vec![posted]);
        assert_eq!(node.chain.len(), derived + 1, "{fork:?}");
    }
}

/// T44: channels that decompress to more than the limit are cut there, and garbage costs nothing else.
#[test]
fn garbage_brotli_and_zip_bomb_channels_are_bounded() {
    let (mut world, mut node) = started(Fork::Karst);
    let garbage = |id, data: Vec<u8>| Frame {
        channel: ChannelId([id; 16]),
        number: 0,
        data: data.into(),
        is_last: true,
    };
    let bomb = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0x80; 120_000_000], 9);
    assert!(bomb.len() < 200_000);
    let good = post_batches(1, &[raw(&world, &next_span(&world, &node, 2))]);
    let posted = vec![
        post(&[garbage(7, [&[1][..], &[0xa5; 400]].concat())]),
        post(&[garbage(8, bomb)]),
        transaction(BATCHER, vec![0xff; 1000]),
        good,
    ];
    assert_eq!(feed(&mut world, &mut node, posted), 2);
}

/// D25: after a reset the safe head is a whole sequencing window behind what L1 bears, not the first block, and
/// the same chain comes again.
#[test]
fn a_reset_goes_back_by_one_sequencing_window() {
    let (mut world, mut node) = started(Fork::Karst);
    for _ in 0..40 {
        let posted = post_batches(1, &[raw(&world, &next_span(&world, &node, 2))]);
        feed(&mut world, &mut node, vec![posted]);
    }
    let (before, head) = (node.safe_chain(), *node.derivation.safe_head());
    node.derivation.reset();
    while node.derivation.l1_origin().is_none() {
        assert!(node.step(&mut world, &mut |_, _, _| {}));
    }
    let safe = *node.derivation.safe_head();
    let window = world.config.seq_window_size;
    assert_eq!(safe.l1_origin.number + window + 2, head.l1_origin.number, "{safe:?} {head:?}");
    assert_eq!(node.run(&mut world), head);
    assert_eq!(node.safe_chain(), before);
}

/// D26: a block is final once L1 has finalized the block that made it safe, and no reset goes below it.
#[test]
fn nothing_final_is_taken_back() {
    let (mut world, mut node) = started(Fork::Karst);
    for _ in 0..6 {
        let posted = post_batches(1, &[raw(&world, &next_span(&world, &node, 2))]);
        feed(&mut world, &mut node, vec![posted]);
    }
    let (_, final_block) = *node.safe_heads.at(4).unwrap();
    node.derivation.finalize(final_block);
    node.derivation.reset();
    while node.derivation.l1_origin().is_none() {
        assert!(node.step(&mut world, &mut |_, _, _| {}));
    }
    assert_eq!(*node.derivation.safe_head(), final_block);
}
