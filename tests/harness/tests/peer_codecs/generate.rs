//! Cases: bytes for one of the decoders, whole or damaged (D2, D5, D6, D7).
//!
//! Start with [`Generator::case`]: one number makes one case, so a failure is repeated from its seed.
//!
//! **Invariant:** channels are small or compress well; no case takes a decoder long.

use crate::{batches::batch, deflate, mutate::mutate, rlp::put_string, rng::Rng};
use flate2::{Compress, Compression, FlushCompress};

const SMALL_LIMIT: u64 = 10_000_000;

/// What is asked of a decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Data of a batcher transaction.
    Frames,
    /// A channel, with the limit of decompressed bytes and whether Fjord is active.
    Channel { limit: u64, is_fjord: bool },
    /// One batch.
    Batch,
}

/// What span batches leave to be known of their chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) block_time: u64,
    pub(crate) genesis_time: u64,
    pub(crate) chain_id: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) operation: Operation,
    pub(crate) rules: Rules,
    pub(crate) data: Vec<u8>,
}

impl Case {
    /// A channel whose first byte names Brotli.
    pub(crate) fn is_brotli(&self) -> bool {
        matches!(self.operation, Operation::Channel { .. }) && self.data.first() == Some(&1)
    }

    /// A channel whose limit is below that of every chain.
    pub(crate) const fn has_small_limit(&self) -> bool {
        matches!(self.operation, Operation::Channel { limit: ..SMALL_LIMIT, .. })
    }
}

/// Makes cases; holds channels written by the Go batcher that mutations start from, or none.
pub(crate) struct Generator {
    pub(crate) channels: Vec<Vec<u8>>,
}

impl Generator {
    /// The case of one seed.
    pub(crate) fn case(&self, seed: u64) -> Case {
        let mut rng = Rng(seed);
        let rules = rules(&mut rng);
        let (operation, data) = match rng.below(20) {
            0..=3 => (Operation::Frames, frames(&mut rng)),
            4..=11 => (Operation::Batch, lone_batch(&mut rng)),
            _ => self.channel(&mut rng),
        };
        Case { operation, rules, data }
    }

    fn channel(&self, rng: &mut Rng) -> (Operation, Vec<u8>) {
        if rng.one_in(25) && !self.channels.is_empty() {
            let mut data = rng.pick(&self.channels);
            let other = rng.pick(&self.channels);
            mutate(&mut data, &other, rng);
            return (Operation::Channel { limit: 100_000_000, is_fjord: true }, data);
        }
        let (content, first_item) = stream(rng);
        let near = [content.len(), content.len().wrapping_sub(1), content.len() + 1, first_item];
        let limit = match rng.below(6) {
            0 => rng.pick(&near) as u64,
            1 => rng.below(content.len() + 1) as u64,
            _ => 100_000_000,
        };
        // To Go's reader, and to no chain, zero means that there is no limit.
        let limit = limit.max(1);
        let mut data = compress(&content, rng);
        if rng.one_in(3) {
            let other = rng.bytes(20);
            mutate(&mut data, &other, rng);
        }
        (Operation::Channel { limit, is_fjord: !rng.one_in(30) }, data)
    }
}

fn rules(rng: &mut Rng) -> Rules {
    Rules {
        block_time: rng.pick(&[1, 2, 2, 2, 12]),
        genesis_time: rng.pick(&[0, 1_686_789_347, u64::MAX]),
        chain_id: rng.pick(&[1, 10, 130, 901, 11_155_420, 1 << 53, 1 << 63, u64::MAX, 0]),
    }
}

fn frames(rng: &mut Rng) -> Vec<u8> {
    let mut data = transaction_of_frames(rng);
    if !rng.one_in(3) {
        let other = transaction_of_frames(rng);
        mutate(&mut data, &other, rng);
    }
    data
}

fn transaction_of_frames(rng: &mut Rng) -> Vec<u8> {
    let mut out = vec![0];
    for _ in 0..rng.below(5) {
        let length = if rng.one_in(2000) { 999_999 + rng.below(3) } else { rng.below(100) };
        out.extend(rng.bytes(16));
        out.extend((rng.number() as u16).to_be_bytes());
        out.extend((length as u32).to_be_bytes());
        // Long data is not worth random numbers.
        let data = if length > 1000 { vec![7; length] } else { rng.bytes(length) };
        out.extend(data);
        out.push(rng.below(2) as u8);
    }
    out
}

fn lone_batch(rng: &mut Rng) -> Vec<u8> {
    let mut data = batch(rng, false);
    if rng.one_in(2) {
        let other = batch(rng, false);
        mutate(&mut data, &other, rng);
    }
    data
}

/// What a channel decompresses to, and where its first item ends.
fn stream(rng: &mut Rng) -> (Vec<u8>, usize) {
    let large = rng.one_in(8);
    let mut content = Vec::new();
    let mut first_item = 0;
    for index in 0..rng.below(5) {
        let item = batch(rng, large);
        match rng.below(40) {
            // A list, or a lone byte, in place of a string.
            0 => content.extend([0xc1, rng.word() as u8]),
            1 => content.push(rng.word() as u8),
            2 => content.extend([0xb8, item.len() as u8]),
            _ => put_string(&mut content, &item),
        }
        if index == 0 {
            first_item = content.len();
        }
    }
    if rng.one_in(3000) {
        // A bomb: little data for many bytes.
        put_string(&mut content, &vec![0; 1_000_000]);
    }
    if rng.one_in(12) {
        let other = batch(rng, false);
        mutate(&mut content, &other, rng);
    }
    (content, first_item)
}

fn compress(content: &[u8], rng: &mut Rng) -> Vec<u8> {
    match rng.below(8) {
        0..=2 => zlib(content, rng),
        3 | 4 => deflate::zlib(content, rng),
        5 | 6 => brotli(content, rng),
        // Another compression, or none.
        _ if rng.one_in(4) => [&rng.bytes(1), content].concat(),
        _ => zlib(content, rng),
    }
}

/// By levels, with flushes in between.
fn zlib(content: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut encoder = Compress::new(Compression::new(rng.below(10) as u32), true);
    let mut out = Vec::with_capacity(content.len() + content.len() / 100 + 1000);
    let (head, tail) = content.split_at(rng.below(content.len() + 1));
    let flush = rng.pick(&[FlushCompress::None, FlushCompress::Sync, FlushCompress::Full]);
    for (part, flush) in [(head, flush), (tail, FlushCompress::Finish)] {
        encoder.compress_vec(part, &mut out, flush).expect("memory takes what is written");
    }
    out
}

fn brotli(content: &[u8], rng: &mut Rng) -> Vec<u8> {
    let quality = if rng.one_in(10) { 9 + rng.below(3) } else { rng.below(9) };
    let params = brotli::enc::BrotliEncoderParams {
        quality: quality as i32,
        lgwin: rng.pick(&[10, 11, 14, 16, 18]),
        ..Default::default()
    };
    let mut out = vec![1];
    brotli::BrotliCompress(&mut &*content, &mut out, &params)
        .expect("memory takes what is written");
    out
}
