//! Sends transactions and sees them through: nonces, fees, replacement, receipts, reorgs, restarts.
//!
//! Start with [`Transactions::submit`] and [`Transactions::tick`]. The decisions are [`machine`]'s, which does no I/O;
//! this file asks the chain, signs and sends.
//!
//! **Invariant:** candidates get nonces in the order in which they were submitted, and every one ends in exactly one
//! of [`TransactionEvent::Confirmed`], [`TransactionEvent::Refused`] and [`TransactionEvent::Cancelled`].

mod answer;
mod chain;
mod fees;
mod machine;
mod sign;

use crate::{Remedy, Rpc, RpcError, Signer, SignerError, kzg};
use alloy_primitives::{Address, B256, Bytes, Log, U256};
use answer::Answer;
use chain::Chain;
pub use fees::FeeLimits;
use machine::{Action, Machine};
use sign::Sidecar;
use std::{collections::BTreeMap, sync::Arc};

/// What somebody wants to be done on chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// `None` creates a contract.
    pub to: Option<Address>,
    /// Input.
    pub data: Bytes,
    /// Wei sent along.
    pub value: U256,
    /// 131,072 bytes each. With any the transaction is of type 3, which needs `to`.
    pub blobs: Vec<Bytes>,
    /// `None` = estimated; what would revert is refused then.
    pub gas_limit: Option<u64>,
}

/// A candidate's number, unique in one [`Transactions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CandidateId(pub u64);

/// Where a transaction stands in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Hash of the transaction.
    pub transaction: B256,
    /// Height of its block.
    pub block_number: u64,
    /// Hash of its block.
    pub block_hash: B256,
    /// False = it reverted.
    pub succeeded: bool,
    /// Gas used.
    pub gas_used: u64,
    /// The contract that it created.
    pub contract_address: Option<Address>,
    /// What it logged.
    pub logs: Vec<Log>,
}

/// What happened to a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionEvent {
    /// A node took it; again after each replacement.
    Sent {
        /// Whose.
        id: CandidateId,
        /// Its nonce.
        nonce: u64,
        /// Hash of this transaction.
        hash: B256,
    },
    /// It is in a block; again when a reorg moves it to another one.
    Included {
        /// Whose.
        id: CandidateId,
        /// Where.
        inclusion: Inclusion,
    },
    /// A reorg took it out of its block; it is pending again.
    Reorged {
        /// Whose.
        id: CandidateId,
        /// Hash of the transaction.
        hash: B256,
    },
    /// Deep enough in the chain: the end, if it reverted as well.
    Confirmed {
        /// Whose.
        id: CandidateId,
        /// Where.
        inclusion: Inclusion,
    },
    /// It was not sent and will not be: the end.
    Refused {
        /// Whose.
        id: CandidateId,
        /// Why.
        why: String,
    },
    /// It was taken back in time: the end.
    Cancelled {
        /// Whose.
        id: CandidateId,
    },
}

/// Which proofs come with blobs (EIP-7594).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellProofs {
    /// One proof per blob: before Osaka.
    Never,
    /// One proof per cell: from Osaka.
    Always,
    /// By the time of the newest block, seconds.
    From(u64),
    /// By what the node says (`eth_config`, or what it refuses).
    Detect,
}

/// How to send.
#[derive(Clone, Debug)]
pub struct TransactionOptions {
    /// The chain.
    pub rpc: Rpc,
    /// Whose account.
    pub signer: Signer,
    /// Blocks from the transaction's own on that make it final enough; at least 1.
    pub confirmations: u64,
    /// After this time in the pool a transaction is replaced by one that pays more.
    pub resubmission_timeout_ms: u64,
    /// Transactions in the pool at once.
    pub max_pending: usize,
    /// Candidates that wait for their turn, at most.
    pub max_queued: usize,
    /// What may be paid.
    pub fees: FeeLimits,
    /// Proofs of blobs.
    pub cell_proofs: CellProofs,
}

impl TransactionOptions {
    /// What suits a public chain.
    pub fn new(rpc: Rpc, signer: Signer) -> Self {
        Self {
            rpc,
            signer,
            confirmations: 1,
            resubmission_timeout_ms: 48_000,
            max_pending: 8,
            max_queued: 1024,
            fees: FeeLimits::default_limits(),
            cell_proofs: CellProofs::Detect,
        }
    }
}

/// Why a tick could not do its work. Nothing is lost: the next one goes on.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// The chain could not be asked.
    #[error("cannot ask the chain: {0}")]
    Rpc(#[from] RpcError),
    /// Nothing can be signed.
    #[error("cannot sign: {0}")]
    Signer(#[from] SignerError),
}

/// The queue is full; submit again when some are through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{queued} transactions wait already")]
pub struct QueueFull {
    /// How many wait.
    pub queued: usize,
}

/// See the module.
#[derive(Debug)]
pub struct Transactions {
    chain: Chain,
    signer: Signer,
    machine: Machine,
    cell_proofs: CellProofs,
    /// What [`CellProofs::Detect`] found.
    detected: Option<bool>,
    chain_id: Option<u64>,
    /// Blobs with proofs of the nonces in use.
    sidecars: BTreeMap<u64, Arc<Sidecar>>,
}

impl Transactions {
    /// Nothing is asked or sent before the first tick.
    pub fn new(options: TransactionOptions) -> Self {
        let address = options.signer.address();
        let machine = Machine::new(machine::Rules {
            confirmations: options.confirmations.max(1),
            resubmission_timeout_ms: options.resubmission_timeout_ms,
            max_pending: options.max_pending.max(1),
            max_queued: options.max_queued,
            fees: options.fees,
        });
        Self {
            chain: Chain::new(options.rpc, address),
            signer: options.signer,
            machine,
            cell_proofs: options.cell_proofs,
            detected: None,
            chain_id: None,
            sidecars: BTreeMap::new(),
        }
    }

    /// The account.
    pub fn address(&self) -> Address {
        self.signer.address()
    }

    /// Queues a candidate; [`Self::tick`] sends it.
    pub fn submit(&mut self, candidate: Candidate) -> Result<CandidateId, QueueFull> {
        self.machine.submit(candidate)
    }

    /// Takes a candidate back, if there is still time; the events tell which it was.
    pub fn cancel(&mut self, id: CandidateId) {
        self.machine.cancel(id);
    }

    /// Candidates that are neither confirmed nor ended otherwise.
    pub fn open(&self) -> usize {
        self.machine.open()
    }

    /// What hinders it, in words: missing funds, fees above the limit, a strange transaction in the way.
    pub fn hindrance(&self) -> Option<&str> {
        self.machine.hindrance()
    }

    /// Looks at the chain and does what is due. `now_ms` is the time since the Unix epoch, or of a virtual clock.
    pub async fn tick(&mut self, now_ms: u64) -> Result<Vec<TransactionEvent>, TransactionError> {
        if self.machine.open() == 0 {
            return Ok(self.machine.drain());
        }
        let view = self.chain.observe(&self.machine).await?;
        self.machine.observe(now_ms, view);
        let used: Vec<_> = self.machine.nonces().collect();
        self.sidecars.retain(|nonce, _| used.contains(nonce));
        for action in self.machine.actions(now_ms) {
            match action {
                Action::Launch => self.launch(now_ms).await?,
                Action::Send { nonce } => self.send(now_ms, nonce).await?,
            }
        }
        Ok(self.machine.drain())
    }

    /// Gives the front of the queue a nonce and sends it, if it may go now and would not revert.
    async fn launch(&mut self, now_ms: u64) -> Result<(), TransactionError> {
        let Some(candidate) = self.machine.front() else { return Ok(()) };
        if let Some(why) = unfit(&candidate) {
            self.machine.refuse_front(why);
            return Ok(());
        }
        let gas_limit = match candidate.gas_limit {
            Some(gas_limit) => gas_limit,
            None => match self.chain.estimate(&candidate).await {
                Ok(gas_limit) => gas_limit,
                Err(error) if error.answered().is_some() && error.remedy() == Remedy::GiveUp => {
                    self.machine.refuse_front(error.to_string());
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            },
        };
        match self.machine.launch(gas_limit) {
            Some(nonce) => self.send(now_ms, nonce).await,
            None => Ok(()),
        }
    }

    /// Signs and sends what the slot offers now.
    async fn send(&mut self, now_ms: u64, nonce: u64) -> Result<(), TransactionError> {
        for _ in 0..2 {
            let Some(offer) = self.machine.offer(nonce) else { return Ok(()) };
            let chain_id = self.chain_id().await?;
            let sidecar = match offer.candidate.blobs.is_empty() {
                true => None,
                false => match self.sidecar(nonce, &offer.candidate.blobs).await? {
                    Ok(sidecar) => Some(sidecar),
                    Err(why) => {
                        self.machine.refuse(nonce, why);
                        return Ok(());
                    }
                },
            };
            let from = self.signer.address();
            let unsigned = sign::unsigned(&offer, sidecar.as_deref(), from, nonce, chain_id);
            let signature = self.signer.sign(&unsigned).await?;
            let (hash, raw) = sign::signed(unsigned, signature, sidecar.as_deref());
            self.machine.sending(nonce, hash);
            let answer = Answer::of(&self.chain.send(&raw).await);
            tracing::debug!(nonce, %hash, ?answer, "sent a transaction");
            let other_proofs = answer == Answer::OtherProofs;
            self.machine.answered(now_ms, nonce, hash, offer.fees, answer);
            if !(other_proofs && self.cell_proofs == CellProofs::Detect) {
                break;
            }
            // Once more with the other kind of proofs.
            self.detected = sidecar.map(|it| !it.has_cell_proofs);
            self.sidecars.remove(&nonce);
        }
        Ok(())
    }

    async fn chain_id(&mut self) -> Result<u64, TransactionError> {
        let id = match self.chain_id {
            Some(id) => id,
            None => self.chain.chain_id().await?,
        };
        self.chain_id = Some(id);
        Ok(id)
    }

    /// The blobs of a nonce with the proofs that the chain wants.
    async fn sidecar(
        &mut self,
        nonce: u64,
        blobs: &[Bytes],
    ) -> Result<Result<Arc<Sidecar>, String>, TransactionError> {
        let has_cell_proofs = self.wants_cell_proofs().await?;
        if let Some(kept) = self.sidecars.get(&nonce)
            && kept.fits(blobs, has_cell_proofs)
        {
            return Ok(Ok(Arc::clone(kept)));
        }
        let made = sign::sidecar(blobs.to_vec(), has_cell_proofs).await;
        if let Ok(sidecar) = &made {
            self.sidecars.insert(nonce, Arc::clone(sidecar));
        }
        Ok(made)
    }

    async fn wants_cell_proofs(&mut self) -> Result<bool, TransactionError> {
        match self.cell_proofs {
            CellProofs::Never => Ok(false),
            CellProofs::Always => Ok(true),
            CellProofs::From(time) => Ok(self.machine.time() >= time),
            CellProofs::Detect => {
                let wants = match self.detected {
                    Some(wants) => wants,
                    None => self.chain.is_osaka().await?.unwrap_or_default(),
                };
                self.detected = Some(wants);
                Ok(wants)
            }
        }
    }
}

/// What no node would take.
fn unfit(candidate: &Candidate) -> Option<String> {
    let odd = candidate.blobs.iter().find(|blob| blob.len() != kzg::BLOB_BYTES);
    if let Some(blob) = odd {
        return Some(format!("a blob has {} bytes, not {}", blob.len(), kzg::BLOB_BYTES));
    }
    let creates = candidate.to.is_none() && !candidate.blobs.is_empty();
    creates.then(|| "a transaction with blobs cannot create a contract".to_owned())
}
