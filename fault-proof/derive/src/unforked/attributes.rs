//! A batch becomes payload attributes (D15).
//!
//! **Invariant:** the transaction list is the L1 attributes, the deposits of a new epoch, the upgrade
//! transactions of an activation, the batch's own transactions, in this order.

use super::receipts;
use crate::{Fault, L2Head, context::Context, fact::Pause, note::ResetReason};
use alloc::vec::Vec;
use alloy_primitives::{Address, Bytes, address};
use opal_types::{
    Attributes, Fork, L1Header, SingularBatch, SystemConfig, encode_deposit, l1_info_deposit,
    upgrade_gas, upgrade_transactions,
};

/// Receives the priority fees.
const SEQUENCER_FEE_VAULT: Address = address!("4200000000000000000000000000000000000011");

/// Forks whose activation block holds upgrade transactions (D19-D21).
const UPGRADES: [Fork; 6] =
    [Fork::Ecotone, Fork::Fjord, Fork::Isthmus, Fork::Jovian, Fork::Karst, Fork::Lagoon];

/// Place of a block in its epoch, and what a new epoch brings.
struct Epoch {
    sequence_number: u64,
    system_config: SystemConfig,
    deposits: Vec<Bytes>,
}

/// The attributes of the block that `batch` makes on `parent`, with `origin` as its L1 origin.
pub(crate) fn build(
    cx: &mut Context,
    parent: &L2Head,
    origin: &L1Header,
    batch: &SingularBatch,
) -> Result<Attributes, Pause> {
    let mismatch = || Pause::Reset(ResetReason::BatchMismatch);
    let timestamp = parent.block.timestamp.saturating_add(cx.config.block_time);
    if batch.parent_hash != parent.block.hash || batch.timestamp != timestamp {
        return Err(mismatch());
    }
    if origin.timestamp > timestamp {
        return Err(mismatch());
    }
    let epoch = epoch(cx, parent, origin)?;
    let active = |fork| cx.config.forks.active(fork, timestamp);
    let mut attributes = Attributes {
        timestamp,
        prev_randao: origin.mix_hash,
        fee_recipient: SEQUENCER_FEE_VAULT,
        withdrawals: active(Fork::Canyon).then(Vec::new),
        parent_beacon_block_root: active(Fork::Ecotone)
            .then(|| origin.parent_beacon_block_root.unwrap_or_default()),
        transactions: Vec::new(),
        gas_limit: epoch.system_config.gas_limit,
        eip1559: active(Fork::Holocene).then_some(epoch.system_config.eip1559),
        min_base_fee: active(Fork::Jovian).then_some(epoch.system_config.min_base_fee),
    };
    attributes.transactions.push(l1_attributes(cx, &epoch, origin, timestamp)?);
    attributes.transactions.extend(epoch.deposits);
    add_upgrades(cx, &mut attributes)?;
    attributes.transactions.extend(batch.transactions.iter().cloned());
    Ok(attributes)
}

fn epoch(cx: &mut Context, parent: &L2Head, origin: &L1Header) -> Result<Epoch, Pause> {
    let mismatch = Err(Pause::Reset(ResetReason::BatchMismatch));
    let mut system_config = parent.system_config.clone();
    let before = parent.block.l1_origin;
    if before.number == origin.number {
        if before.hash != origin.hash {
            return mismatch;
        }
        let sequence_number = parent.block.sequence_number.saturating_add(1);
        return Ok(Epoch { sequence_number, system_config, deposits: Vec::new() });
    }
    if before.hash != origin.parent_hash {
        return mismatch;
    }
    let deposits = receipts::deposits(cx, origin)?;
    receipts::apply_config_updates(cx, origin, &mut system_config)?;
    Ok(Epoch { sequence_number: 0, system_config, deposits })
}

fn l1_attributes(
    cx: &Context,
    epoch: &Epoch,
    origin: &L1Header,
    timestamp: u64,
) -> Result<Bytes, Pause> {
    let l1 = cx.l1.block_info(&cx.config, origin);
    let deposit =
        l1_info_deposit(&cx.config, &epoch.system_config, epoch.sequence_number, &l1, timestamp);
    Ok(encode_deposit(&deposit.map_err(|error| Pause::Halt(Fault::Scalar(error)))?))
}

fn add_upgrades(cx: &Context, attributes: &mut Attributes) -> Result<(), Pause> {
    for fork in UPGRADES {
        if cx.config.activates(fork, attributes.timestamp) {
            let upgrades =
                upgrade_transactions(fork).map_err(|_| Pause::Halt(Fault::Upgrade { fork }))?;
            attributes.transactions.extend(upgrades);
            // From Karst their gas comes on top of the block's (D20).
            if fork >= Fork::Karst {
                let limit = attributes.gas_limit.saturating_add(upgrade_gas(fork));
                attributes.gas_limit = limit;
            }
        }
    }
    Ok(())
}
