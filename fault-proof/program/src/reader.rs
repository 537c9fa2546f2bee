//! The oracle as all parts of a program share it: what is read is announced first.
//!
//! **Invariant:** one read at a time, so the shared oracle is never borrowed twice.

use crate::{Hint, HintKind, Oracle, PreimageKey, Undetermined, undetermined::oracle_key};
use alloc::{collections::BTreeMap, format, string::ToString};
use alloy_primitives::{B256, Bytes};
use core::cell::RefCell;
use opal_execute::{Key, Nodes, Preimages, StateError};

/// Reads for one L2 chain.
#[derive(Debug)]
pub(crate) struct Reader<'a, O> {
    oracle: RefCell<&'a mut O>,
    /// As hints carry it.
    chain_id: [u8; 8],
    /// Code that the blocks of this run created: nobody else may know it.
    created: RefCell<BTreeMap<B256, Bytes>>,
}

impl<'a, O: Oracle> Reader<'a, O> {
    pub(crate) const fn new(oracle: &'a mut O, chain_id: u64) -> Self {
        let created = RefCell::new(BTreeMap::new());
        Self { oracle: RefCell::new(oracle), chain_id: chain_id.to_be_bytes(), created }
    }

    /// Announces something of L1.
    pub(crate) fn hint(&self, kind: HintKind, parts: &[&[u8]]) {
        self.oracle.borrow_mut().hint(&Hint::new(kind, parts));
    }

    /// Announces something of this chain.
    pub(crate) fn hint_l2(&self, kind: HintKind, hash: &B256) {
        self.hint(kind, &[hash.as_slice(), &self.chain_id]);
    }

    /// Reads what was announced.
    pub(crate) fn read(&self, key: PreimageKey, what: &str) -> Result<Bytes, Undetermined> {
        let value = self.oracle.borrow_mut().read(key);
        value.map_err(|_| Undetermined::Absent { key, what: what.to_string() })
    }

    /// Reads a value of known length.
    pub(crate) fn read_into(
        &self,
        key: PreimageKey,
        out: &mut [u8],
        what: &str,
    ) -> Result<(), Undetermined> {
        let wanted = out.len();
        let absent = |_| Undetermined::Absent { key, what: what.to_string() };
        if self.oracle.borrow_mut().read_into(key, out).map_err(absent)? {
            return Ok(());
        }
        Err(Undetermined::Malformed { key, what: format!("{what} of {wanted} bytes") })
    }

    /// Reads a field element of a blob.
    pub(crate) fn read_element(
        &self,
        commitment: &[u8; 48],
        point: &B256,
        out: &mut [u8],
    ) -> Result<(), Undetermined> {
        if self.oracle.borrow_mut().read_element(commitment, point, out) == Ok(true) {
            return Ok(());
        }
        // Once more, to say what is wrong.
        self.read_into(PreimageKey::blob(commitment, *point), out, "field element of a blob")
    }
}

impl<O: Oracle> Preimages for &Reader<'_, O> {
    fn preimage(&mut self, key: &Key) -> Option<Bytes> {
        let kind = match key {
            Key::Node(_) => HintKind::L2StateNode,
            Key::Code(hash) => match self.created.borrow().get(hash) {
                Some(code) => return Some(code.clone()),
                None => HintKind::L2Code,
            },
            Key::Header(_) => HintKind::L2BlockHeader,
            // Announced with its input by the back end that asks it.
            Key::Precompile(_) => return None,
        };
        self.hint_l2(kind, key.hash());
        self.oracle.borrow_mut().read(oracle_key(key)).ok()
    }

    fn made(&mut self, key: Key, value: &[u8]) {
        if let Key::Code(hash) = key {
            self.created.borrow_mut().insert(hash, Bytes::copy_from_slice(value));
        }
    }
}

/// Trie nodes that one hint announced together.
impl<O: Oracle> Nodes for &Reader<'_, O> {
    fn node(&mut self, hash: &B256) -> Result<Bytes, StateError> {
        let value = self.oracle.borrow_mut().read(PreimageKey::keccak(*hash));
        value.map_err(|_| StateError::Absent(Key::Node(*hash)))
    }
}
