//! A trie whose nodes are whatever the input says: nobody has hashed them.

use super::input::Input;
use alloy_primitives::{B256, Bytes};
use opal_execute::{Key, Nodes, StateError, Trie};

/// Most operations of an input.
const MAX_OPERATIONS: u8 = 16;

/// Hands out the next piece of the input for each node that is asked for.
struct Hostile<'a>(Input<'a>);

impl Nodes for Hostile<'_> {
    fn node(&mut self, hash: &B256) -> Result<Bytes, StateError> {
        let piece = self.0.piece().ok_or(StateError::Absent(Key::Node(*hash)))?;
        Ok(Bytes::copy_from_slice(piece))
    }
}

/// The number of operations, the operations (kind, key, value), the nodes.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input(data);
    let count = input.number() % MAX_OPERATIONS;
    let operations: Vec<_> = (0..count)
        .map(|_| {
            let kind = input.number();
            let key = usize::from(input.number() % 33);
            let key = input.take(key);
            let value = input.number();
            (kind, key, input.take(value.into()))
        })
        .collect();
    let mut nodes = Hostile(input);
    let mut trie = Trie::at(B256::repeat_byte(7));
    for (kind, key, value) in operations {
        operate(&mut trie, &mut nodes, kind, (key, value));
    }
    trie.root();
}

fn operate(trie: &mut Trie, nodes: &mut Hostile<'_>, kind: u8, (key, value): (&[u8], &[u8])) {
    let before = trie.root();
    match kind % 3 {
        0 => {
            let found = trie.value(key, nodes);
            assert_eq!(trie.root(), before, "reading changes nothing");
            if let Ok(Some(value)) = found {
                assert_eq!(trie.value(key, nodes), Ok(Some(value)), "it is there again");
            }
        }
        1 if !value.is_empty() => {
            let value = Bytes::copy_from_slice(value);
            match trie.insert(key, value.clone(), nodes) {
                Ok(()) => assert_eq!(trie.value(key, nodes), Ok(Some(value)), "it is there"),
                Err(_) => assert_eq!(trie.root(), before, "an error changes nothing"),
            }
        }
        _ => match trie.remove(key, nodes) {
            Ok(()) => assert!(!matches!(trie.value(key, nodes), Ok(Some(_))), "it is gone"),
            Err(_) => assert_eq!(trie.root(), before, "an error changes nothing"),
        },
    }
}
