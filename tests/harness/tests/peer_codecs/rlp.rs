//! RLP as a tree, so that damage can be done where decoders decide: lengths, nesting, canonical form.
//!
//! **Invariant:** an undamaged tree encodes canonically.

use crate::rng::Rng;

#[derive(Clone)]
pub(crate) enum Item {
    Bytes(Vec<u8>),
    List(Vec<Self>),
    /// Written as it is.
    Raw(Vec<u8>),
}

impl Item {
    /// A number: big-endian without leading zeros.
    pub(crate) fn number(value: &[u8]) -> Self {
        let zeros = value.iter().take_while(|byte| **byte == 0).count();
        Self::Bytes(value[zeros..].to_vec())
    }

    /// An amount of wei: mostly a few bytes, at most 32.
    pub(crate) fn amount(rng: &mut Rng) -> Self {
        let length = rng.pick(&[0, 1, 4, 8, 9, 10, 16, 17, 31, 32]);
        Self::number(&rng.bytes(length))
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Bytes(bytes) => put_string(out, bytes),
            Self::List(items) => {
                let mut content = Vec::new();
                items.iter().for_each(|item| item.encode(&mut content));
                put_header(out, 0xc0, content.len());
                out.extend(content);
            }
            Self::Raw(bytes) => out.extend(bytes),
        }
    }

    pub(crate) fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    fn count(&self) -> usize {
        match self {
            Self::List(items) => 1 + items.iter().map(Self::count).sum::<usize>(),
            _ => 1,
        }
    }

    /// Damages one node of the tree.
    pub(crate) fn damage(&mut self, rng: &mut Rng) {
        let mut index = rng.below(self.count());
        self.visit(&mut index, &mut |node| damage_node(node, rng));
    }

    /// Calls `act` on the node that many nodes further, in pre-order.
    fn visit(&mut self, index: &mut usize, act: &mut dyn FnMut(&mut Self)) -> bool {
        if *index == 0 {
            act(self);
            return true;
        }
        *index -= 1;
        match self {
            Self::List(items) => items.iter_mut().any(|item| item.visit(index, act)),
            _ => false,
        }
    }
}

fn damage_node(node: &mut Item, rng: &mut Rng) {
    match (&mut *node, rng.below(6)) {
        (Item::List(items), 0) if !items.is_empty() => {
            items.remove(rng.below(items.len()));
        }
        (Item::List(items), 1) if !items.is_empty() => {
            let copy = rng.pick(items);
            items.insert(rng.below(items.len() + 1), copy);
        }
        (Item::List(items), 2) => items.push(Item::Bytes(vec![1])),
        (Item::Bytes(bytes), 0) => bytes.insert(0, 0),
        (Item::Bytes(bytes), 1) => bytes.extend(rng.bytes(1)),
        (Item::Bytes(bytes), 2) => {
            bytes.pop();
        }
        (Item::Bytes(bytes), 3) => *bytes = rng.bytes(33),
        (Item::Bytes(bytes), 4) => *node = Item::List(vec![Item::Bytes(bytes.clone())]),
        (_, 5) => *node = Item::Raw(wrong_header(node, rng)),
        _ => {
            *node =
                Item::Raw(rng.pick(&[vec![0x00], vec![0x80], vec![0xc0], vec![0x81, 0x05], vec![]]))
        }
    }
}

/// The content of a node behind a header that no encoder writes, or that lies about the length.
fn wrong_header(node: &Item, rng: &mut Rng) -> Vec<u8> {
    let (base, content) = match node {
        Item::Bytes(bytes) => (0x80, bytes.clone()),
        Item::List(items) => (0xc0, items.iter().flat_map(Item::encoded).collect()),
        Item::Raw(bytes) => return bytes.clone(),
    };
    let length = content.len() as u64;
    let mut out = match rng.below(5) {
        // The long form of a short length.
        0 => vec![base + 56, length as u8],
        // A length with a leading zero.
        1 => vec![base + 57, 0, length as u8],
        2 => vec![base + 63, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        3 => header(base, length as usize + 1),
        _ => header(base, (length as usize).saturating_sub(1)),
    };
    out.extend(content);
    out
}

/// A byte string in RLP.
pub(crate) fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    match bytes {
        [byte] if *byte < 0x80 => out.push(*byte),
        _ => {
            put_header(out, 0x80, bytes.len());
            out.extend(bytes);
        }
    }
}

fn put_header(out: &mut Vec<u8>, base: u8, length: usize) {
    out.extend(header(base, length));
}

fn header(base: u8, length: usize) -> Vec<u8> {
    if length < 56 {
        return vec![base + length as u8];
    }
    let bytes = length.to_be_bytes();
    let bytes = &bytes[length.leading_zeros() as usize / 8..];
    let mut out = vec![base + 55 + bytes.len() as u8];
    out.extend(bytes);
    out
}
