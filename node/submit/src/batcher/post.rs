//! Postings as transactions of the account.
//!
//! **Invariant:** each posting has one candidate, and the machine hears the end of each.

use super::TickError;
use crate::{BatcherStatus, Machine, Payload, Phase, PostingId, heads};
use alloy_primitives::{Address, Bytes, U256};
use opal_client::{
    Candidate, CandidateId, Inclusion, Rpc, TransactionEvent, TransactionOptions, Transactions,
};
use opal_types::{BlockId, encode_blob};
use std::collections::BTreeMap;

/// Gas of a transaction that only carries blobs.
const BLOB_TRANSACTION_GAS: u64 = 21_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Post {
    transactions: Transactions,
    inbox: Address,
    open: BTreeMap<CandidateId, Open>,
    /// Why a transaction was refused, until one is taken.
    refusal: Option<String>,
    /// Since when transactions of an earlier batcher have been waited for.
    waiting_since_ms: Option<u64>,
    /// How long they are.
    patience_ms: u64,
}

/// A candidate that has not come to its end.
#[derive(Clone, Copy, Debug)]
struct Open {
    posting: PostingId,
    /// A node has it.
    is_sent: bool,
}

impl Post {
    pub(super) fn new(options: TransactionOptions, inbox: Address, max_pending: usize) -> Self {
        let patience_ms = options.resubmission_timeout_ms.saturating_mul(2);
        let max_queued = options.max_queued.max(max_pending);
        let options = TransactionOptions { max_pending, max_queued, ..options };
        let transactions = Transactions::new(options);
        Self {
            transactions,
            inbox,
            open: BTreeMap::new(),
            refusal: None,
            waiting_since_ms: None,
            patience_ms,
        }
    }

    /// Transactions that have not come to their end.
    pub(super) fn open(&self) -> usize {
        self.transactions.open()
    }

    /// Why nothing gets through, in words.
    pub(super) fn hindrance(&self) -> Option<String> {
        self.transactions.hindrance().map(str::to_owned).or_else(|| self.refusal.clone())
    }

    /// Sends what the machine hands out.
    pub(super) async fn send(
        &mut self,
        machine: &mut Machine,
        now_ms: u64,
        status: &mut BatcherStatus,
    ) -> Result<(), TickError> {
        let mut has_sent = false;
        while let Some((posting, payload)) = machine.next_posting() {
            match self.transactions.submit(self.candidate(&payload)) {
                Ok(candidate) => {
                    self.open.insert(candidate, Open { posting, is_sent: false });
                    has_sent = true;
                }
                Err(full) => {
                    tracing::debug!(%full, "transactions wait");
                    machine.on_lost(posting);
                    break;
                }
            }
        }
        if has_sent { self.follow(machine, now_ms, status).await } else { Ok(()) }
    }

    fn candidate(&self, payload: &Payload) -> Candidate {
        let (data, blobs, gas_limit) = match payload {
            Payload::Calldata(data) => (data.clone(), Vec::new(), None),
            Payload::Blobs(datas) => {
                let blobs = datas.iter().map(blob).collect();
                (Bytes::new(), blobs, Some(BLOB_TRANSACTION_GAS))
            }
        };
        Candidate { to: Some(self.inbox), data, value: U256::ZERO, blobs, gas_limit }
    }

    /// Looks at the account's transactions, and tells the machine.
    pub(super) async fn follow(
        &mut self,
        machine: &mut Machine,
        now_ms: u64,
        status: &mut BatcherStatus,
    ) -> Result<(), TickError> {
        for event in self.transactions.tick(now_ms).await? {
            self.tell(machine, event, status);
        }
        Ok(())
    }

    fn tell(&mut self, machine: &mut Machine, event: TransactionEvent, status: &mut BatcherStatus) {
        match event {
            TransactionEvent::Sent { id, nonce, hash } => {
                tracing::debug!(nonce, %hash, "sent batches");
                self.refusal = None;
                if let Some(open) = self.open.get_mut(&id) {
                    open.is_sent = true;
                }
            }
            TransactionEvent::Included { id, inclusion } => {
                if let Some(open) = self.open.get(&id) {
                    machine.on_included(open.posting, block_of(&inclusion));
                }
            }
            TransactionEvent::Reorged { id, hash } => {
                tracing::info!(%hash, "L1 took batches back");
                if let Some(open) = self.open.get(&id) {
                    machine.on_taken_back(open.posting);
                }
            }
            TransactionEvent::Confirmed { id, inclusion } => {
                status.transactions_included = status.transactions_included.saturating_add(1);
                if let Some(open) = self.open.remove(&id) {
                    machine.on_included(open.posting, block_of(&inclusion));
                }
            }
            TransactionEvent::Refused { id, why } => {
                tracing::warn!(why, "a transaction was refused");
                self.refusal = Some(why);
                self.lose(machine, id);
            }
            TransactionEvent::Cancelled { id } => self.lose(machine, id),
        }
    }

    fn lose(&mut self, machine: &mut Machine, id: CandidateId) {
        if let Some(open) = self.open.remove(&id) {
            machine.on_lost(open.posting);
        }
    }

    /// Nothing of what is open is wanted any more. What a node has may land all the same: to push
    /// it out would cost more than it does.
    pub(super) fn take_back(&mut self) {
        for (candidate, _) in self.open.iter().filter(|(_, open)| !open.is_sent) {
            self.transactions.cancel(*candidate);
        }
    }

    /// How many transactions of the account are in no block yet, before the machine may begin. An
    /// earlier batcher's are not waited for without end: if they are stuck, new ones push them out
    /// of the way.
    pub(super) async fn outstanding(
        &mut self,
        machine: &Machine,
        l1: &Rpc,
        now_ms: u64,
    ) -> Result<usize, TickError> {
        let open = self.transactions.open();
        if machine.phase() != (Phase::Settling { until_l1: None }) {
            self.waiting_since_ms = None;
            return Ok(open);
        }
        let since_ms = *self.waiting_since_ms.get_or_insert(now_ms);
        if now_ms.saturating_sub(since_ms) >= self.patience_ms {
            return Ok(open);
        }
        Ok(open.max(heads::pooled(l1, self.transactions.address()).await?))
    }
}

fn block_of(inclusion: &Inclusion) -> BlockId {
    BlockId { number: inclusion.block_number, hash: inclusion.block_hash }
}

fn blob(data: &Bytes) -> Bytes {
    let blob = encode_blob(data).expect("frames are cut to the size of a blob");
    Bytes::copy_from_slice(blob.as_slice())
}
