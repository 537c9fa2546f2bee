//! The pre-images below a state: all trie nodes, codes and headers of a chain so far.
//!
//! Start with [`Store::add_state`]. alloy-trie makes the nodes, so opal's trie reads what it did not write.
//!
//! **Invariant:** nothing is ever removed, as in the store of an archive node.

use super::memory::Memory;
use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, Sealed, U256, keccak256, map::B256Map};
use alloy_trie::{HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer};
use opal_execute::Account;
use std::collections::BTreeMap;

/// Bytes by their keccak.
#[derive(Clone, Debug, Default)]
pub(crate) struct Store(pub(crate) B256Map<Bytes>);

impl Store {
    pub(crate) fn add_header(&mut self, header: &Sealed<Header>) {
        self.0.insert(header.hash(), alloy_rlp::encode(header.inner()).into());
    }

    /// Adds all there is below a state, and gives its root.
    pub(crate) fn add_state(&mut self, state: &Memory) -> B256 {
        self.0.extend(state.codes.iter().map(|(hash, code)| (*hash, code.clone())));
        let leaves = state
            .accounts
            .iter()
            .map(|(address, (account, slots))| (keccak256(address), self.account(account, slots)));
        let leaves: Vec<_> = leaves.collect();
        self.trie(leaves)
    }

    fn account(&mut self, account: &Account, slots: &BTreeMap<U256, U256>) -> Vec<u8> {
        let leaf = |(slot, value): (&U256, &U256)| {
            (keccak256(B256::from(*slot)), alloy_rlp::encode(value))
        };
        let storage_root = self.trie(slots.iter().map(leaf).collect());
        let Account { nonce, balance, code_hash } = *account;
        alloy_rlp::encode(TrieAccount { nonce, balance, storage_root, code_hash })
    }

    /// The nodes of one trie, and its root.
    fn trie(&mut self, mut leaves: Vec<(B256, Vec<u8>)>) -> B256 {
        leaves.sort();
        let keys = leaves.iter().map(|(key, _)| Nibbles::unpack(key));
        let mut builder =
            HashBuilder::default().with_proof_retainer(ProofRetainer::new(keys.collect()));
        for (key, value) in &leaves {
            builder.add_leaf(Nibbles::unpack(key), value);
        }
        let root = builder.root();
        let nodes = builder.take_proof_nodes().into_inner().into_values();
        self.0.extend(nodes.map(|node| (keccak256(&node), node)));
        root
    }
}
