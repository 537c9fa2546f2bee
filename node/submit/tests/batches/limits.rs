//! The limits of channels, by name (B1, op-stack.md 1h).

use crate::{
    made_up::{block, config, hash, up_to},
    transactions::{CHAIN_ID, Dice, transaction},
};
use alloy_primitives::Bytes;
use opal_submit::{
    BatchBlock, BatchKind, BlockError, ChannelOptions, DataAvailability, Fees, L1Tip, Machine,
    MachineOptions, NodeStatus, Payload, PendingOptions, Rules,
};
use opal_types::{
    Batch, BatchReader, BlockId, ChainConfig, ChannelLimits, Compression, Fork, ForkTimes, Frame,
    MAX_BLOB_DATA, SpanParams, compress_channel, parse_frames,
};
use std::sync::Arc;

fn options(kind: BatchKind, compression: Compression) -> ChannelOptions {
    ChannelOptions {
        kind,
        compression,
        data_availability: DataAvailability::Calldata,
        target_num_frames: 1,
        max_l1_tx_size: 120_000,
        max_channel_duration: 0,
        sub_safety_margin: 4,
    }
}

const PENDING: PendingOptions =
    PendingOptions { max_blocks: 100_000, max_bytes: 1 << 30, max_transactions: 100_000 };

/// The transactions of these blocks, flushed.
fn post(
    config: &ChainConfig,
    channels: ChannelOptions,
    blocks: &[BatchBlock],
) -> Result<Vec<Payload>, BlockError> {
    let config = Arc::new(config.clone());
    let mut machine = Machine::new(MachineOptions { config, channels, pending: PENDING, salt: 1 });
    let fees = Fees { blob_base_fee: Some(1), ..Fees::default() };
    let tip = L1Tip { number: 100, timestamp: 1_000, fees };
    let newest = blocks.last().unwrap().id;
    let current_l1 = BlockId { number: 100, hash: hash(100) };
    let genesis = BlockId { number: 0, hash: hash(0) };
    let status = NodeStatus { current_l1, local_safe: genesis, unsafe_head: newest };
    assert_eq!(machine.on_tip(&tip, 0), None);
    assert_eq!(machine.on_status(&status), None);
    assert_eq!(machine.to_load(), Some(1..=newest.number));
    for block in blocks {
        assert_eq!(machine.on_block(block.clone()), None);
    }
    machine.flush();
    let mut payloads = Vec::new();
    loop {
        let filled = machine.fill();
        payloads.extend(std::iter::from_fn(|| machine.next_posting()).map(|(_, it)| it));
        match filled {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(payloads),
            // What came before it must be out.
            Err(error) if payloads.is_empty() => return Err(error),
            Err(_) => return Ok(payloads),
        }
    }
}

/// The channels of these transactions, each with its data.
fn channels(payloads: &[Payload]) -> Vec<Bytes> {
    let mut channels: Vec<Vec<Frame>> = Vec::new();
    for payload in payloads {
        let parts = match payload {
            Payload::Calldata(data) => std::slice::from_ref(data),
            Payload::Blobs(datas) => datas,
        };
        for frame in parts.iter().flat_map(|data| parse_frames(data).unwrap()) {
            match channels.last_mut() {
                Some(frames) if frame.number > 0 => {
                    assert_eq!(usize::from(frame.number), frames.len());
                    assert_eq!(frame.channel, frames[0].channel);
                    frames.push(frame);
                }
                _ => channels.push(vec![frame]),
            }
        }
    }
    let data = |frames: Vec<Frame>| -> Bytes {
        assert!(frames.last().unwrap().is_last);
        frames.iter().flat_map(|frame| frame.data.clone()).collect()
    };
    channels.into_iter().map(data).collect()
}

/// What a reader with these limits finds: the transactions of each block. Anything left over is an
/// error.
fn read(data: &Bytes, limits: ChannelLimits) -> Vec<Vec<Bytes>> {
    let params = SpanParams { block_time: 2, genesis_time: 0, chain_id: CHAIN_ID };
    let mut reader = BatchReader::open(data, limits).unwrap();
    let mut blocks = Vec::new();
    while let Some(batch) = reader.next() {
        match batch.unwrap() {
            Batch::Singular(batch) => blocks.push(batch.transactions),
            Batch::Span(raw) => {
                let span = raw.derive(params).unwrap();
                blocks.extend(span.blocks.into_iter().map(|block| block.transactions));
            }
        }
    }
    blocks
}

/// All blocks come out of channels that a reader with these limits takes whole.
#[track_caller]
fn check_all_read(payloads: &[Payload], blocks: &[BatchBlock], limits: ChannelLimits) {
    let found: Vec<_> = channels(payloads).iter().flat_map(|it| read(it, limits)).collect();
    let wanted: Vec<_> = blocks.iter().map(|it| it.transactions.clone()).collect();
    assert!(found == wanted, "{} blocks of {}", found.len(), wanted.len());
}

/// A block of so many bytes that nearly vanish when compressed.
fn zeros(number: u64, bytes: usize) -> BatchBlock {
    let fields = alloy_consensus::TxLegacy { input: vec![0; bytes].into(), ..Default::default() };
    let signature = alloy_primitives::Signature::new(
        alloy_primitives::U256::from(number),
        alloy_primitives::U256::from(1),
        false,
    );
    use alloy_consensus::SignableTransaction;
    use alloy_eips::Encodable2718;
    block(number, vec![fields.into_signed(signature).encoded_2718().into()])
}

#[test]
fn a_channel_over_the_limit_of_rlp_goes_back_to_the_blocks_before() {
    // Three such blocks are beyond the limit, though compressed they are tiny (1h).
    let blocks: Vec<_> = (1..=7).map(|number| zeros(number, 3_600_000)).collect();
    for kind in [BatchKind::Span, BatchKind::Singular] {
        let payloads =
            post(&config(up_to(Fork::Delta)), options(kind, Compression::Zlib), &blocks).unwrap();
        assert_eq!(channels(&payloads).len(), 4, "{kind:?}");
        check_all_read(&payloads, &blocks, ChannelLimits::BEDROCK);
    }
}

#[test]
fn the_limit_of_rlp_grows_with_fjord_and_not_before() {
    let blocks: Vec<_> = (1..=7).map(|number| zeros(number, 3_600_000)).collect();
    let brotli = Compression::Brotli { level: 9 };
    let forks = |fjord| ForkTimes { fjord, ..up_to(Fork::Ecotone) };
    let options = options(BatchKind::Span, brotli);
    let before = post(&config(forks(Some(1_001))), options, &blocks).unwrap();
    assert_eq!(channels(&before).len(), 4);
    check_all_read(&before, &blocks, ChannelLimits::BEDROCK);
    let after = post(&config(forks(Some(1_000))), options, &blocks).unwrap();
    assert_eq!(channels(&after).len(), 1);
    check_all_read(&after, &blocks, ChannelLimits::FJORD);
}

#[test]
fn a_block_that_no_channel_holds_is_named_and_those_before_it_go_out() {
    let mut blocks = vec![zeros(1, 100), zeros(2, 10_000_000)];
    let config = config(up_to(Fork::Delta));
    let options = options(BatchKind::Span, Compression::Zlib);
    let payloads = post(&config, options, &blocks).unwrap();
    check_all_read(&payloads, &blocks[..1], ChannelLimits::BEDROCK);
    blocks[1].id.number = 1;
    blocks[1].parent_hash = hash(0);
    let error = post(&config, options, &blocks[1..]).unwrap_err();
    let BlockError::TooLarge { number: 1, length, limit: 10_000_000 } = error else {
        panic!("{error}");
    };
    assert!(length > 10_000_000);
}

/// Blocks with a transaction of random bytes each.
fn random_blocks(count: u64, bytes: usize, seed: u64) -> Vec<BatchBlock> {
    let mut dice = Dice::new(seed);
    let blocks = (1..=count).map(|number| {
        let length = dice.below(bytes as u64 + 1) as usize;
        block(number, vec![transaction(&mut dice, false, length)])
    });
    blocks.collect()
}

#[test]
fn the_size_of_a_channel_is_that_of_its_own_compressor() {
    // No estimate: the data is within the target, and one block more would not be (1h, shadow
    // compressor).
    let levels = (9..=11).map(|level| Compression::Brotli { level });
    let config = config(up_to(Fork::Fjord));
    for compression in levels.chain([Compression::Zlib]) {
        for kind in [BatchKind::Span, BatchKind::Singular] {
            let blocks = random_blocks(90, 500, 5);
            let mut options = options(kind, compression);
            options.max_l1_tx_size = 6_000;
            let payloads = post(&config, options, &blocks).unwrap();
            check_all_read(&payloads, &blocks, ChannelLimits::FJORD);
            let target = 6_000 - 24;
            let mut rest = blocks.as_slice();
            for data in channels(&payloads) {
                let count = read(&data, ChannelLimits::FJORD).len();
                assert!(data.len() <= target, "{} bytes", data.len());
                if let Some(more) = rest.get(..=count) {
                    let length = compressed(more, kind, compression);
                    assert!(length > target, "{kind:?} {compression:?}: {length} would fit");
                }
                rest = &rest[count..];
            }
        }
    }
}

fn compressed(blocks: &[BatchBlock], kind: BatchKind, compression: Compression) -> usize {
    use opal_types::{SingularBatch, SpanBatch, SpanBlock};
    let params = SpanParams { block_time: 2, genesis_time: 0, chain_id: CHAIN_ID };
    let batches: Vec<_> = match kind {
        BatchKind::Singular => blocks
            .iter()
            .map(|block| {
                Batch::Singular(SingularBatch {
                    parent_hash: block.parent_hash,
                    epoch: block.l1_origin,
                    timestamp: block.timestamp,
                    transactions: block.transactions.clone(),
                })
            })
            .collect(),
        BatchKind::Span => {
            let span = SpanBatch {
                parent_check: blocks[0].parent_hash[..20].try_into().unwrap(),
                l1_origin_check: blocks.last().unwrap().l1_origin.hash[..20].try_into().unwrap(),
                starts_epoch: blocks[0].sequence_number == 0,
                blocks: blocks
                    .iter()
                    .map(|block| SpanBlock {
                        timestamp: block.timestamp,
                        epoch_number: block.l1_origin.number,
                        transactions: block.transactions.clone(),
                    })
                    .collect(),
            };
            vec![Batch::Span(span.to_raw(params).unwrap().into())]
        }
    };
    compress_channel(&batches, compression).len()
}

#[test]
fn the_version_byte_of_brotli_belongs_to_the_frames_but_not_to_the_data() {
    let blocks = random_blocks(3, 100, 9);
    let config = config(up_to(Fork::Fjord));
    let brotli = options(BatchKind::Span, Compression::Brotli { level: 10 });
    let [data] = channels(&post(&config, brotli, &blocks).unwrap()).try_into().unwrap();
    assert_eq!(data[0], 1);
    // A reader that takes exactly the RLP, and not a byte more, reads everything.
    let rlp = {
        use alloy_rlp::Encodable;
        let mut reader = BatchReader::open(&data, ChannelLimits::FJORD).unwrap();
        reader.next().unwrap().unwrap().encode().as_slice().length() as u64
    };
    let exact = ChannelLimits { max_rlp_bytes: rlp, ..ChannelLimits::FJORD };
    assert_eq!(read(&data, exact).len(), 3);
    let [zlib] =
        channels(&post(&config, options(BatchKind::Span, Compression::Zlib), &blocks).unwrap())
            .try_into()
            .unwrap();
    assert_eq!(zlib[0] & 15, 8);
}

#[test]
fn brotli_and_span_batches_wait_for_their_forks() {
    let blocks = random_blocks(3, 100, 9);
    let brotli = options(BatchKind::Span, Compression::Brotli { level: 10 });
    let ecotone = post(&config(up_to(Fork::Ecotone)), brotli, &blocks).unwrap();
    let [data] = channels(&ecotone).try_into().unwrap();
    assert_eq!(data[0] & 15, 8, "zlib before Fjord");
    let canyon = post(&config(up_to(Fork::Canyon)), brotli, &blocks).unwrap();
    let [data] = channels(&canyon).try_into().unwrap();
    let mut reader = BatchReader::open(&data, ChannelLimits::BEDROCK).unwrap();
    let first = reader.next().unwrap().unwrap();
    assert!(matches!(first, Batch::Singular(_)), "singular before Delta");
}

#[test]
fn a_span_starts_only_where_its_l1_origin_is_in_delta() {
    // L1 is in Delta, but the origins of the first blocks are not yet: two kinds of batches, two
    // channels.
    let forks = ForkTimes { delta: Some(16), ..up_to(Fork::Canyon) };
    let blocks = random_blocks(20, 100, 9);
    let config = config(forks);
    let options = options(BatchKind::Span, Compression::Zlib);
    let payloads = post(&config, options, &blocks).unwrap();
    check_all_read(&payloads, &blocks, ChannelLimits::BEDROCK);
    let channels = channels(&payloads);
    let counts: Vec<_> = channels.iter().map(|it| read(it, ChannelLimits::BEDROCK).len()).collect();
    assert_eq!(counts, [7, 13]);
}

#[test]
fn blobs_are_never_fuller_than_a_blob_is() {
    let blocks = random_blocks(40, 60_000, 3);
    let mut options = options(BatchKind::Span, Compression::Zlib);
    options.data_availability = DataAvailability::Blobs;
    options.target_num_frames = 6;
    let config = config(up_to(Fork::Ecotone));
    let payloads = post(&config, options, &blocks).unwrap();
    check_all_read(&payloads, &blocks, ChannelLimits::BEDROCK);
    let mut fullest = 0;
    for payload in &payloads {
        let Payload::Blobs(datas) = payload else { panic!("no blobs") };
        assert!(datas.len() <= 6);
        for data in datas {
            opal_types::encode_blob(data).unwrap();
            fullest = fullest.max(data.len());
        }
    }
    assert_eq!(fullest, MAX_BLOB_DATA);
}

#[test]
fn blobs_are_not_used_before_ecotone() {
    let blocks = random_blocks(2, 100, 3);
    let mut options = options(BatchKind::Span, Compression::Zlib);
    options.data_availability = DataAvailability::Blobs;
    let payloads = post(&config(up_to(Fork::Delta)), options, &blocks).unwrap();
    assert!(matches!(payloads[..], [Payload::Calldata(_)]));
}

#[test]
fn one_block_may_need_many_frames_and_they_are_numbered() {
    let blocks = [block(1, vec![incompressible(&mut Dice::new(8), 25_000).into()])];
    let mut options = options(BatchKind::Span, Compression::Zlib);
    options.max_l1_tx_size = 25;
    let payloads = post(&config(up_to(Fork::Delta)), options, &blocks).unwrap();
    assert!(payloads.len() > 20_000, "{} transactions of a byte each", payloads.len());
    check_all_read(&payloads, &blocks, ChannelLimits::BEDROCK);
}

#[test]
fn a_channel_has_no_more_frames_than_can_be_numbered() {
    let mut dice = Dice::new(4);
    let blocks = [block(1, vec![transaction(&mut dice, false, 0)])];
    let mut options = options(BatchKind::Span, Compression::Zlib);
    options.max_l1_tx_size = 25;
    let rules = Rules::at(&config(up_to(Fork::Delta)), 1_000);
    // A frame of a byte counts 201: ten megabytes are reached before the numbers end.
    assert_eq!(rules.max_channel_bytes(1), 10_000_000 / 201);
    let rules = Rules::at(&config(up_to(Fork::Fjord)), 1_000);
    assert_eq!(rules.max_channel_bytes(1), 65_536);
    post(&config(up_to(Fork::Delta)), options, &blocks).unwrap();
    let mut big = Vec::new();
    for _ in 0..2 {
        big.push(Bytes::from(incompressible(&mut dice, 40_000)));
    }
    let error = post(&config(up_to(Fork::Fjord)), options, &[block(1, big)]).unwrap_err();
    assert!(matches!(error, BlockError::TooLarge { number: 1, limit: 65_536, .. }), "{error}");
}

/// A transaction with so many bytes that do not compress.
fn incompressible(dice: &mut Dice, bytes: usize) -> Vec<u8> {
    use alloy_consensus::SignableTransaction;
    use alloy_eips::Encodable2718;
    let input = dice.bytes(bytes).into();
    let fields = alloy_consensus::TxLegacy { input, ..Default::default() };
    let one = alloy_primitives::U256::from(1);
    fields.into_signed(alloy_primitives::Signature::new(one, one, true)).encoded_2718()
}
