//! `rollup.json`: one chain's config as op-node and kona write it.
//!
//! **Invariant:** field names are the Go node's; kona's additional ones are read or listed.

use super::{ReadError, json};
use crate::{
    AltDa, AltDaCommitment, BaseFeeParams, BlockId, ChainConfig, Fork, ForkTimes, Genesis,
    SystemConfig,
};
use alloy_primitives::{Address, B256, FixedBytes, U256};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny},
};

/// Channel timeout from Granite, L1 blocks (D4).
const GRANITE_CHANNEL_TIMEOUT: u64 = 50;

/// Reads a rollup config. A fork without a time whose successor is scheduled activates with the
/// successor, as in kona (the Go node refuses such a config), and no fork may come before its
/// predecessor.
pub fn rollup_json(text: &[u8]) -> Result<ChainConfig, ReadError> {
    json::<RollupFile>(text)?.config()
}

impl<'de> Deserialize<'de> for ChainConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RollupFile::deserialize(deserializer)?.config().map_err(D::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RollupFile {
    genesis: GenesisPart,
    block_time: u64,
    max_sequencer_drift: u64,
    seq_window_size: u64,
    channel_timeout: u64,
    granite_channel_timeout: Option<u64>,
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
    #[serde(alias = "interop_time")]
    lagoon_time: Option<u64>,
    pectra_blob_schedule_time: Option<u64>,
    keep_karst_upgrade_gas: Option<bool>,
    batch_inbox_address: Address,
    deposit_contract_address: Address,
    l1_system_config_address: Address,
    chain_op_config: BaseFeePart,
    alt_da: Option<AltDaPart>,
    // Contracts that no rule consults.
    #[serde(rename = "protocol_versions_address")]
    _protocol_versions_address: Option<IgnoredAny>,
    #[serde(rename = "superchain_config_address")]
    _superchain_config_address: Option<IgnoredAny>,
    // Message expiry comes from the dependency set (section 0, item 5).
    #[serde(rename = "interop_message_expiry_window")]
    _interop_message_expiry_window: Option<IgnoredAny>,
    // Forms of `alt_da` and of the blob switch from before Ecotone; only ever null.
    #[serde(rename = "da_challenge_address", default)]
    _da_challenge_address: (),
    #[serde(rename = "blobs_enabled_l1_timestamp", default)]
    _blobs_enabled_l1_timestamp: (),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GenesisPart {
    l1: BlockPart,
    l2: BlockPart,
    l2_time: u64,
    system_config: SystemConfigPart,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockPart {
    hash: B256,
    number: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SystemConfigPart {
    #[serde(alias = "batcherAddress")]
    batcher_addr: Address,
    overhead: B256,
    scalar: B256,
    gas_limit: u64,
    eip1559_params: Option<FixedBytes<8>>,
    operator_fee_params: Option<B256>,
    min_base_fee: Option<u64>,
    da_footprint_gas_scalar: Option<u16>,
    // kona splits what the Go node packs.
    eip1559_denominator: Option<u32>,
    eip1559_elasticity: Option<u32>,
    operator_fee_scalar: Option<u32>,
    operator_fee_constant: Option<u64>,
    // They stand packed in `scalar`; only ever null beside it.
    #[serde(rename = "baseFeeScalar", default)]
    _base_fee_scalar: (),
    #[serde(rename = "blobBaseFeeScalar", default)]
    _blob_base_fee_scalar: (),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BaseFeePart {
    #[serde(alias = "eip1559Elasticity")]
    pub(super) eip1559_elasticity: u32,
    #[serde(alias = "eip1559Denominator")]
    pub(super) eip1559_denominator: u32,
    #[serde(alias = "eip1559DenominatorCanyon")]
    pub(super) eip1559_denominator_canyon: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AltDaPart {
    #[serde(alias = "da_challenge_address")]
    da_challenge_contract_address: Address,
    da_commitment_type: CommitmentName,
    da_challenge_window: u64,
    da_resolve_window: u64,
}

#[derive(Deserialize)]
enum CommitmentName {
    KeccakCommitment,
    GenericCommitment,
}

impl RollupFile {
    pub(super) fn config(self) -> Result<ChainConfig, ReadError> {
        if let Some(found) =
            self.granite_channel_timeout.filter(|it| *it != GRANITE_CHANNEL_TIMEOUT)
        {
            return Err(ReadError::GraniteChannelTimeout { found });
        }
        let forks = self.forks();
        check_order(&forks)?;
        not_zero("block_time", self.block_time)?;
        Ok(ChainConfig {
            genesis: self.genesis.genesis()?,
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
            eip1559: self.chain_op_config.params()?,
            eip1559_denominator_canyon: self.chain_op_config.eip1559_denominator_canyon,
            keep_karst_upgrade_gas: self.keep_karst_upgrade_gas.unwrap_or(false),
            alt_da: self.alt_da.map(AltDaPart::alt_da),
        })
    }

    /// The fork times, gaps closed from the newest fork down.
    fn forks(&self) -> ForkTimes {
        let lagoon = self.lagoon_time;
        let karst = self.karst_time.or(lagoon);
        let jovian = self.jovian_time.or(karst);
        let isthmus = self.isthmus_time.or(jovian);
        let holocene = self.holocene_time.or(isthmus);
        let granite = self.granite_time.or(holocene);
        let fjord = self.fjord_time.or(granite);
        let ecotone = self.ecotone_time.or(fjord);
        let delta = self.delta_time.or(ecotone);
        let canyon = self.canyon_time.or(delta);
        let regolith = self.regolith_time.or(canyon);
        ForkTimes {
            regolith,
            canyon,
            delta,
            ecotone,
            fjord,
            granite,
            holocene,
            isthmus,
            jovian,
            karst,
            lagoon,
        }
    }
}

/// Refuses zero where the rules divide or count by the value.
pub(super) fn not_zero(field: &'static str, value: u64) -> Result<(), ReadError> {
    (value != 0).then_some(()).ok_or(ReadError::Zero { field })
}

/// Refuses a fork that comes before its predecessor.
pub(super) fn check_order(forks: &ForkTimes) -> Result<(), ReadError> {
    for (earlier, later) in Fork::ALL.into_iter().zip(Fork::ALL.into_iter().skip(1)) {
        let (Some(earlier_time), Some(later_time)) = (forks.time(earlier), forks.time(later))
        else {
            continue;
        };
        if later_time < earlier_time {
            let (later, earlier) = (later.name(), earlier.name());
            return Err(ReadError::ForkOrder { later, later_time, earlier, earlier_time });
        }
    }
    Ok(())
}

impl GenesisPart {
    pub(super) fn genesis(self) -> Result<Genesis, ReadError> {
        Ok(Genesis {
            l1: self.l1.id(),
            l2: self.l2.id(),
            l2_time: self.l2_time,
            system_config: self.system_config.system_config()?,
        })
    }
}

impl BlockPart {
    const fn id(&self) -> BlockId {
        BlockId { number: self.number, hash: self.hash }
    }
}

impl SystemConfigPart {
    fn system_config(self) -> Result<SystemConfig, ReadError> {
        let (operator_fee_scalar, operator_fee_constant) = self.operator_fee()?;
        Ok(SystemConfig {
            batcher: self.batcher_addr,
            overhead: U256::from_be_bytes(self.overhead.0),
            scalar: U256::from_be_bytes(self.scalar.0),
            gas_limit: self.gas_limit,
            eip1559: self.eip1559()?,
            operator_fee_scalar,
            operator_fee_constant,
            min_base_fee: self.min_base_fee.unwrap_or(0),
            da_footprint_gas_scalar: self.da_footprint_gas_scalar.unwrap_or(0),
        })
    }

    fn eip1559(&self) -> Result<BaseFeeParams, ReadError> {
        let packed = self.eip1559_params.map(|bytes| BaseFeeParams::from_bytes(bytes.0));
        let split = BaseFeeParams {
            denominator: self.eip1559_denominator.unwrap_or(0),
            elasticity: self.eip1559_elasticity.unwrap_or(0),
        };
        match packed {
            Some(packed) if !split.is_zero() && split != packed => Err(ReadError::Conflict {
                field: "genesis.system_config.eip1559Params",
                other: "eip1559Denominator and eip1559Elasticity",
            }),
            Some(packed) => Ok(packed),
            None => Ok(split),
        }
    }

    /// Scalar and constant; packed as `version(1) ++ zeros ++ scalar(4) ++ constant(8)` (E4).
    fn operator_fee(&self) -> Result<(u32, u64), ReadError> {
        let field = "genesis.system_config.operatorFeeParams";
        let split =
            (self.operator_fee_scalar.unwrap_or(0), self.operator_fee_constant.unwrap_or(0));
        let Some(B256 { 0: word }) = self.operator_fee_params else { return Ok(split) };
        let [version, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, tail @ ..] = word;
        if version != 0 {
            return Err(ReadError::OperatorFeeVersion { field, version });
        }
        let [s0, s1, s2, s3, constant @ ..] = tail;
        let packed = (u32::from_be_bytes([s0, s1, s2, s3]), u64::from_be_bytes(constant));
        if split != (0, 0) && split != packed {
            let other = "operatorFeeScalar and operatorFeeConstant";
            return Err(ReadError::Conflict { field, other });
        }
        Ok(packed)
    }
}

impl BaseFeePart {
    /// The constants before Canyon; they are divided by.
    pub(super) fn params(&self) -> Result<BaseFeeParams, ReadError> {
        not_zero("eip1559Denominator", self.eip1559_denominator.into())?;
        not_zero("eip1559DenominatorCanyon", self.eip1559_denominator_canyon.into())?;
        not_zero("eip1559Elasticity", self.eip1559_elasticity.into())?;
        let (denominator, elasticity) = (self.eip1559_denominator, self.eip1559_elasticity);
        Ok(BaseFeeParams { denominator, elasticity })
    }
}

impl AltDaPart {
    pub(super) fn alt_da(self) -> AltDa {
        AltDa {
            challenge_contract: self.da_challenge_contract_address,
            commitment: match self.da_commitment_type {
                CommitmentName::KeccakCommitment => AltDaCommitment::Keccak,
                CommitmentName::GenericCommitment => AltDaCommitment::Generic,
            },
            challenge_window: self.da_challenge_window,
            resolve_window: self.da_resolve_window,
        }
    }
}
