//! What a transaction left behind: receipts, their encoding and blooms.
//!
//! **Invariant:** the bytes are the consensus encoding, over which the receipts root is taken (E1).

use crate::transaction::DEPOSIT;
use crate::trie::{put_header, put_integer, put_string};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use alloy_primitives::{Bloom, Bytes, Log, keccak256};

/// Version of deposit receipts since Canyon.
const DEPOSIT_RECEIPT_VERSION: u64 = 1;

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Type byte of the transaction.
    pub tx_type: u8,
    /// Whether it succeeded.
    pub success: bool,
    /// Gas used in the block up to and with this transaction.
    pub cumulative_gas_used: u64,
    /// Bloom filter of the logs.
    pub bloom: Bloom,
    /// What it logged.
    pub logs: Vec<Log>,
    /// Nonce the sender had: deposits from Regolith.
    pub deposit_nonce: Option<u64>,
    /// Deposits from Canyon: the nonce is part of the encoding.
    pub has_deposit_version: bool,
}

impl Receipt {
    /// The EIP-2718 bytes that the receipts root commits to.
    pub fn encode(&self) -> Bytes {
        let mut logs = Vec::new();
        for log in &self.logs {
            put_log(&mut logs, log);
        }
        let mut payload = Vec::with_capacity(logs.len().saturating_add(300));
        put_integer(&mut payload, self.success.into());
        put_integer(&mut payload, self.cumulative_gas_used);
        put_string(&mut payload, self.bloom.as_slice());
        put_header(&mut payload, 0xc0, logs.len());
        payload.extend_from_slice(&logs);
        if let (DEPOSIT, true, Some(nonce)) =
            (self.tx_type, self.has_deposit_version, self.deposit_nonce)
        {
            put_integer(&mut payload, nonce);
            put_integer(&mut payload, DEPOSIT_RECEIPT_VERSION);
        }
        let mut out = Vec::with_capacity(payload.len().saturating_add(10));
        if self.tx_type != 0 {
            out.push(self.tx_type);
        }
        put_header(&mut out, 0xc0, payload.len());
        out.extend_from_slice(&payload);
        Bytes::from(out)
    }
}

fn put_log(out: &mut Vec<u8>, log: &Log) {
    let topics = log.topics().len().saturating_mul(33);
    let mut payload =
        Vec::with_capacity(topics.saturating_add(log.data.data.len()).saturating_add(40));
    put_string(&mut payload, log.address.as_slice());
    put_header(&mut payload, 0xc0, topics);
    for topic in log.topics() {
        put_string(&mut payload, topic.as_slice());
    }
    put_string(&mut payload, &log.data.data);
    put_header(out, 0xc0, payload.len());
    out.extend_from_slice(&payload);
}

/// Bloom filters of a block's logs. Addresses and topics repeat, so their bits are kept.
#[derive(Debug, Default)]
pub(crate) struct Blooms {
    known: BTreeMap<Vec<u8>, [u16; 3]>,
}

impl Blooms {
    /// The filter of these logs.
    pub(crate) fn of(&mut self, logs: &[Log]) -> Bloom {
        let mut bloom = Bloom::ZERO;
        for log in logs {
            self.add(&mut bloom, log.address.as_slice());
            for topic in log.topics() {
                self.add(&mut bloom, topic.as_slice());
            }
        }
        bloom
    }

    fn add(&mut self, bloom: &mut Bloom, item: &[u8]) {
        let bits = match self.known.get(item) {
            Some(bits) => *bits,
            None => {
                let [a, b, c, d, e, f, ..] = keccak256(item).0;
                let bits = [[a, b], [c, d], [e, f]].map(|pair| u16::from_be_bytes(pair) & 2047);
                self.known.insert(item.to_vec(), bits);
                bits
            }
        };
        for bit in bits {
            let byte = usize::from(bit >> 3).abs_diff(255);
            if let Some(place) = bloom.0.get_mut(byte) {
                *place |= 1_u8.wrapping_shl((bit & 7).into());
            }
        }
    }
}
