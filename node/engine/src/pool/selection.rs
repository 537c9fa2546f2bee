//! Which transactions go into a block: the best tip first, each sender's in order of nonce.
//!
//! **Invariant:** what a selection holds does not change with the pool; it ends when every sender
//! is used up.

use super::{DaLimits, Pool, PoolTransaction};
use crate::l1::{L1Attributes, L1Rules};
use crate::l2::Fill;
use crate::transaction;
use alloy_consensus::{Header, Transaction as _};
use alloy_primitives::Sealed;
use opal_types::{Attributes, ChainConfig};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    base_fee: u64,
    queues: BinaryHeap<Line>,
}

/// What one sender has to offer.
#[derive(Debug)]
struct Line {
    tip: u128,
    arrival: Reverse<u64>,
    transactions: VecDeque<Arc<PoolTransaction>>,
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Line {}

impl PartialOrd for Line {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Line {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.tip, self.arrival).cmp(&(other.tip, other.arrival))
    }
}

impl Selection {
    fn new(base_fee: u64, queues: impl Iterator<Item = VecDeque<Arc<PoolTransaction>>>) -> Self {
        let mut selection = Self { base_fee, queues: BinaryHeap::new() };
        for transactions in queues {
            selection.offer(transactions);
        }
        selection
    }

    fn offer(&mut self, transactions: VecDeque<Arc<PoolTransaction>>) {
        let Some(first) = transactions.front() else { return };
        let tip = transaction::tip(&first.transaction, self.base_fee);
        let arrival = Reverse(first.arrival);
        self.queues.push(Line { tip, arrival, transactions });
    }

    /// The best one that is left.
    pub(crate) fn best(&self) -> Option<Arc<PoolTransaction>> {
        self.queues.peek()?.transactions.front().cloned()
    }

    /// The best one is in the block; its sender's next one may follow.
    pub(crate) fn take(&mut self) {
        if let Some(mut line) = self.queues.pop() {
            line.transactions.pop_front();
            self.offer(line.transactions);
        }
    }

    /// The best one cannot be in the block, nor what its sender has behind it.
    pub(crate) fn skip(&mut self) {
        self.queues.pop();
    }
}

/// Prices of a block.
#[derive(Clone, Copy, Debug)]
struct Prices {
    base_fee: u64,
    blob_base_fee: u128,
    /// Blobs need proofs of their cells.
    is_osaka: bool,
}

impl Prices {
    /// Whether a transaction meets them.
    fn met_by(&self, tx: &PoolTransaction) -> bool {
        let blob_fee = tx.transaction.max_fee_per_blob_gas();
        tx.transaction.max_fee_per_gas() >= self.base_fee.into()
            && blob_fee.is_none_or(|fee| fee >= self.blob_base_fee)
            && tx.blobs.iter().all(|blob| blob.has_cell_proofs() == self.is_osaka)
    }
}

impl Pool {
    fn select(&self, prices: Prices) -> Selection {
        let inside = self.inside();
        let line = |(_, queue): (_, &super::queue::Queue)| {
            queue.pending().take_while(|tx| prices.met_by(tx)).cloned().collect()
        };
        Selection::new(prices.base_fee, inside.queues.senders().map(line))
    }

    /// For an L1 block.
    pub(crate) fn select_l1(
        &self,
        rules: &L1Rules,
        parent: &Sealed<Header>,
        attributes: &L1Attributes,
    ) -> Selection {
        let Ok((base_fee, blob_base_fee)) = crate::l1::prices(rules, parent, attributes) else {
            return Selection::default();
        };
        let is_osaka = rules.fork(attributes.timestamp) >= crate::l1::L1Fork::Osaka;
        self.select(Prices { base_fee, blob_base_fee, is_osaka })
    }

    /// For an L2 block.
    pub(crate) fn select_l2(
        &self,
        config: &ChainConfig,
        parent: &Sealed<Header>,
        attributes: &Attributes,
    ) -> Fill {
        let base_fee = opal_execute::next_base_fee(config, parent, attributes.timestamp);
        let prices =
            Prices { base_fee: base_fee.unwrap_or(u64::MAX), blob_base_fee: 0, is_osaka: false };
        let limits: DaLimits = self.da_limits();
        Fill { selection: self.select(prices), limits }
    }
}
