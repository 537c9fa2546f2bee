//! Derivation's questions answered, its blocks executed.
//!
//! Start with [`Driver::derive`].
//!
//! **Invariant:** a block becomes safe only after the engine holds it; a missing fact is waited for, and is
//! never an answer.

use super::{Driver, Trouble, Work, inquiry::Inquiry, labels::forkchoice};
use crate::{
    LabelHashes, SafeEntry,
    handle::beginning,
    sync::{Action, Compared, Present},
};
use alloy_primitives::{B256, Sealed};
use opal_derive::{Derived, Fact, L2Block, Request, SafeUpdate};
use opal_engine::{BuildAttributes, HandleError, InsertStatus};
use opal_sources::{SourceError, SourceRemedy, Sources};
use opal_types::{L1Header, L2Ref, PayloadEnvelope};
use std::sync::Arc;

/// Work of one tick.
const BUDGET: u32 = 256;
/// The same while blocks are sequenced here.
const SEQUENCING_BUDGET: u32 = 64;
/// What executing a block takes of it; everything else takes one.
const EXECUTION_COST: u32 = 8;

/// What came of a question.
#[derive(Debug)]
pub(super) enum Answer {
    /// To derivation's question.
    Fact(Request, Fact),
    /// L1's lowest block, for the records.
    Lowest(Option<L1Header>),
    /// It has no answer now.
    None(SourceError),
}

/// Derivation's dealings with L1.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) inquiry: Inquiry<Answer>,
    /// L1 head at which nothing was left to read.
    idle_at: Option<B256>,
    /// The first L2 block is safe from L1's lowest block on: that block is wanted for the records.
    wants_lowest: bool,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self { inquiry: Inquiry::new(), idle_at: None, wants_lowest: false }
    }

    pub(super) fn forget(&mut self) {
        *self = Self::new();
    }
}

/// Says what a question is about, for people.
fn describe(request: &Request) -> String {
    match request {
        Request::L1Header { number } => format!("L1 block {number}"),
        Request::L1Transactions { block } => format!("transactions of L1 block {block}"),
        Request::L1Receipts { block } => format!("receipts of L1 block {block}"),
        Request::Blobs { block, hashes, .. } => {
            format!("{} blobs of L1 block {block}", hashes.len())
        }
        Request::Signer { hash, .. } => format!("signer of {hash}"),
        Request::L2Block { hash } => format!("L2 block {hash}"),
        Request::L2Ancestor { descendant, number } => {
            format!("L2 block {number} below {descendant}")
        }
        Request::L2Transactions { block } => format!("transactions of L2 block {block}"),
    }
}

async fn ask(sources: Arc<Sources>, request: Request) -> Answer {
    match sources.answer(&request).await {
        Ok(fact) => Answer::Fact(request, fact),
        Err(error) => Answer::None(error),
    }
}

async fn ask_lowest(sources: Arc<Sources>) -> Answer {
    sources.l1_header(0).await.map_or_else(Answer::None, Answer::Lowest)
}

/// What became of attributes.
enum Built {
    Block(Box<L2Block>),
    Refused(String),
}

impl Driver {
    /// Follows L1 as far as this tick's share of work reaches.
    pub(super) async fn derive(&mut self, work: &mut Work) -> Result<(), Trouble> {
        let is_sequencing = self.sequencing.as_ref().is_some_and(|it| it.machine.is_active());
        let mut budget = if is_sequencing { SEQUENCING_BUDGET } else { BUDGET };
        while budget > 0 {
            if self.reading.inquiry.is_asked() {
                if !self.take_answer(work).await? {
                    return Ok(());
                }
                budget = budget.saturating_sub(1);
                continue;
            }
            if !self.reading.inquiry.is_free(work.now_ms) || self.is_idle() {
                return Ok(());
            }
            if self.reading.wants_lowest {
                let ask = ask_lowest(Arc::clone(&self.parts.sources));
                self.reading.inquiry.ask("lowest L1 block".to_owned(), ask);
                continue;
            }
            let Some(cost) = self.step(work).await? else { return Ok(()) };
            budget = budget.saturating_sub(cost);
        }
        work.is_unfinished = true;
        Ok(())
    }

    /// One action of the machine. Tells its cost, or `None` if nothing is left to do.
    async fn step(&mut self, work: &mut Work) -> Result<Option<u32>, Trouble> {
        let Some(sync) = &mut self.sync else { return Ok(None) };
        let was_running = sync.is_running();
        let action = sync.next_action()?;
        for note in sync.take_notes() {
            tracing::info!(l1 = note.l1.number, item = %note.item, reason = %note.reason, "derivation");
        }
        if was_running && !sync.is_running() {
            tracing::warn!("derivation looks for a new start");
            self.forget_read_ahead();
            self.park_sequencer();
        }
        match action {
            Action::Answer(request) => {
                self.answer(request).await?;
                Ok(Some(1))
            }
            Action::Started(safe) => {
                self.note_start(&safe)?;
                work.progressed = true;
                Ok(Some(1))
            }
            Action::Compare { descendant, number } => {
                self.compare(descendant, number).await?;
                work.progressed = true;
                Ok(Some(1))
            }
            Action::Execute(derived) => {
                self.execute(&derived).await?;
                work.progressed = true;
                Ok(Some(EXECUTION_COST))
            }
            Action::Idle => {
                self.rest(work.now_ms);
                Ok(None)
            }
        }
    }

    /// Nothing is left to read until L1 grows. Where it has grown by its own account, it is asked again.
    fn rest(&mut self, now_ms: u64) {
        let origin = self.sync.as_ref().and_then(|it| it.l1_origin()).map(|it| it.number);
        let next = origin.map(|it| it.saturating_add(1));
        let trouble = match next {
            Some(next)
                if self.l1.head.is_some() && self.l1.shows(next, self.parts.verifier_confs) =>
            {
                format!("L1 does not tell its block {next}")
            }
            Some(_) => {
                self.reading.idle_at = self.l1.head.as_ref().map(|it| it.hash);
                self.standstill.clear();
                return;
            }
            None => "L1 is shorter than the L2 chain says".to_owned(),
        };
        self.reading.inquiry.backoff.failed(trouble, now_ms);
    }

    /// Whether L1 is as it was when nothing was left to read.
    fn is_idle(&self) -> bool {
        let head = self.l1.head.as_ref().map(|it| it.hash);
        head.is_some() && self.reading.idle_at == head
    }

    /// What the engine knows is answered at once, the rest is asked for.
    async fn answer(&mut self, request: Request) -> Result<(), Trouble> {
        let engine = &self.parts.engine;
        let fact = match &request {
            Request::L1Header { number } if !self.l1.shows(*number, self.parts.verifier_confs) => {
                Fact::L1Header(None)
            }
            Request::L2Block { hash } => {
                let block = engine.block(*hash).await?;
                Fact::L2Block(beginning(&block.ok_or_else(|| lost(&request))?))
            }
            Request::L2Ancestor { descendant, number } => {
                let block = engine.ancestor(*descendant, *number).await?;
                Fact::L2Ancestor(beginning(&block.ok_or_else(|| lost(&request))?))
            }
            Request::L2Transactions { block } => {
                let block = engine.block(*block).await?;
                Fact::L2Transactions(block.ok_or_else(|| lost(&request))?.transactions)
            }
            _ => {
                let what = describe(&request);
                let ask = ask(Arc::clone(&self.parts.sources), request);
                self.reading.inquiry.ask(what, ask);
                return Ok(());
            }
        };
        self.supply(&request, fact)
    }

    fn supply(&mut self, request: &Request, fact: Fact) -> Result<(), Trouble> {
        let Some(sync) = &mut self.sync else { return Ok(()) };
        Ok(sync.supply(request, fact)?)
    }

    /// Takes the answer of L1. False if there is none yet.
    async fn take_answer(&mut self, work: &mut Work) -> Result<bool, Trouble> {
        let Some(answer) = self.reading.inquiry.outcome(work.patience).await else {
            return Ok(false);
        };
        match answer {
            Answer::Fact(request, fact) => {
                self.reading.inquiry.backoff.succeeded();
                self.supply(&request, fact)?;
            }
            Answer::Lowest(header) => {
                self.reading.inquiry.backoff.succeeded();
                self.reading.wants_lowest = false;
                let safe = self.parts.config.genesis.l2;
                if let Some(header) = header {
                    self.parts.safe_db.record(SafeEntry { l1: header.id(), safe });
                }
            }
            Answer::None(error) => {
                self.miss(&error, work.now_ms);
                return Ok(false);
            }
        }
        work.progressed = true;
        Ok(true)
    }

    /// A question has no answer now: it is asked again later, unless L1 has dropped what it is about.
    fn miss(&mut self, error: &SourceError, now_ms: u64) {
        if error.remedy() == SourceRemedy::Reset {
            tracing::warn!(%error, "L1 has dropped a block that is being read");
            return self.reset_derivation();
        }
        if self.reading.inquiry.backoff.failed(error.to_string(), now_ms) {
            tracing::warn!(%error, "derivation waits");
        }
    }

    /// Derivation starts again from the heads that L1 still bears.
    pub(super) fn reset_derivation(&mut self) {
        self.reading.forget();
        self.forget_read_ahead();
        if let Some(sync) = &mut self.sync {
            sync.reset();
        }
        self.park_sequencer();
    }

    /// L1 may be another than it was when its next blocks were read.
    pub(super) fn forget_read_ahead(&mut self) {
        self.parts.sources = Arc::new(self.parts.sources.as_ref().clone());
    }

    /// The start is found: later safe heads are forgotten.
    fn note_start(&mut self, safe: &L2Ref) -> Result<(), Trouble> {
        self.counts.starts = self.counts.starts.saturating_add(1);
        self.parts.safe_db.reset(safe)?;
        self.reading.wants_lowest = safe.id() == self.parts.config.genesis.l2;
        if let Some(sync) = &self.sync {
            let unsafe_head = sync.labels().unsafe_head.number;
            tracing::info!(safe = safe.number, unsafe_head, "derivation starts");
        }
        Ok(())
    }

    async fn compare(&mut self, descendant: B256, number: u64) -> Result<(), Trouble> {
        let block = self.parts.engine.ancestor(descendant, number).await?;
        let Some(sync) = &mut self.sync else { return Ok(()) };
        let present = block
            .as_ref()
            .map(|block| Present { header: &block.header, transactions: &block.transactions });
        match sync.compared(present)? {
            Compared::Same(update) => self.record(update),
            Compared::Differs(difference) => {
                tracing::warn!(number, %difference, "an unsafe block is replaced by the derived one");
            }
            Compared::Absent => {
                let text = format!("the engine has no block {number} below {descendant}");
                return Err(Trouble::Lost(text));
            }
        }
        Ok(())
    }

    fn record(&mut self, update: Option<SafeUpdate>) {
        self.standstill.clear();
        if let Some(SafeUpdate { l1, safe }) = update {
            self.parts.safe_db.record(SafeEntry { l1, safe: safe.id() });
        }
    }

    async fn execute(&mut self, derived: &Derived) -> Result<(), Trouble> {
        let built = self.build(derived).await?;
        let Some(sync) = &mut self.sync else { return Ok(()) };
        match built {
            Built::Block(block) => {
                let update = sync.executed(&block)?;
                self.counts.executed = self.counts.executed.saturating_add(1);
                self.engine_backoff.succeeded();
                self.record(update);
            }
            Built::Refused(reason) => {
                let number = derived.parent.number.saturating_add(1);
                tracing::warn!(number, reason, "the engine refuses derived attributes");
                self.counts.refused = self.counts.refused.saturating_add(1);
                sync.refused()?;
            }
        }
        Ok(())
    }

    /// Builds and inserts a derived block. It becomes the engine's head with the next labels.
    async fn build(&mut self, derived: &Derived) -> Result<Built, Trouble> {
        let Some(sync) = &self.sync else { return Err(Trouble::Lost("no heads".to_owned())) };
        let labels = LabelHashes { head: derived.parent.hash, ..sync.labels().hashes() };
        let attributes = BuildAttributes::from(&derived.attributes);
        let engine = &self.parts.engine;
        // The engine's head moves, whatever becomes of the block.
        self.told = None;
        let id = match engine.build(forkchoice(labels), &attributes).await {
            Ok(id) => id,
            Err(error) => return refusal(error),
        };
        let payload = match engine.payload(id, attributes.timestamp).await {
            Ok(payload) => payload,
            Err(error) => return refusal(error),
        };
        match engine.insert(&payload).await? {
            InsertStatus::Valid { .. } => block_of(&payload).map(Built::Block),
            InsertStatus::Invalid { reason, .. } => Ok(Built::Refused(reason)),
            InsertStatus::Syncing => {
                Err(Trouble::Lost(format!("the engine does not know block {}", labels.head)))
            }
        }
    }
}

fn lost(request: &Request) -> Trouble {
    Trouble::Lost(format!("the engine lacks {}", describe(request)))
}

/// Only what the engine says of the attributes themselves counts as a refusal (D14).
fn refusal(error: HandleError) -> Result<Built, Trouble> {
    if error.is_invalid_attributes() {
        return Ok(Built::Refused(error.to_string()));
    }
    Err(error.into())
}

/// A payload's beginning, if it has the hash that it says.
pub(super) fn block_of(payload: &PayloadEnvelope) -> Result<Box<L2Block>, Trouble> {
    let header = payload.header().map_err(|error| Trouble::Wait(error.to_string()))?;
    let (claimed, computed) = (payload.block_hash, header.hash_slow());
    if claimed != computed {
        let text = format!("the engine calls block {computed} {claimed}");
        return Err(Trouble::Wait(text));
    }
    let first_transaction = payload.transactions.first().cloned();
    Ok(Box::new(L2Block { header: Sealed::new_unchecked(header, computed), first_transaction }))
}
