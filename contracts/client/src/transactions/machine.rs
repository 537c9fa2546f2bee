//! Decides what is sent when. No I/O: [`Machine::observe`] takes what the chain says, [`Machine::actions`] tells what is
//! due, [`Machine::answered`] takes what came of it.
//!
//! A slot is a nonce that is in use here: a candidate on its way, or a filler where the chain has a gap (T35j).
//!
//! **Invariant:** a nonce holds one kind of transaction, and all slots that are not included hold the same kind: nodes
//! keep blob transactions and others of one account apart. A slot is given up only for another transaction that the
//! chain has with its nonce.

mod offer;
mod slot;

use super::{
    Candidate, CandidateId, Inclusion, QueueFull, TransactionEvent,
    answer::Answer,
    fees::{FeeLimits, Fees, Market},
};
use alloy_primitives::B256;
use slot::{Slot, State};
use std::collections::{BTreeMap, VecDeque};

/// Least time between two tries of the same thing.
const RETRY_MS: u64 = 500;
/// Gas of a transaction that does nothing.
const FILLER_GAS: u64 = 21_000;

/// How it decides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) confirmations: u64,
    pub(super) resubmission_timeout_ms: u64,
    pub(super) max_pending: usize,
    pub(super) max_queued: usize,
    pub(super) fees: FeeLimits,
}

/// The chain as it was just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// Height of the newest block.
    pub(super) head: u64,
    /// Its time, seconds.
    pub(super) time: u64,
    pub(super) market: Market,
    /// The account's transactions in the chain.
    pub(super) latest: u64,
    /// Those and the ones in the pool, as far as they follow without a gap.
    pub(super) pending: u64,
    /// Those in the chain a few blocks below what counts as confirmed.
    pub(super) settled: u64,
    /// Transactions of slots that are in the chain.
    pub(super) inclusions: Vec<(u64, Inclusion)>,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The front of the queue gets a nonce.
    Launch,
    /// The transaction with this nonce is sent: for the first time, again, or raised.
    Send { nonce: u64 },
}

/// A transaction to be signed and sent.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) candidate: Candidate,
    pub(super) gas_limit: u64,
    pub(super) fees: Fees,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Machine {
    rules: Rules,
    next_id: u64,
    queue: VecDeque<(CandidateId, Candidate)>,
    slots: BTreeMap<u64, Slot>,
    view: Option<View>,
    /// Nonces below are used up by transactions that were confirmed.
    floor: u64,
    /// The lowest nonce that the chain waits for, and since when.
    stuck: (u64, u64),
    hindrance: Option<String>,
    events: Vec<TransactionEvent>,
}

impl Machine {
    pub(super) fn new(rules: Rules) -> Self {
        Self {
            rules,
            next_id: 0,
            queue: VecDeque::new(),
            slots: BTreeMap::new(),
            view: None,
            floor: 0,
            stuck: (0, 0),
            hindrance: None,
            events: Vec::new(),
        }
    }

    pub(super) fn submit(&mut self, candidate: Candidate) -> Result<CandidateId, QueueFull> {
        let queued = self.queue.len();
        if queued >= self.rules.max_queued {
            return Err(QueueFull { queued });
        }
        let id = CandidateId(self.next_id);
        self.next_id += 1;
        self.queue.push_back((id, candidate));
        Ok(id)
    }

    pub(super) fn cancel(&mut self, id: CandidateId) {
        if let Some(at) = self.queue.iter().position(|(queued, _)| *queued == id) {
            self.queue.remove(at);
            return self.events.push(TransactionEvent::Cancelled { id });
        }
        let Some((&nonce, slot)) = self.slots.iter_mut().find(|(_, slot)| slot.id == Some(id))
        else {
            return;
        };
        if slot.is_pending() {
            slot.cancel();
            self.drop_if_unused(nonce);
        }
    }

    /// Forgets a cancelled slot that no node can have and no later one builds on.
    fn drop_if_unused(&mut self, nonce: u64) {
        let is_last = self.slots.last_key_value().is_some_and(|(last, _)| *last == nonce);
        let unused = self.slots.get(&nonce).is_some_and(|slot| !slot.may_be_taken);
        if is_last
            && unused
            && let Some(id) = self.slots.remove(&nonce).and_then(|it| it.id)
        {
            self.events.push(TransactionEvent::Cancelled { id });
        }
    }

    pub(super) fn open(&self) -> usize {
        self.queue.len() + self.slots.values().filter(|slot| slot.id.is_some()).count()
    }

    pub(super) fn hindrance(&self) -> Option<&str> {
        self.hindrance.as_deref()
    }

    pub(super) fn drain(&mut self) -> Vec<TransactionEvent> {
        std::mem::take(&mut self.events)
    }

    /// Time of the newest block, seconds.
    pub(super) fn time(&self) -> u64 {
        self.view.as_ref().map_or(0, |view| view.time)
    }

    /// Nonces in use here.
    pub(super) fn nonces(&self) -> impl Iterator<Item = u64> {
        self.slots.keys().copied()
    }

    /// Hashes to look for in the chain, by nonce: where nonces are used, and where they were.
    pub(super) fn hashes(&self, used: u64) -> Vec<(u64, B256)> {
        let is_open = |nonce: u64, slot: &Slot| nonce >= used && slot.is_pending();
        let slots = self.slots.iter().filter(|(nonce, slot)| !is_open(**nonce, slot));
        slots.flat_map(|(nonce, slot)| slot.hashes().map(|hash| (*nonce, hash))).collect()
    }

    /// Whether a candidate with blobs is queued or on its way.
    pub(super) fn has_blobs(&self) -> bool {
        let queued = self.queue.iter().any(|(_, candidate)| !candidate.blobs.is_empty());
        queued || self.slots.values().any(Slot::has_blobs)
    }

    /// Blocks below the head at which a nonce counts as used up for good.
    pub(super) fn settling_depth(&self) -> u64 {
        self.rules.confirmations.saturating_add(1)
    }

    /// Takes what the chain says.
    pub(super) fn observe(&mut self, now_ms: u64, view: View) {
        self.hindrance = None;
        for (nonce, inclusion) in &view.inclusions {
            self.included(*nonce, inclusion);
        }
        self.reorged(&view);
        self.confirmed(view.head);
        self.displaced(&view);
        if self.stuck.0 != view.latest {
            self.stuck = (view.latest, now_ms);
        }
        self.view = Some(view);
        if self.open() == 0 {
            self.slots.clear();
        }
    }

    fn included(&mut self, nonce: u64, inclusion: &Inclusion) {
        let Some(slot) = self.slots.get_mut(&nonce) else { return };
        let known = matches!(&slot.state, State::Included(old) if old == inclusion);
        if known {
            return;
        }
        slot.state = State::Included(inclusion.clone());
        if let Some(id) = slot.id.filter(|_| slot.is_own(inclusion.transaction)) {
            self.events.push(TransactionEvent::Included { id, inclusion: inclusion.clone() });
        }
    }

    /// What was in a block and is not any more goes back to the pool.
    fn reorged(&mut self, view: &View) {
        for (nonce, slot) in &mut self.slots {
            let State::Included(old) = &slot.state else { continue };
            if view.inclusions.iter().any(|(found, _)| found == nonce) {
                continue;
            }
            let hash = old.transaction;
            if let Some(id) = slot.id.filter(|_| slot.is_own(hash)) {
                self.events.push(TransactionEvent::Reorged { id, hash });
            }
            slot.send_again();
        }
    }

    /// Takes out what is deep enough, from the lowest nonce on.
    fn confirmed(&mut self, head: u64) {
        while let Some((&nonce, slot)) = self.slots.first_key_value() {
            let State::Included(inclusion) = &slot.state else { break };
            let depth = (head + 1).saturating_sub(inclusion.block_number);
            if depth < self.rules.confirmations {
                break;
            }
            let (inclusion, is_own) = (inclusion.clone(), slot.is_own(inclusion.transaction));
            self.floor = self.floor.max(nonce + 1);
            if !is_own {
                self.begin_again(nonce);
            } else if let Some(id) = self.slots.remove(&nonce).and_then(|it| it.id) {
                self.events.push(TransactionEvent::Confirmed { id, inclusion });
            }
        }
    }

    /// Slots whose nonce somebody else used: they begin again.
    fn displaced(&mut self, view: &View) {
        let lost = |(nonce, slot): (&u64, &Slot)| {
            let used_up = if slot.may_be_taken { view.settled } else { view.latest };
            (slot.is_pending() && *nonce < used_up).then_some(*nonce)
        };
        let lost: Vec<_> = self.slots.iter().filter_map(lost).collect();
        for nonce in lost.into_iter().rev() {
            self.begin_again(nonce);
        }
    }

    fn begin_again(&mut self, nonce: u64) {
        let Some(Slot { id: Some(id), candidate, resumes, cancelled, .. }) =
            self.slots.remove(&nonce)
        else {
            return;
        };
        if cancelled {
            return self.events.push(TransactionEvent::Cancelled { id });
        }
        tracing::warn!(nonce, ?id, "another transaction has this nonce; beginning again");
        self.queue.push_front((id, resumes.unwrap_or(candidate)));
    }

    /// What is due.
    pub(super) fn actions(&mut self, now_ms: u64) -> Vec<Action> {
        let Some(view) = self.view.clone() else { return Vec::new() };
        self.fill_gaps(now_ms, &view);
        let timeout_ms = self.rules.resubmission_timeout_ms;
        let mut actions = Vec::new();
        for (nonce, slot) in &mut self.slots {
            // The nonce is used: the receipt comes, or the nonce settles for somebody else.
            let is_open = *nonce >= view.latest;
            if is_open && slot.is_due(now_ms, *nonce >= view.pending, timeout_ms) {
                actions.push(Action::Send { nonce: *nonce });
            }
        }
        let pending = self.slots.values().filter(|slot| slot.is_pending()).count();
        let room = self.rules.max_pending.saturating_sub(pending);
        let launches = self.queue.len().min(room);
        actions.extend(std::iter::repeat_n(Action::Launch, launches));
        actions
    }

    /// Puts fillers where the chain waits for a nonce that nobody has: at once where the pool has nothing, after a while
    /// where it has something strange.
    fn fill_gaps(&mut self, now_ms: u64, view: &View) {
        let Some((&last, _)) = self.slots.last_key_value() else { return };
        let waited_ms = now_ms.saturating_sub(self.stuck.1);
        if waited_ms < RETRY_MS {
            return;
        }
        let has_blobs = self.slots.values().any(|slot| slot.is_pending() && slot.has_blobs());
        let from = if waited_ms >= self.rules.resubmission_timeout_ms {
            view.latest
        } else {
            view.pending
        };
        for nonce in from.max(view.latest)..last {
            self.slots.entry(nonce).or_insert_with(|| {
                tracing::warn!(nonce, "filling a gap");
                Slot::filler(has_blobs)
            });
        }
    }

    /// The candidate that gets a nonce now, if it may: its kind must be that of those on their way.
    pub(super) fn front(&mut self) -> Option<Candidate> {
        let (_, candidate) = self.queue.front()?;
        let mut pending = self.slots.values().filter(|slot| slot.is_pending());
        let is_alike = pending.all(|slot| slot.has_blobs() != candidate.blobs.is_empty());
        if !is_alike {
            let why = "transactions with blobs and without wait for one another";
            self.hindrance.get_or_insert_with(|| why.to_owned());
            return None;
        }
        Some(candidate.clone())
    }

    /// The front of the queue cannot be sent.
    pub(super) fn refuse_front(&mut self, why: String) {
        if let Some((id, _)) = self.queue.pop_front() {
            self.events.push(TransactionEvent::Refused { id, why });
        }
    }

    /// Gives the front of the queue the next nonce.
    pub(super) fn launch(&mut self, gas_limit: u64) -> Option<u64> {
        let view = self.view.as_ref()?;
        let after = self.slots.last_key_value().map_or(0, |(last, _)| last + 1);
        let nonce = after.max(self.floor).max(view.latest).max(view.pending);
        let (id, candidate) = self.queue.pop_front()?;
        self.slots.insert(nonce, Slot::new(id, candidate, gas_limit));
        Some(nonce)
    }

    /// A transaction with this hash is about to be sent.
    pub(super) fn sending(&mut self, nonce: u64, hash: B256) {
        if let Some(slot) = self.slots.get_mut(&nonce) {
            slot.note_hash(hash);
        }
    }

    /// Takes what a node says to a transaction.
    pub(super) fn answered(
        &mut self,
        now_ms: u64,
        nonce: u64,
        hash: B256,
        fees: Fees,
        said: Answer,
    ) {
        let is_next = self.view.as_ref().is_some_and(|view| view.latest == nonce);
        let Some(slot) = self.slots.get_mut(&nonce) else { return };
        let is_raised = slot.fees != fees;
        slot.fees = fees;
        slot.tried_ms = Some(now_ms);
        if slot.first_tried_ms.is_none() {
            slot.first_tried_ms = Some(now_ms);
        }
        let mut hindrance = None;
        match said {
            Answer::Taken => {
                let is_new = slot.taken(now_ms, is_raised);
                if let Some(id) = slot.id.filter(|_| is_new && !slot.sends_nothing()) {
                    self.events.push(TransactionEvent::Sent { id, nonce, hash });
                }
            }
            Answer::NonceTooLow if !slot.may_be_taken => self.begin_again(nonce),
            Answer::NonceTooLow => (),
            Answer::Underpriced if slot.may_be_taken => slot.raise = true,
            Answer::Underpriced => {
                let since_ms = slot.first_tried_ms.unwrap_or(now_ms);
                let waited_ms = now_ms.saturating_sub(since_ms);
                // A filler comes after a wait.
                slot.raise = slot.id.is_none() || waited_ms >= self.rules.resubmission_timeout_ms;
                hindrance = Some(format!("another transaction with nonce {nonce} is pending"));
            }
            Answer::FeeTooLow => slot.raise = true,
            Answer::OtherKind => {
                hindrance = Some("the account has transactions of the other kind pending".into());
                // Those come later and wait for this nonce, as after a reorg.
                if is_next {
                    slot.yield_nonce();
                }
            }
            Answer::OtherProofs => hindrance = Some("the node wants other blob proofs".into()),
            Answer::Funds(why) => hindrance = Some(why),
            Answer::Later(why) => {
                slot.may_be_taken = true;
                hindrance = Some(why);
            }
            Answer::Never(why) => self.refuse(nonce, why),
        }
        self.hindrance = hindrance.or_else(|| self.hindrance.take());
    }

    /// It will never be sent.
    pub(super) fn refuse(&mut self, nonce: u64, why: String) {
        let is_last = self.slots.last_key_value().is_some_and(|(last, _)| *last == nonce);
        let Some(slot) = self.slots.get_mut(&nonce) else { return };
        if slot.may_be_taken {
            // An earlier form of it is in the pool and may still be mined.
            return;
        }
        let id = slot.id.take();
        let has_blobs = slot.has_blobs();
        if is_last {
            self.slots.remove(&nonce);
        } else {
            self.slots.insert(nonce, Slot::filler(has_blobs));
        }
        self.events.extend(id.map(|id| TransactionEvent::Refused { id, why }));
    }
}

#[cfg(test)]
mod tests;
