//! What a slot's transaction offers the next time it is sent.
//!
//! **Invariant:** an offer that was taken is sent again as it was, until it is raised.

use super::{Machine, Offer, State};

impl Machine {
    /// The transaction for this nonce; `None` while fees are above the limits.
    pub(in crate::transactions) fn offer(&mut self, nonce: u64) -> Option<Offer> {
        let (view, limits) = (self.view.as_ref()?, self.rules.fees);
        let slot = self.slots.get(&nonce)?;
        let has_blobs = slot.has_blobs();
        let market = view.market.offer(&limits, has_blobs);
        let is_first = slot.first_tried_ms.is_none();
        let fees = match slot.state {
            State::Included(_) => return None,
            _ if is_first || !slot.may_be_taken && !slot.raise => market,
            _ if slot.raise => slot.fees.raised(market, &limits, has_blobs),
            _ => Some(slot.fees),
        };
        // What cannot be raised any more stays as it is: a node may have lost it.
        let fees = fees.or_else(|| (slot.state == State::Taken).then_some(slot.fees));
        let offer = fees.map(|fees| Offer {
            candidate: slot.candidate.clone(),
            gas_limit: slot.gas_limit,
            fees,
        });
        let at_limit = fees.is_none_or(|fees| slot.raise && fees == slot.fees);
        if at_limit {
            let why = format!(
                "fees are at their limit: base fee {} wei, blob base fee {} wei",
                view.market.base_fee, view.market.blob_base_fee
            );
            self.hindrance.get_or_insert(why);
        }
        offer
    }
}
