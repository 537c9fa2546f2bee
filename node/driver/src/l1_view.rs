//! L1 as it was last seen.
//!
//! **Invariant:** the finalized block never goes back.

use opal_types::L1Header;

/// L1's heads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct L1View {
    /// Newest block.
    pub head: Option<L1Header>,
    /// Safe block.
    pub safe: Option<L1Header>,
    finalized: Option<L1Header>,
}

impl L1View {
    /// Finalized block.
    pub const fn finalized(&self) -> Option<&L1Header> {
        self.finalized.as_ref()
    }

    /// L1 says that this block is final. False if it goes back, which an L1 that is in order never does.
    pub fn finalize(&mut self, block: L1Header) -> bool {
        let goes_on = self.finalized.as_ref().is_none_or(|it| it.number <= block.number);
        if goes_on {
            self.finalized = Some(block);
        }
        goes_on
    }

    /// Whether a block at this height has so many blocks above it. Nothing is hidden while L1 was never seen, and
    /// the first block never is.
    pub fn shows(&self, number: u64, confirmations: u64) -> bool {
        let wanted = number.saturating_add(confirmations);
        number == 0 || self.head.as_ref().is_none_or(|head| wanted <= head.number)
    }
}
