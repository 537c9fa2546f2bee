//! Builds blocks.
//!
//! **Invariant:** the id of a payload is a function of parent and attributes; a payload never
//! changes once it was handed out.

use super::insert::{l1_fault, l2_fault};
use super::{Engine, Job, Work};
use crate::made::Made;
use crate::{BuildAttributes, BuiltBlock, EngineError, PayloadId, Rules, StateView, l1, l2};
use alloy_consensus::Header;
use alloy_primitives::{B64, B256, Bytes, Keccak256, Sealed};
use std::sync::Arc;

/// The gas limit that an L1 moves to unless it is told another one.
const L1_GAS_LIMIT: u64 = 60_000_000;

impl Engine {
    /// Starts a block on `parent`. Attributes that no block can have are refused now.
    pub fn build(
        &self,
        parent: B256,
        attributes: BuildAttributes,
    ) -> Result<PayloadId, EngineError> {
        let id = payload_id(parent, &attributes);
        let mut work = self.work();
        if work.jobs.get(&id).is_some() {
            return Ok(id);
        }
        let header = self.snapshot()?.header(parent)?;
        let parent = header.ok_or(EngineError::UnknownBlock(parent))?;
        let built = if attributes.no_tx_pool {
            // There is nothing to wait for, and its transactions may be at fault.
            Some(self.execute_job(&mut work, &parent, &attributes)?)
        } else {
            self.check(&mut work, &parent, &attributes)?;
            None
        };
        work.jobs.put(id, Job { parent, attributes, built });
        Ok(id)
    }

    /// The block that was started, filled from the pool as it is when this is first called.
    pub fn payload(&self, id: PayloadId) -> Result<BuiltBlock, EngineError> {
        let mut work = self.work();
        let job = work.jobs.get(&id).ok_or(EngineError::UnknownPayload(id))?;
        let made = match &job.built {
            Some(made) => Arc::clone(made),
            None => {
                let (parent, attributes) = (job.parent.clone(), job.attributes.clone());
                let made = self.execute_job(&mut work, &parent, &attributes)?;
                if let Some(job) = work.jobs.get_mut(&id) {
                    job.built = Some(Arc::clone(&made));
                }
                made
            }
        };
        let block = Arc::clone(&made.block);
        Ok(BuiltBlock { block, fees: made.fees, blobs: made.blobs.clone() })
    }

    fn check(
        &self,
        work: &mut Work,
        parent: &Sealed<Header>,
        attributes: &BuildAttributes,
    ) -> Result<(), EngineError> {
        match &*self.core.rules {
            Rules::L1(rules) => {
                let attributes = l1_attributes(parent, attributes)?;
                l1::check(rules, parent, &attributes)
                    .map_err(|fault| EngineError::InvalidAttributes(fault.to_string()))
            }
            Rules::L2(config) => {
                let head = self.heads().head.header.hash();
                let attributes = l2::build_attributes(parent, attributes);
                let view = work.live.at(&self.core.store, parent, head)?;
                let checked = l2::check(config, parent, &attributes, view);
                let failure = view.failure();
                // Nothing was sealed, so the state is as it was.
                work.live.rest();
                match (checked, failure) {
                    (_, Some(failure)) => Err(failure.into()),
                    (Ok(()), None) => Ok(()),
                    (Err(error), None) => Err(EngineError::InvalidAttributes(l2_fault(error)?)),
                }
            }
        }
    }

    fn execute_job(
        &self,
        work: &mut Work,
        parent: &Sealed<Header>,
        attributes: &BuildAttributes,
    ) -> Result<Arc<Made>, EngineError> {
        let head = self.heads().head.header.hash();
        let view = work.live.at(&self.core.store, parent, head)?;
        let executed = self.run_job(parent, attributes, view);
        let failure = view.failure();
        match (executed, failure) {
            (Ok(made), None) => {
                work.live.follow(&made.block.header);
                let made = Arc::new(made);
                work.made.put(made.block.header.hash(), Arc::clone(&made));
                Ok(made)
            }
            (executed, failure) => {
                work.live.forget();
                match failure {
                    Some(failure) => Err(failure.into()),
                    None => executed.map(Arc::new),
                }
            }
        }
    }

    fn run_job(
        &self,
        parent: &Sealed<Header>,
        attributes: &BuildAttributes,
        view: &mut StateView,
    ) -> Result<Made, EngineError> {
        let pool = &self.core.pool;
        let uses_pool = !attributes.no_tx_pool;
        match &*self.core.rules {
            Rules::L1(rules) => {
                let attributes = l1_attributes(parent, attributes)?;
                let selection = uses_pool.then(|| pool.select_l1(rules, parent, &attributes));
                let made = l1::execute(rules, parent, &attributes, &[], view, selection);
                made.or_else(|error| Err(EngineError::InvalidAttributes(l1_fault(error)?)))
            }
            Rules::L2(config) => {
                let attributes = l2::build_attributes(parent, attributes);
                let fill = uses_pool.then(|| pool.select_l2(config, parent, &attributes));
                let made = l2::execute(config, parent, &attributes, view, fill);
                made.or_else(|error| Err(EngineError::InvalidAttributes(l2_fault(error)?)))
            }
        }
    }
}

/// What an L1 block is built of. Transactions come from the pool alone.
fn l1_attributes(
    parent: &Header,
    attributes: &BuildAttributes,
) -> Result<l1::L1Attributes, EngineError> {
    if !attributes.transactions.is_empty() {
        let text = "transactions are set, which an L1 does not know";
        return Err(EngineError::InvalidAttributes(text.to_owned()));
    }
    let wanted = attributes.gas_limit.unwrap_or(L1_GAS_LIMIT);
    Ok(l1::L1Attributes {
        timestamp: attributes.timestamp,
        prev_randao: attributes.prev_randao,
        fee_recipient: attributes.fee_recipient,
        gas_limit: l1::gas_limit(parent.gas_limit, wanted),
        extra_data: Bytes::new(),
        withdrawals: attributes.withdrawals.clone(),
        parent_beacon_block_root: attributes.parent_beacon_block_root,
    })
}

/// Eight bytes that name parent and attributes.
fn payload_id(parent: B256, attributes: &BuildAttributes) -> PayloadId {
    let BuildAttributes { transactions, withdrawals, .. } = attributes;
    let rest =
        BuildAttributes { transactions: Vec::new(), withdrawals: None, ..attributes.clone() };
    let mut hash = Keccak256::new();
    hash.update(parent);
    // The text form names every field, and is only ever compared with itself.
    hash.update(format!("{rest:?}"));
    hash.update(alloy_rlp::encode(transactions));
    hash.update(withdrawals.as_ref().map(alloy_rlp::encode).unwrap_or_default());
    let digest = hash.finalize();
    PayloadId(B64::from_slice(&digest[..8]))
}
