//! L1 as it is seen from one head.
//!
//! **Invariant:** every block of the view is an ancestor of its head.

use crate::{Recording, ReplayError};
use alloy_primitives::B256;
use opal_types::{BlockId, L1Header};

/// The chain that ends in the current head, from the lowest recorded block.
#[derive(Debug)]
pub(super) struct L1View<'a> {
    recording: &'a Recording,
    first: u64,
    chain: Vec<B256>,
}

impl<'a> L1View<'a> {
    /// A view that shows nothing yet.
    pub(super) fn new(recording: &'a Recording) -> Self {
        let lowest = recording.l1_heads.first().and_then(|hash| recording.l1_block(*hash));
        let first = lowest.map_or(0, |block| block.header.number);
        Self { recording, first, chain: Vec::new() }
    }

    /// Looks from another head. True if the one before is not among its ancestors.
    pub(super) fn move_to(&mut self, head: B256) -> Result<bool, ReplayError> {
        let mut added = Vec::new();
        let mut hash = head;
        loop {
            let missing = ReplayError::Missing { what: "L1 block", key: hash };
            let header = &self.recording.l1_block(hash).ok_or(missing)?.header;
            let index = self.index(header.number);
            if let Some(index) = index
                && self.chain.get(index) == Some(&hash)
            {
                let is_reorg = index.saturating_add(1) < self.chain.len();
                self.chain.truncate(index.saturating_add(1));
                self.chain.extend(added.into_iter().rev());
                return Ok(is_reorg);
            }
            added.push(hash);
            if header.number <= self.first {
                let is_reorg = !self.chain.is_empty();
                self.chain = added.into_iter().rev().collect();
                return Ok(is_reorg);
            }
            hash = header.parent_hash;
        }
    }

    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    /// Whether this block is an ancestor of the head, or the head.
    pub(super) fn contains(&self, hash: B256) -> bool {
        let index = self.recording.l1_block(hash).and_then(|it| self.index(it.header.number));
        index.is_some_and(|index| self.chain.get(index) == Some(&hash))
    }

    /// The block at this height.
    pub(super) fn header(&self, number: u64) -> Option<L1Header> {
        let hash = self.chain.get(self.index(number)?)?;
        self.recording.l1_block(*hash).map(|block| block.header.clone())
    }

    /// The lowest block.
    pub(super) fn first(&self) -> BlockId {
        self.id(self.chain.first(), 0)
    }

    /// The head.
    pub(super) fn head(&self) -> BlockId {
        self.id(self.chain.last(), self.chain.len().saturating_sub(1))
    }

    fn id(&self, hash: Option<&B256>, index: usize) -> BlockId {
        let number = self.first.saturating_add(index as u64);
        BlockId { number, hash: hash.copied().unwrap_or_default() }
    }
}
