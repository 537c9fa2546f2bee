//! Which L2 block each L1 block made safe: what `optimism_safeHeadAtL1Block` answers, also after a restart (N11).
//!
//! Start with [`SafeDb::record`]. Entries are collected in memory and written by [`SafeDb::flush`]; what a crash
//! loses is derived and recorded again, because a restart goes on from a block that is at least as old.
//!
//! **Invariant:** an answer names the last L1 block that made blocks safe and the safe head then. What was
//! flushed is on the disk before the call returns.

use alloy_primitives::B256;
use opal_types::{BlockId, ChainConfig, L2Ref};
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, TableError,
    backends::InMemoryBackend,
};
use std::{
    collections::BTreeMap,
    fs, io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// L1 height -> L1 hash, L2 hash, L2 height (big-endian).
const SAFE_HEADS: TableDefinition<'_, u64, &[u8; ENTRY_LENGTH]> =
    TableDefinition::new("safe_heads");
/// One entry: whose heads these are.
const CHAIN: TableDefinition<'_, (), &[u8; CHAIN_LENGTH]> = TableDefinition::new("chain");
const ENTRY_LENGTH: usize = 72;
const CHAIN_LENGTH: usize = 40;
/// Name of the file in the folder.
const FILE_NAME: &str = "safe-heads.redb";
/// Memory for pages, bytes.
const CACHE_BYTES: usize = 4 << 20;

/// Where the entries are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SafeDbLocation {
    /// In memory, until the process ends.
    Memory,
    /// In a file in this folder, which is made if need be.
    Folder(PathBuf),
}

/// Why entries can neither be read nor written.
#[derive(Debug, thiserror::Error)]
pub enum SafeDbError {
    /// The database.
    #[error("safe-head database: {0}")]
    Database(Box<redb::Error>),
    /// The folder cannot be made.
    #[error("{path}: {error}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The file belongs to another chain.
    #[error(
        "the safe-head database is of chain {found_id} with first block {found}, not {wanted_id} with {wanted}"
    )]
    OtherChain {
        /// Chain id of the config.
        wanted_id: u64,
        /// First block of the config.
        wanted: B256,
        /// Chain id in the file.
        found_id: u64,
        /// First block in the file.
        found: B256,
    },
}

impl<E: Into<redb::Error>> From<E> for SafeDbError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// The last L1 block that made blocks safe, and the safe head then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafeEntry {
    /// The L1 block.
    pub l1: BlockId,
    /// The safe L2 block.
    pub safe: BlockId,
}

impl SafeEntry {
    fn encode(&self) -> [u8; ENTRY_LENGTH] {
        let mut bytes = [0; ENTRY_LENGTH];
        let (l1, rest) = bytes.split_at_mut(32);
        let (l2, number) = rest.split_at_mut(32);
        l1.copy_from_slice(self.l1.hash.as_slice());
        l2.copy_from_slice(self.safe.hash.as_slice());
        number.copy_from_slice(&self.safe.number.to_be_bytes());
        bytes
    }

    fn decode(l1_number: u64, bytes: &[u8; ENTRY_LENGTH]) -> Self {
        let (l1, rest) = bytes.split_at(32);
        let (l2, number) = rest.split_at(32);
        let number = number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Self {
            l1: BlockId { number: l1_number, hash: B256::from_slice(l1) },
            safe: BlockId { number, hash: B256::from_slice(l2) },
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct SafeDb {
    database: Database,
    /// What is not written yet, by L1 height.
    unwritten: Mutex<BTreeMap<u64, SafeEntry>>,
}

impl SafeDb {
    /// Opens or makes the database of this chain.
    pub fn open(location: &SafeDbLocation, config: &ChainConfig) -> Result<Self, SafeDbError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES);
        let database = match location {
            SafeDbLocation::Memory => builder.create_with_backend(InMemoryBackend::new())?,
            SafeDbLocation::Folder(path) => {
                fs::create_dir_all(path)
                    .map_err(|error| SafeDbError::Folder { path: path.clone(), error })?;
                builder.create(path.join(FILE_NAME))?
            }
        };
        let opened = Self { database, unwritten: Mutex::default() };
        opened.claim(config)?;
        Ok(opened)
    }

    /// Writes whose database it is, or checks it.
    fn claim(&self, config: &ChainConfig) -> Result<(), SafeDbError> {
        let (wanted_id, wanted) = (config.l2_chain_id, config.genesis.l2.hash);
        let mut chain = [0; CHAIN_LENGTH];
        let (id, hash) = chain.split_at_mut(8);
        id.copy_from_slice(&wanted_id.to_be_bytes());
        hash.copy_from_slice(wanted.as_slice());
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(CHAIN)?;
            let found = table.get(())?.map(|it| *it.value());
            if let Some(found) = found.filter(|found| *found != chain) {
                let (id, hash) = found.split_at(8);
                let found_id = id.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                let found = B256::from_slice(hash);
                return Err(SafeDbError::OtherChain { wanted_id, wanted, found_id, found });
            }
            table.insert((), &chain)?;
            transaction.open_table(SAFE_HEADS)?;
        }
        transaction.commit()?;
        Ok(())
    }

    fn unwritten(&self) -> MutexGuard<'_, BTreeMap<u64, SafeEntry>> {
        // A map is whole after every operation, so a panic elsewhere spoils nothing.
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This L1 block made blocks safe.
    pub fn record(&self, entry: SafeEntry) {
        self.unwritten().insert(entry.l1.number, entry);
    }

    /// Writes what was recorded.
    pub fn flush(&self) -> Result<(), SafeDbError> {
        let mut unwritten = self.unwritten();
        if unwritten.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        {
            let mut table = transaction.open_table(SAFE_HEADS)?;
            for (number, entry) in unwritten.iter() {
                table.insert(number, &entry.encode())?;
            }
        }
        transaction.commit()?;
        unwritten.clear();
        Ok(())
    }

    /// Derivation goes on from this safe block: what made later blocks safe is forgotten. The L1 block that made
    /// `safe` itself safe stays, unless it is the first one known: it might have been an earlier one.
    pub fn reset(&self, safe: &L2Ref) -> Result<(), SafeDbError> {
        self.flush()?;
        let transaction = self.database.begin_write()?;
        {
            let mut table = transaction.open_table(SAFE_HEADS)?;
            let mut first = None;
            for item in table.range(safe.l1_origin.number..)? {
                let (number, value) = item?;
                let entry = SafeEntry::decode(number.value(), value.value());
                if entry.safe.number >= safe.number {
                    first = Some(entry);
                    break;
                }
            }
            let Some(first) = first else { return Ok(()) };
            let has_earlier = table.range(..first.l1.number)?.next().is_some();
            table.retain_in(first.l1.number.., |_, _| false)?;
            if has_earlier {
                let entry = SafeEntry { l1: first.l1, safe: safe.id() };
                table.insert(first.l1.number, &entry.encode())?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// The last L1 block up to this height that made blocks safe.
    pub fn at(&self, l1_number: u64) -> Result<Option<SafeEntry>, SafeDbError> {
        let unwritten = self.unwritten();
        let newest = unwritten.range(..=l1_number).next_back().map(|(_, entry)| *entry);
        let written = self.written_at(l1_number)?;
        let newer = |a: SafeEntry, b: SafeEntry| if b.l1.number > a.l1.number { b } else { a };
        Ok(match (newest, written) {
            (Some(newest), Some(written)) => Some(newer(newest, written)),
            (newest, written) => newest.or(written),
        })
    }

    fn written_at(&self, l1_number: u64) -> Result<Option<SafeEntry>, SafeDbError> {
        let transaction = self.database.begin_read()?;
        let table = match transaction.open_table(SAFE_HEADS) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Some(item) = table.range(..=l1_number)?.next_back() else { return Ok(None) };
        let (number, value) = item?;
        Ok(Some(SafeEntry::decode(number.value(), value.value())))
    }
}
