//! Proofs of accounts and slots: the trie nodes on the way to them.
//!
//! Start with [`StateView::proof`].
//!
//! **Invariant:** a proof of absence ends at the node that shows it; all nodes are the store's own
//! bytes.

use crate::StateView;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{Nibbles, nodes::TrieNode};
use opal_execute::{Account, EMPTY_ROOT, Key, Preimages, StateError, StateRead};

/// What proves one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageProof {
    /// The slot.
    pub slot: U256,
    /// Its value.
    pub value: U256,
    /// Nodes from the storage root down.
    pub nodes: Vec<Bytes>,
}

/// What proves an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// Whose account.
    pub address: Address,
    /// The account; `None` = there is none.
    pub account: Option<Account>,
    /// Root of its storage.
    pub storage_root: B256,
    /// Nodes from the state root down.
    pub nodes: Vec<Bytes>,
    /// One per slot that was asked for.
    pub slots: Vec<StorageProof>,
}

/// Longest way down: one node per nibble of a key, and one more.
const MAX_DEPTH: usize = 65;

impl StateView {
    /// Proves an account and some of its slots against this block's state root.
    pub fn proof(&mut self, address: Address, slots: &[U256]) -> Result<AccountProof, StateError> {
        let nodes = self.walk(self.header().state_root, keccak256(address))?;
        let account = self.account(address)?;
        let storage_root = self.storage_root(address)?;
        let mut proofs = Vec::with_capacity(slots.len());
        for slot in slots {
            let key = keccak256(slot.to_be_bytes::<32>());
            let nodes = self.walk(storage_root, key)?;
            proofs.push(StorageProof { slot: *slot, value: self.storage(address, *slot)?, nodes });
        }
        Ok(AccountProof { address, account, storage_root, nodes, slots: proofs })
    }

    /// The nodes from `root` towards `key`.
    fn walk(&mut self, root: B256, key: B256) -> Result<Vec<Bytes>, StateError> {
        let mut nodes = Vec::new();
        let path = Nibbles::unpack(key);
        let mut next = (root != EMPTY_ROOT).then_some((root, 0));
        while let Some((hash, depth)) = next {
            let key = Key::Node(hash);
            let node = self.source().preimage(&key).ok_or(StateError::Absent(key))?;
            nodes.push(node.clone());
            if nodes.len() > MAX_DEPTH {
                return Err(StateError::Malformed(key));
            }
            next = below(&node, &path, depth).ok_or(StateError::Malformed(key))?;
        }
        Ok(nodes)
    }
}

/// Hash and depth of the next node with a hash of its own; the inner `None` = the way ends here.
#[expect(clippy::option_option, reason = "malformed and ended are different answers")]
fn below(node: &[u8], path: &Nibbles, depth: usize) -> Option<Option<(B256, usize)>> {
    let mut bytes = node.to_vec();
    let mut depth = depth;
    // Nodes inside of others get shorter on the way down.
    loop {
        let (child, deeper) = match TrieNode::decode(&mut bytes.as_slice()).ok()? {
            TrieNode::EmptyRoot | TrieNode::Leaf(_) => return Some(None),
            TrieNode::Extension(extension) => {
                let rest = path.slice(depth..);
                if !rest.starts_with(&extension.key) {
                    return Some(None);
                }
                (extension.child, depth + extension.key.len())
            }
            TrieNode::Branch(branch) => {
                let nibble = path.get(depth)?;
                let branch = branch.as_ref();
                let found = branch.children().find(|(index, _)| *index == nibble);
                let Some((_, Some(child))) = found else { return Some(None) };
                (child.clone(), depth + 1)
            }
        };
        if let Some(hash) = child.as_hash() {
            return Some(Some((hash, deeper)));
        }
        bytes = child.to_vec();
        depth = deeper;
    }
}
