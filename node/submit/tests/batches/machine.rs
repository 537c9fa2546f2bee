//! What the machine does, step by step.

use crate::made_up::{block, config, hash, up_to};
use alloy_primitives::B256;
use opal_submit::{
    BatchKind, ChannelOptions, DataAvailability, Fees, L1Tip, Machine, MachineOptions, NodeStatus,
    OptionsError, Payload, PendingOptions, Phase, PostingId, Restart,
};
use opal_types::{BlockId, Compression, Fork, parse_frames};
use std::sync::Arc;

/// Height of L1 at the beginning.
const L1: u64 = 1_000;

const OPTIONS: ChannelOptions = ChannelOptions {
    kind: BatchKind::Singular,
    compression: Compression::Zlib,
    data_availability: DataAvailability::Calldata,
    target_num_frames: 1,
    max_l1_tx_size: 100_000,
    max_channel_duration: 0,
    sub_safety_margin: 10,
};

fn id(number: u64) -> BlockId {
    BlockId { number, hash: hash(number) }
}

fn tip(number: u64) -> L1Tip {
    let fees = Fees { blob_base_fee: Some(1), base_fee: 1_000, ..Fees::default() };
    L1Tip { number, timestamp: 1_000_000, fees }
}

fn status(current_l1: u64, safe: u64, unsafe_head: u64) -> NodeStatus {
    NodeStatus { current_l1: id(current_l1), local_safe: id(safe), unsafe_head: id(unsafe_head) }
}

/// A machine that has these blocks, with the first one's parent safe.
fn machine(fork: Fork, channels: ChannelOptions, blocks: u64) -> Machine {
    let pending = PendingOptions { max_blocks: 100, max_bytes: 1 << 20, max_transactions: 3 };
    let config = Arc::new(config(up_to(fork)));
    channels.check(&config).unwrap();
    let mut machine = Machine::new(MachineOptions { config, channels, pending, salt: 1 });
    assert_eq!(machine.on_tip(&tip(L1), 0), None);
    assert_eq!(machine.on_status(&status(L1, 0, blocks)), None);
    assert_eq!(machine.phase(), Phase::Running);
    for number in 1..=blocks {
        assert_eq!(machine.on_block(block(number, Vec::new())), None);
    }
    machine
}

/// Sends whatever may be sent.
fn send(machine: &mut Machine) -> Vec<(PostingId, Payload)> {
    while machine.fill().unwrap().is_some() {}
    std::iter::from_fn(|| machine.next_posting()).collect()
}

/// Channel and number of the frames.
fn frames(sent: &[(PostingId, Payload)]) -> Vec<(String, u16)> {
    let mut all = Vec::new();
    for (_, payload) in sent {
        let Payload::Calldata(data) = payload else { panic!("blobs") };
        for frame in parse_frames(data).unwrap() {
            all.push((frame.channel.to_string(), frame.number));
        }
    }
    all
}

#[test]
fn it_begins_when_nothing_is_in_flight_and_the_node_has_read_l1() {
    let config = Arc::new(config(up_to(Fork::Holocene)));
    let pending = PendingOptions { max_blocks: 10, max_bytes: 1, max_transactions: 1 };
    let mut machine = Machine::new(MachineOptions { config, channels: OPTIONS, pending, salt: 1 });
    let settling = |until_l1| Phase::Settling { until_l1 };
    machine.on_tip(&tip(20), 2);
    machine.on_status(&status(20, 0, 5));
    assert_eq!((machine.phase(), machine.to_load()), (settling(None), None));
    machine.on_tip(&tip(21), 0);
    machine.on_tip(&tip(22), 0);
    machine.on_status(&status(20, 0, 5));
    assert_eq!((machine.phase(), machine.to_load()), (settling(Some(21)), None));
    machine.on_status(&status(21, 3, 5));
    assert_eq!((machine.phase(), machine.to_load()), (Phase::Running, Some(4..=5)));
    assert_eq!(machine.on_block(block(4, Vec::new())), None);
    assert_eq!(machine.to_load(), Some(5..=5));
    // What was not asked for changes nothing.
    assert_eq!(machine.on_block(block(9, Vec::new())), None);
    assert_eq!(machine.figures().newest, 4);
}

/// The L1 height at which a channel with one block is closed.
#[track_caller]
fn check_closed_at(channels: ChannelOptions, fork: Fork, wanted: Option<u64>) {
    let mut machine = machine(fork, channels, 1);
    let closed = (L1..L1 + 10_000).find(|height| {
        assert_eq!(machine.on_tip(&tip(*height), 0), None);
        machine.fill().unwrap().is_some()
    });
    assert_eq!(closed, wanted);
}

#[test]
fn a_channel_is_closed_in_time_for_every_deadline() {
    let duration = |max_channel_duration| ChannelOptions { max_channel_duration, ..OPTIONS };
    check_closed_at(duration(3), Fork::Delta, Some(L1 + 3));
    // The channel timeout: 300, and 50 from Granite.
    check_closed_at(duration(0), Fork::Fjord, Some(L1 + 290));
    check_closed_at(duration(1_000), Fork::Granite, Some(L1 + 40));
    let margin = ChannelOptions { sub_safety_margin: 49, ..OPTIONS };
    check_closed_at(margin, Fork::Granite, Some(L1 + 1));
}

#[test]
fn a_channel_is_closed_before_the_sequencing_window_ends() {
    // Opened late, so that the channel timeout is further off. The block stands on L1 block 0.
    let mut late = machine(Fork::Delta, OPTIONS, 1);
    late.on_tip(&tip(3_589), 0);
    assert_eq!(late.fill().unwrap(), None);
    late.on_tip(&tip(3_590), 0);
    assert!(late.fill().unwrap().is_some());
}

#[test]
fn a_flush_sends_what_is_there_and_no_more() {
    let mut machine = machine(Fork::Holocene, OPTIONS, 3);
    assert_eq!(send(&mut machine), []);
    machine.flush();
    assert_eq!(send(&mut machine).len(), 1);
    assert_eq!(machine.on_status(&status(L1, 0, 4)), None);
    assert_eq!(machine.on_block(block(4, Vec::new())), None);
    assert_eq!(send(&mut machine), [], "the flush is over");
}

#[test]
fn a_stopped_machine_takes_no_more_blocks_and_is_drained_when_all_is_included() {
    let mut machine = machine(Fork::Holocene, OPTIONS, 3);
    machine.stop();
    assert_eq!(machine.on_status(&status(L1, 0, 9)), None);
    assert_eq!(machine.to_load(), None);
    assert!(!machine.is_drained());
    let sent = send(&mut machine);
    assert!(!machine.is_drained());
    for (posting, _) in sent {
        machine.on_included(posting, id(L1 + 1));
    }
    assert!(machine.is_drained());
}

#[test]
fn a_channel_grows_while_others_wait_to_be_sent() {
    let duration = ChannelOptions { max_channel_duration: 1, max_l1_tx_size: 150, ..OPTIONS };
    let mut machine = machine(Fork::Holocene, duration, 12);
    let sent = send(&mut machine);
    assert_eq!(sent.len(), 3, "no more at a time");
    let before = machine.figures();
    assert!(before.queued > 0);
    machine.on_tip(&tip(L1 + 20), 0);
    assert_eq!(send(&mut machine), []);
    assert_eq!(machine.figures(), before, "the last channel stays open");
}

/// A machine with many transactions of two channels, three of them in flight.
fn busy(fork: Fork) -> (Machine, Vec<(PostingId, Payload)>) {
    let small = ChannelOptions { target_num_frames: 2, max_l1_tx_size: 100, ..OPTIONS };
    let mut machine = machine(fork, small, 12);
    machine.flush();
    let sent = send(&mut machine);
    assert_eq!(sent.len(), 3);
    (machine, sent)
}

#[test]
fn transactions_go_out_in_order() {
    let (mut machine, mut sent) = busy(Fork::Holocene);
    while machine.figures().queued > 0 {
        let (posting, _) = sent[sent.len() - 3];
        machine.on_included(posting, id(L1 + 1));
        sent.extend(send(&mut machine));
    }
    let frames = frames(&sent);
    let mut channels: Vec<_> = frames.iter().map(|(channel, _)| channel).collect();
    channels.dedup();
    assert!(channels.len() > 1);
    for pair in frames.windows(2) {
        let is_next = pair[1].0 == pair[0].0 && pair[1].1 == pair[0].1 + 1;
        assert!(is_next || pair[1].1 == 0, "{frames:?}");
    }
}

#[test]
fn a_lost_transaction_goes_out_again_with_all_behind_it() {
    let (mut machine, sent) = busy(Fork::Holocene);
    machine.on_included(sent[0].0, id(L1 + 1));
    machine.on_lost(sent[1].0);
    assert_eq!(machine.next_posting(), None, "the third is still in flight");
    machine.on_included(sent[2].0, id(L1 + 2));
    let again = send(&mut machine);
    let (first, again) = (frames(&sent), frames(&again));
    // The third began another channel, so the reader gave the first one up.
    assert_ne!(first[0].0, first[2].0);
    assert_eq!(again[..3], first[..3]);
}

#[test]
fn a_lost_transaction_alone_goes_out_again_before_holocene() {
    let (mut machine, sent) = busy(Fork::Granite);
    machine.on_included(sent[0].0, id(L1 + 1));
    machine.on_lost(sent[1].0);
    machine.on_included(sent[2].0, id(L1 + 2));
    let again = send(&mut machine);
    assert_eq!(frames(&again)[0], frames(&sent)[1]);
    assert!(!frames(&again).contains(&frames(&sent)[2]));
}

#[test]
fn a_transaction_that_l1_took_back_is_in_flight_again() {
    let (mut machine, sent) = busy(Fork::Holocene);
    let in_flight = |machine: &Machine| machine.figures().in_flight;
    machine.on_included(sent[0].0, id(L1 + 1));
    assert_eq!(in_flight(&machine), 2);
    machine.on_taken_back(sent[0].0);
    assert_eq!(in_flight(&machine), 3);
    // News about transactions that are not known changes nothing.
    machine.on_lost(PostingId(99));
    machine.on_included(PostingId(99), id(L1 + 1));
    assert_eq!(in_flight(&machine), 3);
}

#[test]
fn blobs_and_call_data_are_never_in_flight_together() {
    let auto = ChannelOptions { data_availability: DataAvailability::Auto, ..OPTIONS };
    let mut machine = machine(Fork::Holocene, auto, 3);
    machine.flush();
    let sent = send(&mut machine);
    assert!(matches!(sent[..], [(_, Payload::Blobs(_))]));
    let dear = Fees { blob_base_fee: Some(1 << 60), ..tip(L1).fees };
    machine.on_tip(&L1Tip { fees: dear, ..tip(L1) }, 0);
    assert_eq!(machine.on_status(&status(L1, 0, 4)), None);
    assert_eq!(machine.on_block(block(4, Vec::new())), None);
    machine.flush();
    assert_eq!(send(&mut machine), []);
    machine.on_included(sent[0].0, id(L1 + 1));
    assert!(matches!(send(&mut machine)[..], [(_, Payload::Calldata(_))]));
}

/// Three blocks in one channel, which is in L1 block 1,001; then the node says this.
#[track_caller]
fn check_restart(status: NodeStatus, wanted: Option<Restart>) {
    let mut machine = machine(Fork::Holocene, OPTIONS, 3);
    machine.flush();
    let [(posting, _)] = send(&mut machine).try_into().unwrap();
    machine.on_included(posting, id(L1 + 1));
    machine.on_status(&NodeStatus { local_safe: id(1), ..self::status(L1, 1, 3) });
    assert_eq!(machine.on_status(&status), wanted);
    let is_fresh = machine.phase() != Phase::Running;
    assert_eq!(is_fresh, wanted.is_some());
    if is_fresh {
        let figures = machine.figures();
        assert_eq!((figures.blocks, figures.channels), (0, 0));
    }
}

#[test]
fn heads_that_fit_change_nothing() {
    check_restart(status(L1 + 1, 1, 3), None);
    check_restart(status(L1 + 1, 3, 9), None);
    check_restart(status(L1 + 2, 3, 9), None);
}

#[test]
fn heads_that_do_not_fit_lead_to_a_fresh_start() {
    let (expected, found) = (hash(2), B256::repeat_byte(9));
    let other = BlockId { number: 2, hash: found };
    let other_block = Restart::OtherBlock { number: 2, expected, found };
    check_restart(NodeStatus { local_safe: other, ..status(L1, 2, 3) }, Some(other_block));
    check_restart(NodeStatus { unsafe_head: other, ..status(L1, 1, 2) }, Some(other_block));
    let went_back = Restart::SafeHeadWentBack { from: 1, to: 0 };
    check_restart(status(L1, 0, 3), Some(went_back));
    let ahead = Restart::SafeHeadAhead { safe: 5, newest: 3 };
    check_restart(status(L1, 5, 6), Some(ahead));
    let no_progress = Restart::NoProgress { last: 3, included: L1 + 1, current: L1 + 2, safe: 1 };
    check_restart(status(L1 + 2, 1, 3), Some(no_progress));
}

#[test]
fn a_node_that_catches_up_is_not_listened_to() {
    check_restart(status(L1 - 1, 0, 0), None);
}

#[test]
fn a_block_on_another_parent_leads_to_a_fresh_start() {
    let mut machine = machine(Fork::Holocene, OPTIONS, 3);
    assert_eq!(machine.on_status(&status(L1, 0, 4)), None);
    let mut other = block(4, Vec::new());
    other.parent_hash = B256::repeat_byte(9);
    let (expected, found) = (hash(3), other.parent_hash);
    let reason = Restart::OtherParent { number: 4, expected, found };
    assert_eq!(machine.on_block(other), Some(reason));
    // It goes on from the safe head when all is quiet.
    machine.on_tip(&tip(L1 + 1), 0);
    assert_eq!(machine.on_status(&status(L1 + 1, 2, 4)), None);
    assert_eq!(machine.to_load(), Some(3..=4));
}

#[test]
fn a_channel_whose_parts_lie_too_far_apart_leads_to_a_fresh_start() {
    let (mut machine, sent) = busy(Fork::Holocene);
    machine.on_included(sent[0].0, id(L1 + 1));
    assert_eq!(machine.on_tip(&tip(L1 + 50), 0), None, "the next block is the last in time");
    let wanted = machine.on_tip(&tip(L1 + 51), 0);
    let Some(Restart::ChannelTimedOut { opened, .. }) = wanted else { panic!("{wanted:?}") };
    assert_eq!(opened, L1 + 1);
}

#[test]
fn channels_of_a_fresh_start_have_other_names() {
    let mut machine = machine(Fork::Holocene, OPTIONS, 3);
    machine.flush();
    let first = frames(&send(&mut machine));
    machine.on_status(&status(L1, 9, 9));
    machine.on_tip(&tip(L1), 0);
    machine.on_status(&status(L1, 0, 3));
    for number in 1..=3 {
        assert_eq!(machine.on_block(block(number, Vec::new())), None);
    }
    machine.flush();
    let again = frames(&send(&mut machine));
    assert_ne!(again[0].0, first[0].0);
}

#[track_caller]
fn check_options(options: ChannelOptions, wanted: OptionsError) {
    assert_eq!(options.check(&config(up_to(Fork::Granite))), Err(wanted));
}

#[test]
fn options_that_cannot_work_are_refused() {
    let usual = ChannelOptions::usual();
    assert_eq!(usual.check(&config(up_to(Fork::Granite))), Ok(()));
    let size = |size| ChannelOptions { max_l1_tx_size: size, ..usual };
    check_options(size(24), OptionsError::TransactionSize { size: 24 });
    check_options(size(131_072), OptionsError::TransactionSize { size: 131_072 });
    let frames = |frames| ChannelOptions { target_num_frames: frames, ..usual };
    check_options(frames(0), OptionsError::TargetFrames { frames: 0, max: 6 });
    check_options(frames(7), OptionsError::TargetFrames { frames: 7, max: 6 });
    let margin = ChannelOptions { sub_safety_margin: 50, ..usual };
    let of = "channel timeout";
    check_options(margin, OptionsError::SafetyMargin { margin: 50, of, limit: 50 });
    let level = ChannelOptions { compression: Compression::Brotli { level: 12 }, ..usual };
    check_options(level, OptionsError::BrotliLevel { level: 12 });
    let pending = PendingOptions { max_blocks: 0, ..PendingOptions::usual() };
    assert_eq!(pending.check(), Err(OptionsError::Zero { name: "max pending blocks" }));
}
