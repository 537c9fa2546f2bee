//! Obeys commands between two pieces of work.
//!
//! **Invariant:** each command is answered, unless its sender is gone.

use super::{Driver, Work};
use crate::{
    handle::Command,
    sequencer::{Sequencer, SequencerError},
};

impl Driver {
    /// Obeys what has come so far.
    pub(super) fn obey_waiting_commands(&mut self, work: &mut Work) {
        while let Ok(command) = self.commands.try_recv() {
            self.obey(command, work.now_ms);
            work.progressed = true;
        }
    }

    /// Obeys one command. A sender that does not wait for the answer loses nothing.
    pub(super) fn obey(&mut self, command: Command, now_ms: u64) {
        match command {
            Command::Start { head, reply } => {
                let outcome = self.sequencer().and_then(|it| it.start(head, now_ms));
                let _ = reply.send(outcome);
            }
            Command::Stop { reply } => {
                let outcome = self.sequencer().and_then(Sequencer::stop);
                let _ = reply.send(outcome);
            }
            Command::SetRecovers { recovers, reply } => {
                let outcome = self.sequencer().map(|it| it.set_recovers(recovers));
                let _ = reply.send(outcome);
            }
            Command::SetMaxSafeLag { lag, reply } => {
                let outcome = self.sequencer().map(|it| it.set_max_safe_lag(lag, now_ms));
                let _ = reply.send(outcome);
            }
            Command::Reset { reply } => {
                tracing::warn!("derivation is reset by command");
                self.standstill.clear();
                self.reset_derivation();
                let _ = reply.send(());
            }
            Command::Insert { payload } => self.intake.add(*payload),
        }
        self.publish();
    }

    fn sequencer(&mut self) -> Result<&mut Sequencer, SequencerError> {
        let sequencing = self.sequencing.as_mut().ok_or(SequencerError::Disabled)?;
        Ok(&mut sequencing.machine)
    }
}
