//! Properties of frames, channels and batches: what is encoded is decoded again, no bytes make a
//! reader fail otherwise than with an error, and damage costs what it costs the Go node.
//!
//! **Invariant:** the seed is fixed, so that a run can be repeated.

use alloy_primitives::{B256, Bytes, U256, hex};
use alloy_rlp::{Encodable, Header};
use opal_types::{
    Batch, BatchError, BatchReader, BlockId, ChannelError, ChannelId, ChannelLimits, Compression,
    Frame, SingularBatch, SpanBatch, SpanBlock, SpanEncodeError, SpanError, SpanParams,
    SpanTransactionError, TransactionError, compress_channel, encode_frames, parse_frames,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    test_runner::{Config, RngAlgorithm, RngSeed},
};

const PARAMS: SpanParams = SpanParams { block_time: 2, genesis_time: 1000, chain_id: 901 };
const COMPRESSIONS: [Compression; 2] = [Compression::Zlib, Compression::Brotli { level: 5 }];

fn config() -> Config {
    Config {
        cases: 128,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(5),
        ..Config::default()
    }
}

fn word() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::from)
}

/// Numbers of all lengths.
fn number() -> impl Strategy<Value = U256> {
    (any::<[u8; 32]>(), 0usize..256).prop_map(|(it, shift)| U256::from_be_bytes(it) >> shift)
}

fn some_bytes(most: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..most).prop_map(Bytes::from)
}

fn frame() -> impl Strategy<Value = Frame> {
    let fields = (any::<[u8; 16]>(), any::<u16>(), some_bytes(300), any::<bool>());
    fields.prop_map(|(id, number, data, is_last)| Frame {
        channel: ChannelId(id),
        number,
        data,
        is_last,
    })
}

fn singular() -> impl Strategy<Value = SingularBatch> {
    let fields = (word(), any::<u64>(), word(), any::<u64>(), vec(some_bytes(3000), 0..4));
    fields.prop_map(|(parent_hash, number, hash, timestamp, transactions)| SingularBatch {
        parent_hash,
        epoch: BlockId { number, hash },
        timestamp,
        transactions,
    })
}

/// An RLP list of these fields, after a type byte if there is one.
fn rlp_list(transaction_type: Option<u8>, fields: &[&dyn Encodable]) -> Bytes {
    let payload_length = fields.iter().map(|field| field.length()).sum();
    let mut out: Vec<u8> = transaction_type.into_iter().collect();
    Header { list: true, payload_length }.encode(&mut out);
    fields.iter().for_each(|field| field.encode(&mut out));
    out.into()
}

/// Bytes that are encoded already.
struct Raw<'a>(&'a [u8]);

impl Encodable for Raw<'_> {
    fn length(&self) -> usize {
        self.0.len()
    }

    fn encode(&self, out: &mut dyn alloy_rlp::BufMut) {
        out.put_slice(self.0);
    }
}

/// What transactions are made of.
#[derive(Clone, Debug)]
struct Parts {
    kind: u8,
    numbers: (u64, u64),
    words: [U256; 5],
    recipient: Option<[u8; 20]>,
    data: Bytes,
    keys: Vec<B256>,
    y_parity: bool,
    is_protected: bool,
}

fn transaction() -> impl Strategy<Value = Bytes> {
    let parts = (
        0u8..4,
        any::<(u64, u64)>(),
        [number(), number(), number(), number(), number()],
        option::of(any::<[u8; 20]>()),
        some_bytes(200),
        vec(word(), 0..3),
        any::<(bool, bool)>(),
    );
    parts.prop_map(|(kind, numbers, words, recipient, data, keys, flags)| {
        let (y_parity, is_protected) = flags;
        Parts { kind, numbers, words, recipient, data, keys, y_parity, is_protected }.encode()
    })
}

impl Parts {
    fn encode(&self) -> Bytes {
        let [fee, cap, value, r, s] = &self.words;
        let ((nonce, gas), chain) = (&self.numbers, PARAMS.chain_id);
        let (parity, data) = (u64::from(self.y_parity), &self.data[..]);
        let to = self.recipient.as_ref().map_or(&[][..], |it| it);
        let some_to = &self.recipient.unwrap_or_default()[..];
        let base = if self.is_protected { chain * 2 + 35 } else { 27 };
        let legacy_v = parity + base;
        let entry = rlp_list(None, &[&some_to, &self.keys]);
        let access = &rlp_list(None, &[&Raw(&entry)]);
        let access = &Raw(access);
        let authorization = rlp_list(None, &[fee, &some_to, nonce, &parity, r, s]);
        let authorizations = &rlp_list(None, &[&Raw(&authorization)]);
        let authorizations = &Raw(authorizations);
        match self.kind {
            0 => rlp_list(None, &[nonce, fee, gas, &to, value, &data, &legacy_v, r, s]),
            1 => rlp_list(
                Some(1),
                &[&chain, nonce, fee, gas, &to, value, &data, access, &parity, r, s],
            ),
            2 => rlp_list(
                Some(2),
                &[&chain, nonce, fee, cap, gas, &to, value, &data, access, &parity, r, s],
            ),
            _ => rlp_list(
                Some(4),
                &[
                    &chain,
                    nonce,
                    fee,
                    cap,
                    gas,
                    &some_to,
                    value,
                    &data,
                    access,
                    authorizations,
                    &parity,
                    r,
                    s,
                ],
            ),
        }
    }
}

fn span() -> impl Strategy<Value = SpanBatch> {
    let block = (any::<bool>(), vec(transaction(), 0..4));
    let fields = (any::<[u8; 20]>(), any::<[u8; 20]>(), any::<u32>(), vec(block, 1..20));
    fields.prop_map(|(parent_check, l1_origin_check, start, blocks)| {
        let (mut timestamp, mut epoch_number) = (1000 + u64::from(start), u64::from(start));
        let starts_epoch = blocks[0].0;
        let block = |(changes, transactions)| {
            timestamp += PARAMS.block_time;
            epoch_number += u64::from(changes);
            SpanBlock { timestamp, epoch_number, transactions }
        };
        let blocks = blocks.into_iter().map(block).collect();
        SpanBatch { parent_check, l1_origin_check, starts_epoch, blocks }
    })
}

/// The batches up to the end or the first error.
fn read(data: &Bytes, limits: ChannelLimits) -> (Vec<Batch>, Option<BatchError>) {
    let mut reader = match BatchReader::open(data, limits) {
        Ok(reader) => reader,
        Err(error) => return (vec![], Some(error.into())),
    };
    let mut batches = vec![];
    while let Some(batch) = reader.next() {
        match batch {
            Ok(batch) => batches.push(batch),
            Err(error) => {
                assert_eq!(reader.next(), None, "the rest is dropped");
                return (batches, Some(error));
            }
        }
    }
    (batches, None)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn frames_are_read_again(frames in vec(frame(), 1..8)) {
        let data = encode_frames(&frames).into();
        prop_assert_eq!(parse_frames(&data), Ok(frames));
    }

    #[test]
    fn channels_are_joined_again(data in some_bytes(3000), size in 24usize..400) {
        let frames = Frame::split(ChannelId::default(), &data, size).unwrap();
        prop_assert!(frames.iter().all(|it| it.data.len() + 23 <= size));
        prop_assert!(frames.iter().zip(0..).all(|(it, number)| it.number == number));
        prop_assert_eq!(frames.iter().filter(|it| it.is_last).count(), 1);
        prop_assert!(frames.last().unwrap().is_last);
        let joined: Vec<u8> = frames.iter().flat_map(|it| it.data.to_vec()).collect();
        prop_assert_eq!(joined, data);
    }

    #[test]
    fn singular_batches_are_read_again(batches in vec(singular(), 0..6)) {
        let batches: Vec<_> = batches.into_iter().map(Batch::Singular).collect();
        for compression in COMPRESSIONS {
            let data = compress_channel(&batches, compression).into();
            prop_assert_eq!(read(&data, ChannelLimits::FJORD), (batches.clone(), None));
        }
    }

    /// The exact bytes of all kinds of transactions come back, wherever legacy ones lie between
    /// others (op-stack.md 1h: protected bits count legacy transactions only).
    #[test]
    fn span_batches_are_read_again(span in span()) {
        let raw = span.to_raw(PARAMS).unwrap();
        let batch = Batch::Span(raw.into());
        let data = batch.encode().into();
        prop_assert_eq!(Batch::decode(&data), Ok(batch.clone()));
        let Batch::Span(raw) = batch else { unreachable!() };
        prop_assert_eq!(raw.derive(PARAMS), Ok(span));
    }

    /// T44 for bytes without any meaning.
    #[test]
    fn no_bytes_break_a_reader(start in 0usize..8, rest in vec(any::<u8>(), 0..400)) {
        let starts: [&[u8]; 8] =
            [&[0], &[1], &[0x78, 0x9c], &[0x78, 0x9c, 4], &[1, 0x8b], &[1, 0x1b], &[8], &[]];
        let data: Bytes = [starts[start], &rest].concat().into();
        let _ = parse_frames(&data);
        let _ = Batch::decode(&data);
        let _ = read(&data, ChannelLimits::FJORD);
    }

    /// T44: whatever happens to a channel, what was read before the damage stays as it was.
    #[test]
    fn damage_keeps_what_came_before(
        batches in vec(singular(), 1..6),
        place in any::<prop::sample::Index>(),
        bit in 0u8..8,
        is_cut in any::<bool>(),
    ) {
        let batches: Vec<_> = batches.into_iter().map(Batch::Singular).collect();
        for compression in COMPRESSIONS {
            let mut data = compress_channel(&batches, compression);
            let place = place.index(data.len());
            if is_cut { data.truncate(place) } else { data[place] ^= 1 << bit }
            let (found, error) = read(&data.into(), ChannelLimits::FJORD);
            prop_assert!(!is_cut || batches.starts_with(&found));
            // A changed bit may change a batch and all that are copied from it, but adds none.
            prop_assert!(error.is_some() || is_cut || found.len() <= batches.len() + 1);
        }
    }

    #[test]
    fn damaged_spans_break_nothing(
        span in span(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut data = Batch::Span(span.to_raw(PARAMS).unwrap().into()).encode();
        let place = place.index(data.len());
        data[place] = byte;
        if let Ok(Batch::Span(raw)) = Batch::decode(&data.into()) {
            let _ = raw.derive(PARAMS);
        }
    }
}

/// A batch with one transaction of this many zeros.
fn zeros(length: usize) -> Batch {
    Batch::Singular(SingularBatch {
        transactions: vec![vec![0; length].into()],
        ..SingularBatch::default()
    })
}

/// A batch with one transaction that does not compress.
fn noise(length: usize) -> Batch {
    let hashes = (0u64..).flat_map(|it| alloy_primitives::keccak256(it.to_be_bytes()).0);
    Batch::Singular(SingularBatch {
        transactions: vec![hashes.take(length).collect()],
        ..SingularBatch::default()
    })
}

/// T44 `garbage_brotli_and_zip_bomb_channels_are_bounded`: the data is cut off at the limit, and
/// the batches before the cut stay. A batch that crosses it is refused before it is decompressed.
#[test]
fn bombs_are_cut_off_at_the_limit() {
    for compression in COMPRESSIONS {
        let bomb = vec![zeros(1 << 20); 12];
        let data: Bytes = compress_channel(&bomb, compression).into();
        assert!(data.len() < 100_000, "{} bytes", data.len());
        let limits = ChannelLimits { allows_brotli: true, ..ChannelLimits::BEDROCK };
        let (batches, error) = read(&data, limits);
        assert_eq!(batches, bomb[..9], "9 of 1 MiB fit into 10 MB");
        let is_crossing =
            |it| matches!(it, Some(BatchError::Channel(ChannelError::CrossesLimit { .. })));
        assert!(is_crossing(error), "{error:?}");
        let one = compress_channel(&[zeros(20_000_000)], compression).into();
        assert!(is_crossing(read(&one, limits).1));
        assert_eq!(read(&one, ChannelLimits::FJORD).0.len(), 1, "the limit is higher from Fjord");
    }
}

/// At the limit itself the channel ends like one that has no more.
#[test]
fn the_limit_may_be_reached() {
    let batch = zeros(1000);
    let length = batch.encode().len() as u64 + 3;
    let data = compress_channel(&[batch.clone(), batch.clone()], Compression::Zlib).into();
    let limits = |max_rlp_bytes| ChannelLimits { max_rlp_bytes, allows_brotli: false };
    assert_eq!(read(&data, limits(length)), (vec![batch.clone()], None));
    assert_eq!(read(&data, limits(2 * length)), (vec![batch.clone(), batch], None));
    let crossed = ChannelError::CrossesLimit { length: length - 3, remaining: length - 4 };
    assert_eq!(read(&data, limits(length - 1)), (vec![], Some(crossed.into())));
}

/// T44: a claimed length reserves nothing.
#[test]
fn a_claimed_length_without_bytes_is_damage() {
    let stored = |content: &[u8]| -> Bytes {
        let length = u16::try_from(content.len()).unwrap();
        let (length, inverse) = (length.to_le_bytes(), (!length).to_le_bytes());
        [&[0x78, 0x9c, 1][..], &length, &inverse, content].concat().into()
    };
    let damaged = Some(ChannelError::Damaged.into());
    assert_eq!(
        read(&stored(&hex!("bb00ffffff")), ChannelLimits::FJORD).1,
        Some(ChannelError::NotCanonical.into())
    );
    assert_eq!(read(&stored(&hex!("ba5ffffff0")), ChannelLimits::FJORD).1, damaged);
    let list = Some(ChannelError::List.into());
    assert_eq!(read(&stored(&hex!("c0")), ChannelLimits::FJORD).1, list);
    assert_eq!(read(&stored(&hex!("80")), ChannelLimits::FJORD).1, Some(BatchError::Empty));
}

/// As in the Go node: its reader learns of a wrong checksum together with the last bytes. If an
/// item of which at least 4096 bytes are missing waits for them, it is lost; a smaller rest went
/// through a buffer and came before the news.
#[test]
fn a_wrong_checksum_costs_a_batch_that_ends_with_a_large_read() {
    // The window of 32 KiB is handed out when it is full and at the end.
    for (length, is_kept) in [(100, true), (30_000, false), (34_000, true), (60_000, false)] {
        let batches = [zeros(10), noise(length)];
        let mut data = compress_channel(&batches, Compression::Zlib);
        let (found, error) = read(&data.clone().into(), ChannelLimits::FJORD);
        assert_eq!((found.len(), error), (2, None), "{length} bytes");
        *data.last_mut().unwrap() ^= 1;
        let (found, error) = read(&data.into(), ChannelLimits::FJORD);
        assert_eq!(found.len(), if is_kept { 2 } else { 1 }, "{length} bytes");
        assert_eq!(error, Some(ChannelError::Damaged.into()));
    }
}

/// Brotli learns of excess input in the same way.
#[test]
fn bytes_after_brotli_data_cost_a_batch_that_ends_with_a_large_read() {
    for (length, is_kept) in [(100, true), (3000, true), (10_000, false)] {
        let batches = [zeros(10), noise(length)];
        let mut data = compress_channel(&batches, Compression::Brotli { level: 9 });
        data.push(0);
        let (found, error) = read(&data.into(), ChannelLimits::FJORD);
        assert_eq!(found, batches[..if is_kept { 2 } else { 1 }], "{length} bytes");
        assert_eq!(error, Some(ChannelError::Damaged.into()));
    }
}

#[test]
fn brotli_is_unknown_before_fjord() {
    let data = compress_channel(&[zeros(10)], Compression::Brotli { level: 9 }).into();
    let unknown = ChannelError::UnknownCompression { byte: 1 };
    assert_eq!(read(&data, ChannelLimits::BEDROCK), (vec![], Some(unknown.into())));
    assert_eq!(read(&Bytes::new(), ChannelLimits::FJORD).1, Some(ChannelError::Empty.into()));
}

/// The front of a span: timestamp 1, L1 origin 2, no checks; then this.
fn span_bytes(rest: &[u8]) -> Bytes {
    [&[1, 1, 2][..], &[0; 40], rest].concat().into()
}

#[track_caller]
fn check_span_error(rest: &[u8], expected: SpanError) {
    assert_eq!(Batch::decode(&span_bytes(rest)), Err(expected.into()));
}

#[test]
fn spans_refuse_what_the_format_does_not_know() {
    check_span_error(&[0], SpanError::NoBlocks);
    // 10,000,001 blocks.
    check_span_error(&hex!("81ade204"), SpanError::TooLarge { field: "block count" });
    check_span_error(&hex!("80ade204"), SpanError::CutOff { field: "origin bits" });
    let excess = SpanError::ExcessBits { field: "origin bits", length: 3 };
    check_span_error(&hex!("0308000000"), excess);
    check_span_error(&hex!("010081ade204"), SpanError::TooLarge { field: "transaction count" });
    let sum = SpanError::TooLarge { field: "sum of transaction counts" };
    check_span_error(&hex!("020080ade20401"), sum);
    let too_large = SpanError::TooLarge { field: "block count" };
    check_span_error(&hex!("ffffffffffffffffff02"), too_large);
    check_span_error(&hex!("80808080808080808080"), too_large);
    check_span_error(&hex!("8080"), SpanError::CutOff { field: "block count" });
}

/// One block with one transaction whose part is this, to a recipient of zeros.
fn span_of(part: &[u8], creates_contract: bool, protected: &[u8]) -> Bytes {
    let to = if creates_contract { 0 } else { 20 };
    let columns: [&[u8]; 6] = [
        &[1, 0, 1, u8::from(creates_contract), 0],
        &[7; 64],
        &vec![0; to],
        part,
        &[0, 0],
        protected,
    ];
    span_bytes(&columns.concat())
}

/// Parts are looked at when the span is derived: such an error drops the span, but not the channel.
#[test]
fn parts_that_make_no_transaction_are_found_when_derived() {
    let unknown = |transaction_type| TransactionError::UnknownType { transaction_type };
    let cases: [(&[u8], bool, &[u8], TransactionError); 4] = [
        (&hex!("03c0"), false, &[], unknown(3)),
        (&hex!("00c3808080"), false, &[0], unknown(0)),
        (&hex!("04c6808080 80c0c0"), true, &[], TransactionError::NoRecipient),
        (
            &hex!("c28080"),
            false,
            &[0],
            TransactionError::Malformed(alloy_rlp::Error::InputTooShort),
        ),
    ];
    for (part, creates_contract, protected, error) in cases {
        let Ok(Batch::Span(raw)) = Batch::decode(&span_of(part, creates_contract, protected))
        else {
            panic!("{} is no span", hex::encode(part));
        };
        assert_eq!(raw.derive(PARAMS), Err(SpanTransactionError { index: 0, error }));
    }
    let text = span_of(&hex!("0180"), false, &[]);
    assert_eq!(Batch::decode(&text), Err(SpanError::NotList.into()));
}

/// A post-execution transaction is its part; whether it may be there is for the batch rules.
#[test]
fn post_execution_transactions_pass_as_they_are() {
    let transaction = Bytes::from_static(&hex!("7dc3010203"));
    let block = SpanBlock { timestamp: 1000, epoch_number: 7, transactions: vec![transaction] };
    let span = SpanBatch {
        parent_check: [1; 20],
        l1_origin_check: [2; 20],
        starts_epoch: true,
        blocks: vec![block],
    };
    assert_eq!(span.to_raw(PARAMS).unwrap().derive(PARAMS), Ok(span));
}

#[test]
fn blocks_that_a_span_cannot_say_are_refused() {
    let block =
        |timestamp, epoch_number| SpanBlock { timestamp, epoch_number, transactions: vec![] };
    let check = |blocks: &[SpanBlock], expected| {
        let span = SpanBatch {
            parent_check: [0; 20],
            l1_origin_check: [0; 20],
            starts_epoch: false,
            blocks: blocks.to_vec(),
        };
        assert_eq!(span.to_raw(PARAMS).map(drop), Err(expected));
    };
    check(&[], SpanEncodeError::NoBlocks);
    let wrong_time = |index, timestamp| SpanEncodeError::WrongTimestamp { index, timestamp };
    check(&[block(999, 1)], wrong_time(0, 999));
    check(&[block(1000, 1), block(1003, 1)], wrong_time(1, 1003));
    let wrong_epoch = |epoch_number| SpanEncodeError::WrongEpoch { index: 1, epoch_number };
    check(&[block(1000, 1), block(1002, 3)], wrong_epoch(3));
    check(&[block(1000, 1), block(1002, 0)], wrong_epoch(0));
}
