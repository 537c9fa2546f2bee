//! Writes batcher data for a world: channels, frames, transactions.

use crate::world::{BATCHER, World, transaction};
use alloy_primitives::Bytes;
use opal_types::{
    Batch, ChannelId, Compression, Frame, L2Ref, SingularBatch, SpanBatch, SpanBlock, SpanParams,
    compress_channel, encode_frames,
};

/// A transaction of a user: legacy and unprotected, different for each `seed`.
pub(crate) fn user_transaction(seed: u64) -> Bytes {
    use alloy_consensus::{SignableTransaction, TxLegacy};
    use alloy_eips::Encodable2718;
    let transaction = TxLegacy { nonce: seed, ..TxLegacy::default() };
    let signature = alloy_primitives::Signature::new(
        alloy_primitives::U256::from(seed.saturating_add(1)),
        alloy_primitives::U256::from(1),
        false,
    );
    Bytes::from(transaction.into_signed(signature).encoded_2718())
}

/// The L1 origin of the block after `parent` that a sequencer takes: the next one as soon as time allows.
pub(crate) fn next_origin(world: &World, parent: &L2Ref) -> usize {
    let time = parent.timestamp + world.config.block_time;
    let current = parent.l1_origin.number as usize;
    match world.l1.get(current + 1) {
        Some(next) if next.header.timestamp <= time => current + 1,
        _ => current,
    }
}

/// The batch of the block after `parent`.
pub(crate) fn singular(world: &World, parent: &L2Ref, transactions: Vec<Bytes>) -> SingularBatch {
    SingularBatch {
        parent_hash: parent.hash,
        epoch: world.l1[next_origin(world, parent)].header.id(),
        timestamp: parent.timestamp + world.config.block_time,
        transactions,
    }
}

/// A span of `count` blocks after `parent`, each with `per_block` transactions.
pub(crate) fn span(world: &World, parent: &L2Ref, count: u64, per_block: u64) -> SpanBatch {
    let mut at = *parent;
    let mut blocks = Vec::new();
    for index in 0..count {
        let origin = &world.l1[next_origin(world, &at)].header;
        at.timestamp += world.config.block_time;
        at.l1_origin = origin.id();
        let seed = parent.number * 1000 + index * 10;
        let transactions = (0..per_block).map(|it| user_transaction(seed + it)).collect();
        blocks.push(SpanBlock {
            timestamp: at.timestamp,
            epoch_number: origin.number,
            transactions,
        });
    }
    SpanBatch {
        parent_check: parent.hash[..20].try_into().unwrap(),
        l1_origin_check: at.l1_origin.hash[..20].try_into().unwrap(),
        starts_epoch: blocks[0].epoch_number != parent.l1_origin.number,
        blocks,
    }
}

/// What goes into a channel.
pub(crate) fn raw(world: &World, batch: &SpanBatch) -> Batch {
    Batch::Span(batch.to_raw(SpanParams::from(&world.config)).unwrap().into())
}

/// The compressed data of a channel.
pub(crate) fn channel(batches: &[Batch]) -> Bytes {
    compress_channel(batches, Compression::Zlib).into()
}

/// The frames of a channel, at most `size` bytes each.
pub(crate) fn frames(id: u8, batches: &[Batch], size: usize) -> Vec<Frame> {
    Frame::split(ChannelId([id; 16]), &channel(batches), size).unwrap()
}

/// A batcher transaction with these frames.
pub(crate) fn post(frames: &[Frame]) -> Bytes {
    transaction(BATCHER, encode_frames(frames))
}

/// A batcher transaction with one whole channel.
pub(crate) fn post_batches(id: u8, batches: &[Batch]) -> Bytes {
    post(&frames(id, batches, 100_000))
}
