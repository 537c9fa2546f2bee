//! Takes blocks in.
//!
//! **Invariant:** a block is stored only after all of its header was found to follow from its
//! parent and body.

use super::{Engine, Verdict, Work};
use crate::made::Made;
use crate::store::FreshBlock;
use crate::{
    BlockData, EngineError, InsertStatus, Rules, StateView, StoredBlob, l1, l2, transaction,
};
use alloy_consensus::{Header, Transaction as _, proofs::calculate_withdrawals_root};
use alloy_primitives::{B256, Bytes, Sealed};
use opal_execute::ordered_root;
use std::sync::Arc;

impl Engine {
    /// Executes a block and stores it. It becomes part of the canonical chain by a forkchoice only.
    pub fn insert(&self, block: &BlockData) -> Result<InsertStatus, EngineError> {
        let computed = block.header.hash_slow();
        if computed != block.hash {
            let reason =
                format!("blockhash mismatch: the header's is {computed}, not {}", block.hash);
            return Ok(InsertStatus::Invalid { latest_valid: block.header.parent_hash, reason });
        }
        let mut work = self.work();
        self.insert_in(&mut work, block)
    }

    fn insert_in(&self, work: &mut Work, block: &BlockData) -> Result<InsertStatus, EngineError> {
        let (hash, parent) = (block.hash, block.header.parent_hash);
        if let Some(reason) = self.body_fault(block) {
            // Not remembered: the block of this hash may well be valid.
            return Ok(InsertStatus::Invalid { latest_valid: parent, reason });
        }
        if let Some(verdict) = work.known_invalid(hash, parent) {
            let Verdict { latest_valid, reason } = verdict;
            return Ok(InsertStatus::Invalid { latest_valid, reason });
        }
        let snapshot = self.snapshot()?;
        if snapshot.header(hash)?.is_some() {
            return Ok(InsertStatus::Valid { hash });
        }
        let Some(parent) = snapshot.header(parent)? else { return Ok(InsertStatus::Syncing) };
        drop(snapshot);
        let made = match work.made.get(&hash) {
            Some(made) => Ok(Arc::clone(made)),
            None => self.execute(work, &parent, block)?.map(Arc::new),
        };
        match made {
            Ok(made) => {
                self.keep(made)?;
                work.made.pop(&hash);
                Ok(InsertStatus::Valid { hash })
            }
            Err(reason) => {
                let latest_valid = parent.hash();
                work.invalid.put(hash, Verdict { latest_valid, reason: reason.clone() });
                Ok(InsertStatus::Invalid { latest_valid, reason })
            }
        }
    }

    /// Whether the body is another block's.
    fn body_fault(&self, block: &BlockData) -> Option<String> {
        let (header, list) = (&block.header, block.withdrawals.as_deref());
        let root = ordered_root(block.transactions.iter().cloned());
        let claimed = header.transactions_root;
        if root != claimed {
            return Some(format!("transactions_root is {claimed}, the body's is {root}"));
        }
        // On L2 the list is empty, and from Isthmus the root says something else.
        let fits = match &*self.core.rules {
            Rules::L1(_) => header.withdrawals_root == list.map(calculate_withdrawals_root),
            Rules::L2(_) => header.withdrawals_root.is_some() == list.is_some(),
        };
        (!fits).then(|| "withdrawals_root is not that of the withdrawals".to_owned())
    }

    /// Executes a block that somebody claims; the inner error is what is wrong with it.
    fn execute(
        &self,
        work: &mut Work,
        parent: &Sealed<Header>,
        block: &BlockData,
    ) -> Result<Result<Made, String>, EngineError> {
        let head = self.heads().head.header.hash();
        let view = work.live.at(&self.core.store, parent, head)?;
        let executed = run(&self.core.rules, parent, block, view);
        let failure = view.failure();
        match executed {
            Ok(Ok(made)) if made.block.header.hash() == block.hash => {
                work.live.follow(&made.block.header);
                Ok(Ok(made))
            }
            other => {
                work.live.forget();
                if let Some(failure) = failure {
                    return Err(failure.into());
                }
                Ok(other?.and_then(|made| Err(l2::difference(&block.header, &made.block.header))))
            }
        }
    }

    /// Stores a block that is valid.
    fn keep(&self, made: Arc<Made>) -> Result<(), EngineError> {
        let blobs = self.blobs_to_keep(&made);
        self.core.store.put_block(FreshBlock { made: Arc::clone(&made), blobs })?;
        let cache = &self.core.store.cache;
        cache.put_block(Arc::clone(&made.block));
        cache.put_receipts(made.block.header.hash(), Arc::clone(&made.receipts));
        Ok(())
    }

    /// Bodies of the block's blobs: what it was built with, or what the pool has.
    fn blobs_to_keep(&self, made: &Made) -> Vec<Arc<StoredBlob>> {
        if self.core.rules.l2().is_some() {
            return Vec::new();
        }
        let built = |hash| made.blobs.iter().find(|it| it.versioned_hash == hash).cloned();
        blob_hashes(&made.block.transactions)
            .filter_map(|hash| built(hash).or_else(|| self.core.pool.blob(hash)))
            .collect()
    }
}

impl Work {
    /// The verdict on a block that was judged before, or that stands on such a block.
    fn known_invalid(&mut self, hash: B256, parent: B256) -> Option<Verdict> {
        if let Some(verdict) = self.invalid.get(&hash) {
            return Some(verdict.clone());
        }
        let Verdict { latest_valid, .. } = self.invalid.get(&parent)?.clone();
        let reason = format!("parent {parent} is invalid");
        let verdict = Verdict { latest_valid, reason };
        self.invalid.put(hash, verdict.clone());
        Some(verdict)
    }
}

/// Versioned hashes of all blobs of these transactions, in order.
pub(super) fn blob_hashes(transactions: &[Bytes]) -> impl Iterator<Item = B256> {
    let blob_transactions =
        transactions.iter().filter(|raw| raw.first() == Some(&transaction::BLOB));
    blob_transactions
        .filter_map(|raw| transaction::decode(raw).ok())
        .flat_map(|tx| tx.blob_versioned_hashes().unwrap_or_default().to_vec())
}

/// Executes what the header claims to be made of.
fn run(
    rules: &Rules,
    parent: &Sealed<Header>,
    block: &BlockData,
    view: &mut StateView,
) -> Result<Result<Made, String>, EngineError> {
    match rules {
        Rules::L2(config) => {
            let attributes = l2::attributes(config, block);
            match l2::execute(config, parent, &attributes, view, None) {
                Ok(made) => Ok(Ok(made)),
                Err(error) => l2_fault(error).map(Err),
            }
        }
        Rules::L1(rules) => {
            let header = &block.header;
            let attributes = l1::L1Attributes {
                timestamp: header.timestamp,
                prev_randao: header.mix_hash,
                fee_recipient: header.beneficiary,
                gas_limit: header.gas_limit,
                extra_data: header.extra_data.clone(),
                withdrawals: block.withdrawals.clone(),
                parent_beacon_block_root: header.parent_beacon_block_root,
            };
            match l1::execute(rules, parent, &attributes, &block.transactions, view, None) {
                Ok(made) => Ok(Ok(made)),
                Err(error) => l1_fault(error).map(Err),
            }
        }
    }
}

/// What is wrong with an L2 block, if it is the block that is wrong.
pub(super) fn l2_fault(error: opal_execute::Error) -> Result<String, EngineError> {
    use opal_execute::Error;
    match error {
        Error::Invalid(fault) => Ok(fault.to_string()),
        Error::Parent(fault) => Ok(fault.to_string()),
        Error::Missing(key) => Err(EngineError::Missing(key)),
        Error::State(error) => Err(error.into()),
        Error::Internal(text) => Err(EngineError::Internal(text)),
    }
}

/// What is wrong with an L1 block, if it is the block that is wrong.
pub(super) fn l1_fault(error: l1::Error) -> Result<String, EngineError> {
    match error {
        l1::Error::Invalid(fault) => Ok(fault.to_string()),
        l1::Error::State(error) => Err(error.into()),
        l1::Error::Internal(text) => Err(EngineError::Internal(text)),
    }
}
