//! opal's decoders, answering in the form that all peers share (`tests/peers/derive/serve.go`).
//!
//! **Invariant:** nothing is decided here: drops are what opal's errors say.

use crate::{
    client::Answer,
    generate::{Case, Operation},
};
use alloy_primitives::Bytes;
use opal_types::{
    Batch, BatchReader, ChannelLimits, SingularBatch, SpanBatch, SpanParams, parse_frames,
};

pub(crate) fn answer(case: &Case) -> Answer {
    let data = Bytes::from(case.data.clone());
    let params = SpanParams {
        block_time: case.rules.block_time,
        genesis_time: case.rules.genesis_time,
        chain_id: case.rules.chain_id,
    };
    match case.operation {
        Operation::Frames => frames(&data),
        Operation::Channel { limit, is_fjord } => {
            channel(&data, ChannelLimits { max_rlp_bytes: limit, allows_brotli: is_fjord }, params)
        }
        Operation::Batch => batch(&data, params),
    }
}

fn frames(data: &Bytes) -> Answer {
    let parsed = match parse_frames(data) {
        Ok(parsed) => parsed,
        Err(error) => return Answer { result: vec![0], text: error.to_string() },
    };
    let mut result = vec![1];
    result.extend((parsed.len() as u32).to_be_bytes());
    for frame in parsed {
        result.extend(frame.channel.0);
        result.extend(frame.number.to_be_bytes());
        result.push(frame.is_last.into());
        put_bytes(&mut result, &frame.data);
    }
    Answer { result, text: String::new() }
}

fn channel(data: &Bytes, limits: ChannelLimits, params: SpanParams) -> Answer {
    let mut answer = Answer::default();
    let mut reader = match BatchReader::open(data, limits) {
        Ok(reader) => reader,
        Err(error) => return Answer { text: format!("reader: {error}"), ..answer },
    };
    while let Some(batch) = reader.next() {
        match batch {
            Ok(batch) => put_batch(&mut answer, &batch, params),
            Err(error) => answer.text += &format!("batch: {error}"),
        }
    }
    answer
}

fn batch(data: &Bytes, params: SpanParams) -> Answer {
    let mut answer = Answer::default();
    match Batch::decode(data) {
        Ok(batch) => put_batch(&mut answer, &batch, params),
        Err(error) => answer.text = format!("batch: {error}"),
    }
    answer
}

fn put_batch(to: &mut Answer, batch: &Batch, params: SpanParams) {
    match batch {
        Batch::Singular(batch) => put_singular(&mut to.result, batch),
        Batch::Span(batch) => match batch.derive(params) {
            Ok(span) => put_span(&mut to.result, &span),
            Err(error) => {
                to.result.push(2);
                to.text += &format!("span: {error}; ");
            }
        },
    }
}

fn put_singular(to: &mut Vec<u8>, batch: &SingularBatch) {
    to.push(0);
    to.extend(batch.parent_hash);
    to.extend(batch.epoch.number.to_be_bytes());
    to.extend(batch.epoch.hash);
    to.extend(batch.timestamp.to_be_bytes());
    put_transactions(to, &batch.transactions);
}

fn put_span(to: &mut Vec<u8>, batch: &SpanBatch) {
    to.push(1);
    to.extend(batch.parent_check);
    to.extend(batch.l1_origin_check);
    to.extend((batch.blocks.len() as u32).to_be_bytes());
    for block in &batch.blocks {
        to.extend(block.timestamp.to_be_bytes());
        to.extend(block.epoch_number.to_be_bytes());
        put_transactions(to, &block.transactions);
    }
}

fn put_transactions(to: &mut Vec<u8>, transactions: &[Bytes]) {
    to.extend((transactions.len() as u32).to_be_bytes());
    transactions.iter().for_each(|transaction| put_bytes(to, transaction));
}

fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend((bytes.len() as u32).to_be_bytes());
    to.extend(bytes);
}
