//! Lets transactions in.
//!
//! Start with [`Pool::add`]. First what the transaction alone tells, then what the head's state
//! says of its sender.
//!
//! **Invariant:** a transaction that is let in could go into a block on the head, but for prices
//! and nonces that time may bring.

use super::fees::Fees;
use super::{Inside, Pool, PoolError, PoolTransaction, sidecar};
use crate::transaction::{self, BLOB, SET_CODE};
use crate::{ChainEvent, Rules};
use alloy_consensus::{Header, Transaction as _, Typed2718};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use opal_execute::{Account, FastLz, StateRead};
use revm::context_interface::cfg::gas::calculate_initial_tx_gas_for_tx;
use revm::primitives::hardfork::SpecId;
use std::sync::Arc;

/// Longest transaction, bytes, blobs not counted.
const MAX_SIZE: usize = 128 << 10;
/// What a blob adds to that at most: itself, its commitment and its proofs.
const BLOB_SIZE: usize = (128 << 10) + 48 + 128 * 48 + 64;
/// Longest init code (EIP-3860), bytes.
const MAX_INIT_CODE: usize = 49_152;
/// Most gas of a transaction from Osaka (EIP-7825).
const GAS_CAP: u64 = 1 << 24;
/// Begin of a delegation (EIP-7702), whose account may still send.
const DELEGATION: [u8; 3] = [0xef, 0x01, 0x00];

/// The rules by which the pool judges: those of the head.
#[derive(Clone, Copy, Debug)]
struct Judge {
    spec: SpecId,
    chain_id: u64,
    gas_limit: u64,
    /// `None` where there are no blob transactions.
    max_blobs: Option<u64>,
}

impl Judge {
    fn new(rules: &Rules, head: &Header) -> Self {
        let (spec, max_blobs) = match rules {
            Rules::L1(rules) => {
                let params = rules.blob_params(head.timestamp);
                let fork = rules.fork(head.timestamp);
                (fork.spec(), params.map(|it| it.max_blobs_per_tx))
            }
            Rules::L2(config) => {
                (opal_execute::Rules::new(config, head.timestamp).spec().into(), None)
            }
        };
        Self { spec, chain_id: rules.chain_id(), gas_limit: head.gas_limit, max_blobs }
    }

    fn is(&self, spec: SpecId) -> bool {
        self.spec.is_enabled_in(spec)
    }

    /// Whether a transaction of this type may come at all.
    fn check_type(&self, raw: &[u8]) -> Result<(), PoolError> {
        match raw.first() {
            None => Err(PoolError::Encoding("empty".to_owned())),
            Some(0xc0.. | 1 | 2) => Ok(()),
            Some(&BLOB) if self.max_blobs.is_some() => Ok(()),
            Some(&SET_CODE) if self.is(SpecId::PRAGUE) => Ok(()),
            Some(other) => Err(PoolError::Type(*other)),
        }
    }

    fn check_size(&self, raw: &[u8]) -> Result<(), PoolError> {
        let blobs = match (raw.first(), self.max_blobs) {
            (Some(&BLOB), Some(most)) => usize::try_from(most).unwrap_or_default(),
            _ => 0,
        };
        let (size, limit) = (raw.len(), MAX_SIZE + blobs * BLOB_SIZE);
        if size > limit { Err(PoolError::Oversized { size, limit }) } else { Ok(()) }
    }

    /// What the transaction alone tells.
    fn check(&self, tx: &PoolTransaction) -> Result<(), PoolError> {
        let (hash, inner) = (tx.sender, &tx.transaction);
        if let Some(found) = inner.chain_id()
            && found != self.chain_id
        {
            return Err(PoolError::ChainId { found, wanted: self.chain_id });
        }
        if inner.nonce() == u64::MAX {
            return Err(PoolError::NonceMax(hash));
        }
        let size = inner.input().len();
        if inner.kind().is_create() && self.is(SpecId::SHANGHAI) && size > MAX_INIT_CODE {
            return Err(PoolError::InitCode { size, limit: MAX_INIT_CODE });
        }
        self.check_gas(tx)?;
        let (fee, tip) = (inner.max_fee_per_gas(), inner.max_priority_fee_per_gas());
        if let Some(tip) = tip
            && tip > fee
        {
            return Err(PoolError::TipAboveFee { tip, fee });
        }
        if inner.ty() == SET_CODE && inner.authorization_list().is_none_or(<[_]>::is_empty) {
            return Err(PoolError::NoAuthorizations);
        }
        Ok(())
    }

    fn check_gas(&self, tx: &PoolTransaction) -> Result<(), PoolError> {
        let gas = tx.gas_limit();
        if gas > self.gas_limit {
            return Err(PoolError::GasLimit { gas, limit: self.gas_limit });
        }
        if self.is(SpecId::OSAKA) && gas > GAS_CAP {
            return Err(PoolError::GasCap { gas, cap: GAS_CAP });
        }
        let environment = transaction::environment(&tx.transaction, tx.sender);
        let needed = calculate_initial_tx_gas_for_tx(&environment, self.spec);
        if gas < needed.initial_total_gas {
            return Err(PoolError::IntrinsicGas { gas, needed: needed.initial_total_gas });
        }
        if self.is(SpecId::PRAGUE) && gas < needed.floor_gas {
            return Err(PoolError::FloorGas { gas, needed: needed.floor_gas });
        }
        Ok(())
    }

    fn check_blobs(&self, hashes: &[B256], fee: u128) -> Result<(), PoolError> {
        if hashes.is_empty() {
            return Err(PoolError::NoBlobs);
        }
        let (found, limit) = (hashes.len(), self.max_blobs.unwrap_or_default());
        if found as u64 > limit {
            return Err(PoolError::TooManyBlobs { found, limit });
        }
        if fee == 0 {
            return Err(PoolError::BlobUnderpriced { fee });
        }
        Ok(())
    }
}

impl Pool {
    /// Takes a transaction in: EIP-2718 encoded, a blob transaction with its blobs. Tells its hash.
    pub fn add(&self, raw: &Bytes) -> Result<B256, PoolError> {
        let head = self.inside().head.clone();
        let judge = Judge::new(&self.shared.rules, &head);
        let tx = self.examine(&judge, raw)?;
        let hash = tx.hash;
        let ready = self.admit(tx)?;
        for hash in ready {
            // Without subscribers nobody misses it.
            let _ = self.shared.events.send(ChainEvent::PendingTransaction(hash));
        }
        Ok(hash)
    }

    /// All that can be said of a transaction without the state.
    fn examine(&self, judge: &Judge, raw: &Bytes) -> Result<PoolTransaction, PoolError> {
        judge.check_type(raw)?;
        judge.check_size(raw)?;
        let unwrapped = sidecar::unwrap(raw)?;
        let hash = *unwrapped.transaction.tx_hash();
        if self.find(hash).is_some() {
            return Err(PoolError::AlreadyKnown);
        }
        let mut tx = self.transaction(unwrapped.transaction, unwrapped.raw)?;
        judge.check(&tx)?;
        let tip = tx.transaction.max_priority_fee_per_gas();
        let tip = tip.unwrap_or_else(|| tx.transaction.max_fee_per_gas());
        let needed = self.shared.limits.min_tip;
        if tip < needed {
            return Err(PoolError::Underpriced { tip, needed });
        }
        if let Some(sidecar) = unwrapped.sidecar {
            let hashes = tx.transaction.blob_versioned_hashes().unwrap_or_default();
            let fee = tx.transaction.max_fee_per_blob_gas().unwrap_or_default();
            judge.check_blobs(hashes, fee)?;
            tx.blobs = sidecar::verify(sidecar, hashes, judge.is(SpecId::OSAKA))?;
        }
        Ok(tx)
    }

    /// A transaction with its sender.
    pub(super) fn transaction(
        &self,
        transaction: transaction::Transaction,
        raw: Bytes,
    ) -> Result<PoolTransaction, PoolError> {
        let sender = transaction::sender(&transaction).ok_or(PoolError::Sender)?;
        let fastlz = match &*self.shared.rules {
            Rules::L1(_) => 0,
            Rules::L2(_) => FastLz::default().size(&raw),
        };
        let hash = *transaction.tx_hash();
        Ok(PoolTransaction {
            hash,
            raw,
            sender,
            transaction,
            blobs: Vec::new(),
            fastlz,
            arrival: 0,
        })
    }

    /// Judges a transaction by the head's state and the sender's others, and puts it in. Tells
    /// which are pending only now.
    pub(super) fn admit(&self, mut tx: PoolTransaction) -> Result<Vec<B256>, PoolError> {
        let mut inside = self.inside();
        let mut view = self.view(&inside.head)?;
        let account = view.account(tx.sender)?;
        check_sender(&mut view, tx.sender, account)?;
        let fees = match inside.fees {
            Some(fees) => fees,
            None => *inside.fees.insert(Fees::read(&self.shared.rules, &mut view)?),
        };
        let (next, balance) = account.map_or((0, U256::ZERO), |it| (it.nonce, it.balance));
        let nonce = tx.nonce();
        if nonce < next {
            return Err(PoolError::NonceTooLow { next, nonce });
        }
        if inside.queues.find(tx.hash).is_some() {
            return Err(PoolError::AlreadyKnown);
        }
        self.check_queue(&inside, &tx, &fees, (next, balance))?;
        self.make_room(&mut inside, &tx)?;
        tx.arrival = inside.queues.arrival();
        Ok(inside.queues.put(Arc::new(tx), next, balance))
    }

    /// The transaction beside what its sender has waiting.
    fn check_queue(
        &self,
        inside: &Inside,
        tx: &PoolTransaction,
        fees: &Fees,
        (next, balance): (u64, U256),
    ) -> Result<(), PoolError> {
        let queue = inside.queues.of(tx.sender);
        let others = queue.into_iter().flat_map(|queue| queue.by_nonce.values());
        if others.clone().any(|other| other.has_blobs() != tx.has_blobs()) {
            return Err(PoolError::Reserved(tx.sender));
        }
        let old = queue.and_then(|queue| queue.by_nonce.get(&tx.nonce()));
        if let Some(old) = old {
            self.check_replacement(old, tx)?;
        } else {
            let limit = self.shared.limits.per_sender;
            if queue.is_some_and(|queue| queue.by_nonce.len() >= limit) {
                return Err(PoolError::AccountLimit { sender: tx.sender, limit });
            }
            let free = queue.map_or(next, |queue| queue.next().max(next));
            if tx.has_blobs() && tx.nonce() > free {
                return Err(PoolError::NonceTooHigh { nonce: tx.nonce(), next: free });
            }
        }
        let before = others.filter(|other| other.nonce() < tx.nonce() && other.nonce() >= next);
        let before = before.fold(U256::ZERO, |sum, other| sum.saturating_add(fees.cost(other)));
        let cost = before.saturating_add(fees.cost(tx));
        if cost > balance {
            let overshot = cost.saturating_sub(balance);
            return Err(PoolError::InsufficientFunds { balance, cost, overshot });
        }
        Ok(())
    }

    fn check_replacement(
        &self,
        old: &PoolTransaction,
        new: &PoolTransaction,
    ) -> Result<(), PoolError> {
        let limits = &self.shared.limits;
        let bump = if new.has_blobs() { limits.blob_bump_percent } else { limits.bump_percent };
        let prices = |tx: &PoolTransaction| {
            let inner = &tx.transaction;
            let fee = inner.max_fee_per_gas();
            let tip = inner.max_priority_fee_per_gas().unwrap_or(fee);
            [
                ("gas fee cap", fee),
                ("gas tip cap", tip),
                ("blob gas fee cap", inner.max_fee_per_blob_gas().unwrap_or_default()),
            ]
        };
        for ((field, old), (_, new)) in prices(old).into_iter().zip(prices(new)) {
            let needed = old.saturating_mul(u128::from(bump).saturating_add(100)).div_ceil(100);
            if new < needed || (field != "blob gas fee cap" && new <= old) {
                return Err(PoolError::ReplacementUnderpriced { field, new, old, bump });
            }
        }
        Ok(())
    }

    /// Lets cheaper transactions go where the pool is full.
    fn make_room(&self, inside: &mut Inside, tx: &PoolTransaction) -> Result<(), PoolError> {
        let limits = &self.shared.limits;
        let base_fee = inside.head.base_fee_per_gas.unwrap_or_default();
        let tip = transaction::tip(&tx.transaction, base_fee);
        if inside.queues.blob_count() + tx.blobs.len() > limits.blobs {
            return Err(PoolError::Full);
        }
        while inside.queues.len() >= limits.transactions
            || inside.queues.bytes() + tx.raw.len() > limits.bytes
        {
            let cheapest = inside.queues.cheapest(base_fee).ok_or(PoolError::Full)?;
            let needed = transaction::tip(&cheapest.transaction, base_fee).saturating_add(1);
            if tip < needed || cheapest.sender == tx.sender {
                return Err(PoolError::Underpriced { tip, needed });
            }
            inside.queues.remove(cheapest.hash);
        }
        Ok(())
    }
}

/// A contract cannot send, an account with a delegation can (EIP-3607, EIP-7702).
fn check_sender(
    view: &mut crate::StateView,
    sender: Address,
    account: Option<Account>,
) -> Result<(), PoolError> {
    let code_hash = account.map_or(KECCAK256_EMPTY, |it| it.code_hash);
    if code_hash == KECCAK256_EMPTY || view.code(code_hash)?.starts_with(&DELEGATION) {
        Ok(())
    } else {
        Err(PoolError::SenderHasCode(sender))
    }
}
