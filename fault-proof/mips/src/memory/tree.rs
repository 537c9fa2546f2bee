//! The hash tree above the pages: 52 levels of nodes, made only where pages are (op-stack C3).
//!
//! Start with [`Tree::refresh`].
//!
//! **Invariant:** a node without the stale mark has the hash of what is below it.

use super::table::index;
use crate::hash::{Digest, PairHasher, join};

/// Levels between the root and the pages.
pub(super) const PAGE_LEVELS: usize = 52;
/// Levels inside a page: 128 leaves of 32 bytes.
pub(super) const LEAF_LEVELS: usize = 7;
/// Levels of the whole tree.
pub(super) const LEVELS: usize = PAGE_LEVELS + LEAF_LEVELS;

/// Nodes of one page's tree: from the 64 parents of the leaves up to the root.
pub(super) type PageTree = Vec<Vec<Digest>>;

/// A child that is all zero.
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Node {
    /// Inner nodes; in the lowest level the page's slot.
    children: [u32; 2],
    hash: Digest,
    stale: bool,
}

/// The upper part of the memory's tree.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// Node 0 is the root.
    nodes: Vec<Node>,
    page_roots: Vec<Digest>,
    /// Hashes of empty subtrees, leaves first.
    zeros: Vec<Digest>,
}

impl Tree {
    pub(super) fn new() -> Self {
        let mut zeros = vec![[0; 32]];
        for level in 0..LEVELS {
            let below = zeros.get(level).copied().unwrap_or_default();
            zeros.push(join(&below, &below));
        }
        let root = Node { children: [NONE; 2], hash: [0; 32], stale: true };
        Self { nodes: vec![root], page_roots: Vec::new(), zeros }
    }

    /// Makes the path to a new page.
    pub(super) fn insert(&mut self, number: u64, slot: u32) -> Option<()> {
        let mut at = 0;
        for level in (0..PAGE_LEVELS).rev() {
            let fresh = u32::try_from(self.nodes.len()).ok().filter(|it| *it != NONE)?;
            let child = self.nodes.get_mut(at)?.children.get_mut(side(number, level))?;
            if level == 0 {
                *child = slot;
            } else if *child == NONE {
                *child = fresh;
                at = index(fresh);
                self.nodes.push(Node { children: [NONE; 2], hash: [0; 32], stale: true });
            } else {
                at = index(*child);
            }
        }
        self.page_roots.push([0; 32]);
        debug_assert_eq!(self.page_roots.len(), index(slot).wrapping_add(1), "slots come in order");
        Some(())
    }

    /// Takes a page's new root and marks everything above it.
    pub(super) fn set_page_root(&mut self, number: u64, slot: u32, root: Digest) {
        if let Some(place) = self.page_roots.get_mut(index(slot)) {
            *place = root;
        }
        let mut at = 0;
        for level in (0..PAGE_LEVELS).rev() {
            let Some(node) = self.nodes.get_mut(at) else { return };
            node.stale = true;
            at = node.children.get(side(number, level)).copied().map_or(usize::MAX, index);
        }
    }

    /// The root, after hashing what is stale.
    pub(super) fn refresh(&mut self) -> Digest {
        self.refresh_node(0, PAGE_LEVELS)
    }

    fn refresh_node(&mut self, at: u32, height: usize) -> Digest {
        let Some(node) = self.nodes.get(index(at)) else { return self.zero(height) };
        if !node.stale {
            return node.hash;
        }
        let [left, right] = node.children;
        let below = height.saturating_sub(1);
        let hash = join(&self.refresh_child(left, below), &self.refresh_child(right, below));
        if let Some(node) = self.nodes.get_mut(index(at)) {
            node.hash = hash;
            node.stale = false;
        }
        hash
    }

    fn refresh_child(&mut self, child: u32, height: usize) -> Digest {
        if child == NONE {
            self.zero(height)
        } else if height == 0 {
            self.page_roots.get(index(child)).copied().unwrap_or_default()
        } else {
            self.refresh_node(child, height)
        }
    }

    /// The hash of an empty subtree this many levels above the pages.
    fn zero(&self, height: usize) -> Digest {
        self.zero_below_page(height.saturating_add(LEAF_LEVELS))
    }

    /// The hash of an empty subtree this many levels above the leaves.
    pub(super) fn zero_below_page(&self, height: usize) -> Digest {
        self.zeros.get(height).copied().unwrap_or_default()
    }

    /// The hashes beside the path to a page, the lowest first. The tree must be fresh.
    pub(super) fn siblings(&self, number: u64) -> [Digest; PAGE_LEVELS] {
        let mut siblings = [[0; 32]; PAGE_LEVELS];
        let mut at = Some(0);
        for (level, sibling) in siblings.iter_mut().enumerate().rev() {
            let node = at.and_then(|it: u32| self.nodes.get(index(it)));
            let children = node.map_or([NONE; 2], |it| it.children);
            let [left, right] = children;
            let (own, other) = if side(number, level) == 0 { (left, right) } else { (right, left) };
            *sibling = if other == NONE {
                self.zero(level)
            } else if level == 0 {
                self.page_roots.get(index(other)).copied().unwrap_or_default()
            } else {
                self.nodes.get(index(other)).map_or([0; 32], |it| it.hash)
            };
            at = (own != NONE).then_some(own);
        }
        siblings
    }
}

/// Which child leads to the page, at the node this many levels above it.
const fn side(number: u64, level: usize) -> usize {
    ((number >> (level & 63)) & 1) as usize
}

/// All nodes of the trees of some pages, level by level; the last level has one root for each page.
pub(super) fn page_trees(pages: &[&[u8; super::PAGE_BYTES]], hasher: &dyn PairHasher) -> PageTree {
    let mut pairs: Vec<[u8; 64]> = pages.iter().flat_map(|it| it.as_chunks().0).copied().collect();
    let mut levels = Vec::with_capacity(LEAF_LEVELS);
    for _ in 0..LEAF_LEVELS {
        let mut digests = vec![[0; 32]; pairs.len()];
        hasher.hash(&pairs, &mut digests);
        pairs = digests.as_flattened().as_chunks().0.to_vec();
        levels.push(digests);
    }
    levels
}
