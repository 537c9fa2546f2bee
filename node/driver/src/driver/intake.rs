//! Blocks that others sequenced, from `admin_postUnsafePayload` or a peer.
//!
//! **Invariant:** such blocks only extend the newest block; they never replace one.

use super::{Driver, Trouble, Work, derive::block_of};
use opal_derive::L2Head;
use opal_engine::InsertStatus;
use opal_types::PayloadEnvelope;
use std::collections::BTreeMap;

/// Blocks kept until their parents are there.
const MAX_BLOCKS: usize = 128;
/// Blocks taken in one tick.
const MAX_PER_TICK: usize = 16;

/// Blocks by height, the last one that came for each.
#[derive(Debug, Default)]
pub(super) struct Intake {
    blocks: BTreeMap<u64, PayloadEnvelope>,
}

impl Intake {
    /// Keeps a block. With too many, those furthest ahead go.
    pub(super) fn add(&mut self, payload: PayloadEnvelope) {
        self.blocks.insert(payload.number, payload);
        while self.blocks.len() > MAX_BLOCKS {
            self.blocks.pop_last();
        }
    }

    /// Takes out the block at this height, and forgets those below.
    fn take(&mut self, number: u64) -> Option<PayloadEnvelope> {
        self.blocks = self.blocks.split_off(&number);
        self.blocks.remove(&number)
    }
}

impl Driver {
    /// Inserts blocks that fit on the newest one.
    pub(super) async fn take_in(&mut self, work: &mut Work) -> Result<(), Trouble> {
        for _ in 0..MAX_PER_TICK {
            let Some(sync) = self.sync.as_ref().filter(|it| it.is_running()) else {
                return Ok(());
            };
            let head = sync.labels().unsafe_head;
            let Some(payload) = self.intake.take(head.number.saturating_add(1)) else {
                return Ok(());
            };
            if payload.parent_hash != head.hash {
                tracing::debug!(number = payload.number, "a block on another chain is not taken");
                return Ok(());
            }
            self.insert_unsafe(&payload).await?;
            work.progressed = true;
        }
        work.is_unfinished = true;
        Ok(())
    }

    async fn insert_unsafe(&mut self, payload: &PayloadEnvelope) -> Result<(), Trouble> {
        let block = block_of(payload)?;
        match self.parts.engine.insert(payload).await? {
            InsertStatus::Valid { .. } => {
                let reference = L2Head::reference(&self.parts.config, &block);
                match (reference, &mut self.sync) {
                    (Ok(reference), Some(sync)) => sync.extended(reference),
                    (Err(error), _) => tracing::warn!(%error, "a block is not taken"),
                    _ => {}
                }
            }
            InsertStatus::Invalid { reason, .. } => {
                tracing::warn!(number = payload.number, reason, "an invalid block is not taken");
            }
            InsertStatus::Syncing => {}
        }
        Ok(())
    }
}
