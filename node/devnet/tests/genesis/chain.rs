//! A chain that goes on from a first block, executed by `opal_execute` over trie nodes.
//!
//! **Invariant:** nothing of the state is known but by hash from the first block's header.

use alloy_consensus::{EMPTY_ROOT_HASH, Header, TrieAccount};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Log, Sealed, TxKind, U256, keccak256};
use alloy_sol_types::SolCall;
use op_alloy_consensus::TxDeposit;
use opal_devnet::genesis::{Alloc, GAS_LIMIT, GenesisSet};
use opal_execute::{
    Key, Nodes, Outcome, Preimages, RevmCrypto, StateError, StateRead, Trie, TrieState,
    predeploys::SEQUENCER_FEE_VAULT,
};
use opal_types::{
    Attributes, BaseFeeParams, ChainConfig, DEPOSITOR, Fork, L1BlockInfo, l1_info_deposit,
    upgrade_gas, upgrade_transactions, wrap_for_set,
};
use revm::{
    Context, Database, ExecuteEvm, MainBuilder, MainContext, SystemCallEvm,
    context::result::ExecutionResult,
    state::{AccountInfo, Bytecode},
};
use std::collections::HashMap;

/// See the module.
pub(crate) struct Chain {
    pub(crate) config: ChainConfig,
    pub(crate) head: Sealed<Header>,
    state: TrieState<Memory>,
    deposits: u64,
}

/// Trie nodes and codes.
#[derive(Default)]
struct Memory(HashMap<B256, Bytes>);

impl Nodes for Memory {
    fn node(&mut self, hash: &B256) -> Result<Bytes, StateError> {
        self.0.get(hash).cloned().ok_or(StateError::Absent(Key::Node(*hash)))
    }

    fn made(&mut self, hash: &B256, node: &[u8]) {
        self.0.insert(*hash, Bytes::copy_from_slice(node));
    }
}

impl Preimages for Memory {
    fn preimage(&mut self, key: &Key) -> Option<Bytes> {
        self.0.get(key.hash()).cloned()
    }

    fn made(&mut self, key: Key, value: &[u8]) {
        self.0.insert(*key.hash(), Bytes::copy_from_slice(value));
    }
}

impl Memory {
    /// Takes in all accounts and gives their root.
    fn load(&mut self, alloc: &Alloc) -> B256 {
        let mut accounts = Trie::empty();
        for (address, account) in alloc {
            let mut storage = Trie::empty();
            for (slot, value) in account.storage.iter().filter(|(_, value)| !value.is_zero()) {
                let value = alloy_rlp::encode(U256::from_be_bytes(value.0));
                storage.insert(keccak256(slot).as_slice(), value.into(), self).unwrap();
            }
            let storage_root =
                if account.storage.is_empty() { EMPTY_ROOT_HASH } else { storage.root_into(self) };
            let code_hash = keccak256(&account.code);
            self.0.insert(code_hash, account.code.clone());
            let (nonce, balance) = (account.nonce.to(), account.balance);
            let value = TrieAccount { nonce, balance, storage_root, code_hash };
            let key = keccak256(address);
            accounts.insert(key.as_slice(), alloy_rlp::encode(value).into(), self).unwrap();
        }
        accounts.root_into(self)
    }
}

impl Chain {
    pub(crate) fn l2(set: &GenesisSet, index: usize) -> Self {
        let chain = &set.chains[index];
        Self::new(chain.config.clone(), chain.header.clone(), &chain.alloc)
    }

    /// The dev L1, executed under the rules of an L2 that has the same machine; its transactions are deposits, so that
    /// any sender can be had.
    pub(crate) fn l1(set: &GenesisSet) -> Self {
        let l1 = set.l1.as_ref().expect("a dev L1");
        let mut config = set.chains[0].config.clone();
        config.l2_chain_id = l1.config.chain_id;
        config.forks.holocene = None;
        config.forks.isthmus = None;
        config.forks.jovian = None;
        config.forks.karst = None;
        config.forks.lagoon = None;
        Self::new(config, l1.header.clone(), &l1.alloc)
    }

    pub(crate) fn new(config: ChainConfig, head: Sealed<Header>, alloc: &Alloc) -> Self {
        let mut memory = Memory::default();
        assert_eq!(memory.load(alloc), head.state_root);
        let state = TrieState::new(memory, &head);
        Self { config, head, state, deposits: 0 }
    }

    /// A deposit of this sender.
    pub(crate) fn deposit(
        &mut self,
        from: Address,
        to: TxKind,
        value: U256,
        input: Bytes,
    ) -> Bytes {
        self.deposits += 1;
        let deposit = TxDeposit {
            source_hash: keccak256(self.deposits.to_be_bytes()),
            from,
            to,
            mint: 0,
            value,
            gas_limit: 16_000_000,
            is_system_transaction: false,
            input,
        };
        deposit.encoded_2718().into()
    }

    /// A block with these transactions alone.
    pub(crate) fn block(&mut self, transactions: Vec<Bytes>) -> Outcome {
        self.block_with(transactions, 0)
    }

    fn block_with(&mut self, transactions: Vec<Bytes>, more_gas: u64) -> Outcome {
        let timestamp = self.head.timestamp + self.config.block_time;
        let active = |fork| self.config.forks.active(fork, timestamp);
        let attributes = Attributes {
            timestamp,
            prev_randao: B256::ZERO,
            fee_recipient: SEQUENCER_FEE_VAULT,
            withdrawals: active(Fork::Canyon).then(Vec::new),
            parent_beacon_block_root: active(Fork::Ecotone).then_some(B256::ZERO),
            transactions,
            gas_limit: GAS_LIMIT + more_gas,
            eip1559: active(Fork::Holocene).then(BaseFeeParams::default),
            min_base_fee: active(Fork::Jovian).then_some(0),
        };
        let (config, head) = (&self.config, &self.head);
        let outcome =
            opal_execute::execute(config, head, &attributes, &mut self.state, &mut RevmCrypto);
        let outcome = outcome.unwrap();
        self.state.follow(&outcome.header);
        self.head = outcome.header.clone();
        outcome
    }

    /// A block as derivation makes it: L1 attributes, these deposits, upgrade transactions.
    pub(crate) fn derived_block(&mut self, deposits: Vec<Bytes>, chains: usize) -> Outcome {
        let timestamp = self.head.timestamp + self.config.block_time;
        let genesis = &self.config.genesis;
        let l1 = L1BlockInfo {
            hash: genesis.l1.hash,
            number: genesis.l1.number,
            timestamp: genesis.l2_time,
            base_fee: U256::from(1_000_000_000),
            blob_base_fee: U256::ONE,
        };
        let number = self.head.number + 1;
        let info =
            l1_info_deposit(&self.config, &genesis.system_config, number, &l1, timestamp).unwrap();
        let mut transactions = vec![info.encoded_2718().into()];
        transactions.extend(deposits);
        let mut more_gas = 0;
        for fork in Fork::ALL.into_iter().filter(|fork| self.config.activates(*fork, timestamp)) {
            let upgrades = upgrade_transactions(fork).unwrap();
            let is_set = fork == Fork::Lagoon && chains > 1;
            transactions.extend(if is_set { wrap_for_set(upgrades) } else { upgrades });
            more_gas += upgrade_gas(fork);
        }
        self.block_with(transactions, more_gas)
    }

    /// Sends one transaction and gives its logs with those of no other.
    pub(crate) fn send(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        call: Vec<u8>,
    ) -> Vec<Log> {
        let transaction = self.deposit(from, to.into(), value, call.into());
        let outcome = self.block(vec![transaction]);
        assert!(outcome.receipts[0].success);
        outcome.receipts[0].logs.clone()
    }

    /// What a contract answers now.
    pub(crate) fn ask<C: SolCall>(&mut self, to: Address, call: C) -> C::Return {
        self.try_ask(to, call).expect("an answer")
    }

    pub(crate) fn try_ask<C: SolCall>(&mut self, to: Address, call: C) -> Option<C::Return> {
        let chain_id = self.config.l2_chain_id;
        let mut evm = Context::mainnet()
            .with_db(View(&mut self.state))
            .modify_cfg_chained(|cfg| cfg.chain_id = chain_id)
            .build_mainnet();
        let result =
            evm.system_call_one_with_caller(DEPOSITOR, to, call.abi_encode().into()).unwrap();
        evm.finalize();
        match result {
            ExecutionResult::Success { output, .. } => {
                Some(C::abi_decode_returns(output.data()).expect("the answer has its type"))
            }
            _ => None,
        }
    }

    pub(crate) fn balance(&mut self, address: Address) -> U256 {
        self.state.account(address).unwrap().map_or(U256::ZERO, |account| account.balance)
    }

    pub(crate) fn code(&mut self, address: Address) -> Bytes {
        let account = self.state.account(address).unwrap();
        account.map_or_else(Bytes::new, |account| self.state.code(account.code_hash).unwrap())
    }

    pub(crate) fn slot(&mut self, address: Address, slot: B256) -> B256 {
        self.state.storage(address, slot.into()).unwrap().into()
    }
}

/// State for a machine that changes nothing.
struct View<'a>(&'a mut TrieState<Memory>);

impl Database for View<'_> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let Some(account) = self.0.account(address)? else { return Ok(None) };
        Ok(Some(AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            code: None,
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, StateError> {
        Ok(Bytecode::new_legacy(self.0.code(code_hash)?))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.0.storage(address, slot)
    }

    fn block_hash(&mut self, _number: u64) -> Result<B256, StateError> {
        Ok(B256::ZERO)
    }
}
