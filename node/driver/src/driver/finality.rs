//! Final L1 blocks make L2 blocks final (D26).
//!
//! **Invariant:** a block is final only after the record of what made it safe is on the disk, and while the L1
//! block that did so is on L1.

use super::{Driver, Trouble, Work, inquiry::Inquiry};
use crate::{SafeEntry, handle::reference};
use alloy_primitives::B256;
use opal_sources::SourceError;
use opal_types::L1Header;
use std::sync::Arc;

/// The dealings with finality.
#[derive(Debug)]
pub(super) struct Finality {
    /// Is the L1 block of the entry on L1?
    pub(super) inquiry: Inquiry<Result<(SafeEntry, Option<L1Header>), SourceError>>,
    /// Final L1 block and safe block that were looked at last.
    looked_at: Option<(B256, B256)>,
}

impl Finality {
    pub(super) fn new() -> Self {
        Self { inquiry: Inquiry::new(), looked_at: None }
    }
}

impl Driver {
    /// Moves the finalized label as far as L1's final block reaches.
    pub(super) async fn finalize(&mut self, work: &mut Work) -> Result<(), Trouble> {
        self.look_for_final().map(|entry| entry.map(|it| self.ask_for_final(it, work.now_ms)))?;
        let Some(outcome) = self.finality.inquiry.outcome(work.patience).await else {
            return Ok(());
        };
        match outcome {
            Ok((entry, found)) => {
                self.finality.inquiry.backoff.succeeded();
                if found.as_ref().is_some_and(|it| it.hash == entry.l1.hash) {
                    self.make_final(entry).await?;
                    work.progressed = true;
                } else if found.is_some() {
                    let (number, recorded) = (entry.l1.number, entry.l1.hash);
                    tracing::warn!(number, %recorded, "L1 has another block there than derivation read");
                    self.reset_derivation();
                }
            }
            Err(error) => {
                self.finality.looked_at = None;
                if self.finality.inquiry.backoff.failed(error.to_string(), work.now_ms) {
                    tracing::warn!(%error, "cannot look at a final L1 block");
                }
            }
        }
        Ok(())
    }

    /// What L1's final block makes final, if that is news.
    fn look_for_final(&mut self) -> Result<Option<SafeEntry>, Trouble> {
        let Some(sync) = self.sync.as_ref().filter(|it| it.is_running()) else { return Ok(None) };
        let (labels, Some(l1)) = (sync.labels(), self.l1.finalized()) else { return Ok(None) };
        let look = Some((l1.hash, labels.safe.hash));
        if self.finality.looked_at == look || self.finality.inquiry.is_asked() {
            return Ok(None);
        }
        let entry = self.parts.safe_db.at(l1.number)?;
        self.finality.looked_at = look;
        let is_news = |it: &SafeEntry| {
            it.safe.number > labels.finalized.number && it.safe.number <= labels.safe.number
        };
        Ok(entry.filter(is_news))
    }

    fn ask_for_final(&mut self, entry: SafeEntry, now_ms: u64) {
        if !self.finality.inquiry.is_free(now_ms) {
            self.finality.looked_at = None;
            return;
        }
        let sources = Arc::clone(&self.parts.sources);
        let what = format!("L1 block {}", entry.l1.number);
        self.finality.inquiry.ask(what, async move {
            let found = sources.l1_header(entry.l1.number).await?;
            Ok((entry, found))
        });
    }

    async fn make_final(&mut self, entry: SafeEntry) -> Result<(), Trouble> {
        let block = self.parts.engine.block(entry.safe.hash).await?;
        let missing = || Trouble::Lost(format!("the engine lacks safe block {}", entry.safe.hash));
        let block = reference(&self.parts.config, &block.ok_or_else(missing)?)?;
        self.parts.safe_db.flush()?;
        let Some(sync) = self.sync.as_mut().filter(|it| it.is_running()) else { return Ok(()) };
        // A reset meanwhile may have taken the block back.
        if block.number <= sync.labels().safe.number {
            sync.finalize(block);
        }
        Ok(())
    }
}
