//! Moves the flat state from one block to the next, and back.
//!
//! **Invariant:** applying a block's changes and then the undo that this returned leaves every row
//! as it was.

use super::codec;
use super::snapshot::malformed;
use super::tables::{Kind, account_key, slot_key};
use super::writer::Rows;
use crate::StoreError;
use alloy_primitives::{Address, U256};
use opal_execute::{Account, AccountChange};
use redb::ReadableTable;
use std::collections::BTreeMap;

/// Applies changes; tells what takes them back, if that is wanted.
pub(super) fn apply(
    rows: &mut Rows<'_>,
    changes: &[AccountChange],
    with_undo: bool,
) -> Result<Vec<AccountChange>, StoreError> {
    let mut undo = Vec::new();
    for change in changes {
        let before = apply_account(rows, change)?;
        let slots = apply_slots(rows, change)?;
        if with_undo {
            undo.push(AccountChange {
                address: change.address,
                account: before,
                code: None,
                storage_cleared: false,
                slots: slots.into_iter().collect(),
            });
        }
    }
    Ok(undo)
}

/// Applies the account alone; tells what it was.
fn apply_account(
    rows: &mut Rows<'_>,
    change: &AccountChange,
) -> Result<Option<Account>, StoreError> {
    let key = account_key(&change.address);
    let before = match change.account {
        Some(account) => rows.insert(key.as_slice(), codec::account_row(&account).as_slice())?,
        None => rows.remove(key.as_slice())?,
    };
    let Some(row) = before else { return Ok(None) };
    let before = codec::account(row.value());
    before.map(Some).ok_or_else(|| malformed(Kind::State, change.address))
}

/// Applies the slots of one account; tells what they were.
fn apply_slots(
    rows: &mut Rows<'_>,
    change: &AccountChange,
) -> Result<BTreeMap<U256, U256>, StoreError> {
    let address = change.address;
    let mut before = BTreeMap::new();
    if change.storage_cleared || change.account.is_none() {
        before = all(rows, address)?;
        for slot in before.keys() {
            rows.remove(slot_key(&address, *slot).as_slice())?;
        }
    }
    for (slot, value) in &change.slots {
        let key = slot_key(&address, *slot);
        let old = if value.is_zero() {
            rows.remove(key.as_slice())?
        } else {
            rows.insert(key.as_slice(), value.to_be_bytes::<32>().as_slice())?
        };
        let old = old.map_or(U256::ZERO, |row| U256::from_be_slice(row.value()));
        before.entry(*slot).or_insert(old);
    }
    Ok(before)
}

/// All slots of an account.
fn all(rows: &Rows<'_>, address: Address) -> Result<BTreeMap<U256, U256>, StoreError> {
    let (first, last) = (slot_key(&address, U256::ZERO), slot_key(&address, U256::MAX));
    let mut slots = BTreeMap::new();
    for row in rows.range::<&[u8]>(first.as_slice()..=last.as_slice())? {
        let (key, value) = row?;
        let slot = key.value().get(21..).unwrap_or_default();
        slots.insert(U256::from_be_slice(slot), U256::from_be_slice(value.value()));
    }
    Ok(slots)
}
