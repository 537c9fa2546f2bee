//! What goes wrong, and what becomes of it.
//!
//! **Invariant:** what time may heal is tried again; a chain that contradicts its own rules is left alone.

use super::{Driver, inquiry::Backoff};
use crate::SafeDbError;
use opal_derive::{AcceptError, FactError, Fault, HeadError};
use opal_engine::{EngineError, HandleError};

/// Code of the Engine API for labels that contradict one another.
const INVALID_FORKCHOICE: i64 = -38002;

/// Why a tick ends early.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The engine or a disk cannot do it now.
    Wait(String),
    /// Driver and engine do not agree on what there is: heads are read anew.
    Lost(String),
    /// Nobody can go on.
    Fault(Fault),
}

impl From<HandleError> for Trouble {
    fn from(error: HandleError) -> Self {
        let is_lost = matches!(
            error,
            HandleError::Engine(
                EngineError::InvalidForkchoice { .. } | EngineError::UnknownBlock(_)
            ) | HandleError::Refused { code: INVALID_FORKCHOICE, .. }
        );
        if is_lost { Self::Lost(error.to_string()) } else { Self::Wait(error.to_string()) }
    }
}

impl From<SafeDbError> for Trouble {
    fn from(error: SafeDbError) -> Self {
        Self::Wait(error.to_string())
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<HeadError> for Trouble {
    fn from(error: HeadError) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<AcceptError> for Trouble {
    fn from(error: AcceptError) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<FactError> for Trouble {
    fn from(error: FactError) -> Self {
        Self::Wait(error.to_string())
    }
}

/// A fault that was met.
#[derive(Debug, Default)]
pub(super) struct Standstill {
    backoff: Backoff,
    /// Whether only an operator's command helps.
    is_final: bool,
}

impl Standstill {
    /// Whether nothing is tried.
    pub(super) const fn holds(&self, now_ms: u64) -> bool {
        self.is_final || self.backoff.holds(now_ms)
    }

    /// Whether there is a fault.
    pub(super) fn is_met(&self) -> bool {
        self.backoff.trouble().is_some()
    }

    /// The fault.
    pub(super) fn text(&self) -> Option<&str> {
        self.backoff.trouble()
    }

    /// When to try again.
    pub(super) fn due_ms(&self) -> Option<u64> {
        self.backoff.due_ms().filter(|_| !self.is_final)
    }

    /// All is well again, or shall be tried.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Driver {
    /// Takes note of what went wrong.
    pub(super) fn meet(&mut self, trouble: Trouble, now_ms: u64) {
        match trouble {
            Trouble::Wait(text) => self.wait_for_engine(text, now_ms),
            Trouble::Lost(text) => {
                self.give_up_heads();
                self.wait_for_engine(text, now_ms);
            }
            Trouble::Fault(fault) => self.stand_still(&fault, now_ms),
        }
    }

    fn wait_for_engine(&mut self, text: String, now_ms: u64) {
        if self.engine_backoff.failed(text.clone(), now_ms) {
            tracing::warn!(error = text, "waiting for the engine");
        }
    }

    /// A block of deposits alone that is invalid stays invalid (D14), so trying again would be an endless loop.
    /// Other faults come from L1 and can leave with a reorg.
    fn stand_still(&mut self, fault: &Fault, now_ms: u64) {
        self.give_up_heads();
        self.standstill.is_final = matches!(fault, Fault::InvalidDeposits { .. });
        if self.standstill.backoff.failed_slowly(fault.to_string(), now_ms) {
            tracing::error!(%fault, "critical: derivation and sequencing stop");
        }
    }

    /// Heads are read from the engine again.
    pub(super) fn give_up_heads(&mut self) {
        self.sync = None;
        self.told = None;
        self.reading.forget();
        self.forget_read_ahead();
        self.finality.inquiry.forget();
        self.park_sequencer();
    }

    /// The heads may be given up: nothing is built on them.
    pub(super) fn park_sequencer(&mut self) {
        if let Some(sequencing) = &mut self.sequencing {
            sequencing.machine.park();
            sequencing.scout.forget();
        }
    }
}
