//! Both chains: an L1 whose blocks the input fills, and an L2 whose blocks are a function of their attributes.

use super::forks;
use alloy_consensus::{Header, SignableTransaction, TxEip4844, TxLegacy};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bloom, Bytes, Sealable, Signature, TxKind, U256, keccak256};
use opal_derive::{Fact, L2Block, Request};
use opal_types::{
    Attributes, BLOB_SIZE, BaseFeeParams, ChainConfig, ExtraData, Fork, ForkTimes, L1Header,
};
use std::collections::BTreeMap;

pub(crate) const L1_TIME: u64 = 1_000_000;
const L1_BLOCK_TIME: u64 = 4;

/// What stands in an L1 block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) transactions: Vec<Bytes>,
    pub(crate) receipts: Vec<Bytes>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) config: ChainConfig,
    pub(crate) l1: Vec<L1Header>,
    contents: BTreeMap<B256, Content>,
    blobs: BTreeMap<B256, Bytes>,
    empty_blob: Bytes,
    l2: BTreeMap<B256, (L2Block, Vec<Bytes>)>,
    pub(crate) genesis: L2Block,
    /// Height of the highest L1 block that there ever was.
    pub(crate) highest: u64,
    /// Makes every L1 block another one.
    mined: u64,
}

impl World {
    pub(crate) fn new(forks: ForkTimes) -> Self {
        let genesis = genesis(&forks);
        let mut world = Self {
            config: forks::config(forks),
            l1: vec![],
            contents: BTreeMap::new(),
            blobs: BTreeMap::new(),
            empty_blob: vec![0; BLOB_SIZE].into(),
            l2: [(genesis.header.hash(), (genesis.clone(), vec![]))].into(),
            genesis,
            highest: 0,
            mined: 0,
        };
        world.mine(Content::default());
        world.config.genesis.l1 = world.l1[0].id();
        world.config.genesis.l2.hash = world.genesis.header.hash();
        world.config.genesis.l2_time = L1_TIME;
        world
    }

    /// Appends an L1 block.
    pub(crate) fn mine(&mut self, content: Content) {
        let number = self.l1.len() as u64;
        let parent_hash = self.l1.last().map_or(B256::ZERO, |it| it.hash);
        self.mined += 1;
        self.highest = self.highest.max(number);
        let header = L1Header {
            hash: keccak256([parent_hash, U256::from(self.mined).into()].concat()),
            number,
            parent_hash,
            timestamp: L1_TIME + number * L1_BLOCK_TIME,
            base_fee: U256::from(7),
            mix_hash: parent_hash,
            excess_blob_gas: Some(number << 20),
            parent_beacon_block_root: Some(parent_hash),
            transactions_root: B256::ZERO,
            receipts_root: B256::ZERO,
            // Every contract may have logs in it.
            logs_bloom: Bloom::repeat_byte(if content.receipts.is_empty() { 0 } else { 0xff }),
        };
        self.contents.insert(header.hash, content);
        self.l1.push(header);
    }

    /// Takes L1 blocks back; the first one stays.
    pub(crate) fn drop_l1(&mut self, count: usize) {
        self.l1.truncate(self.l1.len().saturating_sub(count).max(1));
    }

    /// A transaction with this blob; the blob can be had from now on.
    pub(crate) fn blob_transaction(&mut self, mut blob: Vec<u8>) -> Bytes {
        blob.resize(BLOB_SIZE, 0);
        let mut hash = keccak256(&blob);
        hash.0[0] = 1;
        self.blobs.insert(hash, blob.into());
        let transaction = TxEip4844 {
            to: forks::INBOX,
            blob_versioned_hashes: vec![hash],
            ..TxEip4844::default()
        };
        transaction.into_signed(signature()).encoded_2718().into()
    }

    /// What a source would answer.
    pub(crate) fn answer(&self, request: &Request) -> Fact {
        match request {
            Request::L1Header { number } => Fact::L1Header(self.l1.get(*number as usize).cloned()),
            Request::L1Transactions { block } => {
                Fact::L1Transactions(self.contents[block].transactions.clone())
            }
            Request::L1Receipts { block } => {
                Fact::L1Receipts(self.contents[block].receipts.clone())
            }
            Request::Blobs { hashes, .. } => {
                let blob = |hash| self.blobs.get(hash).unwrap_or(&self.empty_blob).clone();
                Fact::Blobs(hashes.iter().map(blob).collect())
            }
            // This world's signatures say who made them.
            Request::Signer { signature, .. } => {
                Fact::Signer(Some(Address::from_slice(&signature[12..32])))
            }
            Request::L2Block { hash } => Fact::L2Block(self.l2[hash].0.clone()),
            Request::L2Ancestor { descendant, number } => {
                let mut block = &self.l2[descendant].0;
                while block.header.number > *number {
                    block = &self.l2[&block.header.parent_hash].0;
                }
                Fact::L2Ancestor(block.clone())
            }
            Request::L2Transactions { block } => Fact::L2Transactions(self.l2[block].1.clone()),
        }
    }

    /// The block of these attributes. One of eight transactions of users is invalid.
    pub(crate) fn execute(&mut self, parent: B256, attributes: &Attributes) -> Option<L2Block> {
        let is_invalid = |raw: &&Bytes| raw.first() != Some(&0x7e) && keccak256(raw)[0] < 32;
        if attributes.transactions.iter().any(|raw| is_invalid(&raw)) {
            return None;
        }
        let number = self.l2[&parent].0.header.number + 1;
        let header = header(&self.config, parent, number, attributes);
        let first_transaction = attributes.transactions.first().cloned();
        let block = L2Block { header: header.seal_slow(), first_transaction };
        self.l2.insert(block.header.hash(), (block.clone(), attributes.transactions.clone()));
        Some(block)
    }
}

/// A signature of the batcher.
fn signature() -> Signature {
    Signature::new(U256::from_be_slice(forks::BATCHER.as_slice()), U256::from(1), false)
}

/// A transaction of the batcher with call data.
pub(crate) fn transaction(data: Bytes) -> Bytes {
    let to = TxKind::Call(forks::INBOX);
    let transaction = TxLegacy { to, input: data, ..TxLegacy::default() };
    transaction.into_signed(signature()).encoded_2718().into()
}

fn genesis(forks: &ForkTimes) -> L2Block {
    let extra = ExtraData {
        params: BaseFeeParams { denominator: 250, elasticity: 6 },
        min_base_fee: forks.active(Fork::Jovian, L1_TIME).then_some(0),
    };
    let has_extra = forks.active(Fork::Holocene, L1_TIME);
    let header = Header {
        timestamp: L1_TIME,
        gas_limit: 1_000_000,
        extra_data: if has_extra { extra.encode() } else { Bytes::new() },
        ..Header::default()
    };
    L2Block { header: header.seal_slow(), first_transaction: None }
}

fn header(config: &ChainConfig, parent: B256, number: u64, attributes: &Attributes) -> Header {
    let params = attributes.eip1559.map(|params| {
        let constants = config.base_fee_constants(attributes.timestamp);
        if params.is_zero() { constants } else { params }
    });
    let extra = params.map(|params| ExtraData { params, min_base_fee: attributes.min_base_fee });
    Header {
        parent_hash: parent,
        number,
        timestamp: attributes.timestamp,
        mix_hash: attributes.prev_randao,
        beneficiary: attributes.fee_recipient,
        gas_limit: attributes.gas_limit,
        transactions_root: keccak256(attributes.transactions.concat()),
        extra_data: extra.map_or_else(Bytes::new, |it| it.encode()),
        ..Header::default()
    }
}
