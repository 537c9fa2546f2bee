//! Blocks that were inserted and not written yet: the next forkchoice writes them, together with
//! what it changes.
//!
//! Start with [`Fresh`].
//!
//! **Invariant:** bounded; never changed, only replaced, so that a snapshot keeps what it saw.

use crate::StoredBlob;
use crate::made::Made;
use alloy_primitives::{B256, Bytes};
use std::sync::Arc;

/// Blocks that wait at most, and their trie nodes: look-ups go through all of them.
const MAX_BLOCKS: usize = 8;
const MAX_NODES: usize = 2_048;

/// A block with the blobs to keep with it.
#[derive(Clone, Debug)]
pub(crate) struct FreshBlock {
    pub(crate) made: Arc<Made>,
    pub(crate) blobs: Vec<Arc<StoredBlob>>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fresh {
    blocks: Vec<FreshBlock>,
}

impl Fresh {
    /// With one more block.
    pub(super) fn with(&self, block: FreshBlock) -> Self {
        let mut blocks = self.blocks.clone();
        blocks.push(block);
        Self { blocks }
    }

    /// Whether it should be written now.
    pub(super) fn is_full(&self) -> bool {
        let nodes: usize = self.blocks.iter().map(|it| it.made.nodes.len()).sum();
        self.blocks.len() >= MAX_BLOCKS || nodes > MAX_NODES
    }

    pub(super) fn blocks(&self) -> &[FreshBlock] {
        &self.blocks
    }

    pub(super) fn block(&self, hash: B256) -> Option<&Made> {
        let made = self.blocks.iter().map(|it| &*it.made);
        made.into_iter().find(|it| it.block.header.hash() == hash)
    }

    pub(super) fn node(&self, hash: &B256) -> Option<&Bytes> {
        let mut nodes = self.blocks.iter().flat_map(|it| &it.made.nodes);
        nodes.find(|(name, _)| name == hash).map(|(_, node)| node)
    }

    pub(super) fn code(&self, hash: &B256) -> Option<&Bytes> {
        let mut codes = self.blocks.iter().flat_map(|it| &it.made.codes);
        codes.find(|(name, _)| name == hash).map(|(_, code)| code)
    }

    pub(super) fn blob(&self, versioned_hash: B256) -> Option<&Arc<StoredBlob>> {
        let mut blobs = self.blocks.iter().flat_map(|it| &it.blobs);
        blobs.find(|it| it.versioned_hash == versioned_hash)
    }
}
