//! Brings the pool to a new head.
//!
//! **Invariant:** afterwards no transaction has a used nonce, and none that came first in its queue
//! costs more than its sender has.

use super::fees::Fees;
use super::{Inside, Pool, PoolError};
use crate::transaction::{self, DEPOSIT};
use crate::{ChainEvent, EngineError, Rules, StateView};
use alloy_consensus::{Header, Transaction as _};
use alloy_primitives::{Address, B256, Bytes, Sealed, U256};
use opal_execute::StateRead;

impl Pool {
    /// The head is another one: these accounts changed, these transactions are in no block any
    /// more.
    pub(crate) fn reset(
        &self,
        head: &Sealed<Header>,
        changed: &[Address],
        homeless: Vec<Bytes>,
    ) -> Result<(), EngineError> {
        {
            let mut inside = self.inside();
            inside.head = head.clone();
            inside.fees = None;
            if !inside.queues.is_empty() {
                let mut view = self.view(head)?;
                self.update(&mut inside, &mut view, changed)?;
            }
        }
        for raw in homeless {
            if raw.first() != Some(&DEPOSIT) {
                self.readmit(raw)?;
            }
        }
        Ok(())
    }

    fn update(
        &self,
        inside: &mut Inside,
        view: &mut StateView,
        changed: &[Address],
    ) -> Result<(), EngineError> {
        let fees = Fees::read(&self.shared.rules, view)?;
        inside.fees = Some(fees);
        for sender in changed {
            if inside.queues.of(*sender).is_none() {
                continue;
            }
            let account = view.account(*sender)?;
            let (nonce, balance) = account.map_or((0, U256::ZERO), |it| (it.nonce, it.balance));
            inside.queues.set_account(*sender, nonce, balance);
        }
        // Fees move with every head, so every queue is looked at.
        let gas_limit = view.header().gas_limit;
        let needs_cells = self.needs_cell_proofs(view.header());
        let mut gone: Vec<B256> = Vec::new();
        for (_, queue) in inside.queues.senders() {
            let lost = queue.by_nonce.values().filter(|tx| {
                fees.cost(tx) > queue.balance
                    || tx.gas_limit() > gas_limit
                    || needs_cells && tx.blobs.iter().any(|blob| !blob.has_cell_proofs())
            });
            gone.extend(lost.map(|tx| tx.hash));
        }
        for hash in gone {
            inside.queues.remove(hash);
        }
        Ok(())
    }

    fn needs_cell_proofs(&self, head: &Header) -> bool {
        match &*self.shared.rules {
            Rules::L1(rules) => rules.fork(head.timestamp) >= crate::l1::L1Fork::Osaka,
            Rules::L2(_) => false,
        }
    }

    /// Takes a transaction back that was in a block. One that cannot be any more is dropped.
    fn readmit(&self, raw: Bytes) -> Result<(), EngineError> {
        let Ok(tx) = transaction::decode(&raw) else { return Ok(()) };
        let Ok(mut tx) = self.transaction(tx, raw) else { return Ok(()) };
        let snapshot = self.shared.store.read()?;
        for hash in tx.transaction.blob_versioned_hashes().unwrap_or_default() {
            match snapshot.blob(*hash)? {
                Some(blob) => tx.blobs.push(blob),
                // Without its blobs nobody can build with it.
                None => return Ok(()),
            }
        }
        drop(snapshot);
        match self.admit(tx) {
            Ok(ready) => {
                for hash in ready {
                    // Without subscribers nobody misses it.
                    let _ = self.shared.events.send(ChainEvent::PendingTransaction(hash));
                }
                Ok(())
            }
            Err(PoolError::Store(error)) => Err(error.into()),
            Err(PoolError::State(error)) => Err(error.into()),
            Err(_) => Ok(()),
        }
    }
}
