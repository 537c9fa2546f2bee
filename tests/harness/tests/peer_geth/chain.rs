//! A chain that is executed three ways: over a state in memory, over trie nodes by their hash, and by op-geth.
//!
//! Start with [`Chain::push`].
//!
//! **Invariant:** the head moves only when all that ran agree on the block's hash.

use super::{contracts, differ, geth::Geth, keys::Key, memory::Memory, nodes::Store};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, Sealable, Sealed, U64, U256};
use alloy_rlp::Encodable;
use opal_execute::predeploys::{MESSAGE_PASSER, SEQUENCER_FEE_VAULT};
use opal_execute::{
    Error, Invalid, Key as Preimage, Outcome, RevmCrypto, StateRead, TrieState, execute,
};
use opal_types::{
    Attributes, BaseFeeParams, BlockId, ChainConfig, ExtraData, Fork, ForkTimes, Genesis,
    OutputRoot, SystemConfig, read::GenesisFile,
};
use serde_json::{Value, json};

pub(crate) const CHAIN_ID: u64 = 901;
pub(crate) const BLOCK_TIME: u64 = 2;
pub(crate) const GENESIS_TIME: u64 = 1000;
pub(crate) const GAS_LIMIT: u64 = 30_000_000;
/// Of Bedrock.
const EIP1559: BaseFeeParams = BaseFeeParams { denominator: 50, elasticity: 6 };
/// Senders with a balance.
pub(crate) const KEYS: u64 = 12;

/// Fork times by a rule.
pub(crate) fn times(mut at: impl FnMut(Fork) -> Option<u64>) -> ForkTimes {
    ForkTimes {
        regolith: at(Fork::Regolith),
        canyon: at(Fork::Canyon),
        delta: at(Fork::Delta),
        ecotone: at(Fork::Ecotone),
        fjord: at(Fork::Fjord),
        granite: at(Fork::Granite),
        holocene: at(Fork::Holocene),
        isthmus: at(Fork::Isthmus),
        jovian: at(Fork::Jovian),
        karst: at(Fork::Karst),
        lagoon: at(Fork::Lagoon),
    }
}

/// A chain that starts at `first`; each later fork up to `last` comes `gap` blocks after the one before.
pub(crate) fn schedule(first: Fork, last: Fork, gap: u64) -> ForkTimes {
    let mut next = GENESIS_TIME;
    times(|fork| {
        if fork <= first {
            return Some(0);
        }
        // Delta changes nothing in execution, so it shares a block with Canyon.
        if fork != Fork::Delta {
            next += gap * BLOCK_TIME;
        }
        (fork <= last).then_some(next)
    })
}

/// A chain at its head.
pub(crate) struct Chain {
    pub(crate) name: String,
    pub(crate) config: ChainConfig,
    pub(crate) state: Memory,
    pub(crate) head: Sealed<Header>,
    store: Store,
    geth: Option<Geth>,
    /// Blocks that op-geth agreed to.
    pub(crate) compared: u64,
    /// Blocks that op-geth refused as opal did.
    pub(crate) refused: u64,
}

impl Chain {
    /// A chain with the contracts of the tests and funded keys; with op-geth where there is one.
    pub(crate) fn new(name: &str, forks: ForkTimes, geth: &mut Option<Geth>) -> Self {
        let genesis = genesis_json(&forks);
        let file = GenesisFile::from_json(genesis.to_string().as_bytes()).unwrap();
        let mut state = Memory::default();
        for (address, account) in &file.alloc {
            state.put(*address, 0, &account.code);
            let entry = state.accounts.get_mut(address).unwrap();
            entry.0.balance = account.balance;
            entry.0.nonce = account.nonce.to();
            for (slot, value) in &account.storage {
                entry.1.insert(U256::from_be_bytes(slot.0), U256::from_be_bytes(value.0));
            }
        }
        let mut store = Store::default();
        let root = store.add_state(&state);
        assert_eq!(root, state.state_root(&[]).unwrap());
        let passer = state.storage_root(MESSAGE_PASSER).unwrap();
        let head = file.header(&forks, root, passer).seal_slow();
        store.add_header(&head);
        state.hashes.insert(0, head.hash());
        let mut geth = geth.take();
        if let Some(geth) = &mut geth {
            differ::headers(name, &head, &geth.genesis(&genesis));
        }
        let config = config(forks, head.hash());
        Self { name: name.to_owned(), config, state, head, store, geth, compared: 0, refused: 0 }
    }

    /// op-geth again, for another chain.
    pub(crate) fn into_geth(self) -> Option<Geth> {
        self.geth
    }

    /// Attributes of the next block, without transactions.
    pub(crate) fn attributes(&self) -> Attributes {
        let timestamp = self.head.timestamp + BLOCK_TIME;
        let has = |fork| self.config.forks.active(fork, timestamp);
        Attributes {
            timestamp,
            prev_randao: B256::from(U256::from(timestamp)),
            fee_recipient: SEQUENCER_FEE_VAULT,
            withdrawals: has(Fork::Canyon).then(Vec::new),
            parent_beacon_block_root: has(Fork::Ecotone).then_some(B256::repeat_byte(0xbe)),
            transactions: Vec::new(),
            gas_limit: GAS_LIMIT,
            eip1559: has(Fork::Holocene).then_some(BaseFeeParams::default()),
            min_base_fee: has(Fork::Jovian).then_some(0),
        }
    }

    /// Executes over trie nodes alone.
    fn over_nodes(&self, attributes: &Attributes) -> Result<Outcome, Error> {
        let source = |key: &Preimage| self.store.0.get(key.hash()).cloned();
        let mut state = TrieState::new(source, &self.head);
        execute(&self.config, &self.head, attributes, &mut state, &mut RevmCrypto)
    }

    /// Executes over the state in memory, and gives the state after.
    pub(crate) fn over_memory(&self, attributes: &Attributes) -> Result<(Outcome, Memory), Error> {
        let mut state = self.state.clone();
        let outcome = execute(&self.config, &self.head, attributes, &mut state, &mut RevmCrypto)?;
        Ok((outcome, state))
    }

    /// Executes the next block all ways and moves to it.
    #[track_caller]
    pub(crate) fn push(&mut self, attributes: &Attributes) -> Outcome {
        let place = format!("{}, block {}", self.name, self.head.number + 1);
        let result = self.over_memory(attributes);
        let (outcome, state) = result.unwrap_or_else(|error| panic!("{place}: memory: {error}"));
        let other = self.over_nodes(attributes);
        let other = other.unwrap_or_else(|error| panic!("{place}: trie: {error}"));
        differ::outcomes(&place, &outcome, &other);
        self.compare(&place, attributes, &outcome, &state);
        self.state = state;
        self.head = outcome.header.clone();
        self.state.hashes.insert(self.head.number, self.head.hash());
        assert_eq!(self.store.add_state(&self.state), self.head.state_root, "{place}");
        self.store.add_header(&self.head);
        outcome
    }

    /// Lets op-geth execute the block: every second one as it is, the others from their attributes.
    fn compare(&mut self, place: &str, attributes: &Attributes, outcome: &Outcome, state: &Memory) {
        let Some(geth) = &mut self.geth else { return };
        if self.config.forks.active(Fork::Karst, attributes.timestamp) {
            return;
        }
        let header = &outcome.header;
        let result = if header.number.is_multiple_of(2) {
            geth.import(&block_rlp(header, attributes))
        } else {
            geth.build(attributes)
        };
        let described = match result {
            Ok(described) if described.hash == header.hash() => described,
            Ok(described) => differ::explain(place, outcome, state, &described, &geth.dump()),
            Err(error) => match geth.build(attributes) {
                Ok(described) => differ::explain(place, outcome, state, &described, &geth.dump()),
                Err(other) => panic!("{place}: op-geth: {error}; building: {other}"),
            },
        };
        let passer = state.clone().storage_root(MESSAGE_PASSER).unwrap();
        let output = OutputRoot {
            state_root: header.state_root,
            message_passer_root: passer,
            block_hash: header.hash(),
        };
        assert_eq!(described.output_root, output.hash(), "{place}: output root");
        self.compared += 1;
    }

    /// Attributes that nobody accepts: opal both ways with the same words, and op-geth.
    #[track_caller]
    pub(crate) fn refuse(&mut self, attributes: &Attributes) -> Invalid {
        let place = format!("{}, block {}", self.name, self.head.number + 1);
        let Err(Error::Invalid(invalid)) = self.over_memory(attributes) else {
            panic!("{place}: opal accepts the block");
        };
        let other = self.over_nodes(attributes).expect_err("memory refuses it");
        assert_eq!(other, Error::Invalid(invalid.clone()), "{place}");
        let is_comparable = !self.config.forks.active(Fork::Karst, attributes.timestamp);
        if let Some(geth) = self.geth.as_mut().filter(|_| is_comparable) {
            let accepted = geth.build(attributes).is_ok();
            assert!(!accepted, "{place}: op-geth accepts what opal refuses: {invalid}");
            self.refused += 1;
        }
        invalid
    }
}

/// The block as it travels: header, transactions, no uncles, from Canyon no withdrawals.
fn block_rlp(header: &Header, attributes: &Attributes) -> Vec<u8> {
    let mut payload = Vec::new();
    header.encode(&mut payload);
    let mut transactions = Vec::new();
    for raw in &attributes.transactions {
        if raw[0] >= 0xc0 {
            transactions.extend_from_slice(raw);
        } else {
            raw.encode(&mut transactions);
        }
    }
    alloy_rlp::Header { list: true, payload_length: transactions.len() }.encode(&mut payload);
    payload.extend(transactions);
    payload.push(0xc0);
    if attributes.withdrawals.is_some() {
        payload.push(0xc0);
    }
    let mut block = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut block);
    block.extend(payload);
    block
}

fn config(forks: ForkTimes, genesis: B256) -> ChainConfig {
    let block = BlockId { number: 0, hash: genesis };
    let system_config = SystemConfig::default();
    ChainConfig {
        genesis: Genesis { l1: block, l2: block, l2_time: GENESIS_TIME, system_config },
        block_time: BLOCK_TIME,
        max_sequencer_drift: 600,
        seq_window_size: 3600,
        channel_timeout: 300,
        l1_chain_id: 900,
        l2_chain_id: CHAIN_ID,
        forks,
        pectra_blob_schedule_time: None,
        batch_inbox: Address::ZERO,
        deposit_contract: Address::ZERO,
        l1_system_config: Address::ZERO,
        eip1559: EIP1559,
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}

/// The first block as geth writes it; op-geth and opal both read this.
fn genesis_json(forks: &ForkTimes) -> Value {
    let mut config = json!({
        "chainId": CHAIN_ID,
        "terminalTotalDifficulty": 0,
        "bedrockBlock": 0,
        "shanghaiTime": forks.canyon,
        "cancunTime": forks.ecotone,
        "pragueTime": forks.isthmus,
        "optimism": {
            "eip1559Elasticity": EIP1559.elasticity,
            "eip1559Denominator": EIP1559.denominator,
            "eip1559DenominatorCanyon": 250,
        },
    });
    for name in [
        "homestead",
        "eip150",
        "eip155",
        "eip158",
        "byzantium",
        "constantinople",
        "petersburg",
        "istanbul",
        "muirGlacier",
        "berlin",
        "london",
        "arrowGlacier",
        "grayGlacier",
        "mergeNetsplit",
    ] {
        config[format!("{name}Block")] = json!(0);
    }
    for fork in Fork::ALL.into_iter().filter(|fork| (Fork::Regolith..Fork::Karst).contains(fork)) {
        if fork != Fork::Delta {
            config[format!("{}Time", fork.name())] = json!(forks.time(fork));
        }
    }
    let min_base_fee = forks.active(Fork::Jovian, GENESIS_TIME).then_some(0);
    let extra =
        ExtraData { params: BaseFeeParams { denominator: 250, elasticity: 6 }, min_base_fee };
    let is_holocene = forks.active(Fork::Holocene, GENESIS_TIME);
    let rich = U256::from(10).pow(U256::from(30));
    let mut alloc = serde_json::Map::new();
    for (address, code, slots) in contracts::alloc() {
        let slots = slots
            .iter()
            .map(|(slot, value)| (B256::from(*slot).to_string(), json!(B256::from(*value))));
        let storage: serde_json::Map<_, _> = slots.collect();
        let account = json!({ "balance": "0x0", "code": code, "storage": storage });
        alloc.insert(address.to_string().to_lowercase(), account);
    }
    for number in 0..KEYS {
        let address = Key::new(number).address.to_string().to_lowercase();
        alloc.insert(address, json!({ "balance": rich }));
    }
    json!({
        "config": config,
        "timestamp": U64::from(GENESIS_TIME),
        "gasLimit": U64::from(GAS_LIMIT),
        "baseFeePerGas": U64::from(1_000_000_000_u64),
        "difficulty": "0x0",
        "extraData": if is_holocene { extra.encode() } else { Bytes::new() },
        "alloc": alloc,
    })
}
