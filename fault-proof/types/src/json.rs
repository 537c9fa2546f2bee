//! The JSON forms: the Go node's `rollup.json`, and payload attributes as the Engine API writes them.
//!
//! One rule for all of it: a field that opal does not know is refused by name, because a misspelt fork time would
//! otherwise silently mean "never". Fields that are known and not needed are listed as such in the raw structs.
//!
//! **Invariant:** reading never guesses: a missing field is an error, except fork times (`None` = never).

use crate::{
    AltDa, AltDaCommitment, Attributes, BaseFeeParams, BlockId, ChainConfig, ForkTimes, Genesis,
    SystemConfig,
};
use alloc::{format, string::String, vec::Vec};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B64, B256, Bytes, U64, U256};
use serde::{Deserialize, Deserializer, de::Error, de::IgnoredAny};

impl<'de> Deserialize<'de> for ChainConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawConfig::deserialize(deserializer)?.checked().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawAttributes::deserialize(deserializer)?;
        Ok(Self {
            timestamp: raw.timestamp.to(),
            prev_randao: raw.prev_randao,
            fee_recipient: raw.suggested_fee_recipient,
            withdrawals: raw.withdrawals,
            parent_beacon_block_root: raw.parent_beacon_block_root,
            transactions: raw.transactions.unwrap_or_default(),
            gas_limit: raw.gas_limit.to(),
            eip1559: raw.eip1559_params.map(base_fee_params),
            min_base_fee: raw.min_base_fee,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawAttributes {
    timestamp: U64,
    prev_randao: B256,
    suggested_fee_recipient: Address,
    withdrawals: Option<Vec<Withdrawal>>,
    parent_beacon_block_root: Option<B256>,
    transactions: Option<Vec<Bytes>>,
    gas_limit: U64,
    #[serde(rename = "eip1559Params")]
    eip1559_params: Option<B64>,
    min_base_fee: Option<u64>,
    /// Known and not needed: opal executes exactly the listed transactions.
    #[serde(default, rename = "noTxPool")]
    _no_tx_pool: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawConfig {
    genesis: RawGenesis,
    block_time: u64,
    max_sequencer_drift: u64,
    seq_window_size: u64,
    channel_timeout: u64,
    l1_chain_id: u64,
    l2_chain_id: u64,
    regolith_time: Option<u64>,
    canyon_time: Option<u64>,
    delta_time: Option<u64>,
    ecotone_time: Option<u64>,
    fjord_time: Option<u64>,
    granite_time: Option<u64>,
    holocene_time: Option<u64>,
    isthmus_time: Option<u64>,
    jovian_time: Option<u64>,
    karst_time: Option<u64>,
    /// `interop_time` is its name before June 2026.
    #[serde(alias = "interop_time")]
    lagoon_time: Option<u64>,
    pectra_blob_schedule_time: Option<u64>,
    batch_inbox_address: Address,
    deposit_contract_address: Address,
    l1_system_config_address: Address,
    chain_op_config: RawBaseFee,
    #[serde(default)]
    keep_karst_upgrade_gas: bool,
    alt_da: Option<RawAltDa>,
    /// Known and not needed: a constant of the protocol (D4).
    #[serde(default, rename = "granite_channel_timeout")]
    _granite_channel_timeout: IgnoredAny,
    /// Known and not needed: no rule reads it.
    #[serde(default, rename = "protocol_versions_address")]
    _protocol_versions_address: IgnoredAny,
    /// Known and not needed: no rule reads it.
    #[serde(default, rename = "superchain_config_address")]
    _superchain_config_address: IgnoredAny,
    /// Known and not needed: the dependency set has the expiry window (I5).
    #[serde(default, rename = "interop_message_expiry_window")]
    _interop_message_expiry_window: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGenesis {
    l1: RawBlockId,
    l2: RawBlockId,
    l2_time: u64,
    system_config: RawSystemConfig,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBlockId {
    number: u64,
    hash: B256,
}

/// The Go node packs the later parameters into hex words; kona spells them out. Both forms are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawSystemConfig {
    #[serde(rename = "batcherAddr", alias = "batcherAddress")]
    batcher: Address,
    overhead: U256,
    scalar: U256,
    gas_limit: u64,
    #[serde(rename = "eip1559Params")]
    eip1559_params: Option<B64>,
    #[serde(rename = "eip1559Denominator")]
    eip1559_denominator: Option<u32>,
    #[serde(rename = "eip1559Elasticity")]
    eip1559_elasticity: Option<u32>,
    operator_fee_params: Option<B256>,
    operator_fee_scalar: Option<u32>,
    operator_fee_constant: Option<u64>,
    min_base_fee: Option<u64>,
    da_footprint_gas_scalar: Option<u16>,
    /// Known and not needed: `scalar` holds them.
    #[serde(default, rename = "baseFeeScalar")]
    _base_fee_scalar: IgnoredAny,
    /// Known and not needed: `scalar` holds them.
    #[serde(default, rename = "blobBaseFeeScalar")]
    _blob_base_fee_scalar: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBaseFee {
    #[serde(rename = "eip1559Elasticity")]
    elasticity: u32,
    #[serde(rename = "eip1559Denominator")]
    denominator: u32,
    #[serde(rename = "eip1559DenominatorCanyon")]
    denominator_canyon: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAltDa {
    #[serde(rename = "da_challenge_contract_address", alias = "da_challenge_address")]
    challenge_contract: Address,
    da_commitment_type: String,
    da_challenge_window: u64,
    da_resolve_window: u64,
}

impl RawConfig {
    fn checked(self) -> Result<ChainConfig, String> {
        let forks = self.forks();
        let fees = &self.chain_op_config;
        if fees.denominator == 0 || fees.denominator_canyon == 0 || fees.elasticity == 0 {
            return Err("chain_op_config: denominators and elasticity must not be zero".into());
        }
        if self.block_time == 0 {
            return Err("block_time must not be zero".into());
        }
        Ok(ChainConfig {
            genesis: self.genesis.into(),
            block_time: self.block_time,
            max_sequencer_drift: self.max_sequencer_drift,
            seq_window_size: self.seq_window_size,
            channel_timeout: self.channel_timeout,
            l1_chain_id: self.l1_chain_id,
            l2_chain_id: self.l2_chain_id,
            forks,
            pectra_blob_schedule_time: self.pectra_blob_schedule_time,
            batch_inbox: self.batch_inbox_address,
            deposit_contract: self.deposit_contract_address,
            l1_system_config: self.l1_system_config_address,
            eip1559: BaseFeeParams { denominator: fees.denominator, elasticity: fees.elasticity },
            eip1559_denominator_canyon: fees.denominator_canyon,
            keep_karst_upgrade_gas: self.keep_karst_upgrade_gas,
            alt_da: self.alt_da.map(RawAltDa::checked).transpose()?,
        })
    }

    /// A fork left out although a later one is scheduled comes with that one: some writers leave Regolith out.
    fn forks(&self) -> ForkTimes {
        let mut next = self.lagoon_time;
        let mut or_next = |time: Option<u64>| {
            next = time.or(next);
            next
        };
        ForkTimes {
            lagoon: self.lagoon_time,
            karst: or_next(self.karst_time),
            jovian: or_next(self.jovian_time),
            isthmus: or_next(self.isthmus_time),
            holocene: or_next(self.holocene_time),
            granite: or_next(self.granite_time),
            fjord: or_next(self.fjord_time),
            ecotone: or_next(self.ecotone_time),
            delta: or_next(self.delta_time),
            canyon: or_next(self.canyon_time),
            regolith: or_next(self.regolith_time),
        }
    }
}

impl From<RawGenesis> for Genesis {
    fn from(raw: RawGenesis) -> Self {
        let id = |it: RawBlockId| BlockId { number: it.number, hash: it.hash };
        Self {
            l1: id(raw.l1),
            l2: id(raw.l2),
            l2_time: raw.l2_time,
            system_config: raw.system_config.into(),
        }
    }
}

impl From<RawSystemConfig> for SystemConfig {
    fn from(raw: RawSystemConfig) -> Self {
        let spelt_out = BaseFeeParams {
            denominator: raw.eip1559_denominator.unwrap_or_default(),
            elasticity: raw.eip1559_elasticity.unwrap_or_default(),
        };
        // The word holds scalar u32 and constant u64 at its low end (D18, E4).
        let word: U256 = raw.operator_fee_params.unwrap_or_default().into();
        let [constant, scalar, ..] = *word.as_limbs();
        let scalar = u32::try_from(scalar & u64::from(u32::MAX)).unwrap_or_default();
        Self {
            batcher: raw.batcher,
            overhead: raw.overhead,
            scalar: raw.scalar,
            gas_limit: raw.gas_limit,
            eip1559: raw.eip1559_params.map_or(spelt_out, base_fee_params),
            operator_fee_scalar: raw.operator_fee_scalar.unwrap_or(scalar),
            operator_fee_constant: raw.operator_fee_constant.unwrap_or(constant),
            min_base_fee: raw.min_base_fee.unwrap_or_default(),
            da_footprint_gas_scalar: raw.da_footprint_gas_scalar.unwrap_or_default(),
        }
    }
}

impl RawAltDa {
    fn checked(self) -> Result<AltDa, String> {
        let commitment = match self.da_commitment_type.as_str() {
            "KeccakCommitment" => AltDaCommitment::Keccak,
            "GenericCommitment" => AltDaCommitment::Generic,
            other => return Err(format!("alt_da.da_commitment_type `{other}` is unknown")),
        };
        Ok(AltDa {
            challenge_contract: self.challenge_contract,
            commitment,
            challenge_window: self.da_challenge_window,
            resolve_window: self.da_resolve_window,
        })
    }
}

/// Denominator and elasticity, u32 big-endian each.
fn base_fee_params(word: B64) -> BaseFeeParams {
    let [a, b, c, d, e, f, g, h] = word.0;
    BaseFeeParams {
        denominator: u32::from_be_bytes([a, b, c, d]),
        elasticity: u32::from_be_bytes([e, f, g, h]),
    }
}
