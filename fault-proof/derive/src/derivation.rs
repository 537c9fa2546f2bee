//! The whole machine: finds its start, reads L1, and gives one block's attributes after the other.
//!
//! Start with [`Derivation::step`]. Before Holocene a span batch becomes safe as a whole: until its last block
//! is accepted, its blocks are pending, and a refused one takes the others back (D10, D14).
//!
//! **Invariant:** the next attributes are computed only after the last ones were accepted or refused.

use crate::{
    Begin, Fact, FactError, HeadError, Item, L2Block, L2Head, Note, Reason, Request, StartError,
    context::Context,
    fact::{Facts, Pause},
    note::ResetReason,
    start::{Base, Heads, Rewind, SyncStart},
    unforked::pipeline::Pipeline,
};
use alloc::{boxed::Box, vec::Vec};
use alloy_primitives::B256;
use opal_types::{
    Attributes, BlockId, ChainConfig, DepositLogError, Fork, L1Config, L1Header, L2Ref,
};

/// What the machine wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Answer this through `supply`, then call `step` again.
    Need(Request),
    /// The start is found, at first and after each reset: blocks above these heads are given up.
    Started(Started),
    /// Execute these, then call `accept` or `refuse`.
    Ready(Box<Derived>),
    /// L1 has nothing more. Call `step` again when it grows.
    Idle,
}

/// The heads that derivation goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// Newest block that L1 does not contradict.
    pub unsafe_head: L2Ref,
    /// Newest block that is surely derived from L1.
    pub safe: L2Ref,
}

/// The next block, fully determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// The block to build on. If it is not the block that was accepted last, L1 or a refused span batch has
    /// taken blocks back.
    pub parent: L2Ref,
    /// What to execute.
    pub attributes: Attributes,
    /// The L1 block whose data determined them.
    pub derived_from: BlockId,
    /// Whether the block is safe once accepted, or only with later ones of its span batch.
    pub concludes: bool,
    /// Whether Holocene rules say what a refusal means.
    is_holocene: bool,
}

impl Derived {
    /// Whether the attributes hold nothing but deposits.
    pub fn is_deposits_only(&self) -> bool {
        self.attributes.transactions.iter().all(|raw| raw.first() == Some(&DEPOSIT))
    }
}

/// Type byte of deposits (E1).
const DEPOSIT: u8 = 0x7e;

/// A block became safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafeUpdate {
    /// The L1 block that made it safe.
    pub l1: BlockId,
    /// The new safe head.
    pub safe: L2Ref,
}

/// Nobody can go on: the chain's own data break a rule that has no fall-back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no start.
    #[error("derivation cannot start: {0}")]
    Start(StartError),
    /// A deposit log of the portal is malformed (D16).
    #[error("log {index} of L1 block {}: {error}", .block.number)]
    MalformedDeposit {
        /// The L1 block.
        block: BlockId,
        /// Place of the log in the block.
        index: u64,
        /// What is wrong.
        error: DepositLogError,
    },
    /// Receipts that fit their root are always well-formed.
    #[error("the receipts of L1 block {} are malformed", .block.number)]
    MalformedReceipts {
        /// The L1 block.
        block: BlockId,
    },
    /// The fee scalar of the system config means nothing.
    #[error("the system config has no usable fee scalar: {0}")]
    Scalar(opal_types::ScalarError),
    /// The data file of a fork is damaged.
    #[error("the upgrade transactions of {} cannot be read", .fork.name())]
    Upgrade {
        /// The fork.
        fork: Fork,
    },
    /// L1 and the agreed block contradict each other.
    #[error("the agreed block does not stand on this L1: {0}")]
    Contradiction(ResetReason),
    /// A block of deposits alone is always valid (D14).
    #[error("block {number} is invalid although it has deposits alone")]
    InvalidDeposits {
        /// Height of the block.
        number: u64,
    },
}

/// Why an executed block is not the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcceptError {
    /// Nothing was asked for.
    #[error("no attributes are waiting for a block")]
    NothingWaits,
    /// The block stands elsewhere.
    #[error("block {number} builds on {found}, the attributes on {wanted}")]
    OtherParent {
        /// Height of the block.
        number: u64,
        /// Parent of the attributes.
        wanted: B256,
        /// Parent of the block.
        found: B256,
    },
    /// The block cannot be read.
    #[error(transparent)]
    Block(#[from] HeadError),
}

/// Where the machine is.
#[derive(Debug)]
enum Phase {
    Finding(Box<SyncStart>),
    Rewinding(Box<Rewind>),
    Running(Box<Running>),
}

/// Reading L1.
#[derive(Debug)]
struct Running {
    cx: Context,
    pipeline: Pipeline,
    /// The last accepted block; behind it `safe` while a span batch is incomplete.
    pending: L2Head,
    safe: L2Head,
    handed: Option<Derived>,
}

/// See the module.
#[derive(Debug)]
pub struct Derivation {
    config: ChainConfig,
    l1: L1Config,
    heads: Heads,
    is_agreed: bool,
    explains: bool,
    phase: Phase,
    facts: Facts,
    notes: Vec<Note>,
}

impl Derivation {
    /// A machine for this chain on this L1.
    pub fn new(config: ChainConfig, l1: L1Config, begin: &Begin) -> Result<Self, StartError> {
        if config.alt_da.is_some() {
            return Err(StartError::AltDa);
        }
        let reference = |block: &L2Block| L2Head::reference(&config, block);
        let (heads, is_agreed) = match begin {
            Begin::Agreed(block) => {
                let safe = reference(block)?;
                (Heads { unsafe_head: safe, safe, finalized: safe }, true)
            }
            Begin::Heads(heads) => (
                Heads {
                    unsafe_head: reference(&heads.unsafe_head)?,
                    safe: reference(&heads.safe)?,
                    finalized: reference(&heads.finalized)?,
                },
                false,
            ),
        };
        let phase = Self::first_phase(heads, is_agreed);
        let (facts, notes) = (Facts::default(), Vec::new());
        Ok(Self { config, l1, heads, is_agreed, explains: false, phase, facts, notes })
    }

    fn first_phase(heads: Heads, is_agreed: bool) -> Phase {
        if is_agreed {
            Phase::Rewinding(Box::new(Rewind::new(heads.safe)))
        } else {
            Phase::Finding(Box::new(SyncStart::new(heads)))
        }
    }

    /// Keeps notes about what is dropped from now on; take them often with `take_notes`.
    pub fn explain(&mut self) {
        self.explains = true;
        if let Phase::Running(running) = &mut self.phase {
            running.cx.explains = true;
        }
    }

    /// The notes since the last call.
    pub fn take_notes(&mut self) -> Vec<Note> {
        if let Phase::Running(running) = &mut self.phase {
            self.notes.extend(running.cx.take_notes());
        }
        core::mem::take(&mut self.notes)
    }

    /// Newest block known to be derived from L1.
    pub const fn safe_head(&self) -> &L2Ref {
        &self.heads.safe
    }

    /// Newest block that L1 does not contradict.
    pub const fn unsafe_head(&self) -> &L2Ref {
        &self.heads.unsafe_head
    }

    /// The L1 block that is being read, once the start is found.
    pub fn l1_origin(&self) -> Option<&L1Header> {
        match &self.phase {
            Phase::Running(running) => Some(&running.cx.origin),
            _ => None,
        }
    }

    /// This block will not be taken back any more (D26).
    pub fn finalize(&mut self, block: L2Ref) {
        if block.number > self.heads.finalized.number {
            self.heads.finalized = block;
        }
    }

    /// The newest block is this one now: a sequencer or a peer made it, or it was taken back. A reset starts from it.
    pub const fn follow_unsafe(&mut self, block: L2Ref) {
        self.heads.unsafe_head = block;
    }

    /// Answers a request. A fact that answers no open question changes nothing.
    pub fn supply(&mut self, request: &Request, fact: Fact) -> Result<(), FactError> {
        self.facts().supply(request, fact)
    }

    fn facts(&mut self) -> &mut Facts {
        match &mut self.phase {
            Phase::Running(running) => &mut running.cx.facts,
            _ => &mut self.facts,
        }
    }

    /// Goes on until something is wanted.
    pub fn step(&mut self) -> Result<Step, Fault> {
        loop {
            let pause = match self.advance() {
                Ok(Some(step)) => return Ok(step),
                Ok(None) => Pause::Again,
                Err(pause) => pause,
            };
            match pause {
                Pause::Need(request) => return Ok(Step::Need(request)),
                Pause::OutOfData => {
                    self.facts().clear();
                    return Ok(Step::Idle);
                }
                Pause::Again => self.facts().clear(),
                Pause::Reset(reason) if self.is_agreed => return Err(Fault::Contradiction(reason)),
                Pause::Reset(reason) => {
                    self.restart(reason);
                    // Only time helps here: L1 has to grow again.
                    if matches!(reason, ResetReason::L1Shorter { .. }) {
                        return Ok(Step::Idle);
                    }
                }
                Pause::Halt(fault) => return Err(fault),
            }
        }
    }

    /// Starts again from the heads that L1 still bears.
    pub fn reset(&mut self) {
        self.restart(ResetReason::Requested);
    }

    fn restart(&mut self, reason: ResetReason) {
        if self.explains {
            let l1 = self.l1_origin().map_or(self.heads.safe.l1_origin, L1Header::id);
            self.notes = self.take_notes();
            self.notes.push(Note { l1, item: Item::Pipeline, reason: Reason::Reset { reason } });
        }
        self.facts = Facts::default();
        self.phase = Self::first_phase(self.heads, self.is_agreed);
    }

    fn advance(&mut self) -> Result<Option<Step>, Pause> {
        match &mut self.phase {
            Phase::Finding(search) => {
                self.heads = search.run(&self.config, &mut self.facts)?;
                self.phase = Phase::Rewinding(Box::new(Rewind::new(self.heads.safe)));
            }
            Phase::Rewinding(rewind) => {
                let base = rewind.run(&self.config, &mut self.facts)?;
                self.run_from(base);
                let Heads { unsafe_head, safe, .. } = self.heads;
                return Ok(Some(Step::Started(Started { unsafe_head, safe })));
            }
            Phase::Running(running) => return running.advance().map(|it| Some(Step::Ready(it))),
        }
        Ok(None)
    }

    fn run_from(&mut self, base: Base) {
        let (config, l1) = (self.config.clone(), self.l1.clone());
        let mut cx = Context::new(config, l1, Facts::default(), base.origin);
        cx.explains = self.explains;
        let pipeline = Pipeline::new(base.system_config, &cx);
        let (pending, safe) = (base.safe.clone(), base.safe);
        self.phase =
            Phase::Running(Box::new(Running { cx, pipeline, pending, safe, handed: None }));
    }

    /// The attributes became this block. Says so if blocks became safe by it.
    pub fn accept(&mut self, block: &L2Block) -> Result<Option<SafeUpdate>, AcceptError> {
        let Phase::Running(running) = &mut self.phase else {
            return Err(AcceptError::NothingWaits);
        };
        let Some(derived) = &running.handed else { return Err(AcceptError::NothingWaits) };
        let (wanted, found) = (derived.parent.hash, block.header.parent_hash);
        if wanted != found {
            return Err(AcceptError::OtherParent { number: block.header.number, wanted, found });
        }
        let head = L2Head::of(&running.cx.config, block)?;
        let (l1, safe) = (derived.derived_from, head.block);
        let concludes = derived.concludes;
        running.handed = None;
        running.pending = head;
        if safe.number >= self.heads.unsafe_head.number {
            self.heads.unsafe_head = safe;
        }
        if !concludes {
            return Ok(None);
        }
        running.safe = running.pending.clone();
        self.heads.safe = safe;
        Ok(Some(SafeUpdate { l1, safe }))
    }

    /// The execution engine found the attributes invalid (D14).
    pub fn refuse(&mut self) -> Result<(), Fault> {
        let Phase::Running(running) = &mut self.phase else { return Ok(()) };
        running.refuse()?;
        if running.pending.block.number < self.heads.unsafe_head.number {
            self.heads.unsafe_head = running.pending.block;
        }
        Ok(())
    }
}

impl Running {
    fn advance(&mut self) -> Result<Box<Derived>, Pause> {
        if let Some(derived) = &self.handed {
            return Ok(Box::new(derived.clone()));
        }
        let next = self.pipeline.next(&self.pending, &mut self.cx)?;
        let derived = Derived {
            parent: self.pending.block,
            attributes: next.attributes,
            derived_from: self.cx.origin.id(),
            concludes: next.concludes,
            is_holocene: self.cx.reads_under(Fork::Holocene),
        };
        self.cx.facts.clear();
        self.handed = Some(derived.clone());
        Ok(Box::new(derived))
    }

    /// From Holocene the block keeps its deposits alone, and its channel is dropped. Before, the batch is
    /// dropped, together with the blocks of its span that came before it.
    fn refuse(&mut self) -> Result<(), Fault> {
        let Some(derived) = self.handed.take() else { return Ok(()) };
        let number = derived.parent.number.saturating_add(1);
        if derived.is_deposits_only() {
            return Err(Fault::InvalidDeposits { number });
        }
        let item = Item::Attributes { number };
        if !derived.is_holocene {
            self.cx.note(item, Reason::InvalidAttributes);
            self.pending = self.safe.clone();
            return Ok(());
        }
        self.cx.note(item, Reason::DepositsOnly);
        self.pipeline.flush(&mut self.cx);
        let mut derived = derived;
        derived.attributes.transactions.retain(|raw| raw.first() == Some(&DEPOSIT));
        // Nothing of the span is left: what came before it is safe with it.
        derived.concludes = true;
        self.handed = Some(derived);
        Ok(())
    }
}
