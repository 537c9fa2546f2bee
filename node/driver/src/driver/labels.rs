//! Tells the engine and the sequencer where the heads are.
//!
//! **Invariant:** the engine is told each state once; the sequencer builds on heads that stand on L1 only.

use super::{Driver, Trouble};
use crate::{LabelHashes, sync::SyncMachine};
use opal_engine::{Forkchoice, ForkchoiceStatus};

/// The labels as the engine takes them.
pub(super) const fn forkchoice(hashes: LabelHashes) -> Forkchoice {
    let LabelHashes { head, safe, finalized } = hashes;
    Forkchoice { head, safe, finalized }
}

impl Driver {
    /// Sets the engine's labels, if they are others than it was told.
    pub(super) async fn tell_engine(&mut self) -> Result<(), Trouble> {
        let Some(sync) = self.sync.as_ref().filter(|it| it.is_running()) else { return Ok(()) };
        let hashes = sync.labels().hashes();
        if self.told == Some(hashes) {
            return Ok(());
        }
        match self.parts.engine.forkchoice(forkchoice(hashes)).await? {
            ForkchoiceStatus::Valid { .. } => {
                self.told = Some(hashes);
                self.engine_backoff.succeeded();
                Ok(())
            }
            ForkchoiceStatus::Syncing => {
                Err(Trouble::Lost(format!("the engine does not know block {}", hashes.head)))
            }
        }
    }

    /// Tells the sequencer where the heads are, and whether they stand on L1.
    pub(super) fn inform_sequencer(&mut self, now_ms: u64) {
        let Some(sequencing) = &mut self.sequencing else { return };
        let running = self.sync.as_ref().filter(|it| it.is_running() && !self.standstill.is_met());
        match running.map(SyncMachine::labels) {
            Some(labels) => {
                sequencing.machine.unpark(labels.unsafe_head, labels.safe.number, now_ms);
            }
            None => {
                sequencing.machine.park();
                sequencing.scout.forget();
            }
        }
    }
}
