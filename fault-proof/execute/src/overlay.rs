//! The state while a block runs: what was read from before the block, and what its transactions changed.
//!
//! Start with [`Overlay`], which is revm's database. Every transaction's result is committed here.
//!
//! **Invariant:** each account, slot and code is read from the state below at most once.

use crate::{Account, AccountChange, StateError, StateRead};
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry as Place;
use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use revm::database_interface::Database;
use revm::state::{AccountInfo, Bytecode, EvmState};

/// A value before the block and now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pair<T> {
    before: T,
    now: T,
}

/// An account that the block read.
#[derive(Debug)]
struct Entry {
    account: Pair<Option<Account>>,
    /// What storage there was is gone.
    cleared: bool,
    has_new_code: bool,
    slots: BTreeMap<U256, Pair<U256>>,
}

/// A block's view of the state.
pub struct Overlay<'a, S> {
    state: &'a mut S,
    accounts: BTreeMap<Address, Entry>,
    codes: BTreeMap<B256, Bytecode>,
}

impl<S> core::fmt::Debug for Overlay<'_, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Overlay").field("accounts", &self.accounts).finish_non_exhaustive()
    }
}

impl<'a, S: StateRead> Overlay<'a, S> {
    /// Nothing changed yet.
    pub const fn new(state: &'a mut S) -> Self {
        Self { state, accounts: BTreeMap::new(), codes: BTreeMap::new() }
    }

    fn entry(&mut self, address: Address) -> Result<&mut Entry, StateError> {
        match self.accounts.entry(address) {
            Place::Occupied(place) => Ok(place.into_mut()),
            Place::Vacant(place) => {
                let account = self.state.account(address)?;
                Ok(place.insert(Entry {
                    account: Pair { before: account, now: account },
                    cleared: false,
                    has_new_code: false,
                    slots: BTreeMap::new(),
                }))
            }
        }
    }

    /// The account now.
    pub fn account(&mut self, address: Address) -> Result<Option<Account>, StateError> {
        Ok(self.entry(address)?.account.now)
    }

    /// The value of a slot now.
    pub fn slot(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.entry(address)?;
        let Some(entry) = self.accounts.get_mut(&address) else { return Ok(U256::ZERO) };
        match entry.slots.entry(slot) {
            Place::Occupied(place) => Ok(place.get().now),
            Place::Vacant(place) => {
                let is_new = entry.cleared || entry.account.before.is_none();
                let value = if is_new { U256::ZERO } else { self.state.storage(address, slot)? };
                place.insert(Pair { before: value, now: value });
                Ok(value)
            }
        }
    }

    /// Sets an account's code outside of any transaction (E14).
    pub(crate) fn set_code(&mut self, address: Address, code: Bytecode) -> Result<(), StateError> {
        let code_hash = code.hash_slow();
        self.codes.insert(code_hash, code);
        let entry = self.entry(address)?;
        let account =
            entry.account.now.unwrap_or(Account { nonce: 0, balance: U256::ZERO, code_hash });
        entry.account.now = Some(Account { code_hash, ..account });
        entry.has_new_code = true;
        Ok(())
    }

    /// Takes in what a transaction did.
    pub fn commit(&mut self, state: EvmState) -> Result<(), StateError> {
        for (address, account) in state {
            if !account.is_touched() {
                continue;
            }
            let entry = self.entry(address)?;
            if account.is_selfdestructed() {
                entry.cleared = true;
                entry.slots.clear();
                entry.account.now = None;
                continue;
            }
            for (slot, value) in &account.storage {
                if value.is_changed() {
                    // A slot of a new account was never read: there was nothing.
                    let unread = Pair { before: U256::ZERO, now: U256::ZERO };
                    entry.slots.entry(*slot).or_insert(unread).now = value.present_value;
                }
            }
            let info = account.info;
            // EIP-161: a touched account that is empty does not exist.
            let now = (!info.is_empty()).then_some(Account {
                nonce: info.nonce,
                balance: info.balance,
                code_hash: info.code_hash,
            });
            let code_before = entry.account.now.map_or(KECCAK256_EMPTY, |it| it.code_hash);
            entry.account.now = now;
            if info.code_hash != code_before && info.code_hash != KECCAK256_EMPTY {
                entry.has_new_code = true;
                if let Some(code) = info.code {
                    self.codes.insert(info.code_hash, code);
                }
            }
        }
        Ok(())
    }

    /// All differences since before the block, in order of address.
    pub fn changes(&self) -> Vec<AccountChange> {
        let mut changes = Vec::new();
        for (address, entry) in &self.accounts {
            let slots: Vec<_> = entry
                .slots
                .iter()
                .filter(|(_, value)| {
                    if entry.cleared { !value.now.is_zero() } else { value.now != value.before }
                })
                .map(|(slot, value)| (*slot, value.now))
                .collect();
            if entry.account.now == entry.account.before && slots.is_empty() && !entry.cleared {
                continue;
            }
            let code = entry.account.now.filter(|_| entry.has_new_code);
            changes.push(AccountChange {
                address: *address,
                account: entry.account.now,
                code: code.and_then(|it| Some(self.codes.get(&it.code_hash)?.original_bytes())),
                storage_cleared: entry.cleared && entry.account.before.is_some(),
                slots,
            });
        }
        changes
    }

    /// The state root after `changes`, which the state below applies.
    pub fn state_root(&mut self, changes: &[AccountChange]) -> Result<B256, StateError> {
        self.state.state_root(changes)
    }

    /// The storage root of an account, after the changes if they were applied.
    pub fn storage_root(&mut self, address: Address) -> Result<B256, StateError> {
        self.state.storage_root(address)
    }
}

impl<S: StateRead> Database for Overlay<'_, S> {
    type Error = StateError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        Ok(self.account(address)?.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: None,
        }))
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, StateError> {
        match self.codes.entry(code_hash) {
            Place::Occupied(place) => Ok(place.get().clone()),
            Place::Vacant(place) => {
                let bytes: Bytes = self.state.code(code_hash)?;
                let malformed = StateError::Malformed(crate::Key::Code(code_hash));
                let code = Bytecode::new_raw_checked(bytes).map_err(|_| malformed)?;
                Ok(place.insert(code).clone())
            }
        }
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.slot(address, slot)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        self.state.block_hash(number)
    }
}
