//! What happens in each L1 block of the recording.
//!
//! Start with [`write`].
//!
//! **Invariant:** the batcher knows L1 up to the block before its own, and the L2 chain that follows from that.

use crate::{
    chain::{
        Block, COUNTER, INBOX, Included, L1_CHAIN, L2_BLOCK_TIME, L2_CHAIN, PORTAL, Plan,
        START_TIME, SYSTEM_CONFIG, l1_block, write_configs, write_l1, write_lines,
    },
    derived::{derive, write_derived},
    keys::Key,
};
use alloy_consensus::{TxEip1559, TxEip4844};
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256};
use opal_types::{
    Batch, CONFIG_UPDATE_EVENT, ChannelId, Compression, DEPOSIT_EVENT, Frame, L2Ref, SpanBatch,
    SpanBlock, SpanParams, compress_channel, encode_blob, encode_frames,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{fs, path::Path};

const L1_BLOCK_TIME: u64 = 4;
const SEQUENCING_WINDOW: u64 = 30;
const FORKS: [&str; 9] =
    ["regolith", "canyon", "delta", "ecotone", "fjord", "granite", "holocene", "isthmus", "jovian"];

/// Everything so far.
struct Story<'a> {
    folder: &'a Path,
    batcher: Key,
    stranger: Key,
    user: Key,
    l1: Vec<Block>,
    blobs: Vec<(B256, Bytes)>,
    /// Transactions of the batcher and of the stranger, and of the user on L2.
    nonces: [u64; 3],
}

/// Tells it.
pub(crate) fn write(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let [batcher, stranger, user] = ["batcher", "stranger", "user"].map(Key::new);
    let l1 = vec![l1_block(None, L1_BLOCK_TIME, Vec::new())];
    let plan = Plan {
        sequencing_window: SEQUENCING_WINDOW,
        forks: &FORKS,
        batcher: batcher.address,
        users: &[user.address],
    };
    write_configs(folder, &l1[0], plan);
    let (blobs, nonces) = (Vec::new(), [0; 3]);
    let mut story = Story { folder, batcher, stranger, user, l1, blobs, nonces };
    story.save();
    // A deposit, which opens the first L2 block whose origin this L1 block is.
    let deposit = story.deposit();
    story.include(vec![deposit]);
    // A span batch in call data, and one that is not from the batcher.
    let frames = story.channel(Compression::Zlib, false).0;
    let (wrong, right) = (story.post(false, &frames), story.post(true, &frames));
    story.include(vec![wrong, right]);
    // The gas limit changes.
    let update = story.config_update(20_000_000);
    story.include(vec![update]);
    // A Brotli channel in a blob.
    let frames = story.channel(Compression::Brotli { level: 9 }, false).0;
    let blob = story.post_blob(&frames);
    story.include(vec![blob]);
    // The second half of a channel before the first: Holocene drops it (D13).
    let (frames, nonce) = story.channel(Compression::Zlib, false);
    let reversed: Vec<_> = frames.into_iter().rev().collect();
    let post = story.post(true, &reversed);
    story.include(vec![post]);
    story.nonces[2] = nonce;
    // A transaction with a nonce that is not the next: its block keeps its deposits alone, and the rest of the span is
    // dropped (D14).
    let (frames, nonce) = story.channel(Compression::Zlib, true);
    let post = story.post(true, &frames);
    story.include(vec![post]);
    // The first one was in order.
    story.nonces[2] = nonce + 1;
    let frames = story.channel(Compression::Zlib, false).0;
    let post = story.post(true, &frames);
    story.include(vec![post]);
    story.include(Vec::new());
    write_derived(folder);
}

impl Story<'_> {
    fn save(&self) {
        write_l1(self.folder, &self.l1);
        let blob = |(hash, data): &(B256, Bytes)| {
            let length = data.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            json!({ "versioned_hash": hash, "data": data.slice(..length) })
        };
        write_lines(self.folder, "blobs.jsonl", self.blobs.iter().map(blob));
    }

    fn include(&mut self, included: Vec<Included>) {
        let block = l1_block(self.l1.last(), L1_BLOCK_TIME, included);
        self.l1.push(block);
        self.save();
    }

    fn nonce(&mut self, of: usize) -> u64 {
        self.nonces[of] += 1;
        self.nonces[of] - 1
    }

    /// The frames of a channel with a span batch of all blocks after the safe head whose L1 origin is there, and
    /// the user's nonce before it. With `gap` the second of them has a transaction too far.
    fn channel(&mut self, compression: Compression, gap: bool) -> (Vec<Frame>, u64) {
        let (recording, derived) = derive(self.folder);
        let nonce_before = self.nonces[2];
        let span = self.span(&derived.safe, gap);
        let raw = span.to_raw(SpanParams::from(&recording.config)).unwrap();
        let data: Bytes = compress_channel(&[Batch::Span(raw.into())], compression).into();
        let id = ChannelId([self.l1.len() as u8; 16]);
        let half = data.len().div_ceil(2) + 23;
        (Frame::split(id, &data, half).unwrap(), nonce_before)
    }

    fn span(&mut self, safe: &L2Ref, gap: bool) -> SpanBatch {
        let (mut time, mut origin) = (safe.timestamp, safe.l1_origin.number);
        let end = START_TIME + self.l1.len() as u64 * L1_BLOCK_TIME;
        let mut blocks = Vec::new();
        while time + L2_BLOCK_TIME < end {
            time += L2_BLOCK_TIME;
            if START_TIME + (origin + 1) * L1_BLOCK_TIME <= time {
                origin += 1;
            }
            if gap && blocks.len() == 1 {
                self.nonce(2);
            }
            let transactions = vec![self.call()];
            blocks.push(SpanBlock { timestamp: time, epoch_number: origin, transactions });
        }
        let check = |hash: B256| hash[..20].try_into().unwrap();
        SpanBatch {
            parent_check: check(safe.hash),
            l1_origin_check: check(self.l1[origin as usize].hash),
            starts_epoch: blocks[0].epoch_number != safe.l1_origin.number,
            blocks,
        }
    }

    /// The user calls the counter on L2.
    fn call(&mut self) -> Bytes {
        let nonce = self.nonce(2);
        self.user.sign(TxEip1559 {
            chain_id: L2_CHAIN,
            nonce,
            gas_limit: 100_000,
            max_fee_per_gas: 5_000_000_000,
            max_priority_fee_per_gas: 1_000_000,
            to: TxKind::Call(COUNTER),
            input: Bytes::copy_from_slice(&nonce.to_be_bytes()),
            ..TxEip1559::default()
        })
    }

    /// A transaction on L1, of the batcher or of the stranger.
    fn send(&mut self, is_batcher: bool, to: Address, input: Bytes, logs: Vec<Log>) -> Included {
        let nonce = self.nonce(usize::from(!is_batcher));
        let key = if is_batcher { &self.batcher } else { &self.stranger };
        let raw = key.sign(TxEip1559 {
            chain_id: L1_CHAIN,
            nonce,
            gas_limit: 100_000,
            max_fee_per_gas: 5_000_000_000,
            to: TxKind::Call(to),
            input,
            ..TxEip1559::default()
        });
        Included { raw, logs }
    }

    fn post(&mut self, is_batcher: bool, frames: &[Frame]) -> Included {
        self.send(is_batcher, INBOX, encode_frames(frames).into(), Vec::new())
    }

    fn post_blob(&mut self, frames: &[Frame]) -> Included {
        let blob = encode_blob(&encode_frames(frames)).unwrap();
        let commitment = c_kzg::ethereum_kzg_settings(0)
            .blob_to_kzg_commitment(&c_kzg::Blob::from_bytes(blob.as_slice()).unwrap())
            .unwrap();
        let mut hash: [u8; 32] = Sha256::digest(commitment.to_bytes().as_slice()).into();
        hash[0] = 1;
        self.blobs.push((hash.into(), Bytes::copy_from_slice(blob.as_slice())));
        let nonce = self.nonce(0);
        let raw = self.batcher.sign(TxEip4844 {
            chain_id: L1_CHAIN,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 5_000_000_000,
            to: INBOX,
            blob_versioned_hashes: vec![hash.into()],
            max_fee_per_blob_gas: 1_000_000_000,
            ..TxEip4844::default()
        });
        Included { raw, logs: Vec::new() }
    }

    /// The stranger sends a tenth of an ether to the user, minted on L2.
    fn deposit(&mut self) -> Included {
        let wei = U256::from(100_000_000_000_000_000_u64).to_be_bytes::<32>();
        let content = [&wei[..], &wei, &100_000_u64.to_be_bytes(), &[0]].concat();
        let padding = [0; 32 * 3 - 32 * 2 - 9];
        let data = [&word(32)[..], &word(content.len() as u64), &content, &padding].concat();
        let from = self.stranger.address.into_word();
        let topics = vec![DEPOSIT_EVENT, from, self.user.address.into_word(), B256::ZERO];
        let log = Log::new_unchecked(PORTAL, topics, data.into());
        self.send(false, PORTAL, Bytes::new(), vec![log])
    }

    /// Type 2: the L2 gas limit (D18).
    fn config_update(&mut self, gas_limit: u64) -> Included {
        let data = [word(32), word(32), word(gas_limit)].concat();
        let topics = vec![CONFIG_UPDATE_EVENT, B256::ZERO, word(2).into()];
        let log = Log::new_unchecked(SYSTEM_CONFIG, topics, data.into());
        self.send(false, SYSTEM_CONFIG, Bytes::new(), vec![log])
    }
}

/// A number as a 32-byte word.
pub(crate) fn word(number: u64) -> [u8; 32] {
    U256::from(number).to_be_bytes()
}
