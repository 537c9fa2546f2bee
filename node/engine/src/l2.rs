//! Blocks of an OP Stack chain: what `opal-execute` makes of them, as the store keeps it.
//!
//! Start with [`execute`]; [`attributes`] reads a finished block back into what it was made of.
//!
//! **Invariant:** rules are those of `opal-execute`; nothing about validity is decided here.

use crate::made::Made;
use crate::pool::{DaLimits, Selection};
use crate::transaction::{self, DEPOSIT};
use crate::{Block, BlockData, BuildAttributes, StateView, StoredReceipt};
use alloy_consensus::{Header, Transaction as _};
use alloy_primitives::{Address, B256, Bytes, Sealed, TxKind, U256, keccak256};
use alloy_rlp::Decodable;
use op_alloy_consensus::TxDeposit;
use opal_execute::{
    Error, Executed, FastLz, Outcome, Receipt, RevmCrypto, StateRead, da_size,
    predeploys::MESSAGE_PASSER,
};
use opal_types::{Attributes, ChainConfig, ExtraData, Fork, L1Info, L1InfoFormat};
use std::sync::Arc;

/// The attributes that make this block, if any do.
pub(crate) fn attributes(config: &ChainConfig, block: &BlockData) -> Attributes {
    let header = &block.header;
    let extra = ExtraData::decode(&config.forks, header.timestamp, &header.extra_data);
    let extra = extra.ok().flatten();
    Attributes {
        timestamp: header.timestamp,
        prev_randao: header.mix_hash,
        fee_recipient: header.beneficiary,
        withdrawals: block.withdrawals.clone(),
        parent_beacon_block_root: header.parent_beacon_block_root,
        transactions: block.transactions.clone(),
        gas_limit: header.gas_limit,
        eip1559: extra.map(|it| it.params),
        min_base_fee: extra.and_then(|it| it.min_base_fee),
    }
}

/// The attributes of a block to build; the Engine API lets the gas limit out where the parent's
/// stays.
pub(crate) fn build_attributes(parent: &Header, wanted: &BuildAttributes) -> Attributes {
    Attributes {
        timestamp: wanted.timestamp,
        prev_randao: wanted.prev_randao,
        fee_recipient: wanted.fee_recipient,
        withdrawals: wanted.withdrawals.clone(),
        parent_beacon_block_root: wanted.parent_beacon_block_root,
        transactions: wanted.transactions.clone(),
        gas_limit: wanted.gas_limit.unwrap_or(parent.gas_limit),
        eip1559: wanted.eip1559,
        min_base_fee: wanted.min_base_fee,
    }
}

/// Whether the attributes can begin a block on this parent, transactions included. Leaves no trace.
pub(crate) fn check(
    config: &ChainConfig,
    parent: &Sealed<Header>,
    attributes: &Attributes,
    view: &mut StateView,
) -> Result<(), Error> {
    let mut crypto = RevmCrypto;
    let mut block = opal_execute::Block::begin(config, parent, attributes, view, &mut crypto)?;
    attributes.transactions.iter().try_for_each(|raw| block.push(raw))
}

/// What else goes into a block after the transactions it must hold.
#[derive(Debug)]
pub(crate) struct Fill {
    /// Transactions of the pool, best first.
    pub(crate) selection: Selection,
    /// Limits on their data.
    pub(crate) limits: DaLimits,
}

/// Executes a block on the state after `parent`, with transactions of the pool if there is a
/// `fill`.
pub(crate) fn execute(
    config: &ChainConfig,
    parent: &Sealed<Header>,
    attributes: &Attributes,
    view: &mut StateView,
    fill: Option<Fill>,
) -> Result<Made, Error> {
    let mut crypto = RevmCrypto;
    let mut block = opal_execute::Block::begin(config, parent, attributes, view, &mut crypto)?;
    let mut transactions = attributes.transactions.clone();
    for raw in &transactions {
        block.push(raw)?;
    }
    if let Some(fill) = fill {
        let room = Room::new(config, attributes, fill.limits);
        add(&mut block, &mut transactions, fill.selection, room)?;
    }
    let outcome = block.seal()?;
    let message_passer_root = view.storage_root(MESSAGE_PASSER)?;
    let (nodes, codes) = view.take_made();
    let base_fee = outcome.header.base_fee_per_gas.unwrap_or_default();
    let mut fees = U256::ZERO;
    let receipts = receipts(&outcome, &transactions, base_fee, &mut fees);
    let Outcome { header, transactions: executed, changes, .. } = outcome;
    let block = Block {
        header,
        transaction_hashes: transactions.iter().map(keccak256).collect(),
        transactions,
        senders: executed.iter().map(|it| it.sender).collect(),
        withdrawals: attributes.withdrawals.clone(),
        message_passer_root: Some(message_passer_root),
        requests: Vec::new(),
    };
    let (block, receipts) = (Arc::new(block), Arc::new(receipts));
    Ok(Made { block, receipts, changes, nodes, codes, fees, blobs: Vec::new() })
}

/// What is left for the pool's transactions (E6).
#[derive(Debug)]
struct Room {
    gas_limit: u64,
    gas_used: u64,
    /// Gas per byte of footprint; `None` before Jovian.
    footprint_scalar: Option<u64>,
    /// Bytes in the footprint.
    footprint: u64,
    limits: DaLimits,
    /// Bytes that the pool's transactions count for.
    da_bytes: u64,
    fastlz: FastLz,
}

impl Room {
    fn new(config: &ChainConfig, attributes: &Attributes, limits: DaLimits) -> Self {
        let is_jovian = config.forks.active(Fork::Jovian, attributes.timestamp);
        let first = attributes.transactions.first();
        let footprint_scalar = is_jovian.then(|| first.and_then(footprint_scalar).unwrap_or(0));
        Self {
            gas_limit: attributes.gas_limit,
            gas_used: 0,
            footprint_scalar,
            footprint: 0,
            limits,
            da_bytes: 0,
            fastlz: FastLz::default(),
        }
    }

    const fn gas_left(&self) -> u64 {
        self.gas_limit.saturating_sub(self.gas_used)
    }

    /// A transaction is in the block.
    const fn count(&mut self, executed: &Executed) {
        self.gas_used = self.gas_used.saturating_add(executed.gas_used);
        self.footprint = self.footprint.saturating_add(executed.da_size);
    }

    /// The bytes a transaction counts for, if there is room for them.
    fn fits(&mut self, raw: &Bytes) -> Option<u64> {
        let size = da_size(self.fastlz.size(raw));
        let after = self.da_bytes.saturating_add(size);
        let over = |limit: Option<u64>, size| limit.is_some_and(|limit| size > limit);
        if over(self.limits.transaction, size) || over(self.limits.block, after) {
            return None;
        }
        let scalar = self.footprint_scalar.unwrap_or(0);
        if self.footprint.saturating_add(size).saturating_mul(scalar) > self.gas_limit {
            return None;
        }
        Some(size)
    }
}

/// The DA footprint scalar that the first transaction tells (E6).
fn footprint_scalar(raw: &Bytes) -> Option<u64> {
    let data = deposit(raw)?.input;
    let info = L1Info::decode_as(L1InfoFormat::Jovian, &data).ok()?;
    Some(info.da_footprint_gas_scalar.into())
}

/// Reads a deposit.
fn deposit(raw: &Bytes) -> Option<TxDeposit> {
    let (&DEPOSIT, mut rest) = raw.split_first()? else { return None };
    TxDeposit::decode(&mut rest).ok()
}

/// Adds what fits of the pool. What fails is passed over, with what its sender has behind it.
fn add<S: StateRead>(
    block: &mut opal_execute::Block<'_, S>,
    transactions: &mut Vec<Bytes>,
    mut selection: Selection,
    mut room: Room,
) -> Result<(), Error> {
    /// No transaction needs less gas.
    const LEAST_GAS: u64 = 21_000;
    block.executed().iter().for_each(|executed| room.count(executed));
    while room.gas_left() >= LEAST_GAS {
        let Some(tx) = selection.best() else { break };
        let fits = (tx.gas_limit() <= room.gas_left()).then(|| room.fits(&tx.raw)).flatten();
        let Some(size) = fits else {
            selection.skip();
            continue;
        };
        match block.push(&tx.raw) {
            Ok(()) => {
                room.da_bytes = room.da_bytes.saturating_add(size);
                block.executed().last().into_iter().for_each(|executed| room.count(executed));
                transactions.push(tx.raw.clone());
                selection.take();
            }
            Err(Error::Invalid(_)) => selection.skip(),
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

fn receipts(
    outcome: &Outcome,
    transactions: &[Bytes],
    base_fee: u64,
    fees: &mut U256,
) -> Vec<StoredReceipt> {
    let parts = outcome.receipts.iter().zip(&outcome.transactions).zip(transactions);
    let receipt = |((receipt, executed), raw): ((&Receipt, &Executed), &Bytes)| {
        let (to, nonce, price) = facts(raw, receipt, base_fee);
        let tip = price.saturating_sub(base_fee.into());
        *fees += U256::from(tip).saturating_mul(U256::from(executed.gas_used));
        StoredReceipt {
            receipt: receipt.clone(),
            gas_used: executed.gas_used,
            sender: executed.sender,
            to: to.to().copied(),
            contract_address: to.is_create().then(|| executed.sender.create(nonce)),
            effective_gas_price: price,
            l1_fee: executed.l1_fee,
            da_size: executed.da_size,
            blob_gas_used: 0,
        }
    };
    parts.map(receipt).collect()
}

/// Receiver, nonce and price of a transaction that was executed.
fn facts(raw: &Bytes, receipt: &Receipt, base_fee: u64) -> (TxKind, u64, u128) {
    if receipt.tx_type == DEPOSIT {
        let to = deposit(raw).map_or(TxKind::Call(Address::ZERO), |it| it.to);
        return (to, receipt.deposit_nonce.unwrap_or_default(), 0);
    }
    match transaction::decode(raw) {
        Ok(tx) => (tx.kind(), tx.nonce(), transaction::gas_price(&tx, base_fee)),
        // It was executed, so its bytes were read; alloy is no stricter.
        Err(_) => (TxKind::Call(Address::ZERO), 0, base_fee.into()),
    }
}

/// The first field in which two headers differ, with both sides.
pub(crate) fn difference(claimed: &Header, executed: &Header) -> String {
    let hash = |name: &str, claimed: B256, executed: B256| {
        (claimed != executed).then(|| format!("{name} is {claimed}, execution gives {executed}"))
    };
    let text = |name: &str, claimed: String, executed: String| {
        (claimed != executed).then(|| format!("{name} is {claimed}, execution gives {executed}"))
    };
    macro_rules! shown {
        ($field:ident) => {
            text(
                stringify!($field),
                format!("{:?}", claimed.$field),
                format!("{:?}", executed.$field),
            )
        };
    }
    let found = hash("parent_hash", claimed.parent_hash, executed.parent_hash)
        .or_else(|| shown!(number))
        .or_else(|| shown!(timestamp))
        .or_else(|| shown!(gas_limit))
        .or_else(|| shown!(base_fee_per_gas))
        .or_else(|| shown!(extra_data))
        .or_else(|| shown!(difficulty))
        .or_else(|| shown!(nonce))
        .or_else(|| shown!(beneficiary))
        .or_else(|| shown!(mix_hash))
        .or_else(|| shown!(ommers_hash))
        .or_else(|| shown!(parent_beacon_block_root))
        .or_else(|| {
            hash("transactions_root", claimed.transactions_root, executed.transactions_root)
        })
        .or_else(|| shown!(gas_used))
        .or_else(|| hash("receipts_root", claimed.receipts_root, executed.receipts_root))
        .or_else(|| {
            (claimed.logs_bloom != executed.logs_bloom).then(|| "logs_bloom differs".into())
        })
        .or_else(|| shown!(blob_gas_used))
        .or_else(|| shown!(excess_blob_gas))
        .or_else(|| shown!(withdrawals_root))
        .or_else(|| shown!(requests_hash))
        .or_else(|| hash("state_root", claimed.state_root, executed.state_root));
    found.unwrap_or_else(|| "a field that this fork does not have is set".to_owned())
}
