//! Decoded blocks and receipts that were used lately.
//!
//! **Invariant:** bounded in entries and in bytes; what is in here is or will be in the store.

use crate::{Block, StoredReceipt};
use alloy_primitives::B256;
use lru::LruCache;
use std::sync::{Arc, Mutex, MutexGuard};

/// Most blocks.
const MAX_BLOCKS: usize = 4096;
/// Most bytes of blocks, and of receipts, roughly.
const MAX_BYTES: usize = 64 << 20;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct BlockCache {
    blocks: Mutex<Weighed<Block>>,
    receipts: Mutex<Weighed<Vec<StoredReceipt>>>,
}

#[derive(Debug)]
struct Weighed<T> {
    entries: LruCache<B256, (Arc<T>, usize)>,
    bytes: usize,
}

impl<T> Default for Weighed<T> {
    fn default() -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0 }
    }
}

impl<T> Weighed<T> {
    fn find(&mut self, hash: B256) -> Option<Arc<T>> {
        self.entries.get(&hash).map(|(value, _)| Arc::clone(value))
    }

    fn put(&mut self, hash: B256, value: Arc<T>, weight: usize) {
        if let Some((_, old)) = self.entries.put(hash, (value, weight)) {
            self.bytes -= old;
        }
        self.bytes += weight;
        while self.entries.len() > MAX_BLOCKS || self.bytes > MAX_BYTES && self.entries.len() > 1 {
            let Some((_, (_, weight))) = self.entries.pop_lru() else { return };
            self.bytes -= weight;
        }
    }
}

fn open<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().expect("no holder of this lock panics")
}

impl BlockCache {
    pub(crate) fn block(&self, hash: B256) -> Option<Arc<Block>> {
        open(&self.blocks).find(hash)
    }

    pub(crate) fn put_block(&self, block: Arc<Block>) {
        let (hash, weight) = (block.header.hash(), block.weight());
        open(&self.blocks).put(hash, block, weight);
    }

    pub(crate) fn receipts(&self, hash: B256) -> Option<Arc<Vec<StoredReceipt>>> {
        open(&self.receipts).find(hash)
    }

    pub(crate) fn put_receipts(&self, hash: B256, receipts: Arc<Vec<StoredReceipt>>) {
        let weight = receipts.iter().map(StoredReceipt::weight).sum();
        open(&self.receipts).put(hash, receipts, weight);
    }
}
