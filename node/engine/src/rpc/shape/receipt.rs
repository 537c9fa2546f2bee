//! Receipts, with what op-geth adds for the price of the place on L1.
//!
//! Start with [`receipts`].
//!
//! **Invariant:** the parameters of the L1 fee come from the block's first transaction, as in op-geth; the
//! fee itself is the one that was charged.

use super::log::{self, LogShape, Place};
use crate::transaction::DEPOSIT;
use crate::{Block, Rules, StoredReceipt};
use alloy_consensus::Transaction as _;
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bloom, U64, U256};
use op_alloy_consensus::TxDeposit;
use opal_execute::{FastLz, estimated_size};
use opal_types::{ChainConfig, Fork, L1Info, L1InfoFormat};
use serde::Serialize;

/// A receipt in JSON.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReceiptShape {
    block_hash: B256,
    block_number: U64,
    transaction_hash: B256,
    transaction_index: U64,
    from: Address,
    to: Option<Address>,
    gas_used: U64,
    cumulative_gas_used: U64,
    contract_address: Option<Address>,
    logs: Vec<LogShape>,
    logs_bloom: Bloom,
    #[serde(rename = "type")]
    tx_type: U64,
    effective_gas_price: U256,
    status: U64,
    #[serde(flatten)]
    l1_costs: Option<L1Costs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_nonce: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposit_receipt_version: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_gas_used: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blob_gas_price: Option<U256>,
}

/// What a transaction of an OP Stack chain paid beside its gas.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct L1Costs {
    l1_gas_price: U256,
    l1_gas_used: U256,
    l1_fee: U256,
    #[serde(skip_serializing_if = "Option::is_none")]
    l1_fee_scalar: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    l1_blob_base_fee: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    l1_base_fee_scalar: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    l1_blob_base_fee_scalar: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator_fee_scalar: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator_fee_constant: Option<U64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    da_footprint_gas_scalar: Option<U64>,
}

/// All receipts of a block.
pub(crate) fn receipts(
    rules: &Rules,
    block: &Block,
    stored: &[StoredReceipt],
) -> Vec<ReceiptShape> {
    let mut fees = rules.l2().and_then(|config| FeeSource::of(config, block));
    let blob_gas_price = match rules {
        Rules::L1(rules) => {
            let header = &block.header;
            header.excess_blob_gas.map(|excess| rules.blob_base_fee(excess, header.timestamp))
        }
        Rules::L2(_) => None,
    };
    let mut first_log = 0;
    let mut shapes = Vec::with_capacity(stored.len());
    for (index, receipt) in stored.iter().enumerate() {
        let mut shape = plain(block, receipt, index, first_log);
        first_log += receipt.receipt.logs.len() as u64;
        match fees.as_mut() {
            Some(fees) if receipt.receipt.tx_type != DEPOSIT => {
                fees.fill(&mut shape, receipt, block.transactions.get(index).map(AsRef::as_ref));
            }
            _ => {}
        }
        if receipt.receipt.tx_type == 3 {
            shape.blob_gas_used = Some(U64::from(receipt.blob_gas_used));
            shape.blob_gas_price = blob_gas_price;
        }
        shapes.push(shape);
    }
    shapes
}

/// What both chains have.
fn plain(block: &Block, stored: &StoredReceipt, index: usize, first_log: u64) -> ReceiptShape {
    let receipt = &stored.receipt;
    let transaction_hash = block.transaction_hashes.get(index).copied().unwrap_or_default();
    let mut place = Place {
        block_hash: block.header.hash(),
        block_number: block.header.number,
        timestamp: block.header.timestamp,
        transaction_hash,
        transaction_index: index as u64,
        log_index: first_log,
    };
    let mut logs = Vec::with_capacity(receipt.logs.len());
    for entry in &receipt.logs {
        logs.push(log::log(entry, &place, false));
        place.log_index += 1;
    }
    let is_deposit = receipt.tx_type == DEPOSIT;
    let deposit_nonce = receipt.deposit_nonce.filter(|_| is_deposit);
    let has_version = deposit_nonce.is_some() && receipt.has_deposit_version;
    ReceiptShape {
        block_hash: place.block_hash,
        block_number: U64::from(place.block_number),
        transaction_hash,
        transaction_index: U64::from(place.transaction_index),
        from: stored.sender,
        to: stored.to,
        gas_used: U64::from(stored.gas_used),
        cumulative_gas_used: U64::from(receipt.cumulative_gas_used),
        contract_address: stored.contract_address,
        logs,
        logs_bloom: receipt.bloom,
        tx_type: U64::from(receipt.tx_type),
        effective_gas_price: U256::from(stored.effective_gas_price),
        status: U64::from(u8::from(receipt.success)),
        l1_costs: None,
        deposit_nonce: deposit_nonce.map(U64::from),
        deposit_receipt_version: has_version.then(|| U64::from(1)),
        blob_gas_used: None,
        blob_gas_price: None,
    }
}

/// Gas per byte of data-availability footprint, as a block's first transaction says.
pub(crate) fn da_footprint_scalar(block: &Block) -> Option<u64> {
    let (info, _) = l1_info(block)?;
    Some(info.da_footprint_gas_scalar.into())
}

/// A block's L1 attributes, in whichever form they are.
fn l1_info(block: &Block) -> Option<(L1Info, L1InfoFormat)> {
    let first = TxDeposit::decode_2718_exact(block.transactions.first()?).ok()?;
    let data = first.input();
    let selector = data.first_chunk::<4>()?;
    let formats =
        [L1InfoFormat::Jovian, L1InfoFormat::Isthmus, L1InfoFormat::Ecotone, L1InfoFormat::Bedrock];
    let format = formats.into_iter().find(|it| it.selector() == *selector)?;
    Some((L1Info::decode_as(format, data).ok()?, format))
}

/// The L1 attributes of a block, with what a compressed size is measured with.
struct FeeSource {
    info: L1Info,
    format: L1InfoFormat,
    has_fjord: bool,
    has_jovian: bool,
    before_regolith: bool,
    fastlz: FastLz,
}

impl FeeSource {
    fn of(config: &ChainConfig, block: &Block) -> Option<Self> {
        let (info, format) = l1_info(block)?;
        let active = |fork| config.forks.active(fork, block.header.timestamp);
        Some(Self {
            info,
            format,
            has_fjord: active(Fork::Fjord) && format != L1InfoFormat::Bedrock,
            has_jovian: active(Fork::Jovian),
            before_regolith: !active(Fork::Regolith),
            fastlz: FastLz::default(),
        })
    }

    fn fill(&mut self, shape: &mut ReceiptShape, stored: &StoredReceipt, raw: Option<&[u8]>) {
        let info = &self.info;
        let is_bedrock = self.format == L1InfoFormat::Bedrock;
        let is_priced = info.operator_fee_scalar != 0 || info.operator_fee_constant != 0;
        let from_ecotone = |value: u32| (!is_bedrock).then(|| U64::from(value));
        shape.l1_costs = Some(L1Costs {
            l1_gas_price: info.base_fee,
            l1_gas_used: gas_used(
                raw.unwrap_or_default(),
                self.has_fjord.then_some(&mut self.fastlz),
                is_bedrock.then_some((info.overhead, self.before_regolith)),
            ),
            l1_fee: stored.l1_fee,
            l1_fee_scalar: is_bedrock.then(|| millionths(info.scalar)),
            l1_blob_base_fee: (!is_bedrock).then_some(info.blob_base_fee),
            l1_base_fee_scalar: from_ecotone(info.base_fee_scalar),
            l1_blob_base_fee_scalar: from_ecotone(info.blob_base_fee_scalar),
            operator_fee_scalar: is_priced.then(|| U64::from(info.operator_fee_scalar)),
            operator_fee_constant: is_priced.then(|| U64::from(info.operator_fee_constant)),
            da_footprint_gas_scalar: self
                .has_jovian
                .then(|| U64::from(info.da_footprint_gas_scalar)),
        });
        if self.has_jovian {
            let footprint = stored.da_size.saturating_mul(info.da_footprint_gas_scalar.into());
            shape.blob_gas_used = Some(U64::from(footprint));
        }
    }
}

/// Gas that the transaction's bytes count for on L1: in Bedrock with an overhead, from Fjord by an estimate
/// of their compressed size.
fn gas_used(raw: &[u8], fastlz: Option<&mut FastLz>, bedrock: Option<(U256, bool)>) -> U256 {
    if let Some(fastlz) = fastlz {
        return U256::from(estimated_size(fastlz.size(raw)) * 16 / 1_000_000);
    }
    let gas: u64 = raw.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).sum();
    match bedrock {
        None => U256::from(gas),
        // Before Regolith 68 bytes of signature were added.
        Some((overhead, true)) => U256::from(gas + 68 * 16).saturating_add(overhead),
        Some((overhead, false)) => U256::from(gas).saturating_add(overhead),
    }
}

/// A number of millionths with ten significant digits, in the form Go gives a float.
fn millionths(scalar: U256) -> String {
    const DIGITS: usize = 10;
    let value = f64::from(scalar) / 1e6;
    let text = format!("{value:.precision$e}", precision = DIGITS - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..DIGITS as i32).contains(&exponent) {
        let decimals = usize::try_from(DIGITS as i32 - 1 - exponent).unwrap_or_default();
        return trimmed(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bedrock_scalar_reads_as_go_writes_it() {
        let check = |scalar: u64, text| assert_eq!(millionths(U256::from(scalar)), text);
        check(684_000, "0.684");
        check(1_000_000, "1");
        check(0, "0");
        check(1, "1e-06");
        check(123, "0.000123");
        check(1_500_000_000, "1500");
        check(12_345_678_901_234_567, "1.23456789e+10");
    }
}
