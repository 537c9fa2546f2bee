//! The state that a call sees.
//!
//! **Invariant:** reads go down to one block's state; writes stay in the cache above it.

use crate::StateView;
use alloy_primitives::{Address, B256, U256};
use opal_execute::{Key, StateError, StateRead};
use revm::DatabaseRef;
use revm::database::CacheDB;
use revm::state::{AccountInfo, Bytecode};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A block's state with what calls wrote on top.
pub(crate) type CallDb = CacheDB<ViewDb>;

/// A block's state as revm reads it.
pub(crate) struct ViewDb {
    view: RefCell<StateView>,
    /// Hashes that a request gave, by number.
    pub(crate) hashes: BTreeMap<u64, B256>,
}

impl std::fmt::Debug for ViewDb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ViewDb").field("hashes", &self.hashes).finish_non_exhaustive()
    }
}

impl ViewDb {
    /// Nothing written yet.
    pub(crate) fn open(view: StateView) -> CallDb {
        CacheDB::new(Self { view: RefCell::new(view), hashes: BTreeMap::new() })
    }
}

impl DatabaseRef for ViewDb {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let account = self.view.borrow_mut().account(address)?;
        Ok(account.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: None,
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, StateError> {
        let bytes = self.view.borrow_mut().code(code_hash)?;
        Bytecode::new_raw_checked(bytes).map_err(|_| StateError::Malformed(Key::Code(code_hash)))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, StateError> {
        self.view.borrow_mut().storage(address, slot)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        if let Some(hash) = self.hashes.get(&number) {
            return Ok(*hash);
        }
        match self.view.borrow_mut().block_hash(number) {
            // Above the head or too far below: the instruction answers zero.
            Err(StateError::UnknownBlock(_)) => Ok(B256::ZERO),
            other => other,
        }
    }
}
