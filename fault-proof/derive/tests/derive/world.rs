//! An L1 whose blocks the test writes, and an L2 whose blocks are a function of their attributes.

use crate::batcher::user_transaction;
use alloy_consensus::{Header, SignableTransaction, TxEip4844, TxLegacy};
use alloy_eips::Encodable2718;
use alloy_primitives::{
    Address, B256, Bloom, BloomInput, Bytes, Log, LogData, Sealable, Signature, TxKind, U256,
    address, keccak256,
};
use alloy_rlp::Encodable;
use opal_derive::{
    Begin, Derivation, Derived, EngineHeads, Fact, L2Block, Request, SafeHeads, Step,
};
use opal_types::{
    Attributes, BaseFeeParams, BlockId, ChainConfig, ExtraData, Fork, ForkTimes, Genesis, L1Config,
    L1Header, L2Ref, SystemConfig,
};
use std::collections::BTreeMap;

pub(crate) const BATCHER: Address = address!("00000000000000000000000000000000000ba7c1");
pub(crate) const STRANGER: Address = address!("0000000000000000000000000000000000005714");
pub(crate) const INBOX: Address = address!("ff00000000000000000000000000000000000901");
pub(crate) const PORTAL: Address = address!("0000000000000000000000000000000000000a01");
pub(crate) const SYSTEM_CONFIG: Address = address!("0000000000000000000000000000000000000a02");
pub(crate) const L1_TIME: u64 = 1_000_000;
pub(crate) const L1_BLOCK_TIME: u64 = 4;
/// The engine of this world finds the user transaction of this seed invalid.
pub(crate) const POISON_SEED: u64 = 0xbad;

/// One L1 block.
#[derive(Clone, Debug)]
pub(crate) struct L1Block {
    pub(crate) header: L1Header,
    pub(crate) transactions: Vec<Bytes>,
    pub(crate) receipts: Vec<Bytes>,
}

/// What a test puts into an L1 block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) transactions: Vec<Bytes>,
    pub(crate) logs: Vec<Log>,
    /// Makes blocks with the same content differ.
    pub(crate) salt: u64,
}

/// Both chains.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) config: ChainConfig,
    pub(crate) l1: Vec<L1Block>,
    all_l1: BTreeMap<B256, L1Block>,
    blobs: BTreeMap<B256, Bytes>,
    l2: BTreeMap<B256, (L2Block, Vec<Bytes>)>,
    pub(crate) genesis: L2Block,
}

/// All forks up to `fork` are active from genesis, the others never.
pub(crate) fn up_to(fork: Fork) -> ForkTimes {
    let time = |it: Fork| (it <= fork).then_some(0);
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

impl World {
    pub(crate) fn new(forks: ForkTimes) -> Self {
        let l1 = l1_block(None, Content::default());
        let genesis = genesis_block(&forks);
        let config = config(forks, l1.header.id(), genesis.header.hash());
        let mut l2 = BTreeMap::new();
        l2.insert(genesis.header.hash(), (genesis.clone(), Vec::new()));
        let all_l1 = [(l1.header.hash, l1.clone())].into();
        Self { config, l1: vec![l1], all_l1, blobs: BTreeMap::new(), l2, genesis }
    }

    /// Appends an L1 block.
    pub(crate) fn mine(&mut self, content: Content) -> BlockId {
        let block = l1_block(self.l1.last().map(|it| &it.header), content);
        let id = block.header.id();
        self.all_l1.insert(block.header.hash, block.clone());
        self.l1.push(block);
        id
    }

    /// Appends an L1 block with these transactions.
    pub(crate) fn mine_with(&mut self, transactions: Vec<Bytes>) -> BlockId {
        self.mine(Content { transactions, ..Content::default() })
    }

    /// Takes L1 blocks back; the first one stays.
    pub(crate) fn drop_l1(&mut self, count: usize) {
        let left = self.l1.len().saturating_sub(count).max(1);
        self.l1.truncate(left);
    }

    /// A transaction with this blob; the blob can be had from now on.
    pub(crate) fn blob_transaction(&mut self, data: &[u8]) -> Bytes {
        let blob = Bytes::from(opal_types::encode_blob(data).unwrap().to_vec());
        let mut hash = keccak256(&blob);
        hash.0[0] = 1;
        self.blobs.insert(hash, blob);
        let transaction =
            TxEip4844 { to: INBOX, blob_versioned_hashes: vec![hash], ..Default::default() };
        Bytes::from(transaction.into_signed(signature(BATCHER)).encoded_2718())
    }

    /// What a source would answer.
    pub(crate) fn answer(&self, request: &Request) -> Fact {
        match request {
            Request::L1Header { number } => {
                Fact::L1Header(self.l1.get(*number as usize).map(|it| it.header.clone()))
            }
            Request::L1Transactions { block } => {
                Fact::L1Transactions(self.all_l1[block].transactions.clone())
            }
            Request::L1Receipts { block } => Fact::L1Receipts(self.all_l1[block].receipts.clone()),
            Request::Blobs { hashes, .. } => {
                Fact::Blobs(hashes.iter().map(|hash| self.blobs[hash].clone()).collect())
            }
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

    /// The block of these attributes, or `None` where they are invalid.
    pub(crate) fn execute(&mut self, parent: B256, attributes: &Attributes) -> Option<L2Block> {
        if attributes.transactions.contains(&user_transaction(POISON_SEED)) {
            return None;
        }
        let number = self.l2[&parent].0.header.number + 1;
        let header = l2_header(&self.config, parent, number, attributes);
        let first_transaction = attributes.transactions.first().cloned();
        let block = L2Block { header: header.seal_slow(), first_transaction };
        let hash = block.header.hash();
        self.l2.insert(hash, (block.clone(), attributes.transactions.clone()));
        Some(block)
    }

    pub(crate) fn derivation(&self) -> Derivation {
        let genesis = self.genesis.clone();
        let heads =
            EngineHeads { unsafe_head: genesis.clone(), safe: genesis.clone(), finalized: genesis };
        let begin = Begin::Heads(heads.into());
        let mut derivation =
            Derivation::new(self.config.clone(), L1Config::builtin(1).unwrap(), &begin).unwrap();
        derivation.explain();
        derivation
    }
}

/// A derivation and the chain it gave.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) config: ChainConfig,
    pub(crate) derivation: Derivation,
    pub(crate) chain: Vec<L2Block>,
    pub(crate) safe_heads: SafeHeads,
    pub(crate) notes: Vec<opal_derive::Note>,
}

impl Node {
    pub(crate) fn new(world: &World) -> Self {
        Self {
            config: world.config.clone(),
            derivation: world.derivation(),
            chain: vec![world.genesis.clone()],
            safe_heads: SafeHeads::default(),
            notes: Vec::new(),
        }
    }

    /// One step; `false` when L1 has nothing more. `disturb` comes before every answer.
    pub(crate) fn step(
        &mut self,
        world: &mut World,
        disturb: &mut dyn FnMut(&World, &mut Derivation, &Request),
    ) -> bool {
        match self.derivation.step().unwrap() {
            Step::Idle => return false,
            Step::Need(request) => {
                disturb(world, &mut self.derivation, &request);
                // The disturbance may have led to another question.
                let _ = self.derivation.supply(&request, world.answer(&request));
            }
            Step::Started(started) => {
                self.chain.retain(|it| it.header.number <= started.unsafe_head.number);
                self.safe_heads.reset(&started.safe);
            }
            Step::Ready(derived) => self.build(world, &derived),
        }
        self.notes.extend(self.derivation.take_notes());
        true
    }

    fn build(&mut self, world: &mut World, derived: &Derived) {
        while self.chain.last().is_some_and(|it| it.header.hash() != derived.parent.hash) {
            self.chain.pop();
        }
        match world.execute(derived.parent.hash, &derived.attributes) {
            Some(block) => {
                if let Some(update) = self.derivation.accept(&block).unwrap() {
                    self.safe_heads.record(&update);
                }
                self.chain.push(block);
            }
            None => self.derivation.refuse().unwrap(),
        }
    }

    /// Runs until L1 has nothing more.
    pub(crate) fn run(&mut self, world: &mut World) -> L2Ref {
        while self.step(world, &mut |_, _, _| {}) {}
        *self.derivation.safe_head()
    }

    /// Hashes of the chain up to the safe head.
    pub(crate) fn safe_chain(&self) -> Vec<B256> {
        let safe = self.derivation.safe_head().number;
        let blocks = self.chain.iter().take_while(|it| it.header.number <= safe);
        blocks.map(|it| it.header.hash()).collect()
    }

    /// The notes as text.
    pub(crate) fn reasons(&self) -> Vec<String> {
        self.notes
            .iter()
            .map(|note| format!("{} {}: {}", note.reason.rule(), note.item, note.reason))
            .collect()
    }
}

/// A signature that says who made it; this world's signer recovery reads it.
fn signature(sender: Address) -> Signature {
    Signature::new(U256::from_be_slice(sender.as_slice()), U256::from(1), false)
}

/// A transaction with call data.
pub(crate) fn transaction(sender: Address, data: impl Into<Bytes>) -> Bytes {
    let transaction =
        TxLegacy { to: TxKind::Call(INBOX), input: data.into(), ..Default::default() };
    Bytes::from(transaction.into_signed(signature(sender)).encoded_2718())
}

fn l1_block(parent: Option<&L1Header>, content: Content) -> L1Block {
    let Content { transactions, logs, salt } = content;
    let number = parent.map_or(0, |it| it.number + 1);
    let parent_hash = parent.map_or(B256::ZERO, |it| it.hash);
    let mut identity = [parent_hash.as_slice(), &salt.to_be_bytes()].concat();
    transactions.iter().for_each(|it| identity.extend(it));
    logs.iter().for_each(|it| identity.extend(&it.data.data));
    let mut logs_bloom = Bloom::ZERO;
    logs.iter().for_each(|it| logs_bloom.accrue(BloomInput::Raw(it.address.as_slice())));
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
        logs_bloom,
    };
    let receipts = if logs.is_empty() { vec![] } else { vec![receipt(&logs)] };
    L1Block { header, transactions, receipts }
}

/// A receipt of a type that nobody has invented yet (D27).
fn receipt(logs: &[Log]) -> Bytes {
    let mut payload = Vec::new();
    true.encode(&mut payload);
    21_000_u64.encode(&mut payload);
    Bloom::ZERO.encode(&mut payload);
    logs.to_vec().encode(&mut payload);
    let mut out = vec![0x66];
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut out);
    out.extend(payload);
    out.into()
}

/// A log of the portal that deposits nothing from nobody.
pub(crate) fn deposit_log(value: u64) -> Log {
    let mut data = U256::from(32).to_be_bytes::<32>().to_vec();
    data.extend(U256::from(73).to_be_bytes::<32>());
    data.extend(U256::ZERO.to_be_bytes::<32>());
    data.extend(U256::from(value).to_be_bytes::<32>());
    data.extend(21_000_u64.to_be_bytes());
    data.push(0);
    data.resize(64 + 96, 0);
    let topics = vec![opal_types::DEPOSIT_EVENT, B256::ZERO, B256::ZERO, B256::ZERO];
    Log { address: PORTAL, data: LogData::new_unchecked(topics, data.into()) }
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
        max_sequencer_drift: 20,
        seq_window_size: 12,
        channel_timeout: 8,
        l1_chain_id: 900,
        l2_chain_id: 901,
        forks,
        pectra_blob_schedule_time: None,
        batch_inbox: INBOX,
        deposit_contract: PORTAL,
        l1_system_config: SYSTEM_CONFIG,
        eip1559: BaseFeeParams { denominator: 50, elasticity: 6 },
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}

fn genesis_block(forks: &ForkTimes) -> L2Block {
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
    L2Block { header: header.seal_slow(), first_transaction: None }
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
        transactions_root: keccak256(attributes.transactions.concat()),
        extra_data: extra.map_or_else(Bytes::new, |it| it.encode()),
        ..Header::default()
    }
}

/// Schedules one fork.
pub(crate) fn set_time(times: &mut ForkTimes, fork: Fork, time: u64) {
    let field = match fork {
        Fork::Ecotone => &mut times.ecotone,
        Fork::Fjord => &mut times.fjord,
        Fork::Isthmus => &mut times.isthmus,
        Fork::Jovian => &mut times.jovian,
        Fork::Karst => &mut times.karst,
        other => panic!("no test schedules {other:?}"),
    };
    *field = Some(time);
}
