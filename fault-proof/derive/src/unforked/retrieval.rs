//! Batcher data of an L1 block: call data of its transactions and, from Ecotone, its blobs (D1, D23).
//!
//! Most transactions are told apart by their receiver alone, without decoding them.
//!
//! **Invariant:** all facts of a block are there before its first data leave.

use super::traversal::Traversal;
use crate::{
    Item, Reason,
    context::Context,
    fact::{Pause, Request},
};
use alloc::{collections::VecDeque, vec::Vec};
use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::Decodable2718;
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::{Decodable, Header};
use op_alloy_consensus::TxDeposit;
use opal_types::{BLOB_SIZE, BlobError, Fork};

/// Type byte of deposits; L1 may be an OP Stack chain itself (D1).
const DEPOSIT: u8 = 0x7e;
/// Type byte of transactions with blobs.
const BLOB: u8 = 3;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retrieval {
    /// A block whose facts are not complete yet.
    reading: Option<Reading>,
    data: Option<VecDeque<Bytes>>,
}

/// What an inbox transaction brings.
#[derive(Clone, Debug)]
enum Batches {
    CallData(Bytes),
    Blobs(Vec<B256>),
}

/// How far an L1 block is read: each transaction is looked at once, however many facts are missing.
#[derive(Clone, Debug)]
struct Reading {
    /// Transactions to the inbox that were not looked at, the last one first, with their places.
    left: Vec<(usize, Bytes)>,
    found: Vec<Batches>,
}

impl Retrieval {
    /// The next piece of data of the L1 block.
    pub(crate) fn next(
        &mut self,
        traversal: &mut Traversal,
        cx: &mut Context,
    ) -> Result<Bytes, Pause> {
        if self.data.is_none() {
            if traversal.is_taken {
                return Err(Pause::OutOfData);
            }
            self.data = Some(self.open(cx, traversal.system_config.batcher)?);
            self.reading = None;
            traversal.is_taken = true;
        }
        let next = self.data.as_mut().and_then(VecDeque::pop_front);
        next.ok_or_else(|| {
            self.data = None;
            Pause::OutOfData
        })
    }

    /// All data of the L1 block.
    fn open(&mut self, cx: &mut Context, batcher: Address) -> Result<VecDeque<Bytes>, Pause> {
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => Reading::start(cx)?,
        };
        let data = reading.finish(cx, batcher);
        self.reading = Some(reading);
        data
    }
}

impl Reading {
    fn start(cx: &mut Context) -> Result<Self, Pause> {
        let request = Request::L1Transactions { block: cx.origin.hash };
        let inbox = Some(cx.config.batch_inbox);
        let transactions = cx.facts.l1_transactions(request)?.iter().enumerate();
        let to_inbox = transactions.filter(|(_, raw)| recipient(raw) == inbox);
        let mut left: Vec<_> = to_inbox.map(|(index, raw)| (index, raw.clone())).collect();
        left.reverse();
        Ok(Self { left, found: Vec::new() })
    }

    fn finish(&mut self, cx: &mut Context, batcher: Address) -> Result<VecDeque<Bytes>, Pause> {
        while let Some((index, raw)) = self.left.last() {
            match inbox_transaction(cx, raw, batcher)? {
                Ok(batches) => self.found.push(batches),
                Err(reason) => cx.note(Item::Transaction(*index), reason),
            }
            self.left.pop();
        }
        self.with_blobs(cx)
    }

    /// Puts the blobs in the places of their transactions.
    fn with_blobs(&self, cx: &mut Context) -> Result<VecDeque<Bytes>, Pause> {
        let hashes = self.found.iter().filter_map(|it| match it {
            Batches::Blobs(hashes) => Some(hashes),
            Batches::CallData(_) => None,
        });
        let hashes: Vec<B256> = hashes.flatten().copied().collect();
        let mut blobs = Vec::new();
        if !hashes.is_empty() {
            let (block, timestamp) = (cx.origin.hash, cx.origin.timestamp);
            blobs = cx.facts.blobs(Request::Blobs { block, timestamp, hashes })?.clone();
        }
        let mut blobs = blobs.into_iter().enumerate();
        let mut data = VecDeque::new();
        for batches in &self.found {
            match batches {
                Batches::CallData(bytes) => data.push_back(bytes.clone()),
                Batches::Blobs(hashes) => {
                    for (index, blob) in blobs.by_ref().take(hashes.len()) {
                        match decode(&blob) {
                            Ok(bytes) => data.push_back(bytes.into()),
                            Err(error) => {
                                cx.note(Item::Blob(index), Reason::MalformedBlob { error });
                            }
                        }
                    }
                }
            }
        }
        Ok(data)
    }
}

fn decode(blob: &Bytes) -> Result<Vec<u8>, BlobError> {
    let blob = <&[u8; BLOB_SIZE]>::try_from(blob.as_ref());
    // `supply` takes blobs of no other size.
    blob.map_or(Ok(Vec::new()), opal_types::decode_blob)
}

/// Decides about one transaction to the inbox.
fn inbox_transaction(
    cx: &mut Context,
    raw: &Bytes,
    batcher: Address,
) -> Result<Result<Batches, Reason>, Pause> {
    if raw.first() == Some(&DEPOSIT) {
        let mut fields = raw.get(1..).unwrap_or_default();
        let Ok(deposit) = TxDeposit::decode(&mut fields) else {
            return Ok(Err(Reason::MalformedTransaction));
        };
        return Ok(from_batcher(deposit.from, batcher, Batches::CallData(deposit.input)));
    }
    let Ok(transaction) = TxEnvelope::decode_2718_exact(raw) else {
        return Ok(Err(Reason::MalformedTransaction));
    };
    let tx_type = transaction.tx_type() as u8;
    if tx_type > BLOB {
        return Ok(Err(Reason::TransactionType { tx_type }));
    }
    let signature = transaction.signature();
    let mut bytes = signature.as_bytes();
    bytes[64] = signature.v().into();
    let request = Request::Signer { hash: transaction.signature_hash(), signature: bytes };
    let Some(sender) = *cx.facts.signer(request)? else { return Ok(Err(Reason::BadSignature)) };
    let blobs = transaction.blob_versioned_hashes();
    // Before Ecotone the call data of a transaction with blobs counts, from then on only its blobs (D23).
    let batches = match blobs.filter(|_| cx.reads_under(Fork::Ecotone)) {
        Some(hashes) => Batches::Blobs(hashes.to_vec()),
        None => Batches::CallData(transaction.input().clone()),
    };
    Ok(from_batcher(sender, batcher, batches))
}

fn from_batcher(sender: Address, batcher: Address, batches: Batches) -> Result<Batches, Reason> {
    if sender == batcher { Ok(batches) } else { Err(Reason::OtherSender { sender, batcher }) }
}

/// The receiver, without decoding the rest.
fn recipient(raw: &[u8]) -> Option<Address> {
    let (place, list) = match *raw.first()? {
        0xc0.. => (3, raw),
        1 => (4, raw.get(1..)?),
        2..=4 => (5, raw.get(1..)?),
        DEPOSIT => (2, raw.get(1..)?),
        _ => return None,
    };
    let mut fields = Header::decode_bytes(&mut &*list, true).ok()?;
    for _ in 0..place {
        Header::decode_bytes(&mut fields, false).ok()?;
    }
    Address::decode(&mut fields).ok()
}
