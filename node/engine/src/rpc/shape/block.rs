//! One block or header.
//!
//! **Invariant:** a block of this store decodes; what does not is a fault of the store.

use super::transaction::{Included, Transaction, TransactionShape};
use crate::rpc::RpcError;
use crate::{Block, StoredReceipt};
use alloy_consensus::Header;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{B256, Bytes, Sealed, U64};
use alloy_rlp::Encodable;
use serde::Serialize;

/// A header in JSON, as subscriptions send it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HeaderShape {
    hash: B256,
    #[serde(flatten)]
    header: Header,
}

/// The transactions of a block: their hashes, or all of them.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Transactions {
    Hashes(Vec<B256>),
    Full(Vec<TransactionShape>),
}

/// A block in JSON.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BlockShape {
    #[serde(flatten)]
    header: HeaderShape,
    size: U64,
    transactions: Transactions,
    uncles: [B256; 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawals: Option<Vec<Withdrawal>>,
}

/// A header with its hash.
pub(crate) fn header(header: &Sealed<Header>) -> HeaderShape {
    HeaderShape { hash: header.hash(), header: header.inner().clone() }
}

/// A block with the transactions in this form.
pub(crate) fn block(block: &Block, transactions: Transactions) -> BlockShape {
    let withdrawals = block.withdrawals.as_deref();
    let size = block_size(&block.header, &block.transactions, withdrawals);
    BlockShape {
        header: header(&block.header),
        size: U64::from(size),
        transactions,
        uncles: [],
        withdrawals: block.withdrawals.clone(),
    }
}

impl Transactions {
    /// The hashes.
    pub(crate) fn hashes(block: &Block) -> Self {
        Self::Hashes(block.transaction_hashes.clone())
    }

    /// All of them; receipts know the nonces of deposits.
    pub(crate) fn full(block: &Block, receipts: &[StoredReceipt]) -> Result<Self, RpcError> {
        let shapes = (0..block.transactions.len())
            .map(|index| TransactionShape::of_block(block, receipts, index));
        Ok(Self::Full(shapes.collect::<Result<_, _>>()?))
    }
}

impl Included {
    /// The place of one transaction of a block.
    pub(crate) fn new(block: &Block, receipts: &[StoredReceipt], index: usize) -> Self {
        let receipt = receipts.get(index).map(|it| &it.receipt);
        Self {
            block_hash: block.header.hash(),
            block_number: block.header.number,
            timestamp: block.header.timestamp,
            index: index as u64,
            base_fee: block.header.base_fee_per_gas,
            deposit_nonce: receipt.and_then(|it| it.deposit_nonce),
            deposit_version: receipt.filter(|it| it.has_deposit_version).map(|_| 1),
        }
    }
}

impl TransactionShape {
    /// One transaction of a block, by position.
    pub(crate) fn of_block(
        block: &Block,
        receipts: &[StoredReceipt],
        index: usize,
    ) -> Result<Self, RpcError> {
        let absent = || RpcError::internal("the store lacks a part of a block");
        let raw = block.transactions.get(index).ok_or_else(absent)?;
        let sender = *block.senders.get(index).ok_or_else(absent)?;
        let tx = Transaction::decode(raw).map_err(RpcError::internal)?;
        Ok(Self::new(raw, &tx, sender, Some(&Included::new(block, receipts, index))))
    }
}

/// Bytes of the block's RLP.
fn block_size(
    header: &Header,
    transactions: &[Bytes],
    withdrawals: Option<&[Withdrawal]>,
) -> usize {
    /// An empty list, which is what the ommers are.
    const EMPTY_LIST: usize = 1;
    let items = transactions.iter().map(|raw| match raw.first() {
        // A legacy transaction is a list itself; the others are wrapped in a string.
        Some(0xc0..) => raw.len(),
        _ => raw.length(),
    });
    let withdrawals = withdrawals.map_or(0, |list| list_size(list.iter().map(Encodable::length)));
    list_size([header.length(), list_size(items), EMPTY_LIST, withdrawals].into_iter())
}

fn list_size(items: impl Iterator<Item = usize>) -> usize {
    let payload = items.sum();
    payload + alloy_rlp::length_of_length(payload)
}
