//! An L1 whose blocks the test writes, and an L2 whose block hashes follow from what batches say
//! alone.

use crate::transactions::{CHAIN_ID, Dice, transaction};
use alloy_consensus::{Header, SignableTransaction, TxEip4844, TxLegacy};
use alloy_eips::Encodable2718;
use alloy_primitives::{
    Address, B256, Bloom, Bytes, Sealed, Signature, TxKind, U256, address, keccak256,
};
use opal_derive::{Begin, Derivation, Derived, EngineHeads, Fact, L2Block, Request, Step};
use opal_submit::{BatchBlock, Payload};
use opal_types::{
    Attributes, BaseFeeParams, BlockId, ChainConfig, EpochPosition, ExtraData, Fork, ForkTimes,
    Genesis, L1Config, L1Header, SystemConfig,
};
use std::collections::BTreeMap;

pub(crate) const BATCHER: Address = address!("00000000000000000000000000000000000ba7c1");
pub(crate) const INBOX: Address = address!("ff00000000000000000000000000000000000901");
pub(crate) const L1_TIME: u64 = 1_000_000;
pub(crate) const L1_BLOCK_TIME: u64 = 4;

/// One L1 block.
#[derive(Clone, Debug)]
pub(crate) struct L1Block {
    pub(crate) header: L1Header,
    pub(crate) transactions: Vec<Bytes>,
}

/// Both chains, and the node that derives the one from the other.
#[derive(Debug)]
pub(crate) struct Chains {
    pub(crate) config: ChainConfig,
    pub(crate) l1: Vec<L1Block>,
    all_l1: BTreeMap<B256, L1Block>,
    blobs: BTreeMap<B256, Bytes>,
    /// What derivation knows of L2, and what it is in the batcher's words.
    derived: BTreeMap<B256, (L2Block, BatchBlock)>,
    /// The sequencer's chain from the first block on, which has no batch.
    pub(crate) l2: Vec<BatchBlock>,
    derivation: Derivation,
    /// Why things were dropped, as text.
    pub(crate) dropped: Vec<String>,
}

/// All forks up to `fork` are active from genesis, the next one from `next` seconds after it, if
/// so.
pub(crate) fn forks(fork: Fork, next: Option<u64>) -> ForkTimes {
    let place = Fork::ALL.iter().position(|it| *it == fork).unwrap();
    let following = Fork::ALL[place + 1];
    let time = |it: Fork| match it {
        _ if it <= fork => Some(0),
        _ if it == following => next.map(|seconds| L1_TIME + seconds),
        _ => None,
    };
    ForkTimes {
        regolith: time(Fork::Regolith),
        canyon: time(Fork::Canyon),
        delta: time(Fork::Delta),
        ecotone: time(Fork::Ecotone),
        fjord: time(Fork::Fjord),
        granite: time(Fork::Granite),
        holocene: time(Fork::Holocene),
        isthmus: time(Fork::Isthmus),
        jovian: time(Fork::Jovian),
        karst: time(Fork::Karst),
        lagoon: None,
    }
}

impl Chains {
    pub(crate) fn new(forks: ForkTimes) -> Self {
        let l1 = l1_block(None, Vec::new(), 0);
        let (genesis, first) = genesis_block(&forks, l1.header.id());
        let config = config(forks, l1.header.id(), first.id.hash);
        let heads = EngineHeads {
            unsafe_head: genesis.clone(),
            safe: genesis.clone(),
            finalized: genesis.clone(),
        };
        let begin = Begin::Heads(heads.into());
        let l1_config = L1Config::builtin(1).unwrap();
        let mut derivation = Derivation::new(config.clone(), l1_config, &begin).unwrap();
        derivation.explain();
        Self {
            config,
            all_l1: [(l1.header.hash, l1.clone())].into(),
            l1: vec![l1],
            blobs: BTreeMap::new(),
            derived: [(genesis.header.hash(), (genesis, first.clone()))].into(),
            l2: vec![first],
            derivation,
            dropped: Vec::new(),
        }
    }

    pub(crate) fn l1_head(&self) -> &L1Header {
        &self.l1.last().unwrap().header
    }

    /// Appends an L1 block with these batcher transactions.
    pub(crate) fn mine(&mut self, payloads: &[Payload], salt: u64) -> BlockId {
        let transactions = payloads.iter().map(|it| self.transaction(it)).collect();
        let block = l1_block(Some(self.l1_head()), transactions, salt);
        let id = block.header.id();
        self.all_l1.insert(block.header.hash, block.clone());
        self.l1.push(block);
        id
    }

    fn transaction(&mut self, payload: &Payload) -> Bytes {
        let signature =
            Signature::new(U256::from_be_slice(BATCHER.as_slice()), U256::from(1), false);
        match payload {
            Payload::Calldata(data) => {
                let to = TxKind::Call(INBOX);
                let fields = TxLegacy { to, input: data.clone(), ..Default::default() };
                Bytes::from(fields.into_signed(signature).encoded_2718())
            }
            Payload::Blobs(datas) => {
                let hashes = datas.iter().map(|data| self.blob(data)).collect();
                let fields =
                    TxEip4844 { to: INBOX, blob_versioned_hashes: hashes, ..Default::default() };
                Bytes::from(fields.into_signed(signature).encoded_2718())
            }
        }
    }

    fn blob(&mut self, data: &[u8]) -> B256 {
        let blob = Bytes::from(opal_types::encode_blob(data).unwrap().to_vec());
        let mut hash = keccak256(&blob);
        hash.0[0] = 1;
        self.blobs.insert(hash, blob);
        hash
    }

    /// Takes L1 blocks back, and the L2 blocks that stand on them.
    pub(crate) fn drop_l1(&mut self, count: usize) -> Vec<L1Block> {
        let left = self.l1.len().saturating_sub(count).max(1);
        let dropped = self.l1.split_off(left);
        let height = left as u64;
        self.l2.retain(|block| block.l1_origin.number < height);
        dropped
    }

    /// Sequences a block, if L1 allows one.
    pub(crate) fn sequence(&mut self, dice: &mut Dice, transactions: u64, data: u64) {
        let parent = self.l2.last().unwrap().clone();
        let timestamp = parent.timestamp + self.config.block_time;
        let next = self.l1.get(parent.l1_origin.number as usize + 1);
        let next = next.filter(|it| it.header.timestamp <= timestamp);
        let current = &self.l1[parent.l1_origin.number as usize];
        let origin = &next.unwrap_or(current).header;
        let sequence_number = if next.is_some() { 0 } else { parent.sequence_number + 1 };
        let drift = timestamp - origin.timestamp;
        let activates = Fork::ALL.iter().any(|fork| self.config.activates(*fork, timestamp));
        let is_empty = activates || drift > self.config.max_sequencer_drift;
        let sets_code = self.config.forks.active(Fork::Isthmus, timestamp);
        let count = if is_empty { 0 } else { transactions };
        let transactions = (0..count)
            .map(|_| {
                let length = dice.below(data.max(1)) as usize;
                transaction(dice, sets_code, length)
            })
            .collect();
        let mut block = BatchBlock {
            id: BlockId { number: parent.id.number + 1, hash: B256::ZERO },
            parent_hash: parent.id.hash,
            timestamp,
            l1_origin: origin.id(),
            l1_origin_timestamp: origin.timestamp,
            sequence_number,
            transactions,
        };
        block.id.hash = hash_of(&block);
        self.l2.push(block);
    }

    /// One step of derivation; `false` when L1 has nothing more.
    pub(crate) fn derive_step(&mut self) -> bool {
        match self.derivation.step().unwrap() {
            Step::Idle => return false,
            Step::Need(request) => {
                self.derivation.supply(&request, self.answer(&request)).unwrap();
            }
            Step::Started(_) => {}
            Step::Ready(derived) => {
                let block = self.execute(&derived);
                self.derivation.accept(&block).unwrap();
            }
        }
        for note in self.derivation.take_notes() {
            let line = format!("L1 {}: {}: {}", note.l1.number, note.item, note.reason);
            self.dropped.push(line);
        }
        true
    }

    pub(crate) fn safe(&self) -> BlockId {
        self.derivation.safe_head().id()
    }

    /// The L1 block that derivation reads.
    pub(crate) fn current_l1(&self) -> Option<BlockId> {
        self.derivation.l1_origin().map(L1Header::id)
    }

    fn answer(&self, request: &Request) -> Fact {
        match request {
            Request::L1Header { number } => {
                Fact::L1Header(self.l1.get(*number as usize).map(|it| it.header.clone()))
            }
            Request::L1Transactions { block } => {
                Fact::L1Transactions(self.all_l1[block].transactions.clone())
            }
            Request::L1Receipts { .. } => Fact::L1Receipts(Vec::new()),
            Request::Blobs { hashes, .. } => {
                Fact::Blobs(hashes.iter().map(|hash| self.blobs[hash].clone()).collect())
            }
            Request::Signer { signature, .. } => {
                Fact::Signer(Some(Address::from_slice(&signature[12..32])))
            }
            Request::L2Block { hash } => Fact::L2Block(self.derived[hash].0.clone()),
            Request::L2Ancestor { descendant, number } => {
                let mut block = &self.derived[descendant].0;
                while block.header.number > *number {
                    block = &self.derived[&block.header.parent_hash].0;
                }
                Fact::L2Ancestor(block.clone())
            }
            Request::L2Transactions { block } => {
                let (block, batch) = &self.derived[block];
                let first = block.first_transaction.clone().into_iter();
                Fact::L2Transactions(first.chain(batch.transactions.clone()).collect())
            }
        }
    }

    fn execute(&mut self, derived: &Derived) -> L2Block {
        let attributes = &derived.attributes;
        let parent = derived.parent;
        let header = l2_header(&self.config, parent.hash, parent.number + 1, attributes);
        let first_transaction = attributes.transactions.first().cloned();
        let first = first_transaction.as_ref().map_or(&[][..], |it| it.as_ref());
        let position = EpochPosition::of_block(&self.config, &header, B256::ZERO, first).unwrap();
        let number = parent.number + 1;
        let mut batch = BatchBlock {
            id: BlockId { number, hash: B256::ZERO },
            parent_hash: parent.hash,
            timestamp: header.timestamp,
            l1_origin: position.l1_origin,
            l1_origin_timestamp: self.all_l1[&position.l1_origin.hash].header.timestamp,
            sequence_number: position.sequence_number,
            transactions: BatchBlock::without_deposits(attributes.transactions.clone()),
        };
        let hash = hash_of(&batch);
        batch.id.hash = hash;
        let block = L2Block { header: Sealed::new_unchecked(header, hash), first_transaction };
        self.derived.insert(hash, (block.clone(), batch));
        block
    }

    /// Makes the sequencer follow derivation; true if it has to give up blocks of its own.
    pub(crate) fn adopt(&mut self) -> bool {
        let safe = self.safe();
        let is_ours = self.l2.get(safe.number as usize).is_some_and(|it| it.id == safe);
        // A reorg of L1 that derivation has not yet seen says nothing.
        let is_current = self.current_l1().is_some_and(|block| {
            self.l1.get(block.number as usize).is_some_and(|it| it.header.hash == block.hash)
        });
        if is_ours || !is_current {
            return false;
        }
        let mut chain = vec![self.derived[&safe.hash].1.clone()];
        while chain.last().unwrap().id.number > 0 {
            let parent = chain.last().unwrap().parent_hash;
            chain.push(self.derived[&parent].1.clone());
        }
        chain.reverse();
        self.l2 = chain;
        true
    }
}

/// The hash of a block: of all that a batch says.
fn hash_of(block: &BatchBlock) -> B256 {
    let mut bytes = block.parent_hash.to_vec();
    bytes.extend(block.timestamp.to_be_bytes());
    bytes.extend(block.l1_origin.hash);
    bytes.extend(block.sequence_number.to_be_bytes());
    for raw in &block.transactions {
        bytes.extend(keccak256(raw));
    }
    keccak256(bytes)
}

fn l1_block(parent: Option<&L1Header>, transactions: Vec<Bytes>, salt: u64) -> L1Block {
    let number = parent.map_or(0, |it| it.number + 1);
    let parent_hash = parent.map_or(B256::ZERO, |it| it.hash);
    let mut identity = [parent_hash.as_slice(), &salt.to_be_bytes()].concat();
    transactions.iter().for_each(|it| identity.extend(keccak256(it)));
    let header = L1Header {
        hash: keccak256(identity),
        number,
        parent_hash,
        timestamp: L1_TIME + number * L1_BLOCK_TIME,
        base_fee: U256::from(7),
        mix_hash: B256::with_last_byte(number as u8),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        transactions_root: B256::ZERO,
        receipts_root: B256::ZERO,
        logs_bloom: Bloom::ZERO,
    };
    L1Block { header, transactions }
}

fn config(forks: ForkTimes, l1: BlockId, l2_hash: B256) -> ChainConfig {
    let system_config = SystemConfig {
        batcher: BATCHER,
        scalar: U256::from(1) << 248,
        gas_limit: 30_000_000,
        ..SystemConfig::default()
    };
    ChainConfig {
        genesis: Genesis {
            l1,
            l2: BlockId { number: 0, hash: l2_hash },
            l2_time: L1_TIME,
            system_config,
        },
        block_time: 2,
        max_sequencer_drift: 600,
        seq_window_size: 300,
        channel_timeout: 30,
        l1_chain_id: 900,
        l2_chain_id: CHAIN_ID,
        forks,
        pectra_blob_schedule_time: None,
        batch_inbox: INBOX,
        deposit_contract: Address::with_last_byte(1),
        l1_system_config: Address::with_last_byte(2),
        eip1559: BaseFeeParams { denominator: 50, elasticity: 6 },
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}

fn genesis_block(forks: &ForkTimes, l1: BlockId) -> (L2Block, BatchBlock) {
    let extra = ExtraData {
        params: BaseFeeParams { denominator: 250, elasticity: 6 },
        min_base_fee: forks.active(Fork::Jovian, L1_TIME).then_some(0),
    };
    let has_extra = forks.active(Fork::Holocene, L1_TIME);
    let header = Header {
        timestamp: L1_TIME,
        gas_limit: 30_000_000,
        extra_data: if has_extra { extra.encode() } else { Bytes::new() },
        ..Header::default()
    };
    let mut block = BatchBlock {
        id: BlockId::default(),
        parent_hash: B256::ZERO,
        timestamp: L1_TIME,
        l1_origin: l1,
        l1_origin_timestamp: L1_TIME,
        sequence_number: 0,
        transactions: Vec::new(),
    };
    block.id.hash = hash_of(&block);
    let header = Sealed::new_unchecked(header, block.id.hash);
    (L2Block { header, first_transaction: None }, block)
}

fn l2_header(config: &ChainConfig, parent: B256, number: u64, attributes: &Attributes) -> Header {
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
        extra_data: extra.map_or_else(Bytes::new, |it| it.encode()),
        ..Header::default()
    }
}
