//! Which log is meant and what it says: identifier, payload, and the hashes over both (I1, I2).
//!
//! Start with [`Identifier`], then [`Message::checksum`].
//!
//! **Invariant:** a checksum starts with its type byte, whatever it is made from.

use crate::EntryKind;
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Log, U256, keccak256};

/// Where a log is. Logs are counted through the whole block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// The contract that logged it.
    pub origin: Address,
    /// Number of its block.
    pub block_number: u64,
    /// Its place among all logs of the block.
    pub log_index: u32,
    /// Timestamp of its block.
    pub timestamp: u64,
    /// Its chain.
    pub chain_id: U256,
}

/// A log somewhere, told by the hash of what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where the log is.
    pub identifier: Identifier,
    /// Hash of its payload.
    pub payload_hash: B256,
}

/// Everything about a message in one word: an access list names messages by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum(pub(crate) B256);

/// What a log says: its topics, then its data.
pub fn payload(log: &Log) -> Vec<u8> {
    let topics = log.topics().iter().flat_map(|topic| topic.0);
    topics.chain(log.data.data.iter().copied()).collect()
}

/// The hash that executing messages carry.
pub fn payload_hash(log: &Log) -> B256 {
    keccak256(payload(log))
}

/// Who says what: the hash that indexes of logs keep.
pub fn log_hash(origin: Address, payload_hash: B256) -> B256 {
    keccak256([origin.as_slice(), payload_hash.as_slice()].concat())
}

impl Message {
    /// The hash of who says what.
    pub fn log_hash(&self) -> B256 {
        log_hash(self.identifier.origin, self.payload_hash)
    }

    /// `type ++ H(H(log hash ++ place) ++ chain id)[1..]`.
    pub fn checksum(&self) -> Checksum {
        let at = &self.identifier;
        let mut packed = self.log_hash().to_vec();
        packed.extend([0; 12]);
        packed.extend(at.block_number.to_be_bytes());
        packed.extend(at.timestamp.to_be_bytes());
        packed.extend(at.log_index.to_be_bytes());
        let with_chain = [keccak256(packed).0, at.chain_id.to_be_bytes()].concat();
        let mut word = keccak256(with_chain);
        if let Some(first) = word.0.first_mut() {
            *first = EntryKind::Checksum.byte();
        }
        Checksum(word)
    }
}

impl Checksum {
    /// Takes a word of the right type.
    pub fn from_word(word: B256) -> Option<Self> {
        (word.0.first() == Some(&EntryKind::Checksum.byte())).then_some(Self(word))
    }

    /// All 32 bytes, the type in front: the last entry of an access.
    pub const fn word(&self) -> B256 {
        self.0
    }
}
