//! The store as it was at one moment.
//!
//! **Invariant:** all answers of a snapshot belong together, whatever is written meanwhile. It pins
//! what it can see, so nobody keeps one for long.

use super::fresh::Fresh;
use super::tables::{
    FINALIZED_NAME, FORMAT_NAME, GENESIS_NAME, HEAD_NAME, Identity, Kind, Labels, SAFE_NAME,
    account_key, fact_key, number_key, slot_key,
};
use super::{BlockCache, codec};
use crate::{Block, StoreError, StoredBlob, StoredReceipt, TransactionLocation};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, Sealed, U256};
use opal_execute::{Account, AccountChange};
use opal_types::BlockId;
use redb::{OwnedAccessGuard, ReadOnlyTable};
use std::sync::Arc;

/// See the module.
pub(crate) struct Snapshot {
    rows: ReadOnlyTable<&'static [u8], &'static [u8]>,
    fresh: Arc<Fresh>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

/// The error for a row that does not decode.
pub(super) fn malformed(kind: Kind, key: impl std::fmt::Display) -> StoreError {
    StoreError::Malformed { kind: kind.name(), key: key.to_string() }
}

impl Snapshot {
    pub(super) const fn new(
        rows: ReadOnlyTable<&'static [u8], &'static [u8]>,
        fresh: Arc<Fresh>,
    ) -> Self {
        Self { rows, fresh }
    }

    fn row(&self, key: &[u8]) -> Result<Option<OwnedAccessGuard<&'static [u8]>>, StoreError> {
        Ok(self.rows.get_owned(key)?)
    }

    /// What a hash names, read from its row.
    fn by_hash<T>(
        &self,
        kind: Kind,
        hash: B256,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let Some(row) = self.row(&kind.of(&hash))? else { return Ok(None) };
        read(row.value()).map(Some).ok_or_else(|| malformed(kind, hash))
    }

    /// An account of the canonical head.
    pub(crate) fn account(&self, address: Address) -> Result<Option<Account>, StoreError> {
        let Some(row) = self.row(&account_key(&address))? else { return Ok(None) };
        let account = codec::account(row.value());
        account.map(Some).ok_or_else(|| malformed(Kind::State, address))
    }

    /// A slot of the canonical head.
    pub(crate) fn slot(&self, address: Address, slot: U256) -> Result<U256, StoreError> {
        let row = self.row(&slot_key(&address, slot))?;
        Ok(row.map_or(U256::ZERO, |row| U256::from_be_slice(row.value())))
    }

    /// A trie node.
    pub(crate) fn node(&self, hash: B256) -> Result<Option<Bytes>, StoreError> {
        if let Some(node) = self.fresh.node(&hash) {
            return Ok(Some(node.clone()));
        }
        self.by_hash(Kind::Node, hash, |row| Some(Bytes::copy_from_slice(row)))
    }

    /// A contract's code.
    pub(crate) fn code(&self, hash: B256) -> Result<Option<Bytes>, StoreError> {
        if let Some(code) = self.fresh.code(&hash) {
            return Ok(Some(code.clone()));
        }
        self.by_hash(Kind::Code, hash, |row| Some(Bytes::copy_from_slice(row)))
    }

    /// A block's header.
    pub(crate) fn header(&self, hash: B256) -> Result<Option<Sealed<Header>>, StoreError> {
        if let Some(made) = self.fresh.block(hash) {
            return Ok(Some(made.block.header.clone()));
        }
        self.by_hash(Kind::Header, hash, |row| codec::header(hash, row))
    }

    /// A block that was ever inserted.
    pub(crate) fn block(
        &self,
        cache: &BlockCache,
        hash: B256,
    ) -> Result<Option<Arc<Block>>, StoreError> {
        if let Some(block) = cache.block(hash) {
            return Ok(Some(block));
        }
        if let Some(made) = self.fresh.block(hash) {
            return Ok(Some(Arc::clone(&made.block)));
        }
        let Some(header) = self.header(hash)? else { return Ok(None) };
        let block = self.by_hash(Kind::Body, hash, |row| codec::block(header, row))?;
        let block = block.map(Arc::new);
        if let Some(block) = &block {
            cache.put_block(Arc::clone(block));
        }
        Ok(block)
    }

    /// A block's receipts.
    pub(crate) fn receipts(
        &self,
        cache: &BlockCache,
        hash: B256,
    ) -> Result<Option<Arc<Vec<StoredReceipt>>>, StoreError> {
        if let Some(receipts) = cache.receipts(hash) {
            return Ok(Some(receipts));
        }
        if let Some(made) = self.fresh.block(hash) {
            return Ok(Some(Arc::clone(&made.receipts)));
        }
        let receipts = self.by_hash(Kind::Receipts, hash, codec::receipts)?.map(Arc::new);
        if let Some(receipts) = &receipts {
            cache.put_receipts(hash, Arc::clone(receipts));
        }
        Ok(receipts)
    }

    /// What a block did.
    pub(crate) fn changes(&self, hash: B256) -> Result<Option<Vec<AccountChange>>, StoreError> {
        if let Some(made) = self.fresh.block(hash) {
            return Ok(Some(made.changes.clone()));
        }
        self.by_hash(Kind::Changes, hash, codec::changes)
    }

    /// A blob of a block that was ever inserted.
    pub(crate) fn blob(&self, versioned_hash: B256) -> Result<Option<Arc<StoredBlob>>, StoreError> {
        if let Some(blob) = self.fresh.blob(versioned_hash) {
            return Ok(Some(Arc::clone(blob)));
        }
        let blob = self.by_hash(Kind::Blob, versioned_hash, |row| codec::blob(versioned_hash, row));
        Ok(blob?.map(Arc::new))
    }

    /// Hash of the canonical block at a height.
    pub(crate) fn canonical(&self, number: u64) -> Result<Option<B256>, StoreError> {
        let Some(row) = self.row(&number_key(number))? else { return Ok(None) };
        B256::try_from(row.value()).map(Some).map_err(|_| malformed(Kind::Number, number))
    }

    /// Where a transaction of the canonical chain is.
    pub(crate) fn transaction(
        &self,
        hash: B256,
    ) -> Result<Option<TransactionLocation>, StoreError> {
        let found = self.by_hash(Kind::Transaction, hash, codec::place)?;
        let Some((block_number, index)) = found else { return Ok(None) };
        let block_hash = self.canonical(block_number)?;
        Ok(block_hash.map(|block_hash| TransactionLocation { block_hash, block_number, index }))
    }

    /// The ancestor of a block at a height; it may be that block itself.
    pub(crate) fn ancestor(
        &self,
        descendant: B256,
        number: u64,
    ) -> Result<Option<B256>, StoreError> {
        let Some(mut header) = self.header(descendant)? else { return Ok(None) };
        while header.number > number {
            if self.canonical(header.number)? == Some(header.hash()) {
                return self.canonical(number);
            }
            let Some(parent) = self.header(header.parent_hash)? else { return Ok(None) };
            header = parent;
        }
        Ok((header.number == number).then(|| header.hash()))
    }

    fn hash_fact(&self, name: &'static str) -> Result<Option<B256>, StoreError> {
        let Some(row) = self.row(&fact_key(name))? else { return Ok(None) };
        B256::try_from(row.value()).map(Some).map_err(|_| malformed(Kind::Fact, name))
    }

    /// Hash of the canonical head; `None` in an empty store.
    pub(crate) fn head(&self) -> Result<Option<B256>, StoreError> {
        self.hash_fact(HEAD_NAME)
    }

    /// What this store is; `None` = empty.
    pub(crate) fn identity(&self) -> Result<Option<Identity>, StoreError> {
        let Some(row) = self.row(&fact_key(FORMAT_NAME))? else { return Ok(None) };
        let format = <[u8; 8]>::try_from(row.value());
        let format = format.map_err(|_| malformed(Kind::Fact, FORMAT_NAME))?;
        let genesis = self.hash_fact(GENESIS_NAME)?;
        Ok(Some(Identity {
            format: u64::from_be_bytes(format),
            genesis: genesis.ok_or_else(|| malformed(Kind::Fact, GENESIS_NAME))?,
        }))
    }

    /// The labels; `None` in an empty store.
    pub(crate) fn labels(&self) -> Result<Option<Labels>, StoreError> {
        let id = |name| -> Result<Option<BlockId>, StoreError> {
            let Some(hash) = self.hash_fact(name)? else { return Ok(None) };
            Ok(self.header(hash)?.map(|header| BlockId { number: header.number, hash }))
        };
        let Some(head) = self.head()? else { return Ok(None) };
        Ok(Some(Labels { head, safe: id(SAFE_NAME)?, finalized: id(FINALIZED_NAME)? }))
    }
}
