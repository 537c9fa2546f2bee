//! Derives the chain of a recording: every L1 head in order, every request answered from the recording.
//!
//! Start with [`replay`]. What came out is compared by [`crate::first_difference`].
//!
//! **Invariant:** the recording is seen as it was at the current L1 head: what L1 had not reached or had dropped
//! does not exist yet, or not any more.

mod answer;
mod view;

use crate::{Archive, ArchiveError, Recording, RecordingError};
use alloy_primitives::B256;
use opal_derive::{
    AcceptError, Begin, Derivation, Derived, EngineHeads, FactError, Fault, Note, Request,
    SafeHeads, SafeUpdate, StartError, Started, Step,
};
use opal_execute::{Error, RevmCrypto};
use opal_types::{BlockId, L2Ref};
use std::time::{Duration, Instant};
use view::L1View;

/// How to derive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayOptions {
    /// Keep notes about what is dropped.
    pub explain: bool,
    /// L1 blocks this far below the head are final.
    pub finality_depth: u64,
}

/// How far a replay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayProgress {
    /// L1 head.
    pub l1: u64,
    /// Newest L2 block.
    pub l2: u64,
}

/// What came out.
#[derive(Debug)]
pub struct Replay {
    /// The derived chain. Before Holocene its newest blocks may wait for the rest of their span batch.
    pub archive: Archive,
    /// The newest safe block.
    pub safe: L2Ref,
    /// Newest block that is derived from final L1 blocks.
    pub finalized: L2Ref,
    /// Safe heads by L1 block.
    pub safe_heads: SafeHeads,
    /// The last L1 head.
    pub l1_head: BlockId,
    /// L1 heads that did not build on the one before.
    pub l1_reorgs: u64,
    /// How often derivation started again.
    pub resets: u64,
    /// Attributes that became blocks; more than there are blocks where some were taken back.
    pub executed: u64,
    /// Attributes that could not become blocks.
    pub refused: u64,
    /// What was dropped, and why.
    pub notes: Vec<Note>,
    /// Why derivation ended before L1 did.
    pub fault: Option<Fault>,
    /// How long it took, without reading files.
    pub elapsed: Duration,
}

/// Why nobody can tell what the chain is.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Something was asked for that the recording does not hold.
    #[error("the recording has no {what} {key}")]
    Missing {
        /// Kind of thing.
        what: &'static str,
        /// Its hash.
        key: B256,
    },
    /// What the recording holds is not what it says.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The chain cannot begin.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Derivation cannot begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A block could neither be executed nor be refused.
    #[error("L2 block {number}: {error}")]
    Execution {
        /// Height.
        number: u64,
        /// What is wrong.
        error: Error,
    },
    /// A fault in opal: derivation refuses its own facts.
    #[error("internal fault: {0}")]
    Fact(#[from] FactError),
    /// A fault in opal: derivation refuses its own block.
    #[error("internal fault: {0}")]
    Accept(#[from] AcceptError),
}

/// Derives the whole recording.
pub fn replay(
    recording: &Recording,
    options: ReplayOptions,
    progress: &mut dyn FnMut(ReplayProgress),
) -> Result<Replay, ReplayError> {
    let mut run = Run::new(recording, options)?;
    let started = Instant::now();
    for head in &recording.l1_heads {
        run.follow(*head)?;
        progress(ReplayProgress { l1: run.view.head().number, l2: run.archive.head().number });
        if run.fault.is_some() {
            break;
        }
    }
    Ok(run.finish(started.elapsed()))
}

/// A replay while it goes on.
struct Run<'a> {
    recording: &'a Recording,
    options: ReplayOptions,
    archive: Archive,
    derivation: Derivation,
    view: L1View<'a>,
    safe_heads: SafeHeads,
    finalized: L2Ref,
    l1_reorgs: u64,
    /// L1 block that cannot be read, because its receipts went with it when L1 dropped it.
    unreadable: Option<B256>,
    starts: u64,
    executed: u64,
    refused: u64,
    notes: Vec<Note>,
    fault: Option<Fault>,
}

impl<'a> Run<'a> {
    fn new(recording: &'a Recording, options: ReplayOptions) -> Result<Self, ReplayError> {
        let archive = Archive::new(recording.config.clone(), &recording.genesis)?;
        let first = answer::l2_block(&archive, archive.head().hash())?;
        let heads =
            EngineHeads { unsafe_head: first.clone(), safe: first.clone(), finalized: first };
        let begin = Begin::Heads(Box::new(heads));
        let (config, l1) = (recording.config.clone(), recording.l1_config.clone());
        let mut derivation = Derivation::new(config, l1, &begin)?;
        if options.explain {
            derivation.explain();
        }
        Ok(Self {
            recording,
            options,
            archive,
            finalized: *derivation.safe_head(),
            derivation,
            view: L1View::new(recording),
            safe_heads: SafeHeads::default(),
            l1_reorgs: 0,
            unreadable: None,
            starts: 0,
            executed: 0,
            refused: 0,
            notes: Vec::new(),
            fault: None,
        })
    }

    /// Derives all that L1 has up to this head.
    fn follow(&mut self, head: B256) -> Result<(), ReplayError> {
        let is_reorg = self.view.move_to(head)?;
        self.l1_reorgs = self.l1_reorgs.saturating_add(is_reorg.into());
        if let Some(hash) = self.unreadable {
            if self.view.contains(hash) {
                return Ok(());
            }
            self.unreadable = None;
            self.derivation.reset();
        }
        // Nothing is derived behind a fault, whether a step or a refusal found it.
        while self.fault.is_none() {
            let step = match self.derivation.step() {
                Ok(step) => step,
                Err(fault) => {
                    self.fault = Some(fault);
                    break;
                }
            };
            match step {
                Step::Need(request) => {
                    if self.is_lost(&request) {
                        break;
                    }
                    let fact = answer::answer(&request, self.recording, &self.view, &self.archive)?;
                    self.derivation.supply(&request, fact)?;
                }
                Step::Started(started) => self.started(&started),
                Step::Ready(derived) => self.execute(&derived)?,
                Step::Idle => break,
            }
            self.notes.extend(self.derivation.take_notes());
        }
        self.finalize();
        Ok(())
    }

    /// Whether this will be known at a later head only, when L1 has dropped the block that it is about.
    fn is_lost(&mut self, request: &Request) -> bool {
        let Request::L1Receipts { block } = request else { return false };
        let lost = self.recording.l1_block(*block).is_some_and(|it| it.receipts.is_none());
        if lost && self.recording.l1_heads.last() != Some(&self.view.head().hash) {
            self.unreadable = Some(*block);
        }
        self.unreadable.is_some()
    }

    /// The chain's first block is safe from the first L1 block on, as the Go node has it.
    fn started(&mut self, started: &Started) {
        self.starts = self.starts.saturating_add(1);
        let safe = started.safe;
        self.safe_heads.reset(&safe);
        if safe.number == self.recording.config.genesis.l2.number {
            self.safe_heads.record(&SafeUpdate { l1: self.view.first(), safe });
        }
    }

    fn execute(&mut self, derived: &Derived) -> Result<(), ReplayError> {
        let parent = derived.parent;
        if !self.archive.rewind(parent.hash) {
            return Err(ReplayError::Missing { what: "L2 block", key: parent.hash });
        }
        match self.archive.execute(&derived.attributes, &mut RevmCrypto) {
            Ok(block) => {
                self.executed = self.executed.saturating_add(1);
                if let Some(update) = self.derivation.accept(&block.l2_block())? {
                    self.safe_heads.record(&update);
                }
            }
            Err(Error::Invalid(_)) => {
                self.refused = self.refused.saturating_add(1);
                self.fault = self.derivation.refuse().err();
            }
            Err(error) => {
                let number = parent.number.saturating_add(1);
                return Err(ReplayError::Execution { number, error });
            }
        }
        Ok(())
    }

    fn finalize(&mut self) {
        let depth = self.options.finality_depth;
        let Some(l1) = self.view.head().number.checked_sub(depth) else { return };
        if let Some((_, block)) = self.safe_heads.at(l1)
            && block.number > self.finalized.number
        {
            self.finalized = *block;
            self.derivation.finalize(*block);
        }
    }

    fn finish(self, elapsed: Duration) -> Replay {
        Replay {
            safe: *self.derivation.safe_head(),
            archive: self.archive,
            finalized: self.finalized,
            safe_heads: self.safe_heads,
            l1_head: self.view.head(),
            l1_reorgs: self.l1_reorgs,
            resets: self.starts.saturating_sub(1),
            executed: self.executed,
            refused: self.refused,
            notes: self.notes,
            fault: self.fault,
            elapsed,
        }
    }
}
