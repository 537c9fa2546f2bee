//! Begins with the heads that the engine holds.
//!
//! **Invariant:** what the engine does not know under a label is the next surer block, in the end the first one.

use super::{Driver, Trouble, Work};
use crate::{handle::beginning, sync::SyncMachine};
use opal_derive::{EngineHeads, Fault, L2Block};
use opal_engine::Label;

impl Driver {
    /// Makes the machine, if there is none.
    pub(super) async fn boot(&mut self, work: &mut Work) -> Result<(), Trouble> {
        if self.sync.is_some() {
            return Ok(());
        }
        let heads = self.engine_heads().await?;
        let (config, l1) = (self.parts.config.as_ref().clone(), self.parts.l1_config.clone());
        let sync = SyncMachine::new(config, l1, heads, self.parts.explain)
            .map_err(|error| Trouble::Fault(Fault::Start(error)))?;
        let labels = sync.labels();
        tracing::info!(
            unsafe_head = labels.unsafe_head.number,
            safe = labels.safe.number,
            finalized = labels.finalized.number,
            "read the engine's heads"
        );
        self.sync = Some(sync);
        self.engine_backoff.passed();
        work.progressed = true;
        Ok(())
    }

    async fn engine_heads(&self) -> Result<EngineHeads, Trouble> {
        let finalized = match self.labelled(Label::Finalized).await? {
            Some(block) => block,
            None => self.first_block().await?,
        };
        let height = |block: &L2Block| block.header.number;
        let safe = self.labelled(Label::Safe).await?;
        let safe = safe.filter(|it| height(it) >= height(&finalized));
        let safe = safe.unwrap_or_else(|| finalized.clone());
        let unsafe_head = self.labelled(Label::Latest).await?;
        let unsafe_head = unsafe_head.filter(|it| height(it) >= height(&safe));
        let unsafe_head = unsafe_head.unwrap_or_else(|| safe.clone());
        Ok(EngineHeads { unsafe_head, safe, finalized })
    }

    async fn labelled(&self, label: Label) -> Result<Option<L2Block>, Trouble> {
        Ok(self.parts.engine.block_by_label(label).await?.as_ref().map(beginning))
    }

    async fn first_block(&self) -> Result<L2Block, Trouble> {
        let number = self.parts.config.genesis.l2.number;
        let block = self.parts.engine.block_by_number(number).await?;
        let missing = || Trouble::Wait(format!("the engine has no block {number}, the first one"));
        block.as_ref().map(beginning).ok_or_else(missing)
    }
}
