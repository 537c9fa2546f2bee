//! One write transaction.
//!
//! **Invariant:** nothing is visible before the transaction is committed; one that fails leaves no
//! trace.

use super::fresh::FreshBlock;
use super::snapshot::malformed;
use super::tables::{
    FINALIZED_NAME, FORMAT_NAME, GENESIS_NAME, HEAD_NAME, Kind, Labels, SAFE_NAME, fact_key,
    number_key,
};
use super::{FORMAT, codec, flat};
use crate::{Block, StoreError};
use alloy_primitives::B256;
use opal_execute::AccountChange;
use redb::{ReadableTable, Table};

pub(super) type Rows<'a> = Table<'a, &'static [u8], &'static [u8]>;

/// See the module.
pub(crate) struct Writer<'a> {
    rows: Rows<'a>,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(rows: Rows<'a>) -> Self {
        Self { rows }
    }

    fn put(&mut self, kind: Kind, hash: &B256, row: &[u8]) -> Result<(), StoreError> {
        self.rows.insert(kind.of(hash).as_slice(), row)?;
        Ok(())
    }

    /// A block that was executed, with all it left behind.
    pub(crate) fn put_block(&mut self, fresh: &FreshBlock) -> Result<(), StoreError> {
        let made = &fresh.made;
        let block = &made.block;
        let hash = block.header.hash();
        self.put(Kind::Header, &hash, &codec::header_row(&block.header))?;
        self.put(Kind::Body, &hash, &codec::body_row(block))?;
        self.put(Kind::Receipts, &hash, &codec::receipts_row(&made.receipts))?;
        self.put(Kind::Changes, &hash, &codec::changes_row(&made.changes))?;
        for (hash, node) in &made.nodes {
            self.put(Kind::Node, hash, node)?;
        }
        for (hash, code) in &made.codes {
            self.put(Kind::Code, hash, code)?;
        }
        for blob in &fresh.blobs {
            self.put(Kind::Blob, &blob.versioned_hash, &codec::blob_row(blob))?;
        }
        Ok(())
    }

    /// Makes a stored child of the canonical head the next one: flat state, number, transactions.
    pub(crate) fn advance(&mut self, block: &Block) -> Result<(), StoreError> {
        let hash = block.header.hash();
        let changes = self.changes(Kind::Changes, hash)?;
        let undo = flat::apply(&mut self.rows, &changes, true)?;
        self.put(Kind::Undo, &hash, &codec::changes_row(&undo))?;
        let number = block.header.number;
        self.rows.insert(number_key(number).as_slice(), hash.as_slice())?;
        for (index, hash) in (0_u64..).zip(&block.transaction_hashes) {
            self.put(Kind::Transaction, hash, &codec::place_row(number, index))?;
        }
        Ok(())
    }

    /// Takes the canonical head back.
    pub(crate) fn retreat(&mut self, block: &Block) -> Result<(), StoreError> {
        let hash = block.header.hash();
        let undo = self.changes(Kind::Undo, hash)?;
        flat::apply(&mut self.rows, &undo, false)?;
        self.rows.remove(Kind::Undo.of(&hash).as_slice())?;
        self.rows.remove(number_key(block.header.number).as_slice())?;
        for hash in &block.transaction_hashes {
            self.rows.remove(Kind::Transaction.of(hash).as_slice())?;
        }
        Ok(())
    }

    fn changes(&self, kind: Kind, hash: B256) -> Result<Vec<AccountChange>, StoreError> {
        let lacking = || StoreError::Lacking { kind: kind.name(), key: hash.to_string() };
        let row = self.rows.get(kind.of(&hash).as_slice())?.ok_or_else(lacking)?;
        codec::changes(row.value()).ok_or_else(|| malformed(kind, hash))
    }

    fn put_fact(&mut self, name: &str, value: Option<&[u8]>) -> Result<(), StoreError> {
        let key = fact_key(name);
        match value {
            Some(value) => self.rows.insert(key.as_slice(), value)?,
            None => self.rows.remove(key.as_slice())?,
        };
        Ok(())
    }

    /// The labels.
    pub(crate) fn put_labels(&mut self, labels: &Labels) -> Result<(), StoreError> {
        let Labels { head, safe, finalized } = labels;
        self.put_fact(HEAD_NAME, Some(head.as_slice()))?;
        self.put_fact(SAFE_NAME, safe.as_ref().map(|it| it.hash.as_slice()))?;
        self.put_fact(FINALIZED_NAME, finalized.as_ref().map(|it| it.hash.as_slice()))
    }

    /// What this store is, once.
    pub(crate) fn put_identity(&mut self, genesis: B256) -> Result<(), StoreError> {
        self.put_fact(FORMAT_NAME, Some(FORMAT.to_be_bytes().as_slice()))?;
        self.put_fact(GENESIS_NAME, Some(genesis.as_slice()))
    }
}
