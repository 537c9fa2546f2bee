//! A block that was executed, before it is stored.
//!
//! **Invariant:** block, receipts, changes and nodes belong to one execution; none is ever changed.

use crate::{Block, StoredBlob, StoredReceipt};
use alloy_primitives::{B256, Bytes, U256};
use opal_execute::AccountChange;
use std::sync::Arc;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) block: Arc<Block>,
    pub(crate) receipts: Arc<Vec<StoredReceipt>>,
    pub(crate) changes: Vec<AccountChange>,
    /// Trie nodes that are new.
    pub(crate) nodes: Vec<(B256, Bytes)>,
    /// Codes that are new.
    pub(crate) codes: Vec<(B256, Bytes)>,
    /// Priority fees, wei.
    pub(crate) fees: U256,
    /// L1, where it was built here: blobs of its transactions.
    pub(crate) blobs: Vec<Arc<StoredBlob>>,
}
