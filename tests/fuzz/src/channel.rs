//! Channels and their batches (D5, D6, D7).

use super::input::Input;
use alloy_primitives::Bytes;
use opal_types::{Batch, BatchReader, ChannelLimits, RawSpanBatch, SpanParams};

/// Most channels of a fuzzer are small: limits that they reach.
const SMALL: u64 = 1_000;

pub(crate) fn run(data: &[u8]) {
    let mut input = Input(data);
    let limits = limits(input.number());
    let Ok(mut reader) = BatchReader::open(&Bytes::copy_from_slice(input.0), limits) else {
        return;
    };
    let mut read = 0;
    while let Some(next) = reader.next() {
        let Ok(batch) = next else { break };
        let encoded = batch.encode();
        read += encoded.len() as u64;
        assert!(read <= limits.max_rlp_bytes, "{read} bytes of batches with {limits:?}");
        check(&batch, encoded);
    }
    assert_eq!(reader.next(), None, "nothing comes after the end");
}

fn limits(byte: u8) -> ChannelLimits {
    match byte {
        0 => ChannelLimits::BEDROCK,
        1 => ChannelLimits::FJORD,
        _ => ChannelLimits { max_rlp_bytes: SMALL * u64::from(byte), allows_brotli: true },
    }
}

pub(crate) fn batch(data: &[u8]) {
    if let Ok(batch) = Batch::decode(&Bytes::copy_from_slice(data)) {
        check(&batch, batch.encode());
    }
}

fn check(batch: &Batch, encoded: Vec<u8>) {
    assert_eq!(Batch::decode(&encoded.into()).as_ref(), Ok(batch), "it survives its encoding");
    if let Batch::Span(raw) = batch {
        check_span(raw);
    }
}

/// What a span means is said in the same way again, if at all: only numbers that wrapped are not.
fn check_span(raw: &RawSpanBatch) {
    let params = SpanParams { block_time: 2, genesis_time: 1_000_000, chain_id: 901 };
    let Ok(span) = raw.derive(params) else { return };
    assert_eq!(span.blocks.len(), raw.block_count());
    let Ok(again) = span.to_raw(params) else { return };
    assert_eq!(again.derive(params), Ok(span), "it means the same");
}
