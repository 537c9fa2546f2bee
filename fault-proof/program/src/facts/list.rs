//! The lists a block commits to by tries: entry `i` under key `rlp(i)`.
//!
//! **Invariant:** every node is read once; bytes from outside never panic and bound the depth of the walk.

use crate::{Oracle, PreimageKey, Undetermined, reader::Reader};
use alloc::{string::ToString, vec::Vec};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::Header;
use opal_execute::EMPTY_ROOT;

/// More nodes than nibbles of the longest key are on no path.
const MAX_DEPTH: u8 = 16;

/// Entries before the first one in the order of keys: `rlp(0)` = 0x80 stands behind `rlp(127)` = 0x7f.
const BEFORE_FIRST: usize = 127;

/// All entries in order. Their nodes were announced before.
pub(crate) fn list<O: Oracle>(
    reader: &Reader<'_, O>,
    root: B256,
    what: &'static str,
) -> Result<Vec<Bytes>, Undetermined> {
    let mut walk = Walk { reader, what, at: root, entries: Vec::new() };
    if root != EMPTY_ROOT {
        walk.read(root, 0)?;
    }
    let mut entries = walk.entries;
    let first = entries.len().min(BEFORE_FIRST.saturating_add(1));
    if let Some(front) = entries.get_mut(..first).filter(|it| !it.is_empty()) {
        front.rotate_right(1);
    }
    Ok(entries)
}

struct Walk<'r, 'a, O> {
    reader: &'r Reader<'a, O>,
    what: &'static str,
    /// The node that was read last.
    at: B256,
    entries: Vec<Bytes>,
}

/// An RLP item: its content, and all of it.
struct Item<'a> {
    is_list: bool,
    payload: &'a [u8],
    whole: &'a [u8],
}

/// Takes the next item off the front.
fn item<'a>(input: &mut &'a [u8]) -> Option<Item<'a>> {
    let before = *input;
    let header = Header::decode(input).ok()?;
    let (payload, rest) = input.split_at_checked(header.payload_length)?;
    *input = rest;
    let whole = before.get(..before.len().checked_sub(rest.len())?)?;
    Some(Item { is_list: header.list, payload, whole })
}

impl<O: Oracle> Walk<'_, '_, O> {
    fn read(&mut self, hash: B256, depth: u8) -> Result<(), Undetermined> {
        self.at = hash;
        let bytes = self.reader.read(PreimageKey::keccak(hash), self.what)?;
        self.node(&bytes, depth)
    }

    fn node(&mut self, bytes: &Bytes, depth: u8) -> Result<(), Undetermined> {
        let malformed = self.malformed();
        let mut fields =
            Header::decode_bytes(&mut bytes.as_ref(), true).map_err(|_| self.malformed())?;
        let first = item(&mut fields).ok_or_else(|| self.malformed())?;
        let second = item(&mut fields).ok_or_else(|| self.malformed())?;
        if depth > MAX_DEPTH {
            return Err(malformed);
        }
        if fields.is_empty() {
            // The flag of a leaf is the second bit of its path.
            if first.payload.first().is_some_and(|it| it & 0x20 != 0) {
                self.entries.push(bytes.slice_ref(second.payload));
                return Ok(());
            }
            return self.child(bytes, &second, depth);
        }
        self.child(bytes, &first, depth)?;
        self.child(bytes, &second, depth)?;
        // 14 further children and the branch's own value, which no list has: no key begins another one.
        while let Some(next) = item(&mut fields) {
            self.child(bytes, &next, depth)?;
        }
        if fields.is_empty() { Ok(()) } else { Err(malformed) }
    }

    fn child(&mut self, bytes: &Bytes, item: &Item<'_>, depth: u8) -> Result<(), Undetermined> {
        let depth = depth.saturating_add(1);
        match (item.is_list, item.payload) {
            (true, _) => self.node(&bytes.slice_ref(item.whole), depth),
            (false, []) => Ok(()),
            (false, hash) => {
                let hash = B256::try_from(hash).map_err(|_| self.malformed())?;
                self.read(hash, depth)
            }
        }
    }

    fn malformed(&self) -> Undetermined {
        let key = PreimageKey::keccak(self.at);
        Undetermined::Malformed { key, what: self.what.to_string() }
    }
}
