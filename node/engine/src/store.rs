//! Everything that outlives a call: blocks, receipts, state, trie nodes, labels, blobs.
//!
//! Start with [`Store::open`]; [`Snapshot`] reads, [`Writer`] writes. The state of the canonical
//! head lies flat (by address and slot), every state there ever was lies in trie nodes by hash.
//!
//! **Invariant:** one write transaction per changed forkchoice, so that whatever moment the process
//! ends at, the store holds one of the states it had between two of them. Blocks that were inserted
//! since are in memory only.

mod blocks;
mod codec;
mod flat;
mod fresh;
mod snapshot;
mod tables;
mod writer;

pub(crate) use blocks::BlockCache;
pub(crate) use fresh::FreshBlock;
pub(crate) use snapshot::Snapshot;
pub(crate) use tables::Labels;
pub(crate) use writer::Writer;

use crate::{OpenError, StoreError, StoreLocation};
use fresh::Fresh;
use redb::{Database, Durability, ReadableDatabase, backends::InMemoryBackend};
use std::sync::{Arc, Mutex, MutexGuard};
use std::{fs, path::Path};
use tables::ROWS;

/// The file in the folder.
const FILE: &str = "chain.redb";
/// Pages of a file kept in memory, bytes.
const FILE_CACHE: usize = 128 << 20;
/// The same where the pages are in memory already: enough for one change.
const MEMORY_CACHE: usize = 32 << 20;
/// Written into a new store; another one is refused.
pub(crate) const FORMAT: u64 = 1;

/// See the module.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
    /// Inserted, not written.
    fresh: Mutex<Arc<Fresh>>,
    /// Blocks and receipts that were used lately.
    pub(crate) cache: BlockCache,
    is_file: bool,
}

impl Store {
    /// Opens a store, or makes an empty one.
    pub(crate) fn open(location: &StoreLocation) -> Result<Self, OpenError> {
        let is_file = matches!(location, StoreLocation::Folder(_));
        let mut builder = Database::builder();
        builder.set_cache_size(if is_file { FILE_CACHE } else { MEMORY_CACHE });
        let database = match location {
            StoreLocation::Memory => builder.create_with_backend(InMemoryBackend::new()),
            StoreLocation::Folder(folder) => {
                make_folder(folder)?;
                builder.create(folder.join(FILE))
            }
        };
        let database = database.map_err(StoreError::from)?;
        let store =
            Self { database, fresh: Mutex::default(), cache: BlockCache::default(), is_file };
        // Makes the tree, which readers expect.
        store.write(|_| Ok(()))?;
        Ok(store)
    }

    fn fresh(&self) -> MutexGuard<'_, Arc<Fresh>> {
        self.fresh.lock().expect("no holder of this lock panics")
    }

    /// The store as it is now.
    pub(crate) fn read(&self) -> Result<Snapshot, StoreError> {
        // In this order: what is written meanwhile is then seen twice, not missed.
        let fresh = Arc::clone(&self.fresh());
        let rows = self.database.begin_read()?.open_table(ROWS)?;
        Ok(Snapshot::new(rows, fresh))
    }

    /// Takes a block in. It is written by the next [`Self::write`], and lost if the process ends
    /// before: no forkchoice has named it.
    pub(crate) fn put_block(&self, block: FreshBlock) -> Result<(), StoreError> {
        let is_full = {
            let mut fresh = self.fresh();
            *fresh = Arc::new(fresh.with(block));
            fresh.is_full()
        };
        if is_full { self.write_with(Durability::None, |_| Ok(())) } else { Ok(()) }
    }

    /// The next state of the store, with the blocks that wait. A file is written through to the
    /// disk.
    pub(crate) fn write(
        &self,
        change: impl FnOnce(&mut Writer<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let durability = if self.is_file { Durability::Immediate } else { Durability::None };
        self.write_with(durability, change)
    }

    fn write_with(
        &self,
        durability: Durability,
        change: impl FnOnce(&mut Writer<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let fresh = Arc::clone(&self.fresh());
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(durability)?;
        {
            let mut writer = Writer::new(transaction.open_table(ROWS)?);
            fresh.blocks().iter().try_for_each(|block| writer.put_block(block))?;
            change(&mut writer)?;
        }
        transaction.commit()?;
        // Only whoever changes the chain writes, so nothing came meanwhile.
        *self.fresh() = Arc::default();
        Ok(())
    }
}

fn make_folder(folder: &Path) -> Result<(), OpenError> {
    fs::create_dir_all(folder)
        .map_err(|error| OpenError::Io { path: folder.display().to_string(), error })
}
