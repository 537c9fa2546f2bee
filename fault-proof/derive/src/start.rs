//! Where derivation starts: which L2 blocks still stand on L1, and from which L1 block to read (D25).
//!
//! Start with [`Begin`]. [`SyncStart`] walks back over the L2 chain until L1 is sure to contain all that made a
//! block safe; [`Rewind`] walks on until no open channel can be missed.
//!
//! **Invariant:** one block at a time; what was seen is kept in a few fields, never as a list.

use crate::{
    Fault, HeadError, L2Block, L2Head,
    context::Context,
    fact::{Facts, Pause, Request},
    note::ResetReason,
};
use alloc::boxed::Box;
use alloy_primitives::B256;
use opal_types::{BlockId, ChainConfig, L1Header, L2Ref, SystemConfig};

/// More than so many sequencing windows are not taken back.
const MAX_REORG_WINDOWS: u64 = 5;

/// What is known about the L2 chain at the beginning.
#[derive(Clone, Debug)]
pub enum Begin {
    /// This block is agreed to be safe, and L1 does not change: a proof.
    Agreed(Box<L2Block>),
    /// The blocks that an engine holds under these names; L1 may have left them.
    Heads(Box<EngineHeads>),
}

/// What an engine calls its blocks.
#[derive(Clone, Debug)]
pub struct EngineHeads {
    /// Newest block.
    pub unsafe_head: L2Block,
    /// Newest block known to be derived from L1.
    pub safe: L2Block,
    /// Newest block derived from finalized L1 blocks.
    pub finalized: L2Block,
}

/// Why the L2 chain at hand cannot be continued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// The first L2 block is another one.
    #[error("the L2 chain starts with {found}, the config says {wanted}")]
    OtherL2Genesis {
        /// Hash in the config.
        wanted: B256,
        /// Hash of the chain's first block.
        found: B256,
    },
    /// The first L2 block stands on another L1.
    #[error("L1 has {found} where the config says {wanted}")]
    OtherL1Genesis {
        /// Hash in the config.
        wanted: B256,
        /// Hash of the L1 block at its height.
        found: B256,
    },
    /// A finalized block is not on the chain.
    #[error("the chain has {found} at the height of finalized block {finalized}")]
    FinalizedReorg {
        /// Hash of the finalized block.
        finalized: B256,
        /// Hash of the chain's block.
        found: B256,
    },
    /// L1 went back too far.
    #[error("block {to} is more than {MAX_REORG_WINDOWS} sequencing windows below block {from}")]
    TooDeep {
        /// Newest block before.
        from: u64,
        /// Newest block that L1 still bears.
        to: u64,
    },
    /// Two L2 blocks contradict each other.
    #[error("L2 block {number} does not follow from its parent by its L1 origin")]
    BrokenChain {
        /// Height of the later block.
        number: u64,
    },
    /// A block cannot be read.
    #[error(transparent)]
    Block(#[from] HeadError),
    /// Batches of such a chain lie elsewhere (D28).
    #[error("the chain keeps its batches outside of L1, which opal does not derive")]
    AltDa,
}

impl From<StartError> for Pause {
    fn from(error: StartError) -> Self {
        Self::Halt(Fault::Start(error))
    }
}

/// The heads that L1 still bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Heads {
    pub(crate) unsafe_head: L2Ref,
    pub(crate) safe: L2Ref,
    pub(crate) finalized: L2Ref,
}

/// Finds the newest L2 block whose L1 origin is plausible and the newest one that is surely safe.
#[derive(Clone, Debug)]
pub(crate) struct SyncStart {
    before: Heads,
    /// The block that is looked at.
    at: L2Ref,
    unsafe_head: Option<L2Ref>,
    /// The newest block whose origin L1 has.
    canonical: Option<L2Ref>,
    /// L1 block at the height of the last origin; `None` inside = L1 does not reach that far.
    l1: Option<(BlockId, Option<L1Header>)>,
    is_ready: bool,
}

impl SyncStart {
    pub(crate) const fn new(before: Heads) -> Self {
        let at = before.unsafe_head;
        Self { before, at, unsafe_head: Some(at), canonical: None, l1: None, is_ready: false }
    }

    /// Walks until a fact is missing or the heads are found.
    pub(crate) fn run(&mut self, config: &ChainConfig, facts: &mut Facts) -> Result<Heads, Pause> {
        loop {
            self.look_up_origin(facts)?;
            self.check_ends(config)?;
            self.judge(config)?;
            if self.at.number == self.before.finalized.number {
                return Ok(self.found(self.at));
            }
            let parent = self.parent(config, facts)?;
            let is_ready = core::mem::take(&mut self.is_ready);
            if is_ready {
                return Ok(self.found(parent));
            }
            self.at = parent;
            facts.clear();
        }
    }

    fn found(&self, safe: L2Ref) -> Heads {
        let unsafe_head = self.unsafe_head.unwrap_or(safe);
        Heads { unsafe_head, safe, finalized: self.before.finalized }
    }

    fn look_up_origin(&mut self, facts: &mut Facts) -> Result<(), Pause> {
        let origin = self.at.l1_origin;
        if self.l1.as_ref().is_none_or(|(known, _)| *known != origin) {
            let header = facts.l1_header(Request::L1Header { number: origin.number })?.clone();
            self.l1 = Some((origin, header));
        }
        Ok(())
    }

    fn l1(&self) -> Option<&L1Header> {
        self.l1.as_ref().and_then(|(_, header)| header.as_ref())
    }

    /// The chain's first block and the finalized one are never given up.
    fn check_ends(&self, config: &ChainConfig) -> Result<(), StartError> {
        let (at, genesis) = (&self.at, &config.genesis);
        if at.number == genesis.l2.number {
            if at.hash != genesis.l2.hash {
                let (wanted, found) = (genesis.l2.hash, at.hash);
                return Err(StartError::OtherL2Genesis { wanted, found });
            }
            if let Some(l1) = self.l1().filter(|l1| l1.hash != genesis.l1.hash) {
                let (wanted, found) = (genesis.l1.hash, l1.hash);
                return Err(StartError::OtherL1Genesis { wanted, found });
            }
        }
        let finalized = self.before.finalized;
        if at.number == finalized.number && at.hash != finalized.hash {
            let (finalized, found) = (finalized.hash, at.hash);
            return Err(StartError::FinalizedReorg { finalized, found });
        }
        Ok(())
    }

    fn judge(&mut self, config: &ChainConfig) -> Result<(), StartError> {
        let at = self.at;
        let window = config.seq_window_size;
        if self.unsafe_head.is_none() {
            self.unsafe_head = Some(at);
            let from = self.before.unsafe_head;
            let reach = window.saturating_mul(MAX_REORG_WINDOWS);
            if at.l1_origin.number.saturating_add(reach) < from.l1_origin.number {
                return Err(StartError::TooDeep { from: from.number, to: at.number });
            }
        }
        match self.l1().map(|l1| l1.hash == at.l1_origin.hash) {
            // L1 may only not have come that far yet.
            None => self.canonical = None,
            Some(true) => self.canonical = self.canonical.or(Some(at)),
            Some(false) => {
                self.unsafe_head = None;
                self.canonical = None;
            }
        }
        let reaches =
            |top: L2Ref| at.l1_origin.number.saturating_add(window) < top.l1_origin.number;
        self.is_ready = at.number <= self.before.safe.number
            && self.canonical.is_some_and(reaches)
            && at.sequence_number == 0;
        Ok(())
    }

    fn parent(&self, config: &ChainConfig, facts: &mut Facts) -> Result<L2Ref, Pause> {
        let at = &self.at;
        let block = facts.l2_block(Request::L2Block { hash: at.parent_hash })?;
        let parent = L2Head::reference(config, block).map_err(StartError::Block)?;
        let fits = if parent.l1_origin == at.l1_origin {
            parent.sequence_number.checked_add(1) == Some(at.sequence_number)
        } else {
            let is_next = parent.l1_origin.number.checked_add(1) == Some(at.l1_origin.number);
            let l1 = self.l1().filter(|l1| l1.hash == at.l1_origin.hash);
            let links = l1.is_none_or(|l1| l1.parent_hash == parent.l1_origin.hash);
            is_next && at.sequence_number == 0 && links
        };
        let number = at.number;
        fits.then_some(parent).ok_or_else(|| StartError::BrokenChain { number }.into())
    }
}

/// Finds the L1 block to read from: no channel that is still open at the safe head began before it.
#[derive(Clone, Debug)]
pub(crate) struct Rewind {
    safe: L2Ref,
    at: L2Ref,
}

/// Where reading starts.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) safe: L2Head,
    pub(crate) origin: L1Header,
    pub(crate) system_config: SystemConfig,
}

impl Rewind {
    pub(crate) const fn new(safe: L2Ref) -> Self {
        Self { safe, at: safe }
    }

    /// Walks until a fact is missing or the block is found. Within an epoch all blocks say the same, so whole
    /// epochs are stepped over.
    pub(crate) fn run(&mut self, config: &ChainConfig, facts: &mut Facts) -> Result<Base, Pause> {
        loop {
            let at = self.at;
            let origin = origin_of(&at, facts)?;
            let timeout = Context::timeout_at(config, origin.timestamp);
            let may_be_open =
                at.l1_origin.number.saturating_add(timeout) > self.safe.l1_origin.number;
            let genesis = &config.genesis;
            if at.number <= genesis.l2.number
                || at.l1_origin.number <= genesis.l1.number
                || !may_be_open
            {
                return self.base(origin, config, facts);
            }
            let first = at.number.saturating_sub(at.sequence_number);
            let number = first.saturating_sub(1).max(genesis.l2.number);
            let request = Request::L2Ancestor { descendant: at.hash, number };
            let block = facts.l2_ancestor(request)?;
            self.at = L2Head::reference(config, block).map_err(StartError::Block)?;
            facts.clear();
        }
    }

    fn base(
        &self,
        origin: L1Header,
        config: &ChainConfig,
        facts: &mut Facts,
    ) -> Result<Base, Pause> {
        let system_config = head_of(self.at.hash, config, facts)?.system_config;
        let safe = head_of(self.safe.hash, config, facts)?;
        Ok(Base { safe, origin, system_config })
    }
}

fn head_of(hash: B256, config: &ChainConfig, facts: &mut Facts) -> Result<L2Head, Pause> {
    let block = facts.l2_block(Request::L2Block { hash })?;
    Ok(L2Head::of(config, block).map_err(StartError::Block)?)
}

/// The L1 origin of an L2 block, which L1 must have.
fn origin_of(block: &L2Ref, facts: &mut Facts) -> Result<L1Header, Pause> {
    let BlockId { number, hash: expected } = block.l1_origin;
    let header = facts.l1_header(Request::L1Header { number })?;
    let Some(header) = header else {
        return Err(Pause::Reset(ResetReason::L1Shorter { number }));
    };
    let found = header.hash;
    if found != expected {
        return Err(Pause::Reset(ResetReason::OtherOrigin { number, expected, found }));
    }
    Ok(header.clone())
}
