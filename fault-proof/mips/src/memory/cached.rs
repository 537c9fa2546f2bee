//! The fast way to a page: two small direct-mapped caches from page number to slot.
//!
//! **Invariant:** see the parent module: what the write cache holds may be stored to without further thought.

use super::{Memory, PAGE_BITS, Touched, chunk, index, set_chunk};
use crate::error::Exit;

/// Entries of a cache.
const ENTRIES: usize = 1024;
/// Bits of a page number that choose the entry.
const PLACE_MASK: u64 = 0x3ff;
const _: () = assert!(PLACE_MASK == ENTRIES as u64 - 1);

/// No page has this number: page numbers have 52 bits.
const NO_PAGE: u64 = u64::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u64,
    slot: u32,
}

/// A direct-mapped cache.
#[derive(Clone, Debug)]
pub(super) struct Cache(Box<[Entry; ENTRIES]>);

impl Cache {
    pub(super) fn new() -> Self {
        Self(Box::new([Entry { number: NO_PAGE, slot: 0 }; ENTRIES]))
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(Entry { number: NO_PAGE, slot: 0 });
    }

    pub(super) fn evict(&mut self, number: u64) {
        if let Some(entry) = self.0.get_mut(place(number)).filter(|it| it.number == number) {
            entry.number = NO_PAGE;
        }
    }

    fn put(&mut self, number: u64, slot: u32) {
        if let Some(entry) = self.0.get_mut(place(number)) {
            *entry = Entry { number, slot };
        }
    }

    #[inline(always)]
    fn find(&self, number: u64) -> Option<u32> {
        let entry = self.0.get(place(number))?;
        (entry.number == number).then_some(entry.slot)
    }
}

#[inline(always)]
const fn place(number: u64) -> usize {
    (number & PLACE_MASK) as usize
}

impl Memory {
    /// [`Memory::load`] by way of the cache.
    #[inline(always)]
    pub(crate) fn load_cached<const N: usize>(&mut self, address: u64) -> [u8; N] {
        if let Some(slot) = self.reads.find(address >> PAGE_BITS)
            && let Some(page) = self.pages.get(index(slot))
        {
            return chunk(page, address);
        }
        self.load_uncached(address)
    }

    /// [`Memory::store`] by way of the cache. What needs more than a store is left to the caller: predecoded pages and
    /// the reserved word.
    #[inline(always)]
    pub(crate) fn store_cached<const N: usize>(
        &mut self,
        address: u64,
        bytes: [u8; N],
        reserved: u64,
    ) -> Result<(), Exit> {
        if let Some(slot) = self.writes.find(address >> PAGE_BITS)
            && let Some(page) = self.pages.get_mut(index(slot))
        {
            set_chunk(page, address, bytes);
            return Ok(());
        }
        self.store_uncached(address, bytes, reserved)
    }

    #[cold]
    #[inline(never)]
    fn load_uncached<const N: usize>(&mut self, address: u64) -> [u8; N] {
        let number = address >> PAGE_BITS;
        let Some(slot) = self.table.find(number) else { return [0; N] };
        self.reads.put(number, slot);
        self.pages.get(index(slot)).map_or([0; N], |page| chunk(page, address))
    }

    #[cold]
    #[inline(never)]
    fn store_uncached<const N: usize>(
        &mut self,
        address: u64,
        bytes: [u8; N],
        reserved: u64,
    ) -> Result<(), Exit> {
        let number = address >> PAGE_BITS;
        if address >> 3 == reserved >> 3 {
            return Err(Exit::Leave);
        }
        let slot = self.slot(number).map_err(|_| Exit::Leave)?;
        if self.touch(slot) == Touched::Code {
            return Err(Exit::Leave);
        }
        if let Some(page) = self.pages.get_mut(index(slot)) {
            set_chunk(page, address, bytes);
        }
        if number != reserved >> PAGE_BITS {
            self.writes.put(number, slot);
        }
        Ok(())
    }
}
