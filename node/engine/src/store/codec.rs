//! Rows of the tables: RLP, and plain bytes where rows are many.
//!
//! **Invariant:** `decode(encode(x)) = x`; a row that does not decode is a fault of the store,
//! never a panic.

use crate::{Block, StoredBlob, StoredReceipt};
use alloy_consensus::Header;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, FixedBytes, Log, Sealed, U256, logs_bloom};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use opal_execute::{Account, AccountChange, Receipt};

/// An account in 72 bytes.
pub(super) fn account_row(account: &Account) -> [u8; 72] {
    let mut row = [0; 72];
    row[..8].copy_from_slice(&account.nonce.to_be_bytes());
    row[8..40].copy_from_slice(&account.balance.to_be_bytes::<32>());
    row[40..].copy_from_slice(account.code_hash.as_slice());
    row
}

/// Reads [`account_row`].
pub(super) fn account(row: &[u8]) -> Option<Account> {
    let (nonce, rest) = row.split_first_chunk::<8>()?;
    let (balance, code_hash) = rest.split_first_chunk::<32>()?;
    Some(Account {
        nonce: u64::from_be_bytes(*nonce),
        balance: U256::from_be_bytes(*balance),
        code_hash: B256::try_from(code_hash).ok()?,
    })
}

/// Where a transaction is: block number and index.
pub(super) fn place_row(number: u64, index: u64) -> [u8; 16] {
    ((u128::from(number) << 64) | u128::from(index)).to_be_bytes()
}

/// Reads [`place_row`].
pub(super) fn place(row: &[u8]) -> Option<(u64, u64)> {
    let (number, index) = row.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), u64::from_be_bytes(index.try_into().ok()?)))
}

/// An optional value as a list of none or one.
fn list<T>(value: Option<T>) -> Vec<T> {
    value.into_iter().collect()
}

/// The value behind [`list`].
fn one<T>(list: Vec<T>) -> Option<T> {
    list.into_iter().next()
}

#[derive(RlpEncodable, RlpDecodable)]
struct BodyRow {
    transactions: Vec<Bytes>,
    hashes: Vec<B256>,
    senders: Vec<Address>,
    withdrawals: Vec<Vec<Withdrawal>>,
    message_passer_root: Vec<B256>,
    requests: Vec<Bytes>,
}

/// What a block holds beside its header.
pub(super) fn body_row(block: &Block) -> Vec<u8> {
    alloy_rlp::encode(BodyRow {
        transactions: block.transactions.clone(),
        hashes: block.transaction_hashes.clone(),
        senders: block.senders.clone(),
        withdrawals: list(block.withdrawals.clone()),
        message_passer_root: list(block.message_passer_root),
        requests: block.requests.clone(),
    })
}

/// Puts header and body together.
pub(super) fn block(header: Sealed<Header>, body: &[u8]) -> Option<Block> {
    let row: BodyRow = alloy_rlp::decode_exact(body).ok()?;
    Some(Block {
        header,
        transactions: row.transactions,
        transaction_hashes: row.hashes,
        senders: row.senders,
        withdrawals: one(row.withdrawals),
        message_passer_root: one(row.message_passer_root),
        requests: row.requests,
    })
}

#[derive(RlpEncodable, RlpDecodable)]
struct ReceiptRow {
    tx_type: u8,
    success: bool,
    cumulative_gas_used: u64,
    logs: Vec<Log>,
    deposit_nonce: Vec<u64>,
    has_deposit_version: bool,
    gas_used: u64,
    sender: Address,
    to: Vec<Address>,
    contract_address: Vec<Address>,
    effective_gas_price: u128,
    l1_fee: U256,
    da_size: u64,
    blob_gas_used: u64,
}

/// All receipts of a block.
pub(super) fn receipts_row(receipts: &[StoredReceipt]) -> Vec<u8> {
    let row = |it: &StoredReceipt| ReceiptRow {
        tx_type: it.receipt.tx_type,
        success: it.receipt.success,
        cumulative_gas_used: it.receipt.cumulative_gas_used,
        logs: it.receipt.logs.clone(),
        deposit_nonce: list(it.receipt.deposit_nonce),
        has_deposit_version: it.receipt.has_deposit_version,
        gas_used: it.gas_used,
        sender: it.sender,
        to: list(it.to),
        contract_address: list(it.contract_address),
        effective_gas_price: it.effective_gas_price,
        l1_fee: it.l1_fee,
        da_size: it.da_size,
        blob_gas_used: it.blob_gas_used,
    };
    alloy_rlp::encode(receipts.iter().map(row).collect::<Vec<_>>())
}

/// Reads [`receipts_row`].
pub(super) fn receipts(row: &[u8]) -> Option<Vec<StoredReceipt>> {
    let rows: Vec<ReceiptRow> = alloy_rlp::decode_exact(row).ok()?;
    let receipt = |it: ReceiptRow| StoredReceipt {
        receipt: Receipt {
            tx_type: it.tx_type,
            success: it.success,
            cumulative_gas_used: it.cumulative_gas_used,
            bloom: logs_bloom(&it.logs),
            logs: it.logs,
            deposit_nonce: one(it.deposit_nonce),
            has_deposit_version: it.has_deposit_version,
        },
        gas_used: it.gas_used,
        sender: it.sender,
        to: one(it.to),
        contract_address: one(it.contract_address),
        effective_gas_price: it.effective_gas_price,
        l1_fee: it.l1_fee,
        da_size: it.da_size,
        blob_gas_used: it.blob_gas_used,
    };
    Some(rows.into_iter().map(receipt).collect())
}

#[derive(RlpEncodable, RlpDecodable)]
struct SlotRow {
    slot: U256,
    value: U256,
}

#[derive(RlpEncodable, RlpDecodable)]
struct AccountRow {
    nonce: u64,
    balance: U256,
    code_hash: B256,
}

#[derive(RlpEncodable, RlpDecodable)]
struct ChangeRow {
    address: Address,
    account: Vec<AccountRow>,
    storage_cleared: bool,
    slots: Vec<SlotRow>,
}

/// What happened to accounts. Codes are not among it: they stay by hash.
pub(super) fn changes_row(changes: &[AccountChange]) -> Vec<u8> {
    let row = |it: &AccountChange| ChangeRow {
        address: it.address,
        account: list(it.account.map(|account| AccountRow {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
        })),
        storage_cleared: it.storage_cleared,
        slots: it
            .slots
            .iter()
            .map(|(slot, value)| SlotRow { slot: *slot, value: *value })
            .collect(),
    };
    alloy_rlp::encode(changes.iter().map(row).collect::<Vec<_>>())
}

/// Reads [`changes_row`].
pub(super) fn changes(row: &[u8]) -> Option<Vec<AccountChange>> {
    let rows: Vec<ChangeRow> = alloy_rlp::decode_exact(row).ok()?;
    let change = |it: ChangeRow| AccountChange {
        address: it.address,
        account: one(it.account).map(|account| Account {
            nonce: account.nonce,
            balance: account.balance,
            code_hash: account.code_hash,
        }),
        code: None,
        storage_cleared: it.storage_cleared,
        slots: it.slots.into_iter().map(|row| (row.slot, row.value)).collect(),
    };
    Some(rows.into_iter().map(change).collect())
}

#[derive(RlpEncodable, RlpDecodable)]
struct BlobRow {
    blob: Bytes,
    commitment: FixedBytes<48>,
    proofs: Vec<FixedBytes<48>>,
}

/// A blob with what proves it.
pub(super) fn blob_row(blob: &StoredBlob) -> Vec<u8> {
    alloy_rlp::encode(BlobRow {
        blob: blob.blob.clone(),
        commitment: blob.commitment,
        proofs: blob.proofs.clone(),
    })
}

/// Reads [`blob_row`].
pub(super) fn blob(versioned_hash: B256, row: &[u8]) -> Option<StoredBlob> {
    let row: BlobRow = alloy_rlp::decode_exact(row).ok()?;
    Some(StoredBlob {
        versioned_hash,
        blob: row.blob,
        commitment: row.commitment,
        proofs: row.proofs,
    })
}

/// A header.
pub(super) fn header_row(header: &Header) -> Vec<u8> {
    alloy_rlp::encode(header)
}

/// Reads [`header_row`] of the block with this hash.
pub(super) fn header(hash: B256, row: &[u8]) -> Option<Sealed<Header>> {
    let header: Header = alloy_rlp::decode_exact(row).ok()?;
    Some(Sealed::new_unchecked(header, hash))
}
