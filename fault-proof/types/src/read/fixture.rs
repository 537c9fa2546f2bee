//! A block to re-execute: config, parent header, payload attributes and the hash the block should
//! have.
//!
//! **Invariant:** the attributes are what the file says; only an absent `withdrawals` becomes the
//! empty list that the rules demand from Canyon on, because the writers of this format leave it
//! out.

use super::{ReadError, header::without_gap, json, rollup::RollupFile};
use crate::{Attributes, BaseFeeParams, ChainConfig, Fork};
use alloc::vec::Vec;
use alloy_consensus::Header;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, FixedBytes, U64};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

/// What `opal execute` is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockFixture {
    /// Rules of the chain.
    pub config: ChainConfig,
    /// Header of the block before.
    pub parent: Header,
    /// Content of the block.
    pub attributes: Attributes,
    /// Hash the block is said to have.
    pub expected_hash: B256,
}

impl BlockFixture {
    /// Reads a `block-N.fixture.json`.
    pub fn from_json(text: &[u8]) -> Result<Self, ReadError> {
        let file: FixtureFile = json(text)?;
        let config = file.rollup_config.config()?;
        without_gap(&file.parent_header)?;
        let mut attributes = file.executing_payload;
        if config.forks.active(Fork::Canyon, attributes.timestamp) {
            attributes.withdrawals.get_or_insert_default();
        }
        Ok(Self {
            config,
            parent: file.parent_header,
            attributes,
            expected_hash: file.expected_block_hash,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FixtureFile {
    rollup_config: RollupFile,
    parent_header: Header,
    executing_payload: Attributes,
    expected_block_hash: B256,
}

/// `OpPayloadAttributes` of the Engine API (E13).
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct PayloadFile {
    timestamp: U64,
    prev_randao: B256,
    suggested_fee_recipient: Address,
    withdrawals: Option<Vec<Withdrawal>>,
    parent_beacon_block_root: Option<B256>,
    transactions: Option<Vec<Bytes>>,
    gas_limit: U64,
    eip1559_params: Option<FixedBytes<8>>,
    min_base_fee: Option<u64>,
    // The block holds these transactions and no others, whatever a pool has.
    #[serde(rename = "noTxPool")]
    _no_tx_pool: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = PayloadFile::deserialize(deserializer)?;
        Ok(Self {
            timestamp: file.timestamp.to(),
            prev_randao: file.prev_randao,
            fee_recipient: file.suggested_fee_recipient,
            withdrawals: file.withdrawals,
            parent_beacon_block_root: file.parent_beacon_block_root,
            transactions: file.transactions.unwrap_or_default(),
            gas_limit: file.gas_limit.to(),
            eip1559: file.eip1559_params.map(|bytes| BaseFeeParams::from_bytes(bytes.0)),
            min_base_fee: file.min_base_fee,
        })
    }
}
