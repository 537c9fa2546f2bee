//! A chain that is at one fork from genesis on, and one block on it, over a state in memory.

use alloy_consensus::{Header, SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Sealable, Sealed, TxKind, U256, address, bytes};
use op_alloy_consensus::TxDeposit;
use opal_execute::predeploys::{L1_BLOCK, SEQUENCER_FEE_VAULT};
use opal_execute::{Call, Crypto, Error, Outcome, RevmCrypto, Signature, StateError, execute};
use opal_types::{
    Attributes, BaseFeeParams, BlockId, ChainConfig, ExtraData, Fork, ForkTimes, Genesis,
    SystemConfig,
};

pub(crate) use crate::memory::Memory;

pub(crate) const ALICE: Address = address!("00000000000000000000000000000000000a11ce");
pub(crate) const BOB: Address = address!("0000000000000000000000000000000000000b0b");
pub(crate) const CONTRACT: Address = address!("00000000000000000000000000000000c0de0001");
pub(crate) const CHAIN: u64 = 901;
pub(crate) const BASE_FEE: u64 = 1000;
pub(crate) const GAS_LIMIT: u64 = 30_000_000;
/// Stores the first word of the call data in slot 0.
pub(crate) const STORE_WORD: Bytes = bytes!("60003560005500");

/// Every signature is Alice's; precompiles compute.
pub(crate) struct SignedByAlice;

impl Crypto for SignedByAlice {
    fn call(&mut self, call: Call<'_>) -> Result<Option<Bytes>, StateError> {
        RevmCrypto.call(call)
    }

    fn recover(&mut self, _: &B256, _: &Signature) -> Result<Option<Address>, StateError> {
        Ok(Some(ALICE))
    }
}

/// A chain at one fork, its state, and a block to come.
pub(crate) struct World {
    fork: Fork,
    pub(crate) config: ChainConfig,
    pub(crate) parent: Header,
    pub(crate) state: Memory,
    pub(crate) attributes: Attributes,
}

impl World {
    pub(crate) fn new(fork: Fork) -> Self {
        let since = |wanted: Fork| (fork >= wanted).then_some(0);
        let eip1559 = BaseFeeParams { denominator: 50, elasticity: 6 };
        let block = BlockId { number: 0, hash: B256::ZERO };
        let config = ChainConfig {
            genesis: Genesis {
                l1: block,
                l2: block,
                l2_time: 0,
                system_config: SystemConfig::default(),
            },
            block_time: 2,
            max_sequencer_drift: 600,
            seq_window_size: 3600,
            channel_timeout: 300,
            l1_chain_id: 900,
            l2_chain_id: CHAIN,
            forks: ForkTimes {
                regolith: since(Fork::Regolith),
                canyon: since(Fork::Canyon),
                delta: since(Fork::Delta),
                ecotone: since(Fork::Ecotone),
                fjord: since(Fork::Fjord),
                granite: since(Fork::Granite),
                holocene: since(Fork::Holocene),
                isthmus: since(Fork::Isthmus),
                jovian: since(Fork::Jovian),
                karst: since(Fork::Karst),
                lagoon: since(Fork::Lagoon),
            },
            pectra_blob_schedule_time: None,
            batch_inbox: Address::ZERO,
            deposit_contract: Address::ZERO,
            l1_system_config: Address::ZERO,
            eip1559,
            eip1559_denominator_canyon: 250,
            keep_karst_upgrade_gas: false,
            alt_da: None,
        };
        let has = |wanted| fork >= wanted;
        let min_base_fee = has(Fork::Jovian).then_some(7);
        let extra = ExtraData { params: eip1559, min_base_fee };
        let parent = Header {
            number: 5,
            timestamp: 10,
            gas_limit: GAS_LIMIT,
            // Exactly the target: the base fee stays.
            gas_used: GAS_LIMIT / 6,
            base_fee_per_gas: Some(BASE_FEE),
            extra_data: if has(Fork::Holocene) { extra.encode() } else { Bytes::new() },
            blob_gas_used: has(Fork::Ecotone).then_some(0),
            ..Default::default()
        };
        let attributes = Attributes {
            timestamp: 12,
            prev_randao: B256::repeat_byte(3),
            fee_recipient: SEQUENCER_FEE_VAULT,
            withdrawals: has(Fork::Canyon).then(Vec::new),
            parent_beacon_block_root: has(Fork::Ecotone).then_some(B256::repeat_byte(0xbe)),
            transactions: vec![l1_attributes(fork)],
            gas_limit: GAS_LIMIT,
            eip1559: has(Fork::Holocene).then_some(BaseFeeParams::default()),
            min_base_fee,
        };
        let mut state = Memory::default();
        state.put(ALICE, 10_u128.pow(30), &Bytes::new());
        Self { fork, config, parent, state, attributes }
    }

    pub(crate) fn push(&mut self, raw: Bytes) {
        self.attributes.transactions.push(raw);
    }

    pub(crate) fn sealed_parent(&self) -> Sealed<Header> {
        self.parent.clone().seal_slow()
    }

    pub(crate) fn try_run(&mut self) -> Result<Outcome, Error> {
        let parent = self.sealed_parent();
        execute(&self.config, &parent, &self.attributes, &mut self.state, &mut SignedByAlice)
    }

    #[track_caller]
    pub(crate) fn run(&mut self) -> Outcome {
        self.try_run().unwrap_or_else(|error| panic!("{:?}: {error}", self.fork))
    }

    pub(crate) fn balance(&self, address: Address) -> U256 {
        self.state.accounts.get(&address).map_or(U256::ZERO, |(account, _)| account.balance)
    }

    pub(crate) fn slot(&self, address: Address, slot: u64) -> U256 {
        let slots = self.state.accounts.get(&address).map(|(_, slots)| slots);
        slots.and_then(|slots| slots.get(&U256::from(slot))).copied().unwrap_or_default()
    }

    /// Puts the code, calls it with a deposit, and gives whether that succeeded, with its gas.
    #[track_caller]
    pub(crate) fn call(&mut self, to: Address, gas_limit: u64, input: Bytes) -> (bool, u64) {
        self.push(deposit(TxDeposit { to: TxKind::Call(to), gas_limit, input, ..blank() }));
        let outcome = self.run();
        (outcome.receipts[1].success, outcome.transactions[1].gas_used)
    }
}

pub(crate) fn blank() -> TxDeposit {
    TxDeposit {
        source_hash: B256::ZERO,
        from: BOB,
        to: TxKind::Call(CONTRACT),
        mint: 0,
        value: U256::ZERO,
        gas_limit: 100_000,
        is_system_transaction: false,
        input: Bytes::new(),
    }
}

pub(crate) fn deposit(tx: TxDeposit) -> Bytes {
    tx.encoded_2718().into()
}

/// As much of the L1 attributes deposit as execution looks at: from Jovian the footprint scalar, here 400.
pub(crate) fn l1_attributes(fork: Fork) -> Bytes {
    let mut input = Vec::new();
    if fork >= Fork::Jovian {
        input.extend([0x3d, 0xb6, 0xbe, 0x2b]);
        input.resize(176, 0);
        input.extend(400_u16.to_be_bytes());
    }
    let to = TxKind::Call(L1_BLOCK);
    deposit(TxDeposit { to, gas_limit: 1_000_000, input: input.into(), ..blank() })
}

pub(crate) fn signed(nonce: u64, gas_limit: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit,
        max_fee_per_gas: 5000,
        max_priority_fee_per_gas: 2,
        to: TxKind::Call(BOB),
        value: U256::ZERO,
        access_list: Default::default(),
        input: Bytes::new(),
    }
}

pub(crate) fn raw(tx: TxEip1559) -> Bytes {
    let signature = alloy_primitives::Signature::new(U256::from(1), U256::from(1), false);
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}
