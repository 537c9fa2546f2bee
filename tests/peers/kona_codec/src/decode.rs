//! What kona makes of the bytes of a request, in the form all peers share.

use alloy_primitives::Bytes;
use alloy_rlp::Decodable;
use kona_genesis::RollupConfig;
use kona_protocol::{Batch, BatchReader, Frame, SingleBatch, SpanBatch};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A result as all peers give it, and why something was dropped.
#[derive(Debug, Default)]
pub struct Answer {
    pub result: Vec<u8>,
    pub text: String,
}

impl Answer {
    fn dropped(text: impl Into<String>) -> Self {
        Self { result: Vec::new(), text: text.into() }
    }
}

/// What a span batch needs from the chain's config.
#[derive(Debug)]
pub struct Rules(RollupConfig);

impl Rules {
    pub fn read(body: &[u8]) -> Option<(Self, &[u8])> {
        let (block_time, rest) = body.split_first_chunk()?;
        let (genesis_time, rest) = rest.split_first_chunk()?;
        let (chain_id, rest) = rest.split_first_chunk()?;
        let mut config = RollupConfig {
            block_time: u64::from_be_bytes(*block_time),
            l2_chain_id: u64::from_be_bytes(*chain_id).into(),
            ..RollupConfig::default()
        };
        config.genesis.l2_time = u64::from_be_bytes(*genesis_time);
        Some((Self(config), rest))
    }
}

pub fn frames(data: &[u8]) -> Answer {
    let parsed = match Frame::parse_frames(data) {
        Ok(parsed) => parsed,
        Err(error) => return Answer { result: vec![0], text: error.to_string() },
    };
    let mut result = vec![1];
    result.extend((parsed.len() as u32).to_be_bytes());
    for frame in parsed {
        result.extend(frame.id);
        result.extend(frame.number.to_be_bytes());
        result.push(u8::from(frame.is_last));
        put_bytes(&mut result, &frame.data);
    }
    Answer { result, text: String::new() }
}

pub fn channel(rules: &Rules, limit: u64, fjord: bool, data: &[u8]) -> Answer {
    let mut config = rules.0.clone();
    config.hardforks.fjord_time = fjord.then_some(0);
    let mut reader = BatchReader::new(data, limit as usize);
    if let Err(error) = reader.decompress() {
        return Answer::dropped(format!("reader: {error}"));
    }
    let mut answer = Answer::default();
    // The reader does not say why it ends; its bytes do.
    let decompressed = reader.decompressed.clone();
    let mut rest = decompressed.as_slice();
    loop {
        match catch_unwind(AssertUnwindSafe(|| reader.next_batch(&config))) {
            Ok(Some(batch)) => {
                put_batch(&mut answer.result, &batch);
                // The reader has just read the same bytes.
                let _ = Bytes::decode(&mut rest);
            }
            Ok(None) if rest.is_empty() => return answer,
            Ok(None) => {
                answer.text = match Bytes::decode(&mut rest) {
                    Ok(content) => batch(rules, &content).text,
                    Err(error) => format!("batch: {error}"),
                };
                return answer;
            }
            Err(panic) => {
                answer.text = panicked(panic);
                return answer;
            }
        }
    }
}

pub fn batch(rules: &Rules, data: &[u8]) -> Answer {
    match catch_unwind(|| Batch::decode(&mut &*data, &rules.0)) {
        Ok(Ok(batch)) => {
            let mut answer = Answer::default();
            put_batch(&mut answer.result, &batch);
            answer
        }
        Ok(Err(error)) => Answer::dropped(format!("batch: {error:?}")),
        Err(panic) => Answer::dropped(panicked(panic)),
    }
}

fn panicked(panic: Box<dyn std::any::Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("without text"))
}

fn put_batch(to: &mut Vec<u8>, batch: &Batch) {
    match batch {
        Batch::Single(batch) => put_singular(to, batch),
        Batch::Span(batch) => put_span(to, batch),
    }
}

fn put_singular(to: &mut Vec<u8>, batch: &SingleBatch) {
    to.push(0);
    to.extend(batch.parent_hash);
    to.extend(batch.epoch_num.to_be_bytes());
    to.extend(batch.epoch_hash);
    to.extend(batch.timestamp.to_be_bytes());
    put_transactions(to, &batch.transactions);
}

fn put_span(to: &mut Vec<u8>, batch: &SpanBatch) {
    to.push(1);
    to.extend(batch.parent_check);
    to.extend(batch.l1_origin_check);
    to.extend((batch.batches.len() as u32).to_be_bytes());
    for block in &batch.batches {
        to.extend(block.timestamp.to_be_bytes());
        to.extend(block.epoch_num.to_be_bytes());
        put_transactions(to, &block.transactions);
    }
}

fn put_transactions(to: &mut Vec<u8>, transactions: &[Bytes]) {
    to.extend((transactions.len() as u32).to_be_bytes());
    for transaction in transactions {
        put_bytes(to, transaction);
    }
}

fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend((bytes.len() as u32).to_be_bytes());
    to.extend(bytes);
}
