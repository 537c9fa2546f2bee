//! What the receipts of an L1 block say: deposits (D16) and changes of the system config (D18).
//!
//! **Invariant:** only logs of successful transactions count; transaction types of the future are read like
//! those of today (D27).

use crate::{Fault, Item, Reason, context::Context, fact::Pause};
use alloc::vec::Vec;
use alloy_primitives::{Address, Bytes, Log};
use alloy_rlp::{Decodable, Header, PayloadView};
use opal_types::{DEPOSIT_EVENT, L1Header, SystemConfig, deposit_from_log};

/// A log and its place among all logs of the block.
struct PlacedLog {
    index: u64,
    log: Log,
}

/// The logs of `address` in successful transactions, in order.
fn logs_of(receipts: &[Bytes], address: Address) -> Option<Vec<PlacedLog>> {
    let mut index: u64 = 0;
    let mut found = Vec::new();
    for receipt in receipts {
        let (success, logs) = split(receipt)?;
        for log in logs {
            // The address stands first, so most logs are told apart without reading them.
            let mut fields = Header::decode_bytes(&mut &*log, true).ok()?;
            if success && Address::decode(&mut fields).ok()? == address {
                found.push(PlacedLog { index, log: Log::decode(&mut &*log).ok()? });
            }
            index = index.checked_add(1)?;
        }
    }
    Some(found)
}

/// Status and raw logs of a receipt: `type ++ rlp[status, gas, bloom, logs, ..]`.
fn split(receipt: &[u8]) -> Option<(bool, Vec<&[u8]>)> {
    let is_typed = receipt.first().is_some_and(|it| *it < 0xc0);
    let mut list = receipt.get(usize::from(is_typed)..)?;
    let mut fields = Header::decode_bytes(&mut list, true).ok()?;
    let status = Header::decode_bytes(&mut fields, false).ok()?;
    let _gas = Header::decode_bytes(&mut fields, false).ok()?;
    let _bloom = Header::decode_bytes(&mut fields, false).ok()?;
    match Header::decode_raw(&mut fields).ok()? {
        PayloadView::List(logs) => Some((status == [1], logs)),
        PayloadView::String(_) => None,
    }
}

/// Applies the config updates of a block; malformed ones are noted and passed over.
pub(crate) fn apply_config_updates(
    cx: &mut Context,
    block: &L1Header,
    config: &mut SystemConfig,
) -> Result<(), Pause> {
    let contract = cx.config.l1_system_config;
    let receipts = cx.receipts_with(block, contract)?;
    let logs = logs_of(receipts, contract).ok_or_else(|| malformed(block))?;
    for PlacedLog { index, log } in logs {
        if let Err(error) = config.apply_log(&cx.config, block.timestamp, &log) {
            cx.note(Item::ConfigLog(index), Reason::ConfigUpdate { error });
        }
    }
    Ok(())
}

/// The deposits of a block, encoded.
pub(crate) fn deposits(cx: &mut Context, block: &L1Header) -> Result<Vec<Bytes>, Pause> {
    let portal = cx.config.deposit_contract;
    let receipts = cx.receipts_with(block, portal)?;
    let logs = logs_of(receipts, portal).ok_or_else(|| malformed(block))?;
    let is_deposit = |it: &PlacedLog| it.log.topics().first() == Some(&DEPOSIT_EVENT);
    let mut deposits = Vec::new();
    for PlacedLog { index, log } in logs.into_iter().filter(is_deposit) {
        // The Go node stops here as well (D16).
        let deposit = deposit_from_log(&log, block.hash, index).map_err(|error| {
            Pause::Halt(Fault::MalformedDeposit { block: block.id(), index, error })
        })?;
        deposits.push(opal_types::encode_deposit(&deposit));
    }
    Ok(deposits)
}

const fn malformed(block: &L1Header) -> Pause {
    Pause::Halt(Fault::MalformedReceipts { block: block.id() })
}
