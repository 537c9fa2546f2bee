//! Small chains with funded keys, an L1 and an L2 with all its forks.

use crate::keys::Key;
use alloy_consensus::{TxEip1559, TxEip7702, TxLegacy};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_rlp::Encodable;
use opal_engine::{
    BlockData, BuildAttributes, BuiltBlock, Engine, EngineOptions, Forkchoice, ForkchoiceStatus,
    InsertStatus, L1Rules, PoolLimits, Rules, StoreLocation, genesis_header,
};
use opal_types::{
    BaseFeeParams, BlockId, ChainConfig, ForkTimes, Genesis, L1BlockInfo, SystemConfig,
    l1_info_deposit, read::GenesisFile,
};
use serde_json::{Value, json};

pub(crate) const L1_CHAIN: u64 = 900;
/// Contracts that are asked for requests, and the one whose logs are deposits.
pub(crate) const WITHDRAWALS: &str = "0x00000961Ef480Eb55e80D19ad83579A64c007002";
pub(crate) const CONSOLIDATIONS: &str = "0x0000BBdDc7CE488642fb579F8B00f3a590007251";
pub(crate) const DEPOSITS: &str = "0x00000000219ab540356cBB839Cbe05303d7705Fa";
pub(crate) const L2_CHAIN: u64 = 901;
pub(crate) const GAS_LIMIT: u64 = 30_000_000;
/// Ten ether.
pub(crate) const FUNDS: u128 = 10_000_000_000_000_000_000;
/// Counts its calls in slot 0 and logs the count.
pub(crate) const COUNTER: Address = Address::with_last_byte(0xc1);
const COUNTER_CODE: &str = "0x5f546001018060005560005260206000a000";
/// Sends away all it has.
pub(crate) const SWEEPER: Address = Address::with_last_byte(0xc2);
const SWEEPER_CODE: &str = "0x5f5f5f5f4760995af100";
/// Wei.
pub(crate) const GWEI: u128 = 1_000_000_000;

/// Senders that have funds.
pub(crate) fn funded() -> [Key; 4] {
    ["alice", "bob", "carol", "dave"].map(Key::new)
}

/// A chain with what its next block needs.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) rules: Rules,
    pub(crate) system_config: SystemConfig,
    /// Distinguishes blocks of one height.
    pub(crate) salt: u8,
}

fn alloc(others: Value) -> Value {
    let mut alloc = others;
    for key in funded() {
        alloc[key.address.to_string()] = json!({ "balance": format!("{FUNDS:#x}") });
    }
    for (address, code) in [(COUNTER, COUNTER_CODE), (SWEEPER, SWEEPER_CODE)] {
        alloc[address.to_string()] = json!({ "balance": "0x0", "code": code });
    }
    alloc
}

/// `genesis.json` of the L1 with Osaka from this time on.
pub(crate) fn l1_genesis(osaka: u64) -> Vec<u8> {
    l1_genesis_with([0, 0, 0, osaka], json!({}))
}

/// The same with the times of Shanghai, Cancun, Prague and Osaka, and further accounts.
pub(crate) fn l1_genesis_with(
    [shanghai, cancun, prague, osaka]: [u64; 4],
    others: Value,
) -> Vec<u8> {
    let params = json!({ "target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716 });
    let mut accounts = others;
    for contract in [WITHDRAWALS, CONSOLIDATIONS] {
        if accounts.get(contract).is_none() {
            accounts[contract] = json!({ "balance": "0x0", "code": "0x00" });
        }
    }
    serde_json::to_vec(&json!({
        "config": {
            "chainId": L1_CHAIN, "londonBlock": 0, "terminalTotalDifficulty": 0,
            "shanghaiTime": shanghai, "cancunTime": cancun, "pragueTime": prague,
            "osakaTime": osaka, "depositContractAddress": DEPOSITS,
            "blobSchedule": { "cancun": params, "prague": params, "osaka": params },
        },
        "alloc": alloc(accounts),
        "gasLimit": format!("{GAS_LIMIT:#x}"), "difficulty": "0x0", "timestamp": "0x64",
        "baseFeePerGas": "0x3b9aca00", "excessBlobGas": "0x0", "blobGasUsed": "0x0",
    }))
    .unwrap()
}

/// An engine of the L1.
pub(crate) fn l1(store: StoreLocation, osaka: u64) -> World {
    l1_with(store, osaka, PoolLimits::STANDARD)
}

/// An engine of the L1 with these bounds on its pool.
pub(crate) fn l1_with(store: StoreLocation, osaka: u64, pool: PoolLimits) -> World {
    l1_of(&l1_genesis(osaka), store, pool)
}

/// An engine of an L1 with this genesis.
pub(crate) fn l1_of(text: &[u8], store: StoreLocation, pool: PoolLimits) -> World {
    let rules = Rules::L1(L1Rules::from_genesis_json(text).unwrap());
    let genesis = GenesisFile::from_json(text).unwrap();
    World::open(rules, genesis, store, pool, SystemConfig::default())
}

/// L1Block with these words in its slots, in hexadecimal digits.
fn l1_block(slots: &[(&str, &str)]) -> Value {
    let word = |digits: &str| format!("0x{digits:0>64}");
    let mut storage = json!({
        word("1"): word("3b9aca00"), word("3"): word(SCALARS), word("7"): word("1"),
    });
    for (slot, value) in slots {
        storage[word(slot)] = word(value).into();
    }
    json!({ "balance": "0x0", "nonce": "0x1", "storage": storage })
}

/// Scalars of an ordinary chain: base fee 1368, blob base fee 810949, above 8 bytes of sequence
/// number.
const SCALARS: &str = "00000558000c5fc50000000000000000";

/// An engine of the L2, all forks up to Karst at its first block.
pub(crate) fn l2(store: StoreLocation) -> World {
    l2_with(store, &[])
}

/// The same with other words in L1Block.
pub(crate) fn l2_with(store: StoreLocation, slots: &[(&str, &str)]) -> World {
    let text = serde_json::to_vec(&json!({
        "alloc": alloc(json!({
            "0x4200000000000000000000000000000000000015": l1_block(slots),
        })),
        "gasLimit": format!("{GAS_LIMIT:#x}"), "difficulty": "0x0", "timestamp": "0x64",
        "baseFeePerGas": "0x3b9aca00",
        "extraData": "0x01000000fa000000060000000000000000",
    }))
    .unwrap();
    let genesis = GenesisFile::from_json(&text).unwrap();
    let mut config = config();
    let header = genesis_header(&Rules::L2(Box::new(config.clone())), &genesis).unwrap();
    config.genesis.l2 = BlockId { number: 0, hash: header.hash() };
    let system_config = config.genesis.system_config.clone();
    World::open(Rules::L2(Box::new(config)), genesis, store, PoolLimits::STANDARD, system_config)
}

fn config() -> ChainConfig {
    let start = Some(0);
    let block = BlockId { number: 0, hash: B256::ZERO };
    ChainConfig {
        genesis: Genesis {
            l1: block,
            l2: block,
            l2_time: 100,
            system_config: SystemConfig {
                gas_limit: GAS_LIMIT,
                da_footprint_gas_scalar: 400,
                scalar: U256::from_limbs([0, 0, 0, 1 << 56]),
                ..SystemConfig::default()
            },
        },
        block_time: 2,
        max_sequencer_drift: 600,
        seq_window_size: 3600,
        channel_timeout: 300,
        l1_chain_id: L1_CHAIN,
        l2_chain_id: L2_CHAIN,
        forks: ForkTimes {
            regolith: start,
            canyon: start,
            delta: start,
            ecotone: start,
            fjord: start,
            granite: start,
            holocene: start,
            isthmus: start,
            jovian: start,
            karst: start,
            lagoon: None,
        },
        pectra_blob_schedule_time: None,
        batch_inbox: Address::with_last_byte(0xbb),
        deposit_contract: Address::with_last_byte(0xdd),
        l1_system_config: Address::with_last_byte(0xcc),
        eip1559: BaseFeeParams { denominator: 50, elasticity: 6 },
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}

impl World {
    fn open(
        rules: Rules,
        genesis: GenesisFile,
        store: StoreLocation,
        pool: PoolLimits,
        system_config: SystemConfig,
    ) -> Self {
        let options = EngineOptions { rules: rules.clone(), genesis, store, pool };
        Self { engine: Engine::open(options).unwrap(), rules, system_config, salt: 0 }
    }

    pub(crate) fn head(&self) -> B256 {
        self.engine.heads().head.header.hash()
    }

    /// Attributes of a block on `parent`, with the pool's transactions.
    pub(crate) fn attributes(&self, parent: B256) -> BuildAttributes {
        let parent = self.engine.block(parent).unwrap().unwrap();
        let timestamp = parent.header.timestamp + 2;
        let is_l2 = self.rules.l2().is_some();
        let has = |fork: fn(&L1Rules) -> Option<u64>| match &self.rules {
            Rules::L1(rules) => fork(rules).is_some_and(|time| timestamp >= time),
            Rules::L2(_) => true,
        };
        let number = parent.header.number;
        BuildAttributes {
            timestamp,
            prev_randao: B256::with_last_byte(self.salt),
            fee_recipient: Address::with_last_byte(0xfe),
            parent_beacon_block_root: has(|it| it.cancun).then_some(B256::ZERO),
            withdrawals: has(|it| it.shanghai).then(Vec::new),
            transactions: is_l2.then(|| self.l1_info(timestamp, number)).into_iter().collect(),
            no_tx_pool: false,
            gas_limit: Some(GAS_LIMIT),
            eip1559: is_l2.then(BaseFeeParams::default),
            min_base_fee: is_l2.then_some(0),
        }
    }

    fn l1_info(&self, timestamp: u64, sequence_number: u64) -> Bytes {
        let l1 = L1BlockInfo {
            hash: B256::ZERO,
            number: 0,
            timestamp: 100,
            base_fee: U256::from(GWEI),
            blob_base_fee: U256::from(1),
        };
        let config = self.rules.l2().unwrap();
        let deposit = l1_info_deposit(config, &self.system_config, sequence_number, &l1, timestamp);
        let mut raw = vec![0x7e];
        deposit.unwrap().encode(&mut raw);
        raw.into()
    }

    /// Builds a block on `parent`, and does not insert it.
    pub(crate) fn build(&self, parent: B256) -> BuiltBlock {
        self.build_with(parent, self.attributes(parent))
    }

    pub(crate) fn build_with(&self, parent: B256, attributes: BuildAttributes) -> BuiltBlock {
        let id = self.engine.build(parent, attributes).unwrap();
        self.engine.payload(id).unwrap()
    }

    /// Inserts a block that was built.
    pub(crate) fn insert(&self, built: &BuiltBlock) -> B256 {
        let hash = built.block.header.hash();
        let status = self.engine.insert(&BlockData::from(&*built.block)).unwrap();
        assert_eq!(status, InsertStatus::Valid { hash });
        hash
    }

    /// Makes a block the head.
    pub(crate) fn follow(&self, head: B256) {
        let state = Forkchoice { head, safe: B256::ZERO, finalized: B256::ZERO };
        assert_eq!(self.engine.forkchoice(state).unwrap(), ForkchoiceStatus::Valid { head });
    }

    /// Builds, inserts and follows a block on the head.
    pub(crate) fn grow(&self) -> BuiltBlock {
        let built = self.build(self.head());
        self.follow(self.insert(&built));
        built
    }

    /// Sends a transaction.
    pub(crate) fn send(&self, raw: &Bytes) -> B256 {
        self.engine.pool().add(raw).unwrap()
    }

    /// What the pool says against a transaction.
    pub(crate) fn refusal(&self, raw: &Bytes) -> String {
        self.engine.pool().add(raw).unwrap_err().to_string()
    }

    /// A transfer of one wei.
    pub(crate) fn transfer(&self, nonce: u64) -> TxEip1559 {
        TxEip1559 {
            chain_id: self.rules.chain_id(),
            nonce,
            gas_limit: 100_000,
            max_fee_per_gas: 10 * GWEI,
            max_priority_fee_per_gas: GWEI,
            to: TxKind::Call(Address::with_last_byte(0x77)),
            value: U256::from(1),
            access_list: Default::default(),
            input: Bytes::new(),
        }
    }

    /// A call of the counter.
    pub(crate) fn count(&self, nonce: u64) -> TxEip1559 {
        TxEip1559 { to: TxKind::Call(COUNTER), value: U256::ZERO, ..self.transfer(nonce) }
    }

    /// Gives an account that has sent nothing the code of a contract (EIP-7702).
    pub(crate) fn delegation(&self, nonce: u64, authority: &Key, to: Address) -> TxEip7702 {
        let authorization =
            Authorization { chain_id: U256::from(self.rules.chain_id()), address: to, nonce: 0 };
        let signature = authority.sign_hash(authorization.signature_hash());
        TxEip7702 {
            chain_id: self.rules.chain_id(),
            nonce,
            gas_limit: 200_000,
            max_fee_per_gas: 10 * GWEI,
            max_priority_fee_per_gas: GWEI,
            to: Address::with_last_byte(0x77),
            value: U256::ZERO,
            access_list: Default::default(),
            authorization_list: vec![authorization.into_signed(signature)],
            input: Bytes::new(),
        }
    }

    /// A transfer in the old form.
    pub(crate) fn legacy(&self, nonce: u64, gas_price: u128) -> TxLegacy {
        TxLegacy {
            chain_id: Some(self.rules.chain_id()),
            nonce,
            gas_price,
            gas_limit: 21_000,
            to: TxKind::Call(Address::with_last_byte(0x77)),
            value: U256::from(1),
            input: Bytes::new(),
        }
    }
}
