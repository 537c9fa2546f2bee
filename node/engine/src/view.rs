//! The state after one block.
//!
//! Start with [`StateView`]. The state of the canonical head is read from the flat tables, any
//! other from trie nodes; roots and proofs always come from trie nodes.
//!
//! **Invariant:** once changes were applied every answer is about the state after them, in this
//! view alone.

use crate::StoreError;
use crate::store::Snapshot;
use alloy_consensus::Header;
use alloy_primitives::map::{AddressMap, AddressSet, B256Map, HashMap};
use alloy_primitives::{Address, B256, Bytes, Sealed, U256, keccak256};
use opal_execute::{
    Account, AccountChange, Key, Nodes, Preimages, StateError, StateRead, TrieState,
};
use std::sync::Arc;

/// What a view reads from, and what its execution makes.
#[derive(Debug)]
pub(crate) struct Source {
    /// Taken away while nobody reads, so that it pins nothing.
    snapshot: Option<Arc<Snapshot>>,
    nodes: Vec<(B256, Bytes)>,
    codes: Vec<(B256, Bytes)>,
    /// Why the store did not answer. The state's own errors have no room for it.
    failure: Option<StoreError>,
}

impl Source {
    fn ask<T>(
        &mut self,
        key: Key,
        ask: impl FnOnce(&Snapshot) -> Result<T, StoreError>,
    ) -> Result<T, StateError> {
        let snapshot = self.snapshot.as_deref().ok_or(StateError::Absent(key))?;
        ask(snapshot).map_err(|error| {
            self.failure = Some(error);
            StateError::Absent(key)
        })
    }
}

impl Preimages for Source {
    fn preimage(&mut self, key: &Key) -> Option<Bytes> {
        let asked = self.ask(*key, |snapshot| match key {
            Key::Node(hash) => snapshot.node(*hash),
            Key::Code(hash) => snapshot.code(*hash),
            Key::Header(hash) => {
                let header = snapshot.header(*hash)?;
                Ok(header.map(|header| alloy_rlp::encode(header.inner()).into()))
            }
            Key::Precompile(_) => Ok(None),
        });
        asked.ok().flatten()
    }

    fn made(&mut self, key: Key, value: &[u8]) {
        match key {
            Key::Node(hash) => self.nodes.push((hash, Bytes::copy_from_slice(value))),
            Key::Code(hash) => self.codes.push((hash, Bytes::copy_from_slice(value))),
            Key::Header(_) | Key::Precompile(_) => {}
        }
    }
}

impl Nodes for Source {
    fn node(&mut self, hash: &B256) -> Result<Bytes, StateError> {
        let key = Key::Node(*hash);
        self.preimage(&key).ok_or(StateError::Absent(key))
    }
}

/// See the module.
#[derive(Debug)]
pub struct StateView {
    header: Sealed<Header>,
    trie: TrieState<Source>,
    /// The flat tables are those of this state but for what stands below.
    is_flat: bool,
    accounts: AddressMap<Option<Account>>,
    slots: HashMap<(Address, U256), U256>,
    /// Accounts whose storage lies in `slots` alone.
    cleared: AddressSet,
    codes: B256Map<Bytes>,
}

impl StateView {
    /// The state after the block with this header.
    pub(crate) fn new(snapshot: Arc<Snapshot>, header: Sealed<Header>, is_flat: bool) -> Self {
        let source = Source {
            snapshot: Some(snapshot),
            nodes: Vec::new(),
            codes: Vec::new(),
            failure: None,
        };
        Self {
            trie: TrieState::new(source, &header),
            header,
            is_flat,
            accounts: AddressMap::default(),
            slots: HashMap::default(),
            cleared: AddressSet::default(),
            codes: B256Map::default(),
        }
    }

    /// Header of the block.
    pub const fn header(&self) -> &Sealed<Header> {
        &self.header
    }

    /// A trie node of any state.
    pub fn node(&mut self, hash: B256) -> Option<Bytes> {
        self.trie.preimages_mut().preimage(&Key::Node(hash))
    }

    pub(crate) const fn source(&mut self) -> &mut Source {
        self.trie.preimages_mut()
    }

    /// Lets it read from this snapshot, or from none.
    pub(crate) fn read_from(&mut self, snapshot: Option<Arc<Snapshot>>) {
        self.source().snapshot = snapshot;
    }

    /// Why the store did not answer, if that is what an error was about.
    pub fn failure(&mut self) -> Option<StoreError> {
        self.source().failure.take()
    }

    /// Trie nodes and codes that were made since this was called last.
    #[expect(clippy::type_complexity, reason = "two lists of the same kind")]
    pub(crate) fn take_made(&mut self) -> (Vec<(B256, Bytes)>, Vec<(B256, Bytes)>) {
        let source = self.source();
        (std::mem::take(&mut source.nodes), std::mem::take(&mut source.codes))
    }

    /// Goes on to the state after a block that was just executed on this view.
    pub(crate) fn follow(&mut self, header: &Sealed<Header>) {
        self.trie.follow(header);
        self.header = header.clone();
    }

    pub(crate) const fn is_flat(&self) -> bool {
        self.is_flat
    }

    /// The flat tables have become those of this state.
    pub(crate) const fn became_flat(&mut self) {
        self.is_flat = true;
    }

    /// Entries held in memory.
    pub(crate) fn held(&self) -> usize {
        self.accounts.len() + self.slots.len() + self.trie.known_accounts()
    }

    fn remember(&mut self, change: &AccountChange) {
        let address = change.address;
        if change.storage_cleared || change.account.is_none() {
            self.slots.retain(|(owner, _), _| *owner != address);
            self.cleared.insert(address);
        }
        for (slot, value) in &change.slots {
            self.slots.insert((address, *slot), *value);
        }
        self.accounts.insert(address, change.account);
        if let (Some(code), Some(account)) = (&change.code, change.account) {
            self.codes.insert(account.code_hash, code.clone());
        }
    }
}

impl StateRead for StateView {
    fn account(&mut self, address: Address) -> Result<Option<Account>, StateError> {
        if let Some(account) = self.accounts.get(&address) {
            return Ok(*account);
        }
        let account = if self.is_flat {
            let key = Key::Node(keccak256(address));
            self.source().ask(key, |snapshot| snapshot.account(address))?
        } else {
            self.trie.account(address)?
        };
        self.accounts.insert(address, account);
        Ok(account)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        if let Some(value) = self.slots.get(&(address, slot)) {
            return Ok(*value);
        }
        let value = if self.cleared.contains(&address) {
            U256::ZERO
        } else if self.is_flat {
            let key = Key::Node(keccak256(address));
            self.source().ask(key, |snapshot| snapshot.slot(address, slot))?
        } else {
            self.trie.storage(address, slot)?
        };
        self.slots.insert((address, slot), value);
        Ok(value)
    }

    fn code(&mut self, code_hash: B256) -> Result<Bytes, StateError> {
        if let Some(code) = self.codes.get(&code_hash) {
            return Ok(code.clone());
        }
        let code = self.trie.code(code_hash)?;
        self.codes.insert(code_hash, code.clone());
        Ok(code)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        self.trie.block_hash(number)
    }

    fn state_root(&mut self, changes: &[AccountChange]) -> Result<B256, StateError> {
        let root = self.trie.state_root(changes)?;
        for change in changes {
            self.remember(change);
        }
        Ok(root)
    }

    fn storage_root(&mut self, address: Address) -> Result<B256, StateError> {
        self.trie.storage_root(address)
    }
}
