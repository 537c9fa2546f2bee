//! What hostile data cost in memory, in a process of its own.
//!
//! **Invariant:** the peak is measured by the system, not by us.

#![allow(clippy::unwrap_used, reason = "a test may fail where its input is wrong")]

#[path = "derive/batcher.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod batcher;
#[path = "derive/world.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod world;

use alloy_primitives::Bytes;
use batcher::post;
use opal_harness::measure::{peak_memory_mib, reset_peak_memory};
use opal_types::{ChannelId, Fork, Frame};
use world::{Content, Node, World, up_to};

/// A channel that was opened and closed in one frame.
fn channel(id: u8, data: Vec<u8>) -> Frame {
    Frame { channel: ChannelId([id; 16]), number: 0, data: data.into(), is_last: true }
}

/// 100 MB that no batch is made of: one item of that length.
fn one_large_item() -> Vec<u8> {
    let mut item = vec![0xbb, 0x05, 0xf5, 0xe0, 0xf0];
    item.resize(110_000_000, 0);
    miniz_oxide::deflate::compress_to_vec_zlib(&item, 9)
}

/// Many small items, each the start of a span batch.
fn many_small_items() -> Vec<u8> {
    let items: Vec<u8> = [0x82, 0x01, 0x00].into_iter().cycle().take(110_000_001).collect();
    miniz_oxide::deflate::compress_to_vec_zlib(&items, 9)
}

/// Peak memory of reading these frames in each of 15 L1 blocks, MiB.
fn peak(fork: Fork, frames: &[Frame]) -> Option<f64> {
    let mut world = World::new(up_to(fork));
    let mut node = Node::new(&world);
    let transactions: Vec<Bytes> = frames.chunks(1).map(post).collect();
    reset_peak_memory();
    for salt in 0..15 {
        world.mine(Content { transactions: transactions.clone(), salt, ..Content::default() });
        node.run(&mut world);
    }
    assert!(node.derivation.safe_head().number > 0, "the window's end forces blocks");
    peak_memory_mib()
}

/// T44: what is open is bounded by the limits of rows D3 and D5: a channel of 100 MB, its compressed data, and what one
/// item of it takes while it is read.
#[test]
fn bombs_cost_no_more_than_the_limits_of_the_spec() {
    let bombs = [channel(1, one_large_item()), channel(2, many_small_items())];
    assert!(bombs.iter().all(|it| it.data.len() < 1_000_000));
    for fork in [Fork::Regolith, Fork::Granite, Fork::Karst] {
        let Some(peak) = peak(fork, &bombs) else { return };
        assert!(peak < 500.0, "{fork:?}: {peak} MiB");
    }
}
