//! A chain's accounts in memory, and calls on them.
//!
//! Start with [`World::construct`] and [`World::call`]. The upgrade transactions run over the same accounts, through
//! `opal_execute` (see [`StateRead`]).
//!
//! **Invariant:** an account that is empty is not there.

use super::{Alloc, GenesisError};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256, keccak256};
use opal_execute::{Account, AccountChange, StateError, StateRead};
use opal_types::read::GenesisAccount;
use revm::{
    Context, Database, ExecuteEvm, MainBuilder, MainContext, SystemCallEvm,
    context::result::ExecutionResult,
    primitives::hardfork::SpecId,
    state::{AccountInfo, Bytecode, EvmState},
};
use std::collections::{BTreeMap, HashMap};

/// See the module.
#[derive(Debug)]
pub(super) struct World {
    chain_id: u64,
    timestamp: u64,
    accounts: BTreeMap<Address, Held>,
    codes: HashMap<B256, Bytes>,
}

#[derive(Clone, Debug, Default)]
struct Held {
    balance: U256,
    nonce: u64,
    /// `None` for no code.
    code_hash: Option<B256>,
    storage: BTreeMap<U256, U256>,
}

impl World {
    pub(super) fn new(chain_id: u64, timestamp: u64) -> Self {
        Self { chain_id, timestamp, accounts: BTreeMap::new(), codes: HashMap::new() }
    }

    fn held(&mut self, address: Address) -> &mut Held {
        self.accounts.entry(address).or_default()
    }

    pub(super) fn set_balance(&mut self, address: Address, balance: U256) {
        self.held(address).balance = balance;
    }

    pub(super) fn set_nonce(&mut self, address: Address, nonce: u64) {
        self.held(address).nonce = nonce;
    }

    pub(super) fn set_code(&mut self, address: Address, code: &Bytes) {
        let hash = (!code.is_empty()).then(|| keccak256(code));
        if let Some(hash) = hash {
            self.codes.entry(hash).or_insert_with(|| code.clone());
        }
        self.held(address).code_hash = hash;
    }

    /// The hash of the code there.
    pub(super) fn code_at(&self, address: Address) -> Option<B256> {
        self.accounts.get(&address).and_then(|held| held.code_hash)
    }

    /// Gives an account the code that another one has.
    pub(super) fn set_known_code(&mut self, address: Address, code_hash: Option<B256>) {
        self.held(address).code_hash = code_hash;
    }

    pub(super) fn has_code(&self, address: Address) -> bool {
        self.accounts.get(&address).is_some_and(|held| held.code_hash.is_some())
    }

    pub(super) fn set_slot(&mut self, address: Address, slot: U256, value: U256) {
        let storage = &mut self.held(address).storage;
        if value.is_zero() {
            storage.remove(&slot);
        } else {
            storage.insert(slot, value);
        }
    }

    pub(super) fn clear_storage(&mut self, address: Address) {
        if let Some(held) = self.accounts.get_mut(&address) {
            held.storage.clear();
        }
    }

    pub(super) fn remove(&mut self, address: Address) {
        self.accounts.remove(&address);
    }

    /// Puts a contract at an address of our choice: its constructor runs there, as code.
    pub(super) fn construct(
        &mut self,
        from: Address,
        (name, at): (&'static str, Address),
        creation: Bytes,
    ) -> Result<(), GenesisError> {
        self.set_code(at, &creation);
        let code = self.run(from, at, Bytes::new());
        let code = code.map_err(|reason| GenesisError::Call { name, at, reason })?;
        self.codes.remove(&keccak256(&creation));
        self.set_code(at, &code);
        Ok(())
    }

    /// Calls a contract.
    pub(super) fn call(
        &mut self,
        from: Address,
        (name, at): (&'static str, Address),
        data: impl Into<Bytes>,
    ) -> Result<Bytes, GenesisError> {
        self.run(from, at, data.into()).map_err(|reason| GenesisError::Call { name, at, reason })
    }

    fn run(&mut self, from: Address, to: Address, data: Bytes) -> Result<Bytes, String> {
        let (chain_id, timestamp) = (self.chain_id, U256::from(self.timestamp));
        let mut evm = Context::mainnet()
            .with_db(&mut *self)
            .modify_cfg_chained(|cfg| {
                cfg.chain_id = chain_id;
                cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
            })
            .modify_block_chained(|block| block.timestamp = timestamp)
            .build_mainnet();
        let result = evm.system_call_one_with_caller(from, to, data);
        let state = evm.finalize();
        match result {
            Ok(ExecutionResult::Success { output, .. }) => {
                self.commit(state);
                Ok(output.into_data())
            }
            Ok(ExecutionResult::Revert { output, .. }) => Err(format!("reverts with {output}")),
            Ok(ExecutionResult::Halt { reason, .. }) => Err(format!("halts: {reason:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn commit(&mut self, state: EvmState) {
        for (address, account) in state {
            if !account.is_touched() || account.is_empty() {
                continue;
            }
            if let Some(code) = &account.info.code {
                self.set_code(address, &code.original_bytes());
            }
            let held = self.held(address);
            (held.balance, held.nonce) = (account.info.balance, account.info.nonce);
            for (slot, value) in account.changed_storage_slots() {
                self.set_slot(address, *slot, value.present_value());
            }
        }
    }

    /// The accounts as a genesis file lists them.
    pub(super) fn into_alloc(self) -> Alloc {
        let Self { accounts, codes, .. } = self;
        let code = |hash: &B256| codes.get(hash).cloned().unwrap_or_default();
        let account = |held: Held| GenesisAccount {
            balance: held.balance,
            nonce: U64::from(held.nonce),
            code: held.code_hash.as_ref().map(code).unwrap_or_default(),
            storage: held
                .storage
                .into_iter()
                .map(|(slot, value)| (slot.into(), value.into()))
                .collect(),
        };
        accounts.into_iter().map(|(address, held)| (address, account(held))).collect()
    }

    fn apply(&mut self, change: &AccountChange) {
        let Some(account) = change.account else {
            self.accounts.remove(&change.address);
            return;
        };
        if change.storage_cleared {
            self.clear_storage(change.address);
        }
        if let Some(code) = &change.code {
            self.set_code(change.address, code);
        }
        let held = self.held(change.address);
        (held.balance, held.nonce) = (account.balance, account.nonce);
        for (slot, value) in &change.slots {
            self.set_slot(change.address, *slot, *value);
        }
    }
}

impl Database for World {
    type Error = core::convert::Infallible;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        let Some(held) = self.accounts.get(&address) else { return Ok(None) };
        let code_hash = held.code_hash.unwrap_or(KECCAK256_EMPTY);
        let code = self.codes.get(&code_hash).cloned().unwrap_or_default();
        Ok(Some(AccountInfo {
            balance: held.balance,
            nonce: held.nonce,
            code_hash,
            code: Some(Bytecode::new_legacy(code)),
            ..AccountInfo::default()
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, Self::Error> {
        Ok(Bytecode::new_legacy(self.codes.get(&code_hash).cloned().unwrap_or_default()))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, Self::Error> {
        let held = self.accounts.get(&address);
        Ok(held.and_then(|held| held.storage.get(&slot)).copied().unwrap_or_default())
    }

    fn block_hash(&mut self, _number: u64) -> Result<B256, Self::Error> {
        Ok(B256::ZERO)
    }
}

impl StateRead for World {
    fn account(&mut self, address: Address) -> Result<Option<Account>, StateError> {
        Ok(self.accounts.get(&address).map(|held| Account {
            nonce: held.nonce,
            balance: held.balance,
            code_hash: held.code_hash.unwrap_or(KECCAK256_EMPTY),
        }))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        let held = self.accounts.get(&address);
        Ok(held.and_then(|held| held.storage.get(&slot)).copied().unwrap_or_default())
    }

    fn code(&mut self, code_hash: B256) -> Result<Bytes, StateError> {
        let key = opal_execute::Key::Code(code_hash);
        self.codes.get(&code_hash).cloned().ok_or(StateError::Absent(key))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        Err(StateError::UnknownBlock(number))
    }

    /// The blocks before the first one have no roots: nobody ever sees them.
    fn state_root(&mut self, changes: &[AccountChange]) -> Result<B256, StateError> {
        for change in changes {
            self.apply(change);
        }
        Ok(B256::ZERO)
    }

    fn storage_root(&mut self, _address: Address) -> Result<B256, StateError> {
        Ok(B256::ZERO)
    }
}
