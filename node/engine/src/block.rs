//! Blocks as the engine takes and keeps them.
//!
//! **Invariant:** a [`Block`] was executed here; a [`BlockData`] is what somebody claims.

use alloy_consensus::Header;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, Sealable, Sealed};
use opal_types::{BlockId, OutputRoot, PayloadEnvelope, PayloadError};

/// A block that was executed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The header with its hash.
    pub header: Sealed<Header>,
    /// EIP-2718 encoded.
    pub transactions: Vec<Bytes>,
    /// One per transaction.
    pub transaction_hashes: Vec<B256>,
    /// One per transaction: who sent it.
    pub senders: Vec<Address>,
    /// `Some` from Shanghai (Canyon); empty on L2.
    pub withdrawals: Option<Vec<Withdrawal>>,
    /// L2: storage root of the message passer after the block.
    pub message_passer_root: Option<B256>,
    /// L1 from Prague: requests with their type byte in front, none of them empty.
    pub requests: Vec<Bytes>,
}

impl Block {
    /// Number and hash.
    pub fn id(&self) -> BlockId {
        BlockId { number: self.header.number, hash: self.header.hash() }
    }

    /// What claims about this block of an L2 commit to (B2).
    pub fn output_root(&self) -> Option<OutputRoot> {
        let message_passer_root = self.message_passer_root?;
        let (state_root, block_hash) = (self.header.state_root, self.header.hash());
        Some(OutputRoot { state_root, message_passer_root, block_hash })
    }

    /// An L2 block as payloads carry it: from Isthmus always with its withdrawals root, an empty
    /// one included.
    pub fn payload(&self) -> PayloadEnvelope {
        let transactions = self.transactions.clone();
        PayloadEnvelope::of_block(&self.header, self.header.hash(), transactions)
    }

    /// Bytes it takes in memory, roughly.
    pub(crate) fn weight(&self) -> usize {
        let raw: usize = self.transactions.iter().map(|it| it.len()).sum();
        let requests: usize = self.requests.iter().map(|it| it.len()).sum();
        1024 + raw + requests + self.transactions.len() * 100
    }
}

/// A block that somebody claims to be valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockData {
    /// The header.
    pub header: Header,
    /// What its sender says its hash is.
    pub hash: B256,
    /// EIP-2718 encoded.
    pub transactions: Vec<Bytes>,
    /// `Some` from Shanghai (Canyon).
    pub withdrawals: Option<Vec<Withdrawal>>,
}

impl BlockData {
    /// An L2 block from its payload.
    pub fn from_payload(payload: &PayloadEnvelope) -> Result<Self, PayloadError> {
        Ok(Self {
            header: payload.header()?,
            hash: payload.block_hash,
            transactions: payload.transactions.clone(),
            withdrawals: payload.withdrawals.clone(),
        })
    }
}

impl From<&Block> for BlockData {
    fn from(block: &Block) -> Self {
        Self {
            header: block.header.inner().clone(),
            hash: block.header.hash(),
            transactions: block.transactions.clone(),
            withdrawals: block.withdrawals.clone(),
        }
    }
}

/// The hash of a header, computed now.
pub(crate) fn sealed(header: Header) -> Sealed<Header> {
    header.seal_slow()
}

/// Where a transaction of the canonical chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionLocation {
    /// The block.
    pub block_hash: B256,
    /// Its number.
    pub block_number: u64,
    /// Position in the block.
    pub index: u64,
}
