//! Which transactions go out, and what becomes of them.
//!
//! **Invariant:** a posting is in flight under one name at a time. News about other names changes
//! nothing.

use super::{Machine, Phase, PostingId};
use crate::{
    Carrier,
    channel::{Channel, Payload, Place, Posting},
};
use opal_types::BlockId;

impl Machine {
    /// The next transaction, if one may be sent now. It counts as in flight from here on.
    pub fn next_posting(&mut self) -> Option<(PostingId, Payload)> {
        if self.phase != Phase::Running {
            return None;
        }
        let in_flight = self.in_flight();
        if self.has_lost {
            // What is in flight behind a lost transaction must come to rest first: it decides what
            // of it has to be sent again.
            if in_flight > 0 {
                return None;
            }
            self.queue_again();
        }
        if in_flight >= self.options.pending.max_transactions {
            return None;
        }
        let busy = self.busy_carrier();
        let queued = self.postings_mut().find(|it| it.place == Place::Queued)?;
        // Nodes refuse both kinds at a time from one account (go-stack.md section 2, 6).
        if busy.is_some_and(|carrier| carrier != queued.payload.carrier()) {
            return None;
        }
        let payload = queued.payload.clone();
        let id = PostingId(self.next_posting);
        let queued = self.postings_mut().find(|it| it.place == Place::Queued)?;
        queued.place = Place::InFlight(id);
        self.next_posting = self.next_posting.saturating_add(1);
        Some((id, payload))
    }

    /// The transaction is in this L1 block. Whether it succeeded there does not matter (D1).
    pub fn on_included(&mut self, id: PostingId, block: BlockId) {
        if let Some(posting) = self.posting_mut(id) {
            posting.place = Place::Included(id, block);
        }
    }

    /// L1 took the transaction's block back; it is in flight again.
    pub fn on_taken_back(&mut self, id: PostingId) {
        if let Some(posting) = self.posting_mut(id) {
            posting.place = Place::InFlight(id);
        }
    }

    /// The transaction will never be in a block.
    pub fn on_lost(&mut self, id: PostingId) {
        if let Some(posting) = self.posting_mut(id) {
            posting.place = Place::Queued;
            self.has_lost = true;
        }
    }

    /// Transactions in flight.
    pub fn in_flight(&self) -> usize {
        let places = self.postings().map(|it| it.place);
        places.filter(|place| matches!(place, Place::InFlight(_))).count()
    }

    /// Whether a transaction waits to be sent.
    pub(super) fn has_queued(&self) -> bool {
        self.postings().any(|it| it.place == Place::Queued)
    }

    fn postings(&self) -> impl Iterator<Item = &Posting> {
        self.channels.iter().flat_map(|channel| &channel.postings)
    }

    fn postings_mut(&mut self) -> impl Iterator<Item = &mut Posting> {
        self.channels.iter_mut().flat_map(|channel| &mut channel.postings)
    }

    fn posting_mut(&mut self, id: PostingId) -> Option<&mut Posting> {
        self.postings_mut().find(|it| match it.place {
            Place::InFlight(other) | Place::Included(other, _) => other == id,
            Place::Queued => false,
        })
    }

    /// What kind of transactions is in flight.
    fn busy_carrier(&self) -> Option<Carrier> {
        let in_flight = self.postings().find(|it| matches!(it.place, Place::InFlight(_)));
        in_flight.map(|it| it.payload.carrier())
    }

    /// Queues what a lost transaction made useless. From Holocene on a reader drops frames that
    /// come before their predecessors, and an open channel when another one begins (D13); before
    /// it, order is free.
    fn queue_again(&mut self) {
        self.has_lost = false;
        if !self.l1.is_some_and(|(_, rules)| rules.is_strict) {
            return;
        }
        let has_queued =
            |channel: &Channel| channel.postings.iter().any(|it| it.place == Place::Queued);
        let Some(lost) = self.channels.iter().position(has_queued) else { return };
        let mut later = self.channels.iter().skip(lost.saturating_add(1));
        let is_abandoned = later.any(|channel| channel.inclusion().is_some());
        for (index, channel) in self.channels.iter_mut().enumerate().skip(lost) {
            let is_whole = is_abandoned || index > lost;
            let first = channel.postings.iter().position(|it| it.place == Place::Queued);
            let kept = if is_whole { 0 } else { first.unwrap_or_default() };
            let again = channel.postings.iter_mut().skip(kept);
            again.for_each(|posting| posting.place = Place::Queued);
        }
    }
}
