//! Workload c: inserts into and walks of a hex trie, a B-tree beside it, and copies: pointers, allocation and
//! memory rather than arithmetic.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};

const INSERTS: u64 = guests::parameter(option_env!("OPAL_HEX_TRIE"), 120_000);
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

opal_guest::entry!(run);

/// xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

enum Node {
    Leaf { key: u64, value: Vec<u8> },
    Branch(Box<[Option<Box<Node>>; 16]>),
}

fn nibble(key: u64, depth: u32) -> usize {
    (key >> (60 - 4 * depth)) as usize & 15
}

/// Puts `value` at `key` into the subtree below `slot`, splitting a leaf that is in the way.
fn insert(slot: &mut Option<Box<Node>>, key: u64, depth: u32, value: Vec<u8>) {
    match slot.take() {
        None => *slot = Some(Box::new(Node::Leaf { key, value })),
        Some(mut node) => {
            let taken = match &mut *node {
                Node::Branch(children) => {
                    insert(&mut children[nibble(key, depth)], key, depth + 1, value);
                    None
                }
                Node::Leaf { key: old, value: held } if *old == key => {
                    *held = value;
                    None
                }
                Node::Leaf { key: old, value: held } => Some((*old, core::mem::take(held), value)),
            };
            if let Some((old, held, value)) = taken {
                let mut children: Box<[Option<Box<Node>>; 16]> = Box::default();
                children[nibble(old, depth)] = Some(Box::new(Node::Leaf { key: old, value: held }));
                insert(&mut children[nibble(key, depth)], key, depth + 1, value);
                *node = Node::Branch(children);
            }
            *slot = Some(node);
        }
    }
}

fn find(mut slot: &Option<Box<Node>>, key: u64) -> Option<&[u8]> {
    let mut depth = 0;
    loop {
        match slot.as_deref()? {
            Node::Leaf { key: found, value } => return (*found == key).then_some(value),
            Node::Branch(children) => slot = &children[nibble(key, depth)],
        }
        depth += 1;
    }
}

/// 40 to 167 bytes that begin with the key.
fn value_of(key: u64) -> Vec<u8> {
    let length = 40 + (key as usize & 127);
    let mut value = Vec::with_capacity(length);
    value.extend_from_slice(&key.to_be_bytes());
    while value.len() < length {
        value.push((key >> (value.len() & 31)) as u8);
    }
    value
}

fn run() -> u8 {
    let (mut root, mut ordered) = (None, BTreeMap::new());
    let (mut random, mut sum) = (Random(SEED), 0_u64);
    for index in 0..INSERTS {
        let key = random.next();
        let value = value_of(key);
        let copy = value.clone();
        insert(&mut root, key, 0, value);
        ordered.insert(key >> 44, copy);
        let mut early = Random(SEED);
        for _ in 0..(index & 7) + 1 {
            let last = find(&root, early.next()).and_then(<[u8]>::last);
            sum = sum.wrapping_mul(31).wrapping_add(last.copied().unwrap_or(0).into());
        }
        if index & 3 == 3 {
            let (_, first) = ordered.pop_first().unwrap_or_default();
            sum = first.iter().fold(sum, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte));
        }
        if index % 64 == 0 {
            let joined: Vec<u8> = ordered.values().take(32).flatten().copied().collect();
            sum ^= joined.clone().len() as u64;
        }
    }
    guests::report(sum)
}
