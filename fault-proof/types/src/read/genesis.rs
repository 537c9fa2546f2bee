//! A chain's first block: its header fields and its accounts, as geth writes them.
//!
//! The registry's files leave out the fork times, so the header takes them from the chain config.
//!
//! **Invariant:** what geth would fill in is filled in by [`GenesisFile::header`] alone.

use super::{ReadError, json};
use crate::{Fork, ForkTimes};
use alloc::collections::BTreeMap;
use alloy_consensus::{
    Header,
    constants::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH, EMPTY_WITHDRAWALS},
};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U64, U256};
use serde::{Deserialize, Serialize, de::IgnoredAny};

/// Base fee of a first block that names none, wei (EIP-1559).
const INITIAL_BASE_FEE: u64 = 1_000_000_000;

/// A `genesis.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct GenesisFile {
    /// Accounts; empty where the state is only named by `state_hash`.
    pub alloc: BTreeMap<Address, GenesisAccount>,
    /// State root of a chain whose first state is too large for the file.
    pub state_hash: Option<B256>,
    // geth writes the eight bytes as a number.
    #[serde(default)]
    nonce: U64,
    #[serde(default)]
    timestamp: U64,
    #[serde(default)]
    extra_data: Bytes,
    gas_limit: U64,
    difficulty: U256,
    #[serde(default)]
    mix_hash: B256,
    #[serde(default)]
    coinbase: Address,
    #[serde(default)]
    number: U64,
    #[serde(default)]
    gas_used: U64,
    #[serde(default)]
    parent_hash: B256,
    base_fee_per_gas: Option<U64>,
    excess_blob_gas: Option<U64>,
    blob_gas_used: Option<U64>,
    // Fork times as geth knows them; the chain config has them all.
    #[serde(rename = "config")]
    _config: Option<IgnoredAny>,
    // Of a fork that no chain has; only ever null.
    #[serde(rename = "slotNumber", default)]
    _slot_number: (),
}

/// One account of a first block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisAccount {
    /// Wei.
    pub balance: U256,
    /// Transactions sent, or contracts created.
    #[serde(default)]
    pub nonce: U64,
    /// Code of a contract.
    #[serde(default)]
    pub code: Bytes,
    /// Storage by slot; zeros stand for nothing.
    #[serde(default)]
    pub storage: BTreeMap<B256, B256>,
}

impl GenesisFile {
    /// Reads a `genesis.json`.
    pub fn from_json(text: &[u8]) -> Result<Self, ReadError> {
        json(text)
    }

    /// The header of the first block. From Isthmus it names the storage root of the message passer
    /// (E7).
    pub fn header(&self, forks: &ForkTimes, state_root: B256, message_passer_root: B256) -> Header {
        let timestamp = self.timestamp.to();
        let active = |fork| forks.active(fork, timestamp);
        let withdrawals_root =
            if active(Fork::Isthmus) { message_passer_root } else { EMPTY_WITHDRAWALS };
        let ecotone = active(Fork::Ecotone);
        let or_zero = |value: Option<U64>| ecotone.then(|| value.unwrap_or_default().to());
        Header {
            parent_hash: self.parent_hash,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: self.coinbase,
            state_root,
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            logs_bloom: Bloom::ZERO,
            difficulty: self.difficulty,
            number: self.number.to(),
            gas_limit: self.gas_limit.to(),
            gas_used: self.gas_used.to(),
            timestamp,
            extra_data: self.extra_data.clone(),
            mix_hash: self.mix_hash,
            nonce: B64::from(self.nonce.to::<u64>()),
            base_fee_per_gas: Some(self.base_fee_per_gas.map_or(INITIAL_BASE_FEE, |fee| fee.to())),
            withdrawals_root: active(Fork::Canyon).then_some(withdrawals_root),
            blob_gas_used: or_zero(self.blob_gas_used),
            excess_blob_gas: or_zero(self.excess_blob_gas),
            parent_beacon_block_root: ecotone.then_some(B256::ZERO),
            requests_hash: active(Fork::Isthmus).then_some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        }
    }
}
