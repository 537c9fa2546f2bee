//! The trie over nodes that are read on demand, against alloy-trie and a naive trie that writes every node out.

use super::{Nodes, Trie, put_header, put_string};
use crate::{Key, StateError};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_trie::root::storage_root_unsorted;

/// Nodes by hash.
#[derive(Default)]
struct Store(BTreeMap<B256, Bytes>);

impl Nodes for Store {
    fn node(&mut self, hash: &B256) -> Result<Bytes, StateError> {
        self.0.get(hash).cloned().ok_or(StateError::Absent(Key::Node(*hash)))
    }
}

impl Store {
    /// Writes the trie of these sorted entries out, and gives its root.
    fn write(&mut self, entries: &BTreeMap<impl AsRef<[u8]>, U256>) -> B256 {
        let entries = entries.iter().map(|(key, value)| (nibbles(key.as_ref()), *value));
        let entries: Vec<_> = entries.collect();
        let root = if entries.is_empty() { Vec::from([0x80]) } else { self.node_of(&entries, 0) };
        let hash = keccak256(&root);
        self.0.insert(hash, root.into());
        hash
    }

    /// The encoding of the node at `depth` over entries that agree up to there.
    fn node_of(&mut self, entries: &[(Vec<u8>, U256)], depth: usize) -> Vec<u8> {
        if let [(key, value)] = entries {
            let value = alloy_rlp::encode(value);
            return list(&[string(&compact(&key[depth..], true)), string(&value)]);
        }
        let (first, last) = (&entries[0].0, &entries[entries.len() - 1].0);
        let common = first[depth..].iter().zip(&last[depth..]).take_while(|(a, b)| a == b).count();
        if common > 0 {
            let below = self.node_of(entries, depth + common);
            let path = string(&compact(&first[depth..depth + common], false));
            return list(&[path, self.name(below)]);
        }
        let mut items = Vec::new();
        for nibble in 0..16 {
            let kids: Vec<_> =
                entries.iter().filter(|it| it.0.get(depth) == Some(&nibble)).cloned().collect();
            items.push(if kids.is_empty() {
                Vec::from([0x80])
            } else {
                let kid = self.node_of(&kids, depth + 1);
                self.name(kid)
            });
        }
        let here = entries.iter().find(|(key, _)| key.len() == depth);
        items.push(
            here.map_or_else(|| Vec::from([0x80]), |(_, value)| string(&alloy_rlp::encode(value))),
        );
        list(&items)
    }

    /// A node's name in the node above: short ones stand there themselves.
    fn name(&mut self, node: Vec<u8>) -> Vec<u8> {
        if node.len() < 32 {
            return node;
        }
        let hash = keccak256(&node);
        self.0.insert(hash, node.into());
        string(hash.as_slice())
    }
}

fn nibbles(key: &[u8]) -> Vec<u8> {
    key.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
}

fn compact(path: &[u8], is_leaf: bool) -> Vec<u8> {
    let flag = if is_leaf { 2 } else { 0 };
    let head = if path.len() % 2 == 1 { Vec::from([flag + 1]) } else { Vec::from([flag, 0]) };
    [&head, path].concat().chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn string(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_string(&mut out, content);
    out
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let payload = items.concat();
    let mut out = Vec::new();
    put_header(&mut out, 0xc0, payload.len());
    out.extend(payload);
    out
}

/// xorshift64*: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % limit
    }

    /// Keys that share long prefixes and suffixes now and then, so that all kinds of nodes come up.
    fn key(&mut self) -> B256 {
        let mut key = if self.below(2) == 0 { B256::ZERO } else { keccak256([7]) };
        for _ in 0..=self.below(2) {
            let place = [0, 1, 15, 16, 30, 31][self.below(6) as usize];
            key.0[place] = [0, 1, 16, 17, 255][self.below(5) as usize];
        }
        key
    }

    fn value(&mut self) -> U256 {
        let value = U256::from(self.below(200) + 1);
        if self.below(2) == 0 { value } else { value << 240 }
    }
}

/// Random changes of a random trie, read back against a map; `root` says what the trie's root must be.
fn check_changes<K: AsRef<[u8]> + Clone + Ord>(
    seed: u64,
    new_key: impl Fn(&mut Numbers) -> K,
    root_of: impl Fn(&BTreeMap<K, U256>) -> B256,
) {
    let mut numbers = Numbers(seed);
    for round in 0..2000 {
        let count = numbers.below(12);
        let mut entries: BTreeMap<_, _> =
            (0..count).map(|_| (new_key(&mut numbers), numbers.value())).collect();
        let mut store = Store::default();
        let root = store.write(&entries);
        assert_eq!(root, root_of(&entries), "the naive trie, round {round}");
        let mut trie = Trie::at(root);
        for step in 0..10 {
            let key = new_key(&mut numbers);
            assert_eq!(
                trie.value(key.as_ref(), &mut store).unwrap(),
                entries.get(&key).map(|value| alloy_rlp::encode(value).into()),
            );
            if numbers.below(2) == 0 {
                let value = numbers.value();
                let encoded = alloy_rlp::encode(value).into();
                trie.insert(key.as_ref(), encoded, &mut store).unwrap();
                entries.insert(key, value);
            } else {
                let known = entries.keys().nth(numbers.below(12) as usize).cloned();
                let key = known.unwrap_or(key);
                entries.remove(&key);
                trie.remove(key.as_ref(), &mut store).unwrap();
            }
            if numbers.below(3) == 0 || step == 9 {
                assert_eq!(trie.root(), root_of(&entries), "round {round}, step {step}");
            }
        }
    }
}

#[test]
fn random_changes_give_the_roots_that_alloy_trie_gives() {
    check_changes(1, Numbers::key, |entries| storage_root_unsorted(entries.clone()));
}

#[test]
fn random_changes_of_keys_that_start_each_other_give_the_roots_of_the_naive_trie() {
    let short_key = |numbers: &mut Numbers| {
        let length = numbers.below(5) as usize;
        (0..length).map(|_| [0, 1, 16, 17][numbers.below(4) as usize]).collect::<Vec<u8>>()
    };
    check_changes(3, short_key, |entries| Store::default().write(entries));
}

#[test]
fn a_branch_that_loses_all_but_an_unread_leaf_becomes_that_leaf() {
    // Block 26207961 of OP Sepolia: the sibling was looked up with a key that ended at the branch.
    let [one, other] = [0x10, 0x20].map(|first| {
        let mut key = keccak256([9]);
        key.0[0] = first;
        key
    });
    let mut entries = BTreeMap::from([(one, U256::from(1) << 200), (other, U256::from(2) << 200)]);
    let mut store = Store::default();
    let mut trie = Trie::at(store.write(&entries));
    trie.remove(one.as_slice(), &mut store).unwrap();
    entries.remove(&one);
    assert_eq!(trie.root(), storage_root_unsorted(entries));
}

#[test]
fn any_damage_to_a_node_is_an_error_or_another_trie_but_no_panic() {
    let mut numbers = Numbers(2);
    let entries: BTreeMap<_, _> = (0..40).map(|_| (numbers.key(), numbers.value())).collect();
    let mut store = Store::default();
    let root = store.write(&entries);
    let hashes: Vec<_> = store.0.keys().copied().collect();
    for _ in 0..20_000 {
        let hash = hashes[numbers.below(hashes.len() as u64) as usize];
        let sound = store.0[&hash].clone();
        let mut damaged = sound.to_vec();
        let place = numbers.below(damaged.len() as u64) as usize;
        damaged[place] = numbers.below(256) as u8;
        damaged.truncate(damaged.len() - usize::from(numbers.below(8) == 0));
        store.0.insert(hash, damaged.into());
        let mut trie = Trie::at(root);
        for key in entries.keys().take(6) {
            let _ = trie.value(key.as_slice(), &mut store);
            let _ = trie.remove(key.as_slice(), &mut store);
        }
        trie.root();
        store.0.insert(hash, sound);
    }
}
