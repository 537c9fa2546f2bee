//! Sparse guest memory: 4 KiB pages, all 2^64 addresses, with an incremental hash tree (op-stack C3).
//!
//! Start with [`Memory::load`] and [`Memory::store`]; [`Memory::root`] and [`Memory::proof`] hash what changed since the
//! last time. The fast loop reaches pages through two translation caches (`cached`).
//!
//! **Invariant:** the write cache holds only pages that are already marked dirty, hold no predecoded instruction and
//! are not under a reservation: a store through it needs no further thought.

mod cached;
mod table;
mod tree;

use crate::hash::{Digest, PairHasher};
use cached::Cache;
use table::{Table, index};
use tree::{LEAF_LEVELS, LEVELS, Tree};

/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;
/// Bits of an address inside its page.
pub(crate) const PAGE_BITS: u32 = 12;
/// Most pages of a state file or a guest: 16 GiB.
pub(crate) const MAX_PAGES: u64 = 1 << 22;
/// Size of a memory proof: the leaf and the siblings above it.
pub(crate) const PROOF_BYTES: usize = 32 * (1 + LEVELS);
/// Pages whose trees are hashed together, so that a vectorised hasher has work on every level.
const PAGE_BATCH: usize = 4;

const _: () = assert!(PAGE_BYTES == 1 << PAGE_BITS && PAGE_BYTES == 32 << LEAF_LEVELS);
const _: () = assert!(PROOF_BYTES == 1920 && LEVELS == 59);

pub(crate) type Page = [u8; PAGE_BYTES];

/// The page needed for a store could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    /// Pages held.
    pub(crate) pages: usize,
}

/// Whether a store met predecoded instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touched {
    Data,
    Code,
}

/// What is known about a page.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    /// Changed since the last root.
    dirty: bool,
    /// Instructions of it are predecoded.
    code: bool,
}

/// The memory of a guest.
#[derive(Clone, Debug)]
pub struct Memory {
    pages: Vec<Page>,
    numbers: Vec<u64>,
    flags: Vec<Flags>,
    dirty: Vec<u32>,
    table: Table,
    tree: Tree,
    reads: Cache,
    writes: Cache,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// Memory without a page.
    pub fn new() -> Self {
        Self {
            pages: Vec::new(),
            numbers: Vec::new(),
            flags: Vec::new(),
            dirty: Vec::new(),
            table: Table::new(),
            tree: Tree::new(),
            reads: Cache::new(),
            writes: Cache::new(),
        }
    }

    /// Pages that were ever stored to.
    pub const fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// The pages by number, ascending.
    pub fn pages(&self) -> Vec<(u64, &[u8; PAGE_BYTES])> {
        let mut pages: Vec<_> = self.numbers.iter().copied().zip(&self.pages).collect();
        pages.sort_unstable_by_key(|(number, _)| *number);
        pages
    }

    /// The eight bytes around an address, as a number.
    pub fn word(&self, address: u64) -> u64 {
        u64::from_be_bytes(self.load(address))
    }

    /// Stores eight bytes around an address; `false` if there is no memory for the page.
    pub fn set_word(&mut self, address: u64, value: u64) -> bool {
        self.store(address, value.to_be_bytes()).is_ok()
    }

    pub(crate) fn page(&self, number: u64) -> Option<&Page> {
        self.pages.get(index(self.table.find(number)?))
    }

    /// The `N` bytes around an address: low bits are ignored (op-stack C8). A load makes no page.
    pub(crate) fn load<const N: usize>(&self, address: u64) -> [u8; N] {
        self.page(address >> PAGE_BITS).map_or([0; N], |page| chunk(page, address))
    }

    /// Stores `N` bytes around an address; makes the page if need be.
    pub(crate) fn store<const N: usize>(
        &mut self,
        address: u64,
        bytes: [u8; N],
    ) -> Result<Touched, Full> {
        let slot = self.slot(address >> PAGE_BITS)?;
        let touched = self.touch(slot);
        if let Some(page) = self.pages.get_mut(index(slot)) {
            set_chunk(page, address, bytes);
        }
        Ok(touched)
    }

    /// Stores any bytes at any address; makes all pages it meets.
    pub(crate) fn store_range(&mut self, mut address: u64, mut bytes: &[u8]) -> Result<(), Full> {
        while !bytes.is_empty() {
            let start = offset(address);
            let room = PAGE_BYTES.saturating_sub(start);
            let (head, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            let slot = self.slot(address >> PAGE_BITS)?;
            self.touch(slot);
            let page = self.pages.get_mut(index(slot)).and_then(|it| it.get_mut(start..));
            for (place, byte) in page.into_iter().flatten().zip(head) {
                *place = *byte;
            }
            address = address.wrapping_add(head.len() as u64);
            bytes = rest;
        }
        Ok(())
    }

    /// Reads any bytes, page by page, into `sink`. Addresses wrap around.
    pub(crate) fn load_range(&self, mut address: u64, mut count: u64, mut sink: impl FnMut(&[u8])) {
        while count > 0 {
            let start = offset(address);
            let room = PAGE_BYTES.saturating_sub(start);
            let length = usize::try_from(count).map_or(room, |it| it.min(room));
            let page = self.page(address >> PAGE_BITS).unwrap_or(&[0; PAGE_BYTES]);
            sink(page.get(start..start.saturating_add(length)).unwrap_or(&[]));
            address = address.wrapping_add(length as u64);
            count = count.saturating_sub(length as u64);
        }
    }

    /// Adds a page that is not there yet; `None` if it is.
    pub(crate) fn insert_page(&mut self, number: u64, page: &Page) -> Result<Option<()>, Full> {
        if self.table.find(number).is_some() {
            return Ok(None);
        }
        let slot = self.slot(number)?;
        if let Some(place) = self.pages.get_mut(index(slot)) {
            *place = *page;
        }
        Ok(Some(()))
    }

    /// The page is predecoded from now on; returns whether there is one.
    pub(crate) fn mark_code(&mut self, number: u64) -> bool {
        let slot = self.table.find(number);
        let flags = slot.and_then(|it| self.flags.get_mut(index(it)));
        let Some(flags) = flags else { return false };
        flags.code = true;
        self.writes.evict(number);
        true
    }

    /// Stores to the page of an address have to look at the reservation from now on.
    pub(crate) fn watch(&mut self, address: u64) {
        self.writes.evict(address >> PAGE_BITS);
    }

    /// The root of the hash tree.
    pub fn root(&mut self, hasher: &dyn PairHasher) -> Digest {
        let dirty = std::mem::take(&mut self.dirty);
        for batch in dirty.chunks(PAGE_BATCH) {
            let pages: Vec<_> = batch.iter().filter_map(|it| self.pages.get(index(*it))).collect();
            let roots = tree::page_trees(&pages, hasher).pop().unwrap_or_default();
            for (slot, root) in batch.iter().zip(roots) {
                let number = self.numbers.get(index(*slot)).copied().unwrap_or_default();
                self.tree.set_page_root(number, *slot, root);
            }
        }
        for slot in dirty {
            if let Some(flags) = self.flags.get_mut(index(slot)) {
                flags.dirty = false;
            }
        }
        // The cache promises that its pages are dirty.
        self.writes.clear();
        self.tree.refresh()
    }

    /// The proof of the leaf around an address: leaf, then 59 siblings from the bottom up (op-stack C10).
    pub fn proof(&mut self, address: u64, hasher: &dyn PairHasher) -> [u8; PROOF_BYTES] {
        self.root(hasher);
        let number = address >> PAGE_BITS;
        let mut nodes = Vec::with_capacity(1 + LEVELS);
        let leaf = offset(address) >> 5;
        match self.page(number) {
            Some(page) => {
                let levels = tree::page_trees(&[page], hasher);
                let leaves = page.as_chunks::<32>().0;
                nodes.extend(leaves.get(leaf));
                nodes.extend(leaves.get(leaf ^ 1));
                for (height, level) in (1..LEAF_LEVELS).zip(&levels) {
                    nodes.extend(level.get((leaf >> height) ^ 1));
                }
            }
            None => {
                nodes.push([0; 32]);
                nodes.extend((0..LEAF_LEVELS).map(|height| self.tree.zero_below_page(height)));
            }
        }
        nodes.extend(self.tree.siblings(number));
        debug_assert_eq!(nodes.len(), 1 + LEVELS, "one sibling for each level");
        let mut proof = [0; PROOF_BYTES];
        for (place, node) in proof.as_chunks_mut().0.iter_mut().zip(nodes) {
            *place = node;
        }
        proof
    }

    /// The slot of a page, which is made if need be.
    fn slot(&mut self, number: u64) -> Result<u32, Full> {
        match self.table.find(number) {
            Some(slot) => Ok(slot),
            None => self.add_page(number).ok_or(Full { pages: self.pages.len() }),
        }
    }

    #[cold]
    fn add_page(&mut self, number: u64) -> Option<u32> {
        let slot = u32::try_from(self.pages.len()).ok().filter(|it| u64::from(*it) < MAX_PAGES)?;
        // Only the pages themselves are large: the rest may fail as any allocation does.
        self.pages.try_reserve(1).ok()?;
        self.table.insert(number, slot)?;
        self.tree.insert(number, slot)?;
        self.pages.push([0; PAGE_BYTES]);
        self.numbers.push(number);
        self.flags.push(Flags { dirty: true, code: false });
        self.dirty.push(slot);
        Some(slot)
    }

    /// Marks a page dirty.
    fn touch(&mut self, slot: u32) -> Touched {
        let Some(flags) = self.flags.get_mut(index(slot)) else { return Touched::Data };
        if !flags.dirty {
            flags.dirty = true;
            self.dirty.push(slot);
        }
        if flags.code { Touched::Code } else { Touched::Data }
    }
}

/// Where an address lies in its page.
#[inline(always)]
const fn offset(address: u64) -> usize {
    (address & 0xfff) as usize
}

/// The `N` bytes of a page around an address.
#[inline(always)]
fn chunk<const N: usize>(page: &Page, address: u64) -> [u8; N] {
    const { assert!(N.is_power_of_two() && N <= 8) };
    page.as_chunks().0.get(offset(address) >> N.trailing_zeros()).copied().unwrap_or([0; N])
}

#[inline(always)]
fn set_chunk<const N: usize>(page: &mut Page, address: u64, bytes: [u8; N]) {
    const { assert!(N.is_power_of_two() && N <= 8) };
    if let Some(place) = page.as_chunks_mut().0.get_mut(offset(address) >> N.trailing_zeros()) {
        *place = bytes;
    }
}
