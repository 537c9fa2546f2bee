//! A sparse Merkle-Patricia trie: nodes are read when a path needs them, hashed when their content changed.
//!
//! Start with [`Trie`]. Nodes stand at absolute positions: a leaf knows its whole key, a branch its whole
//! prefix and its depth. An extension node is therefore not stored: it is the gap between where a branch is
//! linked and the branch's own depth, and appears only in the encoding. Splitting and merging paths move
//! nothing but links.
//!
//! **Invariant:** bytes from outside never panic; no hash is computed for a node that did not change; an
//! error leaves the trie as it was.

mod node;
mod rlp;

pub(crate) use rlp::{Item, Kind, Reader, put_header, put_integer, put_string};

use crate::{Key, StateError};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, b256, keccak256};
use node::{Branch, Link, Node, Reference};

/// Root of a trie without entries: keccak of an empty RLP string.
pub const EMPTY_ROOT: B256 =
    b256!("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421");

/// Longest key in bytes.
const KEY_BYTES: usize = 32;

/// Where trie nodes come from.
pub trait Nodes {
    /// The bytes whose keccak is `hash`.
    fn node(&mut self, hash: &B256) -> Result<Bytes, StateError>;

    /// Told of each node that [`Trie::root_into`] encodes, so that a store can keep it. Does nothing unless
    /// overridden.
    fn made(&mut self, _hash: &B256, _node: &[u8]) {}
}

/// For tries that are built from nothing.
#[derive(Debug)]
pub struct NoNodes;

impl Nodes for NoNodes {
    fn node(&mut self, hash: &B256) -> Result<Bytes, StateError> {
        Err(StateError::Absent(Key::Node(*hash)))
    }
}

/// One trie. Keys are at most 32 bytes.
#[derive(Debug)]
pub struct Trie {
    nodes: Vec<Node>,
    root: Link,
    /// Hash of the root when it was last computed or read.
    root_hash: B256,
}

impl Trie {
    /// A trie without entries.
    pub const fn empty() -> Self {
        Self { nodes: Vec::new(), root: Link::NONE, root_hash: EMPTY_ROOT }
    }

    /// The trie with this root; nothing is read yet.
    pub const fn at(root_hash: B256) -> Self {
        Self { nodes: Vec::new(), root: Link::UNREAD, root_hash }
    }

    /// The value under `key`.
    pub fn value(
        &mut self,
        key: &[u8],
        source: &mut impl Nodes,
    ) -> Result<Option<Bytes>, StateError> {
        let key = Path::new(key);
        let mut link = self.read_root(&key, source)?;
        loop {
            match self.nodes.get(link.index()) {
                None => return Ok(None),
                Some(Node::Leaf(leaf)) => {
                    return Ok((leaf.path == key).then(|| leaf.value.clone()));
                }
                Some(Node::Branch(branch)) if !branch.covers(&key) => return Ok(None),
                Some(Node::Branch(branch)) if branch.ends(&key) => {
                    let branch = self.filled(link, source)?;
                    let value = branch.map(|branch| branch.value.clone());
                    return Ok(value.filter(|it| !it.is_empty()));
                }
                Some(Node::Branch(_)) => {}
            }
            link = self.child(link, &key, source)?;
        }
    }

    /// Sets the value under `key`. The value is not empty.
    pub fn insert(
        &mut self,
        key: &[u8],
        value: Bytes,
        source: &mut impl Nodes,
    ) -> Result<(), StateError> {
        let key = Path::new(key);
        let mut link = self.read_root(&key, source)?;
        if link == Link::NONE {
            self.root = self.push(Node::leaf(key, value));
            return Ok(());
        }
        let mut above: [Link; KEY_BYTES * 2] = [Link::NONE; KEY_BYTES * 2];
        let mut path = above.iter_mut();
        loop {
            match self.nodes.get_mut(link.index()) {
                Some(Node::Leaf(leaf)) if leaf.path == key => {
                    leaf.value = value;
                    leaf.changed = true;
                    break;
                }
                Some(Node::Branch(branch)) if branch.ends(&key) => {
                    if let Some(branch) = self.filled(link, source)? {
                        branch.value = value;
                        branch.changed = true;
                    }
                    break;
                }
                Some(Node::Branch(branch)) if branch.covers(&key) => {}
                Some(_) => {
                    self.split(link, key, value);
                    break;
                }
                None => return Ok(()),
            }
            let child = self.child(link, &key, source)?;
            if let Some(place) = path.next() {
                *place = link;
            }
            if child == Link::NONE {
                let leaf = self.push(Node::leaf(key, value));
                self.link(link, &key, leaf);
                break;
            }
            link = child;
        }
        self.mark(&above);
        Ok(())
    }

    /// Removes `key`, if it is there.
    pub fn remove(&mut self, key: &[u8], source: &mut impl Nodes) -> Result<(), StateError> {
        let key = Path::new(key);
        let mut link = self.read_root(&key, source)?;
        let mut above: [Link; KEY_BYTES * 2] = [Link::NONE; KEY_BYTES * 2];
        let mut path = above.iter_mut();
        let mut parent = Link::NONE;
        loop {
            match self.nodes.get(link.index()) {
                Some(Node::Leaf(leaf)) if leaf.path == key => break,
                Some(Node::Branch(branch)) if branch.covers(&key) => {}
                _ => return Ok(()),
            }
            if parent != Link::NONE
                && let Some(place) = path.next()
            {
                *place = parent;
            }
            parent = link;
            link = match self.filled(link, source)? {
                Some(branch) if branch.ends(&key) && branch.value.is_empty() => return Ok(()),
                Some(branch) if branch.ends(&key) => break,
                _ => self.child(link, &key, source)?,
            };
        }
        if parent == Link::NONE {
            self.root = Link::NONE;
            return Ok(());
        }
        self.unlink(parent, &key, source)?;
        self.mark(&above);
        Ok(())
    }

    /// The root hash over all changes so far.
    pub fn root(&mut self) -> B256 {
        self.root_into(&mut NoNodes)
    }

    /// Like [`Trie::root`], and tells `made` of every node that is new. Nodes inside of others have no hash of
    /// their own and are not told, but for the root.
    pub fn root_into(&mut self, made: &mut impl Nodes) -> B256 {
        match self.root {
            Link::UNREAD => {}
            Link::NONE => self.root_hash = EMPTY_ROOT,
            root => {
                if self.nodes.get(root.index()).is_some_and(Node::is_changed) {
                    let reference = self.rehash(root, 0, made);
                    self.root_hash = reference.hash().unwrap_or_else(|| {
                        let hash = keccak256(reference.bytes());
                        made.made(&hash, reference.bytes());
                        hash
                    });
                }
            }
        }
        self.root_hash
    }

    /// Loads the root if it has not been.
    fn read_root(&mut self, key: &Path, source: &mut impl Nodes) -> Result<Link, StateError> {
        if self.root == Link::UNREAD {
            self.root = if self.root_hash == EMPTY_ROOT {
                Link::NONE
            } else {
                let hash = self.root_hash;
                let bytes = source.node(&hash)?;
                let node = Node::decode(bytes, key, 0, Some(hash))?;
                self.push(node)
            };
        }
        Ok(self.root)
    }

    /// The node below branch `link` on the way to `key`, loaded if need be.
    fn child(
        &mut self,
        link: Link,
        key: &Path,
        source: &mut impl Nodes,
    ) -> Result<Link, StateError> {
        let Some(branch) = self.filled(link, source)? else { return Ok(Link::NONE) };
        let depth = branch.depth;
        let nibble = key.nibble(depth);
        let child = branch.kid(nibble);
        if child != Link::UNREAD {
            return Ok(child);
        }
        let (bytes, hash) = match branch.raw_kid(nibble) {
            None => return Ok(Link::NONE),
            Some(Reference::Hash(hash)) => (source.node(&hash)?, Some(hash)),
            Some(Reference::Inline(bytes)) => (bytes, None),
        };
        let hash_for_error = hash.or_else(|| branch.hash());
        let node = Node::decode(bytes, key, depth.saturating_add(1), hash).map_err(|error| {
            // An inline node has no hash of its own: name the node it stands in.
            match (hash_for_error, error) {
                (Some(hash), StateError::Malformed(_)) => StateError::Malformed(Key::Node(hash)),
                (_, error) => error,
            }
        })?;
        let child = self.push(node);
        self.link(link, key, child);
        Ok(child)
    }

    /// The branch at `link`, its content read if it is known only by its hash (below an extension node).
    fn filled(
        &mut self,
        link: Link,
        source: &mut impl Nodes,
    ) -> Result<Option<&mut Branch>, StateError> {
        let Some(Node::Branch(branch)) = self.nodes.get_mut(link.index()) else { return Ok(None) };
        if let Some(hash) = branch.unread() {
            let bytes = source.node(&hash)?;
            branch.read(bytes).ok_or(StateError::Malformed(Key::Node(hash)))?;
        }
        Ok(Some(branch))
    }

    /// Puts a branch where `link` is, with the old node and a new leaf below it.
    fn split(&mut self, link: Link, key: Path, value: Bytes) {
        let Some(place) = self.nodes.get_mut(link.index()) else { return };
        place.mark_moved();
        let depth = key.common(place.path());
        let old = core::mem::replace(place, Node::Branch(Branch::new(key, depth)));
        self.hang(link, depth, old);
        self.hang(link, depth, Node::leaf(key, value));
    }

    /// Puts a node into branch `link`: below it, or as its value if the key ends there.
    fn hang(&mut self, link: Link, depth: u8, node: Node) {
        let path = *node.path();
        match (node, self.nodes.get_mut(link.index())) {
            (Node::Leaf(leaf), Some(Node::Branch(branch))) if path.nibbles == depth => {
                branch.value = leaf.value;
            }
            (node, _) => {
                let child = self.push(node);
                self.link(link, &path, child);
            }
        }
    }

    /// Takes the entry of `key` out of branch `link`; a branch with one entry or child left becomes that.
    fn unlink(
        &mut self,
        link: Link,
        key: &Path,
        source: &mut impl Nodes,
    ) -> Result<(), StateError> {
        let Some(Node::Branch(branch)) = self.nodes.get_mut(link.index()) else { return Ok(()) };
        let depth = branch.depth;
        let nibble = (!branch.ends(key)).then(|| key.nibble(depth));
        let value_left = nibble.is_some() && !branch.value.is_empty();
        let mut others = branch.kids_but(nibble);
        match (others.next(), others.next(), value_left) {
            (Some(last), None, false) => {
                let sibling_key = branch.path.with(depth, last);
                drop(others);
                // Read before anything is changed: the sibling's kind decides what the path becomes.
                let sibling = self.child(link, &sibling_key, source)?;
                if let Some(node) = self.nodes.get_mut(sibling.index()) {
                    node.mark_moved();
                    let node = core::mem::replace(node, Node::leaf(*key, Bytes::new()));
                    if let Some(place) = self.nodes.get_mut(link.index()) {
                        *place = node;
                    }
                }
            }
            (None, _, true) => {
                drop(others);
                let leaf = Node::leaf(branch.path.first(depth), branch.value.clone());
                if let Some(place) = self.nodes.get_mut(link.index()) {
                    *place = leaf;
                }
            }
            _ => {
                drop(others);
                branch.take(nibble);
            }
        }
        Ok(())
    }

    fn link(&mut self, link: Link, key: &Path, child: Link) {
        if let Some(Node::Branch(branch)) = self.nodes.get_mut(link.index()) {
            let nibble = key.nibble(branch.depth);
            branch.set(nibble, child);
        }
    }

    /// Notes that something below these branches changed.
    fn mark(&mut self, above: &[Link]) {
        for link in above {
            match self.nodes.get_mut(link.index()) {
                Some(Node::Branch(branch)) => branch.changed = true,
                Some(Node::Leaf(_)) => {}
                None => return,
            }
        }
    }

    fn push(&mut self, node: Node) -> Link {
        let link = Link::node(self.nodes.len());
        self.nodes.push(node);
        link
    }

    /// Encodes and hashes what changed at and below `link`, which hangs at nibble `position`. Depth of the
    /// recursion is bounded by the key: branches get strictly deeper.
    fn rehash(&mut self, link: Link, position: u8, made: &mut impl Nodes) -> Reference {
        let nothing = Reference::Inline(Bytes::new());
        match self.nodes.get_mut(link.index()) {
            None => nothing,
            Some(Node::Leaf(leaf)) => leaf.reference(position, made),
            Some(Node::Branch(branch)) if !branch.changed => branch.reference(position, made),
            Some(Node::Branch(branch)) => {
                let depth = branch.depth.saturating_add(1);
                let kids = branch.kids;
                let mut fresh: [Option<Reference>; 16] = Default::default();
                for (kid, place) in kids.iter().zip(&mut fresh) {
                    if self.nodes.get(kid.index()).is_some_and(Node::is_changed) {
                        *place = Some(self.rehash(*kid, depth, made));
                    }
                }
                match self.nodes.get_mut(link.index()) {
                    Some(Node::Branch(branch)) => {
                        branch.encode(&fresh, made);
                        branch.reference(position, made)
                    }
                    _ => nothing,
                }
            }
        }
    }
}

/// The root of a list: entry `i` under key `rlp(i)`, as transactions and receipts are committed to.
pub fn ordered_root(values: impl IntoIterator<Item = Bytes>) -> B256 {
    ordered_root_into(values, &mut NoNodes)
}

/// Like [`ordered_root`], and tells `made` of every node.
pub fn ordered_root_into(values: impl IntoIterator<Item = Bytes>, made: &mut impl Nodes) -> B256 {
    let mut trie = Trie::empty();
    let mut key = Vec::new();
    for (index, value) in (0_u64..).zip(values) {
        key.clear();
        rlp::put_integer(&mut key, index);
        // A trie built from nothing asks its source for nothing.
        let built = trie.insert(&key, value, &mut NoNodes);
        debug_assert!(built.is_ok());
    }
    trie.root_into(made)
}

/// A key, or the start of one, in nibbles.
#[derive(Clone, Copy, Debug)]
struct Path {
    bytes: [u8; KEY_BYTES],
    nibbles: u8,
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.nibbles == other.nibbles && self.bytes == other.bytes
    }
}

impl Path {
    /// From a whole key. What is longer than 32 bytes is cut: no caller has such keys.
    fn new(key: &[u8]) -> Self {
        let mut bytes = [0; KEY_BYTES];
        let mut nibbles = 0_u8;
        for (place, byte) in bytes.iter_mut().zip(key) {
            *place = *byte;
            nibbles = nibbles.saturating_add(2);
        }
        Self { bytes, nibbles }
    }

    fn nibble(&self, position: u8) -> u8 {
        let byte = self.bytes.get(usize::from(position >> 1)).copied().unwrap_or(0);
        if position & 1 == 0 { byte >> 4 } else { byte & 15 }
    }

    /// How many leading nibbles are the same.
    fn common(&self, other: &Self) -> u8 {
        let limit = self.nibbles.min(other.nibbles);
        let mut same = 0_u8;
        for (a, b) in self.bytes.iter().zip(&other.bytes) {
            if a != b {
                return same.saturating_add(u8::from(a >> 4 == b >> 4)).min(limit);
            }
            same = same.saturating_add(2);
        }
        limit
    }

    /// The first `depth` nibbles are those of `other`.
    fn starts_like(&self, other: &Self, depth: u8) -> bool {
        let whole = usize::from(depth >> 1);
        let same = self.bytes.get(..whole) == other.bytes.get(..whole);
        let half = depth & 1 == 0
            || self.nibble(depth.saturating_sub(1)) == other.nibble(depth.saturating_sub(1));
        self.nibbles >= depth && same && half
    }

    /// The first `depth` nibbles.
    fn first(&self, depth: u8) -> Self {
        Self { nibbles: depth, ..self.with(depth, 0) }
    }

    /// The first `depth` nibbles, then `nibble`.
    fn with(&self, depth: u8, nibble: u8) -> Self {
        let mut path = Self { bytes: [0; KEY_BYTES], nibbles: depth.saturating_add(1) };
        let whole = usize::from(depth >> 1);
        for (place, byte) in path.bytes.iter_mut().zip(&self.bytes).take(whole) {
            *place = *byte;
        }
        if let Some(place) = path.bytes.get_mut(whole) {
            *place = if depth & 1 == 0 {
                nibble << 4
            } else {
                self.bytes.get(whole).copied().unwrap_or(0) & 0xf0 | nibble
            };
        }
        path
    }
}

#[cfg(test)]
mod tests;
