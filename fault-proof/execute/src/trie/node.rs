//! The two kinds of nodes a trie keeps in memory, their decoding and encoding.
//!
//! Start with [`Node`]. A branch keeps the bytes it was read from: children that were never visited are
//! found and copied there.
//!
//! **Invariant:** flags only ever say "changed" too often, never too seldom: a stale hash cannot survive.

use super::rlp::{Item, Kind, Reader, header_length, put_header, put_string, string_length};
use super::{KEY_BYTES, Nodes, Path};
use crate::{Key, StateError};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, keccak256};

/// Index of a node in the trie's arena, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link(u32);

impl Link {
    /// No node.
    pub(super) const NONE: Self = Self(u32::MAX);
    /// A node that is known by its hash only: the bytes of the branch above tell it.
    pub(super) const UNREAD: Self = Self(u32::MAX - 1);

    /// Node `index`.
    pub(super) fn node(index: usize) -> Self {
        // Four billion nodes do not fit in memory; a link beyond would read as absent.
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// For `Vec::get`; beyond every arena where there is no node.
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a node is named in the node above.
#[derive(Clone, Debug)]
pub(super) enum Reference {
    /// keccak of its encoding.
    Hash(B256),
    /// The encoding itself, shorter than a hash.
    Inline(Bytes),
}

impl Reference {
    fn of(encoding: &[u8], made: &mut impl Nodes) -> Self {
        if encoding.len() < 32 {
            return Self::Inline(Bytes::copy_from_slice(encoding));
        }
        let hash = keccak256(encoding);
        made.made(&hash, encoding);
        Self::Hash(hash)
    }

    pub(super) const fn hash(&self) -> Option<B256> {
        match self {
            Self::Hash(hash) => Some(*hash),
            Self::Inline(_) => None,
        }
    }

    /// The hash, or the inline encoding.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Hash(hash) => hash.as_slice(),
            Self::Inline(bytes) => bytes,
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Hash(_) => 33,
            Self::Inline(bytes) => bytes.len(),
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        if let Self::Hash(_) = self {
            out.push(0xa0);
        }
        out.extend_from_slice(self.bytes());
    }
}

/// A node in memory.
#[derive(Debug)]
pub(super) enum Node {
    Leaf(Leaf),
    Branch(Branch),
}

/// An entry.
#[derive(Debug)]
pub(super) struct Leaf {
    /// The whole key.
    pub(super) path: Path,
    pub(super) value: Bytes,
    /// The node above does not know its hash.
    pub(super) changed: bool,
}

/// Sixteen ways to go on, at `depth` below a common prefix, and the entry whose key ends here.
#[derive(Debug)]
pub(super) struct Branch {
    /// The prefix: the first `depth` nibbles count.
    pub(super) path: Path,
    pub(super) depth: u8,
    /// The children that were visited or changed.
    pub(super) kids: [Link; 16],
    /// Empty if no key ends here: so it is in every trie whose keys have one length.
    pub(super) value: Bytes,
    /// Something below differs from `raw` and `reference`.
    pub(super) changed: bool,
    /// It hangs elsewhere than the node above remembers.
    moved: bool,
    /// The encoding; empty while unread, and for new branches.
    raw: Bytes,
    /// Its name, while it is not `changed`.
    reference: Reference,
}

impl Node {
    pub(super) const fn leaf(path: Path, value: Bytes) -> Self {
        Self::Leaf(Leaf { path, value, changed: true })
    }

    pub(super) const fn path(&self) -> &Path {
        match self {
            Self::Leaf(leaf) => &leaf.path,
            Self::Branch(branch) => &branch.path,
        }
    }

    pub(super) const fn is_changed(&self) -> bool {
        match self {
            Self::Leaf(leaf) => leaf.changed,
            Self::Branch(branch) => branch.changed || branch.moved,
        }
    }

    pub(super) const fn mark_moved(&mut self) {
        match self {
            Self::Leaf(leaf) => leaf.changed = true,
            Self::Branch(branch) => branch.moved = true,
        }
    }

    /// Decodes a node that was found at nibble `position` on the way to `key`. `hash` is its name unless it
    /// was inline.
    pub(super) fn decode(
        bytes: Bytes,
        key: &Path,
        position: u8,
        hash: Option<B256>,
    ) -> Result<Self, StateError> {
        let malformed = StateError::Malformed(Key::Node(hash.unwrap_or_default()));
        Self::parse(bytes, key, position, hash).ok_or(malformed)
    }

    fn parse(bytes: Bytes, key: &Path, position: u8, hash: Option<B256>) -> Option<Self> {
        let mut items = Reader::list(&bytes)?;
        let first = items.item()?;
        let second = items.item()?;
        if !items.is_done() {
            let reference = match hash {
                Some(hash) => Reference::Hash(hash),
                None => Reference::Inline(bytes.clone()),
            };
            let mut branch = Branch::unread_at(*key, position, reference);
            branch.read(bytes)?;
            return Some(Self::Branch(branch));
        }
        let encoded = bytes.get(first.payload..first.end)?;
        let (&flag, rest) = encoded.split_first()?;
        let odd = flag & 0x10 != 0;
        if first.kind != Kind::String || flag & 0xc0 != 0 || (!odd && flag & 0x0f != 0) {
            return None;
        }
        let path = extend(key, position, odd.then_some(flag & 0x0f), rest)?;
        if flag & 0x20 != 0 {
            if second.kind != Kind::String {
                return None;
            }
            let value = bytes.slice(second.payload..second.end);
            return Some(Self::Leaf(Leaf { path, value, changed: false }));
        }
        // An extension must lead somewhere.
        if path.nibbles <= position {
            return None;
        }
        let below = reference_at(&bytes, second)?;
        let inline = match &below {
            Reference::Hash(_) => None,
            Reference::Inline(bytes) => Some(bytes.clone()),
        };
        let mut branch = Branch::unread_at(path, path.nibbles, below);
        if let Some(inline) = inline {
            branch.read(inline)?;
        }
        Some(Self::Branch(branch))
    }
}

/// The first `position` nibbles of `key`, then the given ones.
fn extend(key: &Path, position: u8, first: Option<u8>, rest: &[u8]) -> Option<Path> {
    let odd = position & 1 == 1;
    let whole = usize::from(position >> 1);
    let mut path = Path { bytes: [0; KEY_BYTES], nibbles: position };
    path.bytes.get_mut(..whole)?.copy_from_slice(key.bytes.get(..whole)?);
    if odd {
        *path.bytes.get_mut(whole)? = key.bytes.get(whole)? & 0xf0;
    }
    let mut put = |nibble: u8| {
        let place = path.bytes.get_mut(usize::from(path.nibbles >> 1))?;
        *place |= if path.nibbles & 1 == 0 { nibble << 4 } else { nibble };
        path.nibbles = path.nibbles.checked_add(1)?;
        Some(())
    };
    if let Some(nibble) = first {
        put(nibble)?;
    }
    if odd == first.is_some() {
        // Byte aligned: the usual case.
        let start = usize::from(path.nibbles >> 1);
        let end = start.checked_add(rest.len())?;
        path.bytes.get_mut(start..end)?.copy_from_slice(rest);
        let nibbles = u8::try_from(rest.len().checked_mul(2)?).ok()?;
        path.nibbles = path.nibbles.checked_add(nibbles)?;
    } else {
        for byte in rest {
            put(byte >> 4)?;
            put(byte & 15)?;
        }
    }
    Some(path)
}

/// The reference that an item is: a hash or a node in place.
fn reference_at(bytes: &Bytes, item: Item) -> Option<Reference> {
    match item.kind {
        Kind::String => {
            B256::try_from(bytes.get(item.payload..item.end)?).ok().map(Reference::Hash)
        }
        Kind::List => {
            let inline = bytes.slice(item.start..item.end);
            (inline.len() < 32).then_some(Reference::Inline(inline))
        }
    }
}

impl Leaf {
    /// Its name where it hangs at nibble `position`, which counts as told from now on.
    pub(super) fn reference(&mut self, position: u8, made: &mut impl Nodes) -> Reference {
        self.changed = false;
        let mut path = [0; KEY_BYTES + 1];
        let path = compact(&self.path, position, self.path.nibbles, 0x20, &mut path);
        let payload = string_length(path).saturating_add(string_length(&self.value));
        let mut out = Vec::with_capacity(header_length(payload).saturating_add(payload));
        put_header(&mut out, 0xc0, payload);
        put_string(&mut out, path);
        put_string(&mut out, &self.value);
        Reference::of(&out, made)
    }
}

/// The nibbles `from..to` in the compact form of nodes.
fn compact<'a>(
    path: &Path,
    from: u8,
    to: u8,
    flag: u8,
    out: &'a mut [u8; KEY_BYTES + 1],
) -> &'a [u8] {
    let odd = to.saturating_sub(from) & 1 == 1;
    let mut places = out.iter_mut();
    let mut used = 1_usize;
    let first = if odd { 0x10 | path.nibble(from) } else { 0 };
    if let Some(place) = places.next() {
        *place = flag | first;
    }
    let mut position = from.saturating_add(u8::from(odd));
    let aligned = position & 1 == 0;
    while position < to {
        let Some(place) = places.next() else { break };
        *place = if aligned {
            path.bytes.get(usize::from(position >> 1)).copied().unwrap_or(0)
        } else {
            path.nibble(position) << 4 | path.nibble(position.saturating_add(1))
        };
        position = position.saturating_add(2);
        used = used.saturating_add(1);
    }
    out.get(..used).unwrap_or_default()
}

impl Branch {
    /// A branch without children.
    pub(super) const fn new(path: Path, depth: u8) -> Self {
        Self {
            path,
            depth,
            kids: [Link::NONE; 16],
            value: Bytes::new(),
            changed: true,
            moved: true,
            raw: Bytes::new(),
            reference: Reference::Inline(Bytes::new()),
        }
    }

    const fn unread_at(path: Path, depth: u8, reference: Reference) -> Self {
        Self {
            path,
            depth,
            kids: [Link::UNREAD; 16],
            value: Bytes::new(),
            changed: false,
            moved: false,
            raw: Bytes::new(),
            reference,
        }
    }

    /// Takes in the bytes of a branch that was known by name only.
    pub(super) fn read(&mut self, bytes: Bytes) -> Option<()> {
        let mut items = Reader::list(&bytes)?;
        for kid in &mut self.kids {
            if let Some(is_hash) = items.hash_or_empty() {
                if !is_hash {
                    *kid = Link::NONE;
                }
                continue;
            }
            let item = items.item()?;
            let length = item.end.saturating_sub(item.payload);
            // Hashes and gaps are behind us.
            if item.kind != Kind::List || !(1..32).contains(&length) {
                return None;
            }
        }
        let value = items.item()?;
        if value.kind != Kind::String || !items.is_done() {
            return None;
        }
        if value.payload != value.end {
            self.value = bytes.slice(value.payload..value.end);
        }
        self.raw = bytes;
        Some(())
    }

    /// The name under which its bytes are still to be read.
    pub(super) fn unread(&self) -> Option<B256> {
        if self.changed || !self.raw.is_empty() { None } else { self.reference.hash() }
    }

    pub(super) const fn hash(&self) -> Option<B256> {
        self.reference.hash()
    }

    /// Whether `key` lies below this branch or ends at it.
    pub(super) fn covers(&self, key: &Path) -> bool {
        key.nibbles >= self.depth && self.path.starts_like(key, self.depth)
    }

    /// Whether `key` ends at this branch.
    pub(super) fn ends(&self, key: &Path) -> bool {
        key.nibbles == self.depth && self.covers(key)
    }

    pub(super) fn kid(&self, nibble: u8) -> Link {
        self.kids.get(usize::from(nibble)).copied().unwrap_or(Link::NONE)
    }

    pub(super) fn set(&mut self, nibble: u8, kid: Link) {
        if let Some(place) = self.kids.get_mut(usize::from(nibble)) {
            *place = kid;
        }
    }

    /// The child that the encoding names at `nibble`.
    pub(super) fn raw_kid(&self, nibble: u8) -> Option<Reference> {
        let mut items = Reader::list(&self.raw)?;
        for _ in 0..nibble {
            if items.hash_or_empty().is_none() {
                items.item()?;
            }
        }
        let item = items.item()?;
        reference_at(&self.raw, item)
    }

    /// The nibbles of the children besides `nibble`.
    pub(super) fn kids_but(&self, nibble: Option<u8>) -> impl Iterator<Item = u8> + '_ {
        let kids = (0..).zip(&self.kids);
        kids.filter(move |(index, kid)| Some(*index) != nibble && **kid != Link::NONE)
            .map(|(index, _)| index)
    }

    /// Takes out the child at `nibble`, or the value.
    pub(super) fn take(&mut self, nibble: Option<u8>) {
        match nibble {
            Some(nibble) => self.set(nibble, Link::NONE),
            None => self.value = Bytes::new(),
        }
        self.changed = true;
    }

    /// Encodes it with the new names of those children that changed.
    pub(super) fn encode(&mut self, fresh: &[Option<Reference>; 16], made: &mut impl Nodes) {
        let mut old = Reader::list(&self.raw);
        let mut names: [&[u8]; 16] = [&[]; 16];
        let mut payload = string_length(&self.value);
        for ((kid, name), new) in self.kids.iter().zip(&mut names).zip(fresh) {
            let item = old.as_mut().and_then(Reader::item);
            let length = match (new, item) {
                (Some(new), _) => new.length(),
                (None, _) if *kid == Link::NONE => 1,
                (None, Some(item)) => {
                    *name = self.raw.get(item.start..item.end).unwrap_or_default();
                    name.len()
                }
                (None, None) => 0,
            };
            payload = payload.saturating_add(length);
        }
        let mut out = Vec::with_capacity(header_length(payload).saturating_add(payload));
        put_header(&mut out, 0xc0, payload);
        for ((kid, name), new) in self.kids.iter().zip(&names).zip(fresh) {
            match new {
                Some(new) => new.put(&mut out),
                None if *kid == Link::NONE => out.push(0x80),
                None => out.extend_from_slice(name),
            }
        }
        put_string(&mut out, &self.value);
        self.reference = Reference::of(&out, made);
        self.raw = Bytes::from(out);
        self.changed = false;
    }

    /// Its name where it hangs at nibble `position`, which counts as told from now on.
    pub(super) fn reference(&mut self, position: u8, made: &mut impl Nodes) -> Reference {
        self.moved = false;
        if position == self.depth {
            return self.reference.clone();
        }
        let mut path = [0; KEY_BYTES + 1];
        let path = compact(&self.path, position, self.depth, 0, &mut path);
        let payload = string_length(path).saturating_add(self.reference.length());
        let mut out = Vec::with_capacity(header_length(payload).saturating_add(payload));
        put_header(&mut out, 0xc0, payload);
        put_string(&mut out, path);
        self.reference.put(&mut out);
        Reference::of(&out, made)
    }
}
