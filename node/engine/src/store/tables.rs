//! What rows there are, and under which keys.
//!
//! All lie in one tree: a change of the chain then pays for one path of pages, not for one per
//! kind. The first byte of a key is the row's [`Kind`].
//!
//! **Invariant:** numbers in keys and values are big-endian; a change of any row's form is another
//! [`super::FORMAT`].

use alloy_primitives::{Address, B256, U256};
use opal_types::BlockId;
use redb::TableDefinition;

/// The tree.
pub(super) const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// State of the canonical head: an account by address, and behind it its slots by address and
    /// slot. Zeros are absent.
    State = b'a',
    /// A blob by versioned hash.
    Blob = b'b',
    /// Code by hash.
    Code = b'c',
    /// A fact by name.
    Fact = b'f',
    /// A header by block.
    Header = b'h',
    /// What else a block holds.
    Body = b'i',
    /// A block's receipts.
    Receipts = b'j',
    /// What a block did to its parent's state.
    Changes = b'k',
    /// What takes a canonical block's changes back.
    Undo = b'l',
    /// A trie node by hash.
    Node = b'n',
    /// Canonical block hash by number.
    Number = b'o',
    /// Number and index of a transaction of the canonical chain by its hash.
    Transaction = b't',
}

impl Kind {
    /// The kind's name in errors.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Blob => "blob",
            Self::Code => "code",
            Self::Fact => "fact",
            Self::Header => "header",
            Self::Body => "body",
            Self::Receipts => "receipts",
            Self::Changes => "changes",
            Self::Undo => "undo",
            Self::Node => "node",
            Self::Number => "number",
            Self::Transaction => "transaction",
        }
    }

    /// The key of what a hash names.
    pub(super) fn of(self, hash: &B256) -> [u8; 33] {
        let mut key = [self as u8; 33];
        key[1..].copy_from_slice(hash.as_slice());
        key
    }
}

/// Key of an account.
pub(super) fn account_key(address: &Address) -> [u8; 21] {
    let mut key = [Kind::State as u8; 21];
    key[1..].copy_from_slice(address.as_slice());
    key
}

/// Key of a slot.
pub(super) fn slot_key(address: &Address, slot: U256) -> [u8; 53] {
    let mut key = [Kind::State as u8; 53];
    key[1..21].copy_from_slice(address.as_slice());
    key[21..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

/// Key of a canonical block.
pub(super) fn number_key(number: u64) -> [u8; 9] {
    let mut key = [Kind::Number as u8; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

/// Key of a fact.
pub(super) fn fact_key(name: &str) -> Vec<u8> {
    [&[Kind::Fact as u8], name.as_bytes()].concat()
}

/// Names of facts.
pub(super) const FORMAT_NAME: &str = "format";
pub(super) const GENESIS_NAME: &str = "genesis";
pub(super) const HEAD_NAME: &str = "head";
pub(super) const SAFE_NAME: &str = "safe";
pub(super) const FINALIZED_NAME: &str = "finalized";

/// The chain's labels as they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Labels {
    pub(crate) head: B256,
    pub(crate) safe: Option<BlockId>,
    pub(crate) finalized: Option<BlockId>,
}

/// What a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) format: u64,
    pub(crate) genesis: B256,
}
