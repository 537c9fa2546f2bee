//! Moves the labels, and the canonical chain with them.
//!
//! **Invariant:** one write transaction takes the chain from the old head to the new one; a
//! forkchoice that is refused changes nothing.

use super::{Engine, Work};
use crate::store::{Labels, Snapshot};
use crate::{Block, ChainEvent, EngineError, Forkchoice, ForkchoiceStatus, Heads};
use alloy_primitives::{Address, B256};
use opal_types::BlockId;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most blocks that an event carries each way.
const MAX_EVENT_BLOCKS: usize = 256;

/// The way from one head to another.
#[derive(Debug, Default)]
struct Way {
    /// Blocks to take back, newest first.
    removed: Vec<B256>,
    /// Blocks to add, oldest first.
    added: Vec<B256>,
}

impl Engine {
    /// Sets the labels. Zero leaves safe and finalized as they are, while they are on the chain.
    pub fn forkchoice(&self, state: Forkchoice) -> Result<ForkchoiceStatus, EngineError> {
        let mut work = self.work();
        let snapshot = self.snapshot()?;
        if snapshot.header(state.head)?.is_none() {
            return Ok(ForkchoiceStatus::Syncing);
        }
        let heads = self.heads();
        let way = way(&snapshot, heads.head.id(), state.head)?;
        let labels = labels(&snapshot, &heads, &way, state)?;
        let before =
            Labels { head: heads.head.header.hash(), safe: heads.safe, finalized: heads.finalized };
        if labels != before {
            self.move_to(&mut work, &snapshot, labels, &way)?;
        }
        Ok(ForkchoiceStatus::Valid { head: state.head })
    }

    fn move_to(
        &self,
        work: &mut Work,
        snapshot: &Snapshot,
        labels: Labels,
        way: &Way,
    ) -> Result<(), EngineError> {
        let store = &self.core.store;
        let known = |hash: &B256| {
            let lacking = || super::lacking("header", hash);
            snapshot.block(&store.cache, *hash)?.ok_or_else(lacking)
        };
        store.write(|writer| {
            way.removed.iter().try_for_each(|hash| writer.retreat(&*known(hash)?))?;
            way.added.iter().try_for_each(|hash| writer.advance(&*known(hash)?))?;
            writer.put_labels(&labels)
        })?;
        let head = self.known(snapshot, labels.head)?;
        let Labels { safe, finalized, .. } = labels;
        *self.core.heads.write().expect("no holder of this lock panics") =
            Heads { head: Arc::clone(&head), safe, finalized };
        work.live.flat_moved(labels.head);
        if way.added.is_empty() && way.removed.is_empty() {
            return Ok(());
        }
        self.tell_pool(snapshot, &head, way)?;
        self.announce(snapshot, way)
    }

    fn known(&self, snapshot: &Snapshot, hash: B256) -> Result<Arc<Block>, EngineError> {
        let block = snapshot.block(&self.core.store.cache, hash)?;
        block.ok_or(EngineError::UnknownBlock(hash))
    }

    /// Gives the pool the new head, whose accounts changed, and the transactions that are homeless
    /// now.
    fn tell_pool(
        &self,
        snapshot: &Snapshot,
        head: &Arc<Block>,
        way: &Way,
    ) -> Result<(), EngineError> {
        let pool = &self.core.pool;
        let mut changed = BTreeSet::new();
        if !pool.is_empty() {
            for hash in way.removed.iter().chain(&way.added) {
                let changes = snapshot.changes(*hash)?.unwrap_or_default();
                changed.extend(changes.iter().map(|change| change.address));
            }
        }
        let changed: Vec<Address> = changed.into_iter().collect();
        let mut homeless = Vec::new();
        for hash in way.removed.iter().rev() {
            homeless.extend(self.known(snapshot, *hash)?.transactions.iter().cloned());
        }
        pool.reset(&head.header, &changed, homeless)?;
        Ok(())
    }

    fn announce(&self, snapshot: &Snapshot, way: &Way) -> Result<(), EngineError> {
        if self.core.events.receiver_count() == 0 {
            return Ok(());
        }
        let blocks = |hashes: &[B256]| -> Result<Vec<_>, EngineError> {
            hashes.iter().map(|hash| self.known(snapshot, *hash)).collect()
        };
        let newest = way.added.len().saturating_sub(MAX_EVENT_BLOCKS);
        let removed = way.removed.len().min(MAX_EVENT_BLOCKS);
        let mut added = blocks(&way.added[newest..])?;
        if added.is_empty() {
            // The chain got shorter: its head is what subscribers look at next.
            added.push(Arc::clone(&self.heads().head));
        }
        let removed = blocks(&way.removed[..removed])?;
        // Without subscribers nobody misses it.
        let _ = self.core.events.send(ChainEvent::NewHead { added, removed });
        Ok(())
    }
}

/// How to get from the canonical head to another block.
fn way(snapshot: &Snapshot, from: BlockId, to: B256) -> Result<Way, EngineError> {
    let mut way = Way::default();
    let mut hash = to;
    let common = loop {
        let header = snapshot.header(hash)?.ok_or(EngineError::UnknownBlock(hash))?;
        if snapshot.canonical(header.number)? == Some(hash) {
            break header.number;
        }
        way.added.push(hash);
        hash = header.parent_hash;
    };
    way.added.reverse();
    for number in (common.saturating_add(1)..=from.number).rev() {
        let unknown = EngineError::Internal(format!("no canonical block {number}"));
        way.removed.push(snapshot.canonical(number)?.ok_or(unknown)?);
    }
    Ok(way)
}

/// The labels that a forkchoice asks for.
fn labels(
    snapshot: &Snapshot,
    heads: &Heads,
    way: &Way,
    state: Forkchoice,
) -> Result<Labels, EngineError> {
    let on_chain = |hash: B256| -> Result<Option<BlockId>, EngineError> {
        let Some(header) = snapshot.header(hash)? else { return Ok(None) };
        let number = header.number;
        let is_canonical =
            snapshot.canonical(number)? == Some(hash) && !way.removed.contains(&hash);
        Ok((is_canonical || way.added.contains(&hash)).then_some(BlockId { number, hash }))
    };
    let label = |label, hash: B256, before: Option<BlockId>| match before {
        _ if !hash.is_zero() => match on_chain(hash)? {
            Some(id) => Ok(Some(id)),
            None => Err(EngineError::InvalidForkchoice { label, hash, head: state.head }),
        },
        Some(before) => on_chain(before.hash),
        None => Ok(None),
    };
    Ok(Labels {
        head: state.head,
        safe: label("safe", state.safe, heads.safe)?,
        finalized: label("finalized", state.finalized, heads.finalized)?,
    })
}
