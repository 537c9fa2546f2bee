//! A state in memory without any trie of opal's: maps, and alloy-trie for the roots. The tests of the fork rules and the
//! chains that are compared with op-geth share it.
//!
//! **Invariant:** it holds what it was told, and nothing follows from hashes.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::TrieAccount;
use alloy_trie::root::{state_root_unhashed, storage_root_unhashed};
use opal_execute::{Account, AccountChange, Key, StateError, StateRead};
use std::collections::BTreeMap;

/// A state in memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) accounts: BTreeMap<Address, (Account, BTreeMap<U256, U256>)>,
    pub(crate) codes: BTreeMap<B256, Bytes>,
    /// Hashes of blocks by their number.
    pub(crate) hashes: BTreeMap<u64, B256>,
}

impl Memory {
    pub(crate) fn put(&mut self, address: Address, balance: u128, code: &Bytes) {
        let code_hash = keccak256(code);
        self.codes.insert(code_hash, code.clone());
        let account = Account { nonce: 0, balance: U256::from(balance), code_hash };
        self.accounts.entry(address).or_insert((account, BTreeMap::new())).0 = account;
    }

    pub(crate) fn root_of(slots: &BTreeMap<U256, U256>) -> B256 {
        storage_root_unhashed(slots.iter().map(|(slot, value)| (B256::from(*slot), *value)))
    }
}

impl StateRead for Memory {
    fn account(&mut self, address: Address) -> Result<Option<Account>, StateError> {
        Ok(self.accounts.get(&address).map(|(account, _)| *account))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        let slots = self.accounts.get(&address).map(|(_, slots)| slots);
        Ok(slots.and_then(|slots| slots.get(&slot)).copied().unwrap_or_default())
    }

    fn code(&mut self, code_hash: B256) -> Result<Bytes, StateError> {
        self.codes.get(&code_hash).cloned().ok_or(StateError::Absent(Key::Code(code_hash)))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        self.hashes.get(&number).copied().ok_or(StateError::UnknownBlock(number))
    }

    fn state_root(&mut self, changes: &[AccountChange]) -> Result<B256, StateError> {
        for change in changes {
            let Some(account) = change.account else {
                self.accounts.remove(&change.address);
                continue;
            };
            let entry = self.accounts.entry(change.address).or_insert((account, BTreeMap::new()));
            entry.0 = account;
            if change.storage_cleared {
                entry.1.clear();
            }
            entry.1.extend(change.slots.iter().copied());
            entry.1.retain(|_, value| !value.is_zero());
            if let Some(code) = &change.code {
                self.codes.insert(account.code_hash, code.clone());
            }
        }
        Ok(state_root_unhashed(self.accounts.iter().map(|(address, (account, slots))| {
            let storage_root = Self::root_of(slots);
            let Account { nonce, balance, code_hash } = *account;
            (*address, TrieAccount { nonce, balance, storage_root, code_hash })
        })))
    }

    fn storage_root(&mut self, address: Address) -> Result<B256, StateError> {
        let none = BTreeMap::new();
        Ok(Self::root_of(self.accounts.get(&address).map_or(&none, |(_, slots)| slots)))
    }
}
