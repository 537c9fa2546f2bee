//! One chain from an agreed block on: derives it from L1, executes what was derived, stops at the target or where L1
//! ends. Claims about output roots ask this once, claims about super roots once for each chain.
//!
//! Start with [`derive_to`].
//!
//! **Invariant:** only blocks that L1 has made safe count: those of an incomplete span batch do not (D10).

use crate::{
    HintKind, Oracle, PreimageKey, Undetermined,
    facts::{Facts, l2},
    reader::Reader,
};
use alloc::{boxed::Box, string::ToString, vec::Vec};
use alloy_consensus::Header;
use alloy_primitives::{B256, Sealed};
use opal_derive::{Begin, Derivation, Derived, L2Block, Request, Step};
use opal_execute::{Crypto, Error, Outcome, StateRead, TrieState, predeploys::MESSAGE_PASSER};
use opal_types::{ChainConfig, Fork, L1Config, OutputRoot};

/// What to derive.
#[derive(Clone, Copy, Debug)]
pub struct ChainTask<'a> {
    /// Rules of the chain.
    pub config: &'a ChainConfig,
    /// Rules of its L1.
    pub l1: &'a L1Config,
    /// Newest L1 block that counts.
    pub l1_head: B256,
    /// Output root to start from.
    pub agreed: B256,
    /// Height to reach.
    pub target: u64,
}

/// A safe block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafeBlock {
    /// Height.
    pub number: u64,
    /// What claims about it commit to; the block's hash is in it.
    pub output: OutputRoot,
}

/// How far a chain came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The agreed block.
    pub agreed: SafeBlock,
    /// Every safe block after it up to the target, ascending.
    pub blocks: Vec<SafeBlock>,
}

impl Reached {
    /// The target, or the last safe block where L1 ends before it.
    pub fn last(&self) -> &SafeBlock {
        self.blocks.last().unwrap_or(&self.agreed)
    }
}

/// Derives and executes until the target is safe or L1 has nothing more.
pub fn derive_to<O: Oracle>(
    task: &ChainTask<'_>,
    oracle: &mut O,
    crypto: &mut dyn Crypto,
) -> Result<Reached, Undetermined> {
    let reader = &Reader::new(oracle, task.config.l2_chain_id);
    let output = agreed_output(reader, task.agreed)?;
    let header = l2::header(reader, &output.block_hash)?;
    let number = header.number;
    if header.state_root != output.state_root {
        return Err(Undetermined::AgreedContradiction { number });
    }
    let agreed = SafeBlock { number, output };
    if task.target <= number {
        return Ok(Reached { agreed, blocks: Vec::new() });
    }
    let mut blocks = Run::start(task, reader, header)?.go(crypto)?;
    blocks.retain(|block| block.number <= task.target);
    Ok(Reached { agreed, blocks })
}

fn agreed_output<O: Oracle>(
    reader: &Reader<'_, O>,
    root: B256,
) -> Result<OutputRoot, Undetermined> {
    const WHAT: &str = "agreed output root";
    reader.hint_l2(HintKind::L2Output, &root);
    let key = PreimageKey::keccak(root);
    let bytes = reader.read(key, WHAT)?;
    OutputRoot::decode(&bytes).map_err(|_| Undetermined::Malformed { key, what: WHAT.to_string() })
}

/// A derivation under way.
struct Run<'r, 'a, O: Oracle> {
    task: &'r ChainTask<'r>,
    reader: &'r Reader<'a, O>,
    facts: Facts<'r, 'a, O>,
    derivation: Derivation,
    /// The block that was executed last, and the state after it.
    head: Sealed<Header>,
    state: TrieState<&'r Reader<'a, O>>,
    /// Blocks that are safe only with later ones of their span batch.
    pending: Vec<SafeBlock>,
    safe: Vec<SafeBlock>,
}

impl<'r, 'a, O: Oracle> Run<'r, 'a, O> {
    fn start(
        task: &'r ChainTask<'r>,
        reader: &'r Reader<'a, O>,
        head: Sealed<Header>,
    ) -> Result<Self, Undetermined> {
        let mut facts = Facts::new(reader, task.l1, task.l1_head)?;
        let begin = Begin::Agreed(Box::new(facts.l2.block(reader, &head.hash())?));
        let derivation = Derivation::new(task.config.clone(), task.l1.clone(), &begin)
            .map_err(opal_derive::Fault::Start)?;
        let state = TrieState::new(reader, &head);
        let (pending, safe) = (Vec::new(), Vec::new());
        Ok(Self { task, reader, facts, derivation, head, state, pending, safe })
    }

    /// The safe blocks up to the target and those that became safe together with it.
    fn go(mut self, crypto: &mut dyn Crypto) -> Result<Vec<SafeBlock>, Undetermined> {
        while self.safe.last().is_none_or(|block| block.number < self.task.target) {
            match self.derivation.step()? {
                Step::Need(request) => self.supply(&request, crypto)?,
                Step::Started(_) => {}
                Step::Ready(derived) => self.execute(*derived, crypto)?,
                Step::Idle => break,
            }
        }
        Ok(self.safe)
    }

    fn supply(&mut self, request: &Request, crypto: &mut dyn Crypto) -> Result<(), Undetermined> {
        let fact = self.facts.answer(request, crypto)?;
        self.derivation.supply(request, fact).map_err(internal)
    }

    fn execute(&mut self, derived: Derived, crypto: &mut dyn Crypto) -> Result<(), Undetermined> {
        if derived.parent.hash != self.head.hash() {
            self.go_back(&derived.parent.hash)?;
        }
        let config = self.task.config;
        let outcome =
            opal_execute::execute(config, &self.head, &derived.attributes, &mut self.state, crypto);
        match outcome {
            Ok(outcome) => self.accept(derived, outcome),
            Err(Error::Invalid(_)) => Ok(self.derivation.refuse()?),
            Err(error) => Err(not_executed(error)),
        }
    }

    /// An invalid block has taken those of its span batch before it back (D14).
    fn go_back(&mut self, parent: &B256) -> Result<(), Undetermined> {
        self.pending.clear();
        self.head = self.facts.l2.block(self.reader, parent)?.header;
        self.state.move_to(&self.head);
        Ok(())
    }

    fn accept(&mut self, derived: Derived, outcome: Outcome) -> Result<(), Undetermined> {
        let header = outcome.header;
        self.state.follow(&header);
        let message_passer_root =
            match header.withdrawals_root.filter(|_| self.is_isthmus(header.timestamp)) {
                Some(root) => root,
                None => self.state.storage_root(MESSAGE_PASSER)?,
            };
        let (state_root, block_hash) = (header.state_root, header.hash());
        let output = OutputRoot { state_root, message_passer_root, block_hash };
        self.pending.push(SafeBlock { number: header.number, output });
        self.head = header.clone();
        let transactions = derived.attributes.transactions;
        let block = L2Block { header, first_transaction: transactions.first().cloned() };
        if self.derivation.accept(&block).map_err(internal)?.is_some() {
            self.safe.append(&mut self.pending);
        }
        self.facts.l2.insert(block, transactions);
        Ok(())
    }

    /// From Isthmus the header carries the root itself.
    fn is_isthmus(&self, timestamp: u64) -> bool {
        self.task.config.forks.active(Fork::Isthmus, timestamp)
    }
}

fn not_executed(error: Error) -> Undetermined {
    match error {
        Error::Missing(key) => opal_execute::StateError::Absent(key).into(),
        Error::State(error) => error.into(),
        other => internal(other),
    }
}

fn internal(error: impl core::fmt::Display) -> Undetermined {
    Undetermined::Internal(error.to_string())
}
