//! State over trie nodes that are fetched by hash when they are needed.
//!
//! Start with [`TrieState::new`]. One account trie, and one storage trie per account that was asked for
//! storage. The keccak of an address or slot is computed once and kept.
//!
//! **Invariant:** everything read is reached by hash from the parent's state root or hash; nothing else is
//! trusted.

use crate::trie::{Nodes, Reader, Trie, put_header, put_string};
use crate::{Account, AccountChange, Key, StateError, StateRead};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, Sealed, U256, keccak256};

use crate::trie::EMPTY_ROOT;

/// BLOCKHASH reaches so far back.
const MAX_ANCESTORS: usize = 256;

/// Bytes by their keccak hash. A source that verifies on read, or is verified by its caller, belongs here.
pub trait Preimages {
    /// The bytes that `key` names, or `None` where they are absent.
    fn preimage(&mut self, key: &Key) -> Option<Bytes>;

    /// Told of each trie node and each code that a block makes, so that a store can keep it. Does nothing
    /// unless overridden.
    fn made(&mut self, _key: Key, _value: &[u8]) {}
}

impl<F: FnMut(&Key) -> Option<Bytes>> Preimages for F {
    fn preimage(&mut self, key: &Key) -> Option<Bytes> {
        self(key)
    }
}

/// Trie nodes among the pre-images.
struct NodesOf<'a, P>(&'a mut P);

impl<P: Preimages> Nodes for NodesOf<'_, P> {
    fn node(&mut self, hash: &B256) -> Result<Bytes, StateError> {
        let key = Key::Node(*hash);
        self.0.preimage(&key).ok_or(StateError::Absent(key))
    }

    fn made(&mut self, hash: &B256, node: &[u8]) {
        self.0.made(Key::Node(*hash), node);
    }
}

/// An account that was asked for.
#[derive(Debug)]
struct Entry {
    /// keccak of the address.
    key: B256,
    account: Option<Account>,
    storage_root: B256,
    /// Opened when the first slot is read.
    storage: Option<Trie>,
    slots: BTreeMap<U256, Slot>,
}

/// A slot that was asked for.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// keccak of the slot number.
    key: B256,
    value: U256,
}

/// State as the trie below one block's state root.
#[derive(Debug)]
pub struct TrieState<P> {
    preimages: P,
    accounts: Trie,
    index: BTreeMap<Address, usize>,
    entries: Vec<Entry>,
    /// Hashes of the parent and of ancestors read so far, newest first, and the parent's number.
    ancestors: Vec<B256>,
    parent_number: u64,
}

impl<P: Preimages> TrieState<P> {
    /// The state after `parent`.
    pub fn new(preimages: P, parent: &Sealed<Header>) -> Self {
        Self {
            preimages,
            accounts: Trie::at(parent.state_root),
            index: BTreeMap::new(),
            entries: Vec::new(),
            ancestors: Vec::from([parent.hash(), parent.parent_hash]),
            parent_number: parent.number,
        }
    }

    /// The source again.
    pub fn into_preimages(self) -> P {
        self.preimages
    }

    /// The source.
    pub const fn preimages(&self) -> &P {
        &self.preimages
    }

    /// The source, for what does not come from a block.
    pub const fn preimages_mut(&mut self) -> &mut P {
        &mut self.preimages
    }

    /// Goes on to the state after `block`, which was just executed here: what was read and written stays
    /// known.
    pub fn follow(&mut self, block: &Sealed<Header>) {
        self.ancestors.truncate(MAX_ANCESTORS);
        self.ancestors.insert(0, block.hash());
        self.parent_number = block.number;
    }

    /// Goes to the state after any block, forgetting what was read.
    pub fn move_to(&mut self, parent: &Sealed<Header>) {
        self.accounts = Trie::at(parent.state_root);
        self.index.clear();
        self.entries.clear();
        self.ancestors = Vec::from([parent.hash(), parent.parent_hash]);
        self.parent_number = parent.number;
    }

    /// Accounts that are known, which is what the memory of a long-lived state grows by.
    pub const fn known_accounts(&self) -> usize {
        self.entries.len()
    }

    /// Index of the entry of `address`, which is read when it is new.
    fn entry(&mut self, address: Address) -> Result<usize, StateError> {
        if let Some(index) = self.index.get(&address) {
            return Ok(*index);
        }
        let key = keccak256(address);
        let value = self.accounts.value(key.as_slice(), &mut NodesOf(&mut self.preimages))?;
        let entry = match value {
            None => Entry::absent(key),
            Some(value) => {
                Entry::decode(key, &value).ok_or(StateError::Malformed(Key::Node(key)))?
            }
        };
        let index = self.entries.len();
        self.entries.push(entry);
        self.index.insert(address, index);
        Ok(index)
    }

    /// Applies one account's change.
    fn apply(&mut self, change: &AccountChange) -> Result<(), StateError> {
        let index = self.entry(change.address)?;
        let mut nodes = NodesOf(&mut self.preimages);
        let Some(entry) = self.entries.get_mut(index) else { return Ok(()) };
        if change.storage_cleared {
            entry.storage_root = EMPTY_ROOT;
            entry.storage = None;
            entry.slots.values_mut().for_each(|slot| slot.value = U256::ZERO);
        }
        let Some(account) = change.account else {
            self.accounts.remove(entry.key.as_slice(), &mut nodes)?;
            *entry = Entry::absent(entry.key);
            return Ok(());
        };
        if let Some(code) = &change.code {
            nodes.0.made(Key::Code(account.code_hash), code);
        }
        if !change.slots.is_empty() {
            entry.write(&change.slots, &mut nodes)?;
        }
        entry.account = Some(account);
        self.accounts.insert(entry.key.as_slice(), entry.encode(&account), &mut nodes)
    }
}

impl Entry {
    const fn absent(key: B256) -> Self {
        Self { key, account: None, storage_root: EMPTY_ROOT, storage: None, slots: BTreeMap::new() }
    }

    fn decode(key: B256, value: &[u8]) -> Option<Self> {
        let mut fields = Reader::list(value)?;
        let nonce = fields.u64()?;
        let balance = fields.u256()?;
        let storage_root = fields.b256()?;
        let code_hash = fields.b256()?;
        fields.is_done().then_some(Self {
            key,
            account: Some(Account { nonce, balance, code_hash }),
            storage_root,
            storage: None,
            slots: BTreeMap::new(),
        })
    }

    fn encode(&self, account: &Account) -> Bytes {
        encode_account(account, &self.storage_root)
    }

    fn slot(&mut self, slot: U256, nodes: &mut impl Nodes) -> Result<Slot, StateError> {
        if let Some(known) = self.slots.get(&slot) {
            return Ok(*known);
        }
        let key = keccak256(slot.to_be_bytes::<32>());
        let mut value = U256::ZERO;
        if self.storage_root != EMPTY_ROOT {
            let trie = self.storage.get_or_insert_with(|| Trie::at(self.storage_root));
            if let Some(bytes) = trie.value(key.as_slice(), nodes)? {
                value = decode_slot(&bytes).ok_or(StateError::Malformed(Key::Node(key)))?;
            }
        }
        let known = Slot { key, value };
        self.slots.insert(slot, known);
        Ok(known)
    }

    fn write(&mut self, slots: &[(U256, U256)], nodes: &mut impl Nodes) -> Result<(), StateError> {
        let mut changes = Vec::with_capacity(slots.len());
        for (slot, value) in slots {
            let known = self.slot(*slot, nodes)?;
            changes.push((known.key, *value));
            self.slots.insert(*slot, Slot { value: *value, ..known });
        }
        let trie = self.storage.get_or_insert_with(|| Trie::at(self.storage_root));
        // Insertions first: a branch that only loses one of two children for a moment need not collapse,
        // so its sibling need not be there. The Go and Rust provers order it the same way.
        for (key, value) in changes.iter().filter(|(_, value)| !value.is_zero()) {
            trie.insert(key.as_slice(), encode_slot(*value), nodes)?;
        }
        for (key, _) in changes.iter().filter(|(_, value)| value.is_zero()) {
            trie.remove(key.as_slice(), nodes)?;
        }
        self.storage_root = trie.root_into(nodes);
        Ok(())
    }
}

/// The value of an account's leaf.
pub(crate) fn encode_account(account: &Account, storage_root: &B256) -> Bytes {
    let nonce = account.nonce.to_be_bytes();
    let nonce = significant(&nonce);
    let balance = account.balance.to_be_bytes::<32>();
    let balance = significant(&balance);
    let mut fields = Vec::with_capacity(112);
    put_string(&mut fields, nonce);
    put_string(&mut fields, balance);
    put_string(&mut fields, storage_root.as_slice());
    put_string(&mut fields, account.code_hash.as_slice());
    let mut out = Vec::with_capacity(fields.len().saturating_add(2));
    put_header(&mut out, 0xc0, fields.len());
    out.extend_from_slice(&fields);
    Bytes::from(out)
}

/// The value of a slot's leaf.
pub(crate) fn encode_slot(value: U256) -> Bytes {
    let bytes = value.to_be_bytes::<32>();
    let mut out = Vec::with_capacity(33);
    put_string(&mut out, significant(&bytes));
    Bytes::from(out)
}

fn decode_slot(bytes: &[u8]) -> Option<U256> {
    let item = crate::trie::Item::at(bytes, 0)?;
    let digits = bytes.get(item.payload..item.end)?;
    let whole = item.end == bytes.len() && item.kind == crate::trie::Kind::String;
    (whole && digits.first() != Some(&0)).then(|| U256::try_from_be_slice(digits))?
}

/// Without leading zeros.
fn significant(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

impl<P: Preimages> StateRead for TrieState<P> {
    fn account(&mut self, address: Address) -> Result<Option<Account>, StateError> {
        let index = self.entry(address)?;
        Ok(self.entries.get(index).and_then(|entry| entry.account))
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError> {
        let index = self.entry(address)?;
        let mut nodes = NodesOf(&mut self.preimages);
        match self.entries.get_mut(index) {
            Some(entry) => Ok(entry.slot(slot, &mut nodes)?.value),
            None => Ok(U256::ZERO),
        }
    }

    fn code(&mut self, code_hash: B256) -> Result<Bytes, StateError> {
        let key = Key::Code(code_hash);
        self.preimages.preimage(&key).ok_or(StateError::Absent(key))
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, StateError> {
        let unknown = StateError::UnknownBlock(number);
        let back = self.parent_number.checked_sub(number).ok_or(unknown)?;
        let back = usize::try_from(back).ok().filter(|back| *back < 256).ok_or(unknown)?;
        while self.ancestors.len() <= back {
            let key = Key::Header(*self.ancestors.last().ok_or(unknown)?);
            let header = self.preimages.preimage(&key).ok_or(StateError::Absent(key))?;
            let parent = Reader::list(&header).and_then(|mut fields| fields.b256());
            self.ancestors.push(parent.ok_or(StateError::Malformed(key))?);
        }
        self.ancestors.get(back).copied().ok_or(unknown)
    }

    fn state_root(&mut self, changes: &[AccountChange]) -> Result<B256, StateError> {
        // Accounts that stay go first, for the same reason as slots do.
        let (kept, gone): (Vec<_>, Vec<_>) =
            changes.iter().partition(|change| change.account.is_some());
        for change in kept.into_iter().chain(gone) {
            self.apply(change)?;
        }
        Ok(self.accounts.root_into(&mut NodesOf(&mut self.preimages)))
    }

    fn storage_root(&mut self, address: Address) -> Result<B256, StateError> {
        let index = self.entry(address)?;
        Ok(self.entries.get(index).map_or(EMPTY_ROOT, |entry| entry.storage_root))
    }
}
