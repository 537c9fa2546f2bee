//! The engine itself: opening, labels, and reads. What changes the chain is in `engine/`.
//!
//! Start with [`Engine::open`].
//!
//! **Invariant:** one caller at a time changes the chain (`work`); readers never wait for it, and
//! see the store as it was between two changes.

mod build;
mod forkchoice;
mod insert;

use crate::live::Live;
use crate::made::Made;
use crate::pool::Pool;
use crate::store::{FreshBlock, Labels, Snapshot, Store};
use crate::{
    Block, BuildAttributes, ChainEvent, EngineError, EngineOptions, Heads, OpenError, PayloadId,
    Rules, StateView, StoreError, StoredBlob, StoredReceipt, TransactionLocation, genesis,
};
use alloy_consensus::Header;
use alloy_eips::eip4844::VERSIONED_HASH_VERSION_KZG;
use alloy_primitives::{B256, Bytes, Sealed};
use lru::LruCache;
use opal_types::{BlockId, read::GenesisFile};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};
use tokio::sync::broadcast;

/// Events that a slow subscriber may lag behind.
const MAX_EVENTS: usize = 1024;
/// Payloads that are being built, and blocks that were built and not yet inserted.
const MAX_JOBS: NonZeroUsize = NonZeroUsize::new(64).expect("64 is not zero");
/// Blocks that were found invalid and are remembered as such.
const MAX_INVALID: NonZeroUsize = NonZeroUsize::new(512).expect("512 is not zero");

/// A chain's execution engine. Clones are the same engine.
#[derive(Clone, Debug)]
pub struct Engine {
    core: Arc<Core>,
}

#[derive(Debug)]
struct Core {
    rules: Arc<Rules>,
    genesis: GenesisFile,
    first: BlockId,
    store: Arc<Store>,
    heads: RwLock<Heads>,
    work: Mutex<Work>,
    pool: Pool,
    events: broadcast::Sender<ChainEvent>,
}

/// What whoever changes the chain works with.
#[derive(Debug)]
struct Work {
    live: Live,
    jobs: LruCache<PayloadId, Job>,
    /// Built here, not yet inserted.
    made: LruCache<B256, Arc<Made>>,
    invalid: LruCache<B256, Verdict>,
}

/// Why a block is invalid.
#[derive(Clone, Debug)]
struct Verdict {
    latest_valid: B256,
    reason: String,
}

/// A payload that was asked for.
#[derive(Debug)]
struct Job {
    parent: Sealed<Header>,
    attributes: BuildAttributes,
    built: Option<Arc<Made>>,
}

impl Engine {
    /// Opens a chain: the one in the store, or the genesis file's first block in an empty store.
    pub fn open(options: EngineOptions) -> Result<Self, OpenError> {
        let store = Arc::new(Store::open(&options.store)?);
        let rules = Arc::new(options.rules);
        let first = genesis::first_block(&rules, &options.genesis)?;
        let id = first.block.id();
        start(&store, first)?;
        let labels = store.read()?.labels()?.ok_or_else(|| lacking("fact", "head"))?;
        let heads = heads(&store, &labels)?;
        let (events, _) = broadcast::channel(MAX_EVENTS);
        let pool = Pool::new(
            Arc::clone(&rules),
            Arc::clone(&store),
            options.pool,
            events.clone(),
            heads.head.header.clone(),
        );
        let work = Work {
            live: Live::default(),
            jobs: LruCache::new(MAX_JOBS),
            made: LruCache::new(MAX_JOBS),
            invalid: LruCache::new(MAX_INVALID),
        };
        let core = Core {
            rules,
            genesis: options.genesis,
            first: id,
            store,
            heads: RwLock::new(heads),
            work: Mutex::new(work),
            pool,
            events,
        };
        Ok(Self { core: Arc::new(core) })
    }

    /// Which chain this is.
    pub fn rules(&self) -> &Rules {
        &self.core.rules
    }

    /// The chain id that transactions are signed for.
    pub fn chain_id(&self) -> u64 {
        self.core.rules.chain_id()
    }

    /// The genesis file.
    pub fn genesis(&self) -> &GenesisFile {
        &self.core.genesis
    }

    /// The first block.
    pub fn first_block(&self) -> BlockId {
        self.core.first
    }

    /// The labels as they are now.
    pub fn heads(&self) -> Heads {
        self.core.heads.read().expect("no holder of this lock panics").clone()
    }

    /// What happens from now on. A subscriber that lags misses events.
    pub fn subscribe(&self) -> broadcast::Receiver<ChainEvent> {
        self.core.events.subscribe()
    }

    /// Transactions that wait for a block.
    pub fn pool(&self) -> &Pool {
        &self.core.pool
    }

    /// A block that was ever inserted.
    pub fn block(&self, hash: B256) -> Result<Option<Arc<Block>>, EngineError> {
        if let Some(block) = self.core.store.cache.block(hash) {
            return Ok(Some(block));
        }
        Ok(self.snapshot()?.block(&self.core.store.cache, hash)?)
    }

    /// The header of a block that was ever inserted.
    pub fn header(&self, hash: B256) -> Result<Option<Sealed<Header>>, EngineError> {
        Ok(self.snapshot()?.header(hash)?)
    }

    /// A block of the canonical chain.
    pub fn block_by_number(&self, number: u64) -> Result<Option<Arc<Block>>, EngineError> {
        match self.hash_by_number(number)? {
            Some(hash) => self.block(hash),
            None => Ok(None),
        }
    }

    /// Hash of a block of the canonical chain.
    pub fn hash_by_number(&self, number: u64) -> Result<Option<B256>, EngineError> {
        Ok(self.snapshot()?.canonical(number)?)
    }

    /// The ancestor of a block at this height; it may be that block itself.
    pub fn ancestor(
        &self,
        descendant: B256,
        number: u64,
    ) -> Result<Option<Arc<Block>>, EngineError> {
        let snapshot = self.snapshot()?;
        match snapshot.ancestor(descendant, number)? {
            Some(hash) => Ok(snapshot.block(&self.core.store.cache, hash)?),
            None => Ok(None),
        }
    }

    /// Receipts of a block that was ever inserted.
    pub fn receipts(&self, hash: B256) -> Result<Option<Arc<Vec<StoredReceipt>>>, EngineError> {
        Ok(self.snapshot()?.receipts(&self.core.store.cache, hash)?)
    }

    /// Where a transaction of the canonical chain is.
    pub fn transaction(&self, hash: B256) -> Result<Option<TransactionLocation>, EngineError> {
        Ok(self.snapshot()?.transaction(hash)?)
    }

    /// The state after any block that was ever inserted.
    pub fn state_at(&self, block: B256) -> Result<StateView, EngineError> {
        let snapshot = self.snapshot()?;
        let header = snapshot.header(block)?.ok_or(EngineError::UnknownBlock(block))?;
        let is_flat = snapshot.head()? == Some(block);
        Ok(StateView::new(Arc::new(snapshot), header, is_flat))
    }

    /// Contract code by its hash.
    pub fn code(&self, hash: B256) -> Result<Option<Bytes>, EngineError> {
        Ok(self.snapshot()?.code(hash)?)
    }

    /// A trie node by its hash.
    pub fn node(&self, hash: B256) -> Result<Option<Bytes>, EngineError> {
        Ok(self.snapshot()?.node(hash)?)
    }

    /// L1: a blob of a block that was ever inserted, or of the pool.
    pub fn blob(&self, versioned_hash: B256) -> Result<Option<Arc<StoredBlob>>, EngineError> {
        if versioned_hash.first() != Some(&VERSIONED_HASH_VERSION_KZG) {
            return Ok(None);
        }
        if let Some(blob) = self.core.pool.blob(versioned_hash) {
            return Ok(Some(blob));
        }
        Ok(self.snapshot()?.blob(versioned_hash)?)
    }

    /// L1: the blobs of a block in the order of its transactions; those whose bodies are known.
    pub fn blobs_of_block(&self, hash: B256) -> Result<Vec<Arc<StoredBlob>>, EngineError> {
        let block = self.block(hash)?.ok_or(EngineError::UnknownBlock(hash))?;
        let mut blobs = Vec::new();
        for versioned_hash in insert::blob_hashes(&block.transactions) {
            blobs.extend(self.blob(versioned_hash)?);
        }
        Ok(blobs)
    }

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.core.store.read()
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.core.work.lock().expect("no holder of this lock panics")
    }
}

fn lacking(kind: &'static str, key: impl ToString) -> StoreError {
    StoreError::Lacking { kind, key: key.to_string() }
}

/// Writes the first block into an empty store; refuses a store of another chain.
fn start(store: &Store, first: Made) -> Result<(), OpenError> {
    let wanted = first.block.header.hash();
    if let Some(identity) = store.read()?.identity()? {
        let (found, format) = (identity.format, crate::store::FORMAT);
        if found != format {
            return Err(OpenError::Format { found, wanted: format });
        }
        let stored = identity.genesis;
        return if stored == wanted {
            Ok(())
        } else {
            Err(OpenError::OtherChain { stored, wanted })
        };
    }
    let block = Arc::clone(&first.block);
    store.write(|writer| {
        writer.put_block(&FreshBlock { made: Arc::new(first), blobs: Vec::new() })?;
        writer.advance(&block)?;
        writer.put_labels(&Labels { head: wanted, safe: None, finalized: None })?;
        writer.put_identity(wanted)
    })?;
    Ok(())
}

/// The labels with the head's block.
fn heads(store: &Store, labels: &Labels) -> Result<Heads, StoreError> {
    let head = store.read()?.block(&store.cache, labels.head)?;
    let head = head.ok_or_else(|| lacking("header", labels.head))?;
    Ok(Heads { head, safe: labels.safe, finalized: labels.finalized })
}
