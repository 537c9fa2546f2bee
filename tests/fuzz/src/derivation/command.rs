//! What an input can do: write into the next L1 block, mine it, take blocks back.

use super::{
    Input, forks,
    node::Node,
    world::{Content, World, transaction},
};
use alloy_primitives::{B256, Bloom, Bytes, Log, LogData};
use alloy_rlp::Encodable;
use opal_derive::Fault;
use opal_types::{
    Batch, ChannelId, Compression, Frame, L2Ref, SingularBatch, SpanBatch, SpanBlock, SpanParams,
    compress_channel, encode_blob, encode_frames,
};

/// Most blocks that one command takes back: less than what a node refuses to follow.
const MAX_DROPPED: usize = 8;
/// Most L1 blocks; more show nothing new.
const MAX_L1_BLOCKS: usize = 32;

/// Both chains, the block to come, and the node that reads.
#[derive(Debug)]
pub(crate) struct Player {
    pub(crate) world: World,
    pub(crate) node: Node,
    next: Content,
}

impl Player {
    pub(crate) fn new(world: World) -> Self {
        let node = Node::new(&world);
        Self { world, node, next: Content::default() }
    }

    /// Mines the next block and lets the node read it.
    pub(crate) fn mine(&mut self) -> Result<(), Fault> {
        self.world.mine(std::mem::take(&mut self.next));
        self.node.run(&mut self.world)
    }

    pub(crate) fn obey(&mut self, kind: u8, input: &mut Input<'_>) -> Result<(), Fault> {
        match kind % 10 {
            0 if self.world.l1.len() < MAX_L1_BLOCKS => return self.mine(),
            1 => self.post(piece(input)),
            2 => self.next.transactions.push(piece(input)),
            3 => {
                let blob = self.world.blob_transaction(piece(input).to_vec());
                self.next.transactions.push(blob);
            }
            4 => self.next.receipts.push(piece(input)),
            5 => self.log(input),
            6 => {
                let batch = Batch::Singular(self.singular(input));
                self.post_channel(input, &[batch]);
            }
            7 => {
                let span = self.span(input).to_raw(SpanParams::from(&self.world.config));
                let batches: Vec<_> = span.map(|it| Batch::Span(it.into())).into_iter().collect();
                self.post_channel(input, &batches);
            }
            8 => {
                self.world.drop_l1(usize::from(input.number()) % MAX_DROPPED);
                return self.node.run(&mut self.world);
            }
            _ => self.node.derivation.reset(),
        }
        Ok(())
    }

    fn post(&mut self, data: Bytes) {
        self.next.transactions.push(transaction(data));
    }

    /// Posts a channel whole, in frames of which one is left out, or in a blob.
    fn post_channel(&mut self, input: &mut Input<'_>, batches: &[Batch]) {
        let [way, size, id] = input.array().unwrap_or_default();
        let compression =
            if way & 1 == 0 { Compression::Zlib } else { Compression::Brotli { level: 1 } };
        let channel = compress_channel(batches, compression).into();
        let size = 24 + usize::from(size) * 8;
        let frames = Frame::split(ChannelId([id; 16]), &channel, size);
        let mut frames = frames.expect("a channel of a few batches has few frames");
        if way & 2 != 0 {
            frames.remove(usize::from(way >> 4) % frames.len());
        }
        if way & 4 != 0 {
            frames.reverse();
        }
        let data = encode_frames(&frames);
        match encode_blob(&data) {
            Ok(blob) if way & 8 != 0 => {
                let transaction = self.world.blob_transaction(blob.to_vec());
                self.next.transactions.push(transaction);
            }
            _ => self.post(data.into()),
        }
    }

    /// A receipt with one log of the portal or of the system config.
    fn log(&mut self, input: &mut Input<'_>) {
        let kind = input.number();
        let (address, event) = if kind & 1 == 0 {
            (forks::PORTAL, opal_types::DEPOSIT_EVENT)
        } else {
            (forks::SYSTEM_CONFIG, opal_types::CONFIG_UPDATE_EVENT)
        };
        let second = B256::with_last_byte(kind >> 2);
        let topics = match kind & 3 {
            0 => vec![event, second, B256::repeat_byte(kind), B256::ZERO],
            1 => vec![event, B256::ZERO, second],
            _ => vec![event, second],
        };
        let data = LogData::new_unchecked(topics, piece(input));
        self.next.receipts.push(receipt(Log { address, data }));
    }

    fn singular(&self, input: &mut Input<'_>) -> SingularBatch {
        let parent = *self.node.derivation.safe_head();
        let [time, origin] = input.array().unwrap_or_default();
        let block = self.block(&parent, (time, origin), input);
        let epoch = self.world.l1.get(block.epoch_number as usize);
        SingularBatch {
            parent_hash: parent.hash,
            epoch: epoch.unwrap_or(&self.world.l1[0]).id(),
            timestamp: block.timestamp,
            transactions: block.transactions,
        }
    }

    fn span(&self, input: &mut Input<'_>) -> SpanBatch {
        let mut parent = *self.node.derivation.safe_head();
        let [time, origin, count] = input.array().unwrap_or_default();
        let parent_check = parent.hash.first_chunk().copied().unwrap_or_default();
        let first_origin = parent.l1_origin.number;
        let mut blocks = Vec::new();
        for index in 0..=count % 16 {
            let shift = if index == 0 { (time, origin) } else { (0, 0) };
            let block = self.block(&parent, shift, input);
            parent.timestamp = block.timestamp;
            parent.l1_origin.number = block.epoch_number;
            blocks.push(block);
        }
        let last = self.world.l1.get(parent.l1_origin.number as usize);
        let hash = last.unwrap_or(&self.world.l1[0]).hash;
        SpanBatch {
            parent_check,
            l1_origin_check: hash.first_chunk().copied().unwrap_or_default(),
            starts_epoch: blocks.first().is_some_and(|it| it.epoch_number != first_origin),
            blocks,
        }
    }

    /// The block after `parent`; a shift of zero is what a sequencer would do, others lie.
    fn block(&self, parent: &L2Ref, shift: (u8, u8), input: &mut Input<'_>) -> SpanBlock {
        let timestamp = parent.timestamp + self.world.config.block_time;
        let current = parent.l1_origin.number;
        let next = self.world.l1.get(current as usize + 1);
        let advances = next.is_some_and(|it| it.timestamp <= timestamp);
        let lie = |value: u64, shift: u8| value.saturating_add_signed(i64::from(shift as i8));
        let transactions = (0..input.number() % 4).map(|_| piece(input)).collect();
        SpanBlock {
            timestamp: lie(timestamp, shift.0),
            epoch_number: lie(current + u64::from(advances), shift.1),
            transactions,
        }
    }
}

fn piece(input: &mut Input<'_>) -> Bytes {
    Bytes::copy_from_slice(input.piece().unwrap_or_default())
}

/// A receipt of a type that nobody has invented yet (D27).
fn receipt(log: Log) -> Bytes {
    let mut payload = Vec::new();
    true.encode(&mut payload);
    21_000_u64.encode(&mut payload);
    Bloom::ZERO.encode(&mut payload);
    vec![log].encode(&mut payload);
    let mut out = vec![0x66];
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend(payload);
    out.into()
}
