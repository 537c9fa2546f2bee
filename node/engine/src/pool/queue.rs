//! The transactions by sender and nonce.
//!
//! **Invariant:** the index by hash, the sums and the queues say the same; no sender without
//! transactions is kept.

use super::{PoolContent, PoolStatus, PoolTransaction, StoredBlob};
use alloy_primitives::map::{AddressMap, B256Map};
use alloy_primitives::{Address, B256, U256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one sender has waiting.
#[derive(Debug)]
pub(super) struct Queue {
    /// Of the account.
    pub(super) nonce: u64,
    /// Of the account.
    pub(super) balance: U256,
    pub(super) by_nonce: BTreeMap<u64, Arc<PoolTransaction>>,
}

impl Queue {
    /// The nonce after those that follow the account's without a gap.
    pub(super) fn next(&self) -> u64 {
        let mut next = self.nonce;
        for nonce in self.by_nonce.keys() {
            if *nonce != next {
                break;
            }
            next = next.saturating_add(1);
        }
        next
    }

    /// Those that may go into the next block.
    pub(super) fn pending(&self) -> impl Iterator<Item = &Arc<PoolTransaction>> {
        let next = self.next();
        self.by_nonce.range(..next).map(|(_, tx)| tx)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Queues {
    by_sender: AddressMap<Queue>,
    by_hash: B256Map<Arc<PoolTransaction>>,
    blobs: B256Map<(Arc<StoredBlob>, usize)>,
    bytes: usize,
    arrivals: u64,
}

impl Queues {
    pub(super) fn is_empty(&self) -> bool {
        self.by_hash.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.by_hash.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn blob_count(&self) -> usize {
        self.blobs.len()
    }

    pub(super) fn find(&self, hash: B256) -> Option<Arc<PoolTransaction>> {
        self.by_hash.get(&hash).cloned()
    }

    pub(super) fn of(&self, sender: Address) -> Option<&Queue> {
        self.by_sender.get(&sender)
    }

    pub(super) fn senders(&self) -> impl Iterator<Item = (&Address, &Queue)> {
        self.by_sender.iter()
    }

    pub(super) const fn arrival(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    pub(super) fn blob(&self, versioned_hash: B256) -> Option<Arc<StoredBlob>> {
        self.blobs.get(&versioned_hash).map(|(blob, _)| Arc::clone(blob))
    }

    pub(super) fn pending_nonce(&self, sender: Address) -> Option<u64> {
        self.of(sender).map(Queue::next)
    }

    /// Puts a transaction in, where another one with its nonce goes out. Tells which are pending
    /// only now.
    pub(super) fn put(&mut self, tx: Arc<PoolTransaction>, nonce: u64, balance: U256) -> Vec<B256> {
        let sender = tx.sender;
        let before = self.of(sender).map_or(nonce, Queue::next);
        if let Some(old) =
            self.of(sender).and_then(|queue| queue.by_nonce.get(&tx.nonce())).cloned()
        {
            self.forget(&old);
        }
        self.bytes += tx.raw.len();
        for blob in &tx.blobs {
            let entry = self.blobs.entry(blob.versioned_hash);
            entry.or_insert_with(|| (Arc::clone(blob), 0)).1 += 1;
        }
        self.by_hash.insert(tx.hash, Arc::clone(&tx));
        let empty = Queue { nonce, balance, by_nonce: BTreeMap::new() };
        let queue = self.by_sender.entry(sender).or_insert(empty);
        (queue.nonce, queue.balance) = (nonce, balance);
        let replaced = tx.nonce() < before;
        let hash = tx.hash;
        queue.by_nonce.insert(tx.nonce(), tx);
        if replaced {
            return vec![hash];
        }
        let next = queue.next();
        if next <= before {
            return Vec::new();
        }
        queue.by_nonce.range(before..next).map(|(_, tx)| tx.hash).collect()
    }

    /// Takes a transaction out.
    pub(super) fn remove(&mut self, hash: B256) -> Option<Arc<PoolTransaction>> {
        let tx = self.find(hash)?;
        self.forget(&tx);
        if let Some(queue) = self.by_sender.get_mut(&tx.sender) {
            queue.by_nonce.remove(&tx.nonce());
            if queue.by_nonce.is_empty() {
                self.by_sender.remove(&tx.sender);
            }
        }
        Some(tx)
    }

    /// Takes a transaction out of all but its sender's queue.
    fn forget(&mut self, tx: &PoolTransaction) {
        if self.by_hash.remove(&tx.hash).is_none() {
            return;
        }
        self.bytes -= tx.raw.len();
        for blob in &tx.blobs {
            if let Some((_, users)) = self.blobs.get_mut(&blob.versioned_hash) {
                *users -= 1;
                if *users == 0 {
                    self.blobs.remove(&blob.versioned_hash);
                }
            }
        }
    }

    /// The account of a sender changed.
    pub(super) fn set_account(&mut self, sender: Address, nonce: u64, balance: U256) {
        let Some(queue) = self.by_sender.get_mut(&sender) else { return };
        (queue.nonce, queue.balance) = (nonce, balance);
        let used: Vec<_> = queue.by_nonce.range(..nonce).map(|(_, tx)| tx.hash).collect();
        for hash in used {
            self.remove(hash);
        }
    }

    pub(super) fn status(&self) -> PoolStatus {
        let pending = self.by_sender.values().map(|queue| queue.pending().count()).sum();
        PoolStatus { pending, queued: self.len() - pending }
    }

    pub(super) fn content(&self) -> PoolContent {
        let mut content = PoolContent::default();
        for sender in self.by_sender.keys() {
            let (pending, queued) = self.content_from(*sender);
            if !pending.is_empty() {
                content.pending.insert(*sender, pending);
            }
            if !queued.is_empty() {
                content.queued.insert(*sender, queued);
            }
        }
        content
    }

    pub(super) fn content_from(
        &self,
        sender: Address,
    ) -> (BTreeMap<u64, Arc<PoolTransaction>>, BTreeMap<u64, Arc<PoolTransaction>>) {
        let Some(queue) = self.of(sender) else { return Default::default() };
        let mut pending = queue.by_nonce.clone();
        let queued = pending.split_off(&queue.next());
        (pending, queued)
    }

    /// The transaction that pays least among the last ones of all senders.
    pub(super) fn cheapest(&self, base_fee: u64) -> Option<Arc<PoolTransaction>> {
        let last = self.by_sender.values().filter_map(|queue| queue.by_nonce.values().next_back());
        let tip = |tx: &&Arc<PoolTransaction>| {
            (crate::transaction::tip(&tx.transaction, base_fee), std::cmp::Reverse(tx.arrival))
        };
        last.min_by_key(tip).cloned()
    }
}
