//! The state root of accounts in memory.
//!
//! **Invariant:** the same trie that blocks are executed over.

use super::Alloc;
use alloy_consensus::TrieAccount;
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::Encodable;
use opal_execute::{EMPTY_ROOT, NoNodes, Trie};
use opal_types::read::GenesisAccount;
use std::collections::{BTreeMap, HashMap};

/// The state root.
pub(super) fn state_root(alloc: &Alloc) -> B256 {
    // Two thousand proxies have the same storage and the same code.
    let mut storages = HashMap::new();
    let mut codes = HashMap::new();
    let entries = alloc.iter().map(|(address, account)| {
        let storage = &account.storage;
        let storage_root = match storage.len() {
            0 => EMPTY_ROOT,
            1 => *storages.entry(storage).or_insert_with(|| self::storage_root(storage)),
            _ => self::storage_root(storage),
        };
        let code = &account.code;
        let key = (code.as_ptr(), code.len());
        let code_hash = *codes.entry(key).or_insert_with(|| keccak256(code));
        let (nonce, balance) = (account.nonce.to(), account.balance);
        let value = TrieAccount { nonce, balance, storage_root, code_hash };
        (keccak256(address), alloy_rlp::encode(value))
    });
    root(entries)
}

/// The storage root of one account.
pub(super) fn storage_root_of(alloc: &Alloc, address: Address) -> B256 {
    alloc
        .get(&address)
        .map_or(EMPTY_ROOT, |account: &GenesisAccount| storage_root(&account.storage))
}

fn storage_root(storage: &BTreeMap<B256, B256>) -> B256 {
    let slots = storage.iter().filter(|(_, value)| !value.is_zero());
    root(slots.map(|(slot, value)| {
        let mut encoded = Vec::new();
        U256::from_be_bytes(value.0).encode(&mut encoded);
        (keccak256(slot), encoded)
    }))
}

fn root(entries: impl Iterator<Item = (B256, Vec<u8>)>) -> B256 {
    let mut trie = Trie::empty();
    for (key, value) in entries {
        let inserted = trie.insert(key.as_slice(), value.into(), &mut NoNodes);
        inserted.expect("a trie in memory asks for no node");
    }
    trie.root()
}
