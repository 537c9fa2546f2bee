//! Payloads and their attributes in the JSON of the Engine API: one form for all versions, as in op-geth.
//!
//! Start with [`PayloadShape`]. Which fields a version wants is checked in `versions`.
//!
//! **Invariant:** nothing of a received payload is believed; its hash is compared with that of its fields.

use crate::{Block, BlockData, BuildAttributes, Rules};
use alloy_consensus::proofs::{calculate_withdrawals_root, ordered_trie_root_encoded};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_eips::eip4895::Withdrawal;
use alloy_eips::eip7685::{EMPTY_REQUESTS_HASH, Requests};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U64, U256};
use opal_types::{BaseFeeParams, Fork, PayloadEnvelope};
use serde::{Deserialize, Serialize};

/// An execution payload.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PayloadShape {
    pub(crate) parent_hash: B256,
    pub(crate) fee_recipient: Address,
    pub(crate) state_root: B256,
    pub(crate) receipts_root: B256,
    pub(crate) logs_bloom: Bloom,
    pub(crate) prev_randao: B256,
    pub(crate) block_number: U64,
    pub(crate) gas_limit: U64,
    pub(crate) gas_used: U64,
    pub(crate) timestamp: U64,
    pub(crate) extra_data: Bytes,
    pub(crate) base_fee_per_gas: U256,
    pub(crate) block_hash: B256,
    pub(crate) transactions: Vec<Bytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) withdrawals: Option<Vec<Withdrawal>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blob_gas_used: Option<U64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) excess_blob_gas: Option<U64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) withdrawals_root: Option<B256>,
}

/// What comes beside a payload.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    pub(crate) beacon_root: Option<B256>,
    /// `Some` from Prague.
    pub(crate) requests: Option<Vec<Bytes>>,
}

impl PayloadShape {
    /// A block's payload. From Isthmus an L2 one always has its withdrawals root, an empty one included.
    pub(crate) fn of_block(block: &Block, rules: &Rules) -> Self {
        let header = &block.header;
        let has_root =
            rules.l2().is_some_and(|config| config.forks.active(Fork::Isthmus, header.timestamp));
        Self {
            parent_hash: header.parent_hash,
            fee_recipient: header.beneficiary,
            state_root: header.state_root,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom,
            prev_randao: header.mix_hash,
            block_number: U64::from(header.number),
            gas_limit: U64::from(header.gas_limit),
            gas_used: U64::from(header.gas_used),
            timestamp: U64::from(header.timestamp),
            extra_data: header.extra_data.clone(),
            base_fee_per_gas: U256::from(header.base_fee_per_gas.unwrap_or_default()),
            block_hash: header.hash(),
            transactions: block.transactions.clone(),
            withdrawals: block.withdrawals.clone(),
            blob_gas_used: header.blob_gas_used.map(U64::from),
            excess_blob_gas: header.excess_blob_gas.map(U64::from),
            withdrawals_root: header.withdrawals_root.filter(|_| has_root),
        }
    }

    /// The block that this payload claims to be.
    pub(crate) fn into_block(self, beside: Beside) -> Result<BlockData, String> {
        let base_fee = u64::try_from(self.base_fee_per_gas)
            .map_err(|_| format!("invalid baseFeePerGas: {}", self.base_fee_per_gas))?;
        if self.extra_data.len() > 32 {
            return Err(format!("invalid extradata length: {}", self.extra_data.len()));
        }
        let listed = self.withdrawals.as_deref().map(calculate_withdrawals_root);
        let requests_hash = beside.requests.map(|list| {
            if list.is_empty() { EMPTY_REQUESTS_HASH } else { Requests::new(list).requests_hash() }
        });
        let header = Header {
            parent_hash: self.parent_hash,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: self.fee_recipient,
            state_root: self.state_root,
            transactions_root: ordered_trie_root_encoded(&self.transactions),
            receipts_root: self.receipts_root,
            logs_bloom: self.logs_bloom,
            number: self.block_number.to(),
            gas_limit: self.gas_limit.to(),
            gas_used: self.gas_used.to(),
            timestamp: self.timestamp.to(),
            extra_data: self.extra_data,
            mix_hash: self.prev_randao,
            base_fee_per_gas: Some(base_fee),
            withdrawals_root: self.withdrawals_root.or(listed),
            blob_gas_used: self.blob_gas_used.map(|it| it.to()),
            excess_blob_gas: self.excess_blob_gas.map(|it| it.to()),
            parent_beacon_block_root: beside.beacon_root,
            requests_hash,
            ..Header::default()
        };
        let computed = header.hash_slow();
        if computed != self.block_hash {
            return Err(format!(
                "blockhash mismatch, want {:x}, got {computed:x}",
                self.block_hash
            ));
        }
        Ok(BlockData {
            header,
            hash: computed,
            transactions: self.transactions,
            withdrawals: self.withdrawals,
        })
    }
}

impl From<&PayloadEnvelope> for PayloadShape {
    fn from(payload: &PayloadEnvelope) -> Self {
        Self {
            parent_hash: payload.parent_hash,
            fee_recipient: payload.fee_recipient,
            state_root: payload.state_root,
            receipts_root: payload.receipts_root,
            logs_bloom: payload.logs_bloom,
            prev_randao: payload.prev_randao,
            block_number: U64::from(payload.number),
            gas_limit: U64::from(payload.gas_limit),
            gas_used: U64::from(payload.gas_used),
            timestamp: U64::from(payload.timestamp),
            extra_data: payload.extra_data.clone(),
            base_fee_per_gas: payload.base_fee_per_gas,
            block_hash: payload.block_hash,
            transactions: payload.transactions.clone(),
            withdrawals: payload.withdrawals.clone(),
            blob_gas_used: payload.blob_gas_used.map(U64::from),
            excess_blob_gas: payload.excess_blob_gas.map(U64::from),
            withdrawals_root: payload.withdrawals_root,
        }
    }
}

impl PayloadShape {
    /// With the field that travels beside it.
    pub(crate) fn into_envelope(self, beacon_root: Option<B256>) -> PayloadEnvelope {
        PayloadEnvelope {
            parent_hash: self.parent_hash,
            fee_recipient: self.fee_recipient,
            state_root: self.state_root,
            receipts_root: self.receipts_root,
            logs_bloom: self.logs_bloom,
            prev_randao: self.prev_randao,
            number: self.block_number.to(),
            gas_limit: self.gas_limit.to(),
            gas_used: self.gas_used.to(),
            timestamp: self.timestamp.to(),
            extra_data: self.extra_data,
            base_fee_per_gas: self.base_fee_per_gas,
            block_hash: self.block_hash,
            transactions: self.transactions,
            withdrawals: self.withdrawals,
            blob_gas_used: self.blob_gas_used.map(|it| it.to()),
            excess_blob_gas: self.excess_blob_gas.map(|it| it.to()),
            parent_beacon_block_root: beacon_root,
            withdrawals_root: self.withdrawals_root,
        }
    }
}

/// Payload attributes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttributesShape {
    pub(crate) timestamp: U64,
    prev_randao: B256,
    suggested_fee_recipient: Address,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) withdrawals: Option<Vec<Withdrawal>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parent_beacon_block_root: Option<B256>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transactions: Option<Vec<Bytes>>,
    #[serde(default)]
    no_tx_pool: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gas_limit: Option<U64>,
    /// Eight bytes; empty counts as absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) eip1559_params: Option<Bytes>,
    /// A plain number: op-geth's marshalling does not turn it into hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    min_base_fee: Option<Wei>,
}

/// A number of wei, read in either form.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Wei {
    Plain(u64),
    Hex(U64),
}

impl AttributesShape {
    /// Typed. Parameters of EIP-1559 that are not eight bytes are named.
    pub(crate) fn into_build(self) -> Result<BuildAttributes, String> {
        let eip1559 = match self.eip1559_params.as_ref().map(AsRef::as_ref) {
            None | Some([]) => None,
            Some(bytes) => {
                let bytes = B64::try_from(bytes).map_err(|_| {
                    format!("holocene eip-1559 params should be 8 bytes, got {}", bytes.len())
                })?;
                Some(BaseFeeParams::from_bytes(bytes.0))
            }
        };
        Ok(BuildAttributes {
            timestamp: self.timestamp.to(),
            prev_randao: self.prev_randao,
            fee_recipient: self.suggested_fee_recipient,
            parent_beacon_block_root: self.parent_beacon_block_root,
            withdrawals: self.withdrawals,
            transactions: self.transactions.unwrap_or_default(),
            no_tx_pool: self.no_tx_pool,
            gas_limit: self.gas_limit.map(|it| it.to()),
            eip1559,
            min_base_fee: self.min_base_fee.map(|it| match it {
                Wei::Plain(wei) => wei,
                Wei::Hex(wei) => wei.to(),
            }),
        })
    }
}

impl From<&BuildAttributes> for AttributesShape {
    fn from(attributes: &BuildAttributes) -> Self {
        Self {
            timestamp: U64::from(attributes.timestamp),
            prev_randao: attributes.prev_randao,
            suggested_fee_recipient: attributes.fee_recipient,
            withdrawals: attributes.withdrawals.clone(),
            parent_beacon_block_root: attributes.parent_beacon_block_root,
            transactions: Some(attributes.transactions.clone()),
            no_tx_pool: attributes.no_tx_pool,
            gas_limit: attributes.gas_limit.map(U64::from),
            eip1559_params: attributes.eip1559.map(|it| it.to_bytes().into()),
            min_base_fee: attributes.min_base_fee.map(Wei::Plain),
        }
    }
}
