//! What a transaction pays: estimate, raise, limit.
//!
//! **Invariant:** nothing pays more than its limit, and a replacement pays enough more that nodes take it: 10 % for
//! ordinary transactions, 100 % for those with blobs.

/// What may be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeLimits {
    /// Most wei per gas, tip included.
    pub max_fee_wei: u128,
    /// Most wei per blob gas.
    pub max_blob_fee_wei: u128,
    /// Least tip, wei per gas: many nodes refuse less than one.
    pub min_tip_wei: u128,
}

const GWEI: u128 = 1_000_000_000;

impl FeeLimits {
    /// Limits that a public chain rarely meets.
    pub const fn default_limits() -> Self {
        Self { max_fee_wei: 500 * GWEI, max_blob_fee_wei: 2_000 * GWEI, min_tip_wei: 1 }
    }
}

/// What the chain asks for now, wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Market {
    pub(crate) base_fee: u128,
    pub(crate) tip: u128,
    pub(crate) blob_base_fee: u128,
}

/// What a transaction offers, wei.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fees {
    pub(crate) tip: u128,
    pub(crate) max_fee: u128,
    /// Of no meaning without blobs.
    pub(crate) max_blob_fee: u128,
}

impl Market {
    /// An offer that stands for several full blocks; `None` if the chain asks for more than the limits.
    pub(crate) fn offer(&self, limits: &FeeLimits, has_blobs: bool) -> Option<Fees> {
        let tip = self.tip.max(limits.min_tip_wei).min(limits.max_fee_wei);
        let max_fee = self.base_fee.saturating_mul(2).saturating_add(tip);
        let max_blob_fee = self.blob_base_fee.max(1).saturating_mul(2);
        let too_much = self.base_fee.saturating_add(limits.min_tip_wei) > limits.max_fee_wei
            || has_blobs && self.blob_base_fee > limits.max_blob_fee_wei;
        (!too_much).then(|| Fees {
            tip,
            max_fee: max_fee.min(limits.max_fee_wei),
            max_blob_fee: max_blob_fee.min(limits.max_blob_fee_wei),
        })
    }
}

impl Fees {
    /// The least offer that replaces this one.
    fn replacing(&self, has_blobs: bool) -> Self {
        let percent = if has_blobs { 200 } else { 110 };
        let raise =
            |fee: u128| fee.saturating_mul(percent).div_ceil(100).max(fee.saturating_add(1));
        Self {
            tip: raise(self.tip),
            max_fee: raise(self.max_fee),
            max_blob_fee: raise(self.max_blob_fee),
        }
    }

    /// An offer that replaces this one and suits the market; `None` if that is above the limits.
    pub(crate) fn raised(
        &self,
        market: Option<Self>,
        limits: &FeeLimits,
        has_blobs: bool,
    ) -> Option<Self> {
        let (least, market) = (self.replacing(has_blobs), market.unwrap_or_default());
        let fees = Self {
            tip: least.tip.max(market.tip),
            max_fee: least.max_fee.max(market.max_fee),
            max_blob_fee: least.max_blob_fee.max(market.max_blob_fee),
        };
        let fits = fees.max_fee <= limits.max_fee_wei
            && (!has_blobs || fees.max_blob_fee <= limits.max_blob_fee_wei);
        // A tip above the whole fee is refused.
        fits.then(|| Self { tip: fees.tip.min(fees.max_fee), ..fees })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FeeLimits =
        FeeLimits { max_fee_wei: 1000, max_blob_fee_wei: 1000, min_tip_wei: 2 };

    #[test]
    fn an_offer_stands_for_a_while_within_the_limits() {
        let market = |base_fee, tip, blob_base_fee| Market { base_fee, tip, blob_base_fee };
        let fees = |tip, max_fee, max_blob_fee| Some(Fees { tip, max_fee, max_blob_fee });
        assert_eq!(market(100, 10, 5).offer(&LIMITS, true), fees(10, 210, 10));
        assert_eq!(market(100, 0, 0).offer(&LIMITS, false), fees(2, 202, 2));
        assert_eq!(market(600, 10, 5).offer(&LIMITS, false), fees(10, 1000, 10));
        assert_eq!(market(999, 10, 5).offer(&LIMITS, false), None);
        assert_eq!(market(1, 1, 1001).offer(&LIMITS, true), None);
        assert_eq!(market(1, 1, 1001).offer(&LIMITS, false), fees(2, 4, 1000));
        assert_eq!(market(u128::MAX, u128::MAX, u128::MAX).offer(&LIMITS, true), None);
    }

    #[test]
    fn a_replacement_pays_a_tenth_more_or_twice_with_blobs() {
        let old = Fees { tip: 1, max_fee: 101, max_blob_fee: 400 };
        let ordinary = old.raised(None, &LIMITS, false).unwrap();
        assert_eq!(ordinary, Fees { tip: 2, max_fee: 112, max_blob_fee: 440 });
        let blobs = old.raised(None, &LIMITS, true).unwrap();
        assert_eq!(blobs, Fees { tip: 2, max_fee: 202, max_blob_fee: 800 });
        assert_eq!(blobs.raised(None, &LIMITS, true), None);
        let market = Fees { tip: 50, max_fee: 300, max_blob_fee: 1 };
        let raised = old.raised(Some(market), &LIMITS, false).unwrap();
        assert_eq!((raised.tip, raised.max_fee), (50, 300));
    }
}
