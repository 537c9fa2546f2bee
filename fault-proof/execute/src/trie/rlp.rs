//! RLP, as much of it as nodes, transactions and headers need, read in place.
//!
//! Start with [`Reader`]. Non-canonical forms are refused, as the Go node refuses them.
//!
//! **Invariant:** any bytes give an item or `None`, never a panic; nothing is copied while reading.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, U256};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A byte string.
    String,
    /// A list of items.
    List,
}

/// One item by its offsets in the buffer it was read from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    /// Where the header starts.
    pub(crate) start: usize,
    /// Where the payload starts.
    pub(crate) payload: usize,
    /// Where the payload, and the item, ends.
    pub(crate) end: usize,
}

impl Item {
    /// The item that starts at `start`.
    pub(crate) fn at(buffer: &[u8], start: usize) -> Option<Self> {
        let first = *buffer.get(start)?;
        let next = start.checked_add(1)?;
        let (kind, payload, length) = match first {
            0..=0x7f => (Kind::String, start, 1),
            0x80..=0xb7 => {
                let length = usize::from(first & 0x7f);
                if length == 1 && *buffer.get(next)? < 0x80 {
                    return None;
                }
                (Kind::String, next, length)
            }
            0xb8..=0xbf => {
                let (payload, length) = long_length(buffer, next, first & 7)?;
                (Kind::String, payload, length)
            }
            0xc0..=0xf7 => (Kind::List, next, usize::from(first & 0x3f)),
            _ => {
                let (payload, length) = long_length(buffer, next, first & 7)?;
                (Kind::List, payload, length)
            }
        };
        let end = payload.checked_add(length)?;
        (end <= buffer.len()).then_some(Self { kind, start, payload, end })
    }
}

/// Length of a long item whose length bytes, one more than `extra`, start at `at`.
fn long_length(buffer: &[u8], at: usize, extra: u8) -> Option<(usize, usize)> {
    let end = at.checked_add(usize::from(extra))?.checked_add(1)?;
    let bytes = buffer.get(at..end)?;
    if bytes.first() == Some(&0) {
        return None;
    }
    let length = bytes
        .iter()
        .try_fold(0_usize, |sum, byte| Some(sum.checked_mul(256)? | usize::from(*byte)))?;
    (length > 55).then_some((end, length))
}

/// Reads the items of a list one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    buffer: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Over the items of a list that fills `buffer` exactly.
    pub(crate) fn list(buffer: &'a [u8]) -> Option<Self> {
        let item = Item::at(buffer, 0)?;
        (item.kind == Kind::List && item.end == buffer.len())
            .then_some(Self { buffer, at: item.payload })
    }

    /// Over the items of a list that was read before.
    pub(crate) fn within(buffer: &'a [u8], item: Item) -> Option<Self> {
        let buffer = buffer.get(..item.end)?;
        (item.kind == Kind::List).then_some(Self { buffer, at: item.payload })
    }

    /// Nothing is left.
    pub(crate) const fn is_done(&self) -> bool {
        self.at == self.buffer.len()
    }

    /// Where the next item starts.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// The next item of a branch's list, by the short way for what nearly all are: `true` for a hash,
    /// `false` for an empty string. `None` = neither; nothing was read.
    #[inline]
    pub(crate) fn hash_or_empty(&mut self) -> Option<bool> {
        const HASH: u8 = 0xa0;
        const EMPTY: u8 = 0x80;
        let (is_hash, length) = match *self.buffer.get(self.at)? {
            HASH => (true, 33),
            EMPTY => (false, 1),
            _ => return None,
        };
        let end = self.at.checked_add(length).filter(|end| *end <= self.buffer.len())?;
        self.at = end;
        Some(is_hash)
    }

    /// The next item, of either kind.
    pub(crate) fn item(&mut self) -> Option<Item> {
        let item = Item::at(self.buffer, self.at)?;
        self.at = item.end;
        Some(item)
    }

    /// The next item, which must be a list.
    pub(crate) fn sublist(&mut self) -> Option<Self> {
        let item = self.item()?;
        Self::within(self.buffer, item)
    }

    /// The next item, which must be a string, by its offsets.
    pub(crate) fn string_item(&mut self) -> Option<Item> {
        let item = self.item()?;
        (item.kind == Kind::String).then_some(item)
    }

    /// The next item, which must be a string.
    pub(crate) fn string(&mut self) -> Option<&'a [u8]> {
        let item = self.string_item()?;
        self.buffer.get(item.payload..item.end)
    }

    /// The next item, an integer without leading zeros.
    pub(crate) fn u256(&mut self) -> Option<U256> {
        let bytes = self.string()?;
        (bytes.first() != Some(&0)).then(|| U256::try_from_be_slice(bytes))?
    }

    /// The next item, an integer without leading zeros.
    pub(crate) fn u64(&mut self) -> Option<u64> {
        let bytes = self.string()?;
        if bytes.first() == Some(&0) || bytes.len() > 8 {
            return None;
        }
        Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    }

    /// The next item, an integer without leading zeros.
    pub(crate) fn u128(&mut self) -> Option<u128> {
        let bytes = self.string()?;
        if bytes.first() == Some(&0) || bytes.len() > 16 {
            return None;
        }
        Some(bytes.iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
    }

    /// The next item, exactly 32 bytes.
    pub(crate) fn b256(&mut self) -> Option<B256> {
        B256::try_from(self.string()?).ok()
    }

    /// The next item, exactly 20 bytes.
    pub(crate) fn address(&mut self) -> Option<Address> {
        Address::try_from(self.string()?).ok()
    }
}

/// Length of the encoding of a string with this content.
pub(crate) const fn string_length(string: &[u8]) -> usize {
    match string {
        [0..=0x7f] => 1,
        _ => header_length(string.len()).saturating_add(string.len()),
    }
}

/// Length of the header before a payload of this length.
pub(crate) const fn header_length(payload: usize) -> usize {
    match payload {
        0..=55 => 1,
        _ => 9_usize.saturating_sub((payload as u64).leading_zeros() as usize / 8),
    }
}

/// Appends a header: `base` is 0x80 for strings, 0xc0 for lists.
pub(crate) fn put_header(out: &mut Vec<u8>, base: u8, payload: usize) {
    match u8::try_from(payload) {
        Ok(short @ 0..=55) => out.push(base.saturating_add(short)),
        _ => {
            let bytes = (payload as u64).to_be_bytes();
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            let length = u8::try_from(8_usize.saturating_sub(zeros)).unwrap_or(8);
            out.push(base.saturating_add(55).saturating_add(length));
            out.extend(bytes.iter().skip(zeros));
        }
    }
}

/// Appends a string.
pub(crate) fn put_string(out: &mut Vec<u8>, string: &[u8]) {
    if !matches!(string, [0..=0x7f]) {
        put_header(out, 0x80, string.len());
    }
    out.extend_from_slice(string);
}

/// Appends an integer.
pub(crate) fn put_integer(out: &mut Vec<u8>, value: u64) {
    let bytes = value.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    put_string(out, bytes.get(zeros..).unwrap_or_default());
}
