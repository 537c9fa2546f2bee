//! Follows L1: derivation's blocks become the chain's safe blocks, and labels move with them.
//!
//! Start with [`SyncMachine::next_action`]: it says what to do, and the method that the action names takes the outcome.
//! Blocks that are there already are compared first (D25); only what differs is executed.
//!
//! **Invariant:** no I/O and no clock. Labels change only in answer to an outcome, so between two actions they
//! describe blocks that the engine holds.

use crate::labels::Labels;
use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, Sealed};
use opal_derive::{
    AcceptError, Begin, Derivation, Derived, Difference, EngineHeads, Fact, FactError, Fault,
    L2Block, L2Head, Note, Request, SafeUpdate, StartError, Step, consolidate,
};
use opal_types::{ChainConfig, Fork, L1Config, L1Header, L2Ref};

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Answer this, then call `supply`.
    Answer(Request),
    /// Derivation goes on from this safe block: forget what is recorded of later ones. Nothing is awaited.
    Started(L2Ref),
    /// Look up the ancestor of a block at this height, then call `compared`.
    Compare {
        /// The newest block.
        descendant: B256,
        /// Height of the ancestor.
        number: u64,
    },
    /// Build this block, then call `executed` or `refused`.
    Execute(Box<Derived>),
    /// Nothing, until L1 grows.
    Idle,
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compared {
    /// The block is the derived one. Says so if blocks became safe by it.
    Same(Option<SafeUpdate>),
    /// The block is another one and will be replaced.
    Differs(Difference),
    /// There is no block.
    Absent,
}

/// A block that is there already.
#[derive(Clone, Copy, Debug)]
pub struct Present<'a> {
    /// Its header.
    pub header: &'a Sealed<Header>,
    /// Its transactions, EIP-2718 encoded.
    pub transactions: &'a [Bytes],
}

/// See the module.
#[derive(Debug)]
pub struct SyncMachine {
    config: ChainConfig,
    derivation: Derivation,
    labels: Labels,
    /// Attributes that wait for their block.
    waiting: Option<Box<Derived>>,
    /// Whether the attributes are to be executed, whatever is there.
    must_execute: bool,
    /// The newest block before a derived one replaced a part of its chain: what to return to if the span batch
    /// that did so is refused (before Holocene).
    replaced: Option<L2Ref>,
    starts: u64,
}

impl SyncMachine {
    /// Goes on from what the engine holds.
    pub fn new(
        config: ChainConfig,
        l1: L1Config,
        heads: EngineHeads,
        explain: bool,
    ) -> Result<Self, StartError> {
        let finalized = L2Head::reference(&config, &heads.finalized)?;
        let mut derivation = Derivation::new(config.clone(), l1, &Begin::Heads(Box::new(heads)))?;
        if explain {
            derivation.explain();
        }
        let safe = *derivation.safe_head();
        let labels = Labels {
            unsafe_head: *derivation.unsafe_head(),
            pending_safe: safe,
            local_safe: safe,
            safe,
            finalized,
        };
        let (waiting, must_execute, replaced, starts) = (None, false, None, 0);
        Ok(Self { config, derivation, labels, waiting, must_execute, replaced, starts })
    }

    /// The heads.
    pub const fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Whether the start is found: only then do the heads stand on L1.
    pub fn is_running(&self) -> bool {
        self.derivation.l1_origin().is_some()
    }

    /// The L1 block that is being read.
    pub fn l1_origin(&self) -> Option<&L1Header> {
        self.derivation.l1_origin()
    }

    /// How often a start was found.
    pub const fn starts(&self) -> u64 {
        self.starts
    }

    /// What derivation dropped, and why, since the last call.
    pub fn take_notes(&mut self) -> Vec<Note> {
        self.derivation.take_notes()
    }

    /// Goes on until something is to be done.
    pub fn next_action(&mut self) -> Result<Action, Fault> {
        if let Some(waiting) = &self.waiting {
            return Ok(self.compare_or_execute(waiting));
        }
        match self.derivation.step()? {
            Step::Need(request) => Ok(Action::Answer(request)),
            Step::Started(started) => {
                self.start_from(started.unsafe_head, started.safe);
                Ok(Action::Started(started.safe))
            }
            Step::Ready(derived) => {
                let action = self.compare_or_execute(&derived);
                self.waiting = Some(derived);
                Ok(action)
            }
            Step::Idle => Ok(Action::Idle),
        }
    }

    fn compare_or_execute(&self, derived: &Derived) -> Action {
        let unsafe_head = &self.labels.unsafe_head;
        if self.must_execute || unsafe_head.number <= derived.parent.number {
            return Action::Execute(Box::new(derived.clone()));
        }
        let number = derived.parent.number.saturating_add(1);
        Action::Compare { descendant: unsafe_head.hash, number }
    }

    fn start_from(&mut self, unsafe_head: L2Ref, safe: L2Ref) {
        let finalized = self.labels.finalized;
        self.labels = Labels { unsafe_head, pending_safe: safe, local_safe: safe, safe, finalized };
        debug_assert!(self.labels.is_ordered());
        self.forget_work();
        self.starts = self.starts.saturating_add(1);
    }

    fn forget_work(&mut self) {
        self.waiting = None;
        self.must_execute = false;
        self.replaced = None;
    }

    /// The answer to a request.
    pub fn supply(&mut self, request: &Request, fact: Fact) -> Result<(), FactError> {
        self.derivation.supply(request, fact)
    }

    /// What stands where the derived block belongs.
    pub fn compared(&mut self, present: Option<Present<'_>>) -> Result<Compared, AcceptError> {
        let Some(derived) = &self.waiting else { return Err(AcceptError::NothingWaits) };
        let Some(present) = present else {
            self.must_execute = true;
            return Ok(Compared::Absent);
        };
        let Present { header, transactions } = present;
        let (parent, attributes) = (derived.parent.hash, &derived.attributes);
        let found = (header.inner(), transactions);
        if let Err(difference) = consolidate(&self.config, parent, attributes, found) {
            self.must_execute = true;
            return Ok(Compared::Differs(difference));
        }
        let first_transaction = transactions.first().cloned();
        let block = L2Block { header: header.clone(), first_transaction };
        Ok(Compared::Same(self.accept(&block)?))
    }

    /// The attributes became this block. Says so if blocks became safe by it.
    pub fn executed(&mut self, block: &L2Block) -> Result<Option<SafeUpdate>, AcceptError> {
        let reference = L2Head::reference(&self.config, block)?;
        let before = self.labels.unsafe_head;
        let update = self.accept(block)?;
        if before.number >= reference.number {
            self.replaced = Some(before);
        }
        self.labels.unsafe_head = reference;
        if self.labels.local_safe == reference {
            self.replaced = None;
        }
        self.derivation.follow_unsafe(reference);
        Ok(update)
    }

    fn accept(&mut self, block: &L2Block) -> Result<Option<SafeUpdate>, AcceptError> {
        let update = self.derivation.accept(block)?;
        self.labels.pending_safe = L2Head::reference(&self.config, block)?;
        if let Some(SafeUpdate { safe, .. }) = update {
            self.labels.local_safe = safe;
            self.labels.safe = safe;
        }
        self.waiting = None;
        self.must_execute = false;
        Ok(update)
    }

    /// The engine found the attributes invalid. A fault if nothing is left to try (D14).
    pub fn refused(&mut self) -> Result<(), Fault> {
        let is_holocene = self
            .l1_origin()
            .is_some_and(|it| self.config.forks.active(Fork::Holocene, it.timestamp));
        self.derivation.refuse()?;
        self.waiting = None;
        // From Holocene the block of deposits alone comes next, and may be there already after a restart.
        self.must_execute = false;
        if !is_holocene {
            self.labels.pending_safe = self.labels.local_safe;
            self.labels.unsafe_head = self.replaced.take().unwrap_or(self.labels.unsafe_head);
        }
        self.derivation.follow_unsafe(self.labels.unsafe_head);
        Ok(())
    }

    /// A sequencer or a peer made this block on the newest one.
    pub fn extended(&mut self, block: L2Ref) {
        debug_assert_eq!(block.parent_hash, self.labels.unsafe_head.hash);
        self.labels.unsafe_head = block;
        self.derivation.follow_unsafe(block);
    }

    /// L1 will not take this safe block back (D26).
    pub fn finalize(&mut self, block: L2Ref) {
        if block.number > self.labels.finalized.number {
            debug_assert!(block.number <= self.labels.safe.number);
            self.labels.finalized = block;
            self.derivation.finalize(block);
        }
    }

    /// Starts again from the heads that L1 still bears.
    pub fn reset(&mut self) {
        self.forget_work();
        self.derivation.reset();
    }
}
