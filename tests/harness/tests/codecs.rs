//! Frames, channels and batches against what the Go stack and kona wrote (D2, D5-D7).
//!
//! **Invariant:** each vector is read and, where it is whole, written again.

use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{B256, Bytes, hex};
use alloy_rlp::Encodable;
use opal_harness::Vectors;
use opal_types::{
    Batch, BatchError, BatchReader, BlockId, ChannelError, ChannelId, ChannelLimits, Compression,
    Frame, FrameError, RawSpanBatch, SingularBatch, SpanBatch, SpanBlock, SpanError, SpanParams,
    compress_channel, encode_frames, parse_frames,
};
use serde_json::Value;

const BATCHES: &str = "protocol/batches.json";
const KONA_SPAN: &str = "kona/crates/protocol/protocol/src/batch/testdata/raw_batch.hex";
const KONA_BATCHES: &str = "kona/crates/protocol/derive/testdata/batch.hex";
const KONA_FRAMES: &str = "kona/crates/protocol/derive/testdata/raw_batcher_tx.hex";

/// The bytes of a hex text, with or without 0x.
#[track_caller]
fn bytes(value: &Value) -> Bytes {
    let text = value.as_str().unwrap_or_else(|| panic!("no text: {value}"));
    hex::decode(text).unwrap_or_else(|error| panic!("{error}: {text}")).into()
}

/// The bytes of a hex text, as many as wanted.
#[track_caller]
fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value)[..].try_into().expect("as many bytes as wanted")
}

#[track_caller]
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// The items of a list; null is Go's empty one.
fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn all_bytes(value: &Value) -> Vec<Bytes> {
    list(value).iter().map(bytes).collect()
}

/// All batches of a channel.
#[track_caller]
fn read_channel(data: &Bytes, limits: ChannelLimits) -> Vec<Batch> {
    let mut reader = BatchReader::open(data, limits).expect("a channel");
    std::iter::from_fn(|| reader.next()).map(|batch| batch.expect("a batch")).collect()
}

fn join(frames: &[Frame]) -> Bytes {
    frames.iter().flat_map(|frame| frame.data.to_vec()).collect()
}

#[test]
fn frames_are_the_go_nodes() {
    let Some(vectors) = Vectors::for_test("codecs::frames") else { return };
    let cases: Vec<Value> = vectors.json("protocol/frames.json");
    for case in &cases {
        let data = bytes(&case["tx"]);
        match case["err"].as_str() {
            Some(error) => check_frame_error(parse_frames(&data).unwrap_err(), error),
            None => check_frames(&data, &case["frames"]),
        }
    }
    assert!(cases.iter().any(|case| case["err"].is_null()), "no whole frame");
    vectors.finish();
}

#[track_caller]
fn check_frames(data: &Bytes, expected: &Value) {
    let frame = |value: &Value| Frame {
        channel: ChannelId(array(&value["id"])),
        number: number(&value["num"]).try_into().expect("16 bits"),
        data: bytes(&value["data"]),
        is_last: value["last"].as_bool().expect("a flag"),
    };
    let expected: Vec<_> = list(expected).iter().map(frame).collect();
    assert_eq!(parse_frames(data).as_ref(), Ok(&expected));
    assert_eq!(encode_frames(&expected), data[..]);
}

/// The same fact in the Go node's words.
#[track_caller]
fn check_frame_error(found: FrameError, expected: &str) {
    let words = match found {
        FrameError::Empty => "data array must not be empty".to_owned(),
        FrameError::WrongVersion { version } => {
            format!("invalid derivation format byte: got {version}")
        }
        FrameError::NoFrames => "was not able to find any frames".to_owned(),
        FrameError::CutOff { index } => format!("parsing frame {index}: reading "),
        FrameError::TooLong { index, length } => {
            format!("parsing frame {index}: frame_data_length is too large: {length}")
        }
        FrameError::WrongEnd { index, .. } => {
            format!("parsing frame {index}: invalid byte as is_last")
        }
    };
    assert!(expected.starts_with(&words), "{expected} / {found}");
}

#[test]
fn channels_are_the_go_nodes() {
    let Some(vectors) = Vectors::for_test("codecs::channels") else { return };
    for case in vectors.json::<Vec<Value>>("protocol/channels.json") {
        let pieces = all_bytes(&case["frames"]);
        let transaction: Bytes = [&[0][..], &pieces.concat()].concat().into();
        let frames = parse_frames(&transaction).unwrap();
        assert_eq!(frames.len(), pieces.len());
        let id = ChannelId(array(&case["channelId"]));
        let data = join(&frames);
        let size = pieces[0].len();
        assert_eq!(Frame::split(id, &data, size), Some(frames), "split as the Go batcher does");
        let is_fjord = case["fjord"].as_bool().unwrap();
        let limits = if is_fjord { ChannelLimits::FJORD } else { ChannelLimits::BEDROCK };
        check_channel(&data, limits, &all_bytes(&case["batchData"]));
    }
    vectors.finish();
}

/// The channel has these batches, and so has one that is made from them in each way.
#[track_caller]
fn check_channel(data: &Bytes, limits: ChannelLimits, expected: &[Bytes]) {
    let batches = read_channel(data, limits);
    let encoded: Vec<_> = batches.iter().map(|batch| Bytes::from(batch.encode())).collect();
    assert_eq!(encoded, expected);
    for compression in [Compression::Zlib, Compression::Brotli { level: 10 }] {
        let again = compress_channel(&batches, compression).into();
        assert_eq!(read_channel(&again, ChannelLimits::FJORD), batches);
    }
}

#[test]
fn batches_are_the_go_nodes() {
    let Some(vectors) = Vectors::for_test("codecs::batches") else { return };
    let file: Value = vectors.json(BATCHES);
    assert!(!list(&file["singular"]).is_empty() && !list(&file["span"]).is_empty());
    for case in list(&file["singular"]) {
        let data = bytes(&case["batchData"]);
        let batch = Batch::Singular(singular(&case["batch"]));
        assert_eq!(Batch::decode(&data).as_ref(), Ok(&batch));
        assert_eq!(batch.encode(), data);
        let mut item = Vec::new();
        data[..].encode(&mut item);
        assert_eq!(item, bytes(&case["rlp"]));
    }
    for case in list(&file["span"]) {
        check_span(case);
    }
    vectors.finish();
}

fn singular(value: &Value) -> SingularBatch {
    SingularBatch {
        parent_hash: B256::new(array(&value["parentHash"])),
        epoch: BlockId {
            number: number(&value["epochNum"]),
            hash: B256::new(array(&value["epochHash"])),
        },
        timestamp: number(&value["timestamp"]),
        transactions: all_bytes(&value["txs"]),
    }
}

/// The blocks of a span; singular batches have the same fields and more.
fn blocks(value: &Value) -> Vec<SpanBlock> {
    let block = |value: &Value| SpanBlock {
        timestamp: number(&value["timestamp"]),
        epoch_number: number(&value["epochNum"]),
        transactions: all_bytes(&value["txs"]),
    };
    list(value).iter().map(block).collect()
}

fn params(case: &Value) -> SpanParams {
    SpanParams {
        block_time: number(&case["blockTime"]),
        genesis_time: number(&case["genesisTimestamp"]),
        chain_id: number(&case["chainId"]),
    }
}

#[track_caller]
fn raw_span(data: &Bytes) -> RawSpanBatch {
    match Batch::decode(data) {
        Ok(Batch::Span(raw)) => *raw,
        other => panic!("no span: {other:?}"),
    }
}

#[track_caller]
fn check_span(case: &Value) {
    let data = bytes(&case["batchData"]);
    let raw = raw_span(&data);
    assert_eq!(Batch::Span(raw.clone().into()).encode(), data);
    let span = raw.derive(params(case)).expect("whole transactions");
    let expected = SpanBatch {
        parent_check: array(&case["parentCheck"]),
        l1_origin_check: array(&case["l1OriginCheck"]),
        starts_epoch: span.starts_epoch,
        blocks: blocks(&case["decoded"]),
    };
    assert_eq!(span, expected);
    let input = SpanBatch { blocks: blocks(&case["input"]), ..expected };
    assert_eq!(input.to_raw(params(case)), Ok(raw));
}

/// op-stack.md 1h: a list of bits that is cut off is an error. kona once filled it with zeros, which
/// made another batch of it.
#[test]
fn no_span_is_read_from_a_part_of_its_bytes() {
    let Some(vectors) = Vectors::for_test("codecs::damaged_spans") else { return };
    let file: Value = vectors.json(BATCHES);
    for case in list(&file["span"]) {
        let data = bytes(&case["batchData"]);
        for length in 1..data.len() {
            let found = Batch::decode(&data.slice(..length));
            let is_refused = matches!(
                found,
                Err(BatchError::Span(SpanError::CutOff { .. } | SpanError::Rlp(_)))
            );
            assert!(is_refused, "{length} of {} bytes: {found:?}", data.len());
        }
        let longer = [&data[..], &[0xff]].concat().into();
        assert_eq!(raw_span(&longer), raw_span(&data), "what follows is not looked at");
    }
    vectors.finish();
}

#[test]
fn konas_span_is_read_and_written() {
    let Some(vectors) = Vectors::for_test("codecs::kona_span") else { return };
    let content = vectors.bytes(KONA_SPAN);
    let data = [vec![1], content].concat().into();
    let raw = raw_span(&data);
    assert_eq!(Batch::Span(raw.clone().into()).encode(), data);
    assert!(raw.block_count() > 1);
    vectors.finish();
}

#[test]
fn konas_channel_is_read() {
    let Some(vectors) = Vectors::for_test("codecs::kona_batches") else { return };
    let data: Bytes = hex::decode(vectors.text(KONA_BATCHES).trim()).unwrap().into();
    let batches = read_channel(&data, ChannelLimits::FJORD);
    assert!(matches!(batches[..], [Batch::Span(_)]), "{} batches", batches.len());
    let Batch::Span(raw) = &batches[0] else { return };
    let params = SpanParams { block_time: 2, genesis_time: 1_686_789_347, chain_id: 8453 };
    let span = raw.derive(params).unwrap();
    assert_eq!(span.to_raw(params).as_ref(), Ok(&**raw));
    vectors.finish();
}

#[test]
fn konas_transaction_carries_frames() {
    let Some(vectors) = Vectors::for_test("codecs::kona_frames") else { return };
    let transaction = TxEnvelope::decode_2718(&mut &vectors.bytes(KONA_FRAMES)[..]).unwrap();
    let frames = parse_frames(transaction.input()).unwrap();
    assert_eq!(encode_frames(&frames), transaction.input()[..]);
    assert!(matches!(frames[..], [Frame { number: 0, is_last: true, .. }]));
    let mut reader = BatchReader::open(&join(&frames), ChannelLimits::BEDROCK).unwrap();
    assert!(matches!(reader.next(), Some(Ok(Batch::Span(_)))));
    // Its compressed data has no last block: the batch stays, and nothing follows it.
    assert_eq!(reader.next(), Some(Err(ChannelError::Damaged.into())));
    assert_eq!(reader.next(), None);
    vectors.finish();
}

#[test]
fn brotli_is_the_specs() {
    let Some(vectors) = Vectors::for_test("codecs::brotli") else { return };
    let file: Value = vectors.json("derived/spec-values.json");
    for case in list(&file["brotli"]) {
        let (compressed, content) = (bytes(&case["compressed"]), bytes(&case["decompressed"]));
        let data = [&[1][..], &compressed].concat().into();
        let mut reader = BatchReader::open(&data, ChannelLimits::FJORD).unwrap();
        let first = reader.next();
        // The short one is no batch: its first item is the byte 0x75.
        match content[0] {
            0x75 => {
                let unknown = BatchError::UnknownType { batch_type: 0x75 };
                assert_eq!(first, Some(Err(unknown)));
            }
            _ => {
                let mut item = Vec::new();
                first.unwrap().unwrap().encode().as_slice().encode(&mut item);
                assert_eq!(item, content);
            }
        }
    }
    vectors.finish();
}
