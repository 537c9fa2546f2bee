//! Which rules an L1 block follows: fork times and blob schedule, as geth's `genesis.json` names
//! them.
//!
//! **Invariant:** every fork up to the merge is active from the first block; forks and blob
//! parameters stand in order of time; whoever has blobs has parameters for them.

use alloy_eips::eip4844::BLOB_TX_MIN_BLOB_GASPRICE;
use alloy_eips::eip7840::BlobParams;
use alloy_primitives::{Address, U256};
use opal_types::ForkTimes;
use revm::primitives::hardfork::SpecId;
use serde::Deserialize;
use std::collections::BTreeMap;

/// EIP-7594: most blobs of a transaction from Osaka.
const MAX_BLOBS_PER_TRANSACTION: u64 = 6;
/// EIP-7918: gas that a blob costs at least, from Osaka.
const BLOB_BASE_COST: u64 = 1 << 13;

/// A fork of the L1. Later forks compare greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum L1Fork {
    Paris,
    Shanghai,
    Cancun,
    Prague,
    Osaka,
}

impl L1Fork {
    pub(crate) const fn spec(self) -> SpecId {
        match self {
            Self::Paris => SpecId::MERGE,
            Self::Shanghai => SpecId::SHANGHAI,
            Self::Cancun => SpecId::CANCUN,
            Self::Prague => SpecId::PRAGUE,
            Self::Osaka => SpecId::OSAKA,
        }
    }
}

/// How many blobs there may be from some time on, and how their price moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobSchedule {
    /// First timestamp, seconds.
    pub timestamp: u64,
    /// Blobs per block that leave the price as it is.
    pub target: u64,
    /// Most blobs per block.
    pub max: u64,
    /// Blob gas above target that multiplies the price by e.
    pub update_fraction: u64,
}

/// An L1's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L1Rules {
    /// Chain id.
    pub chain_id: u64,
    /// First timestamp of Shanghai, seconds.
    pub shanghai: Option<u64>,
    /// First timestamp of Cancun, seconds.
    pub cancun: Option<u64>,
    /// First timestamp of Prague, seconds.
    pub prague: Option<u64>,
    /// First timestamp of Osaka, seconds.
    pub osaka: Option<u64>,
    /// Whose logs are validator deposits (EIP-6110).
    pub deposit_contract: Option<Address>,
    blobs: Vec<BlobSchedule>,
}

/// Why a config gives no rules.
#[derive(Debug, thiserror::Error)]
pub enum L1RulesError {
    /// No JSON of the expected form.
    #[error("L1 genesis: {0}")]
    Json(#[from] serde_json::Error),
    /// A fork up to the merge that comes later, or never.
    #[error("config.{field}: must be zero, blocks from before {fork} are not known here")]
    BeforeMerge {
        /// The field.
        field: String,
        /// The fork.
        fork: String,
    },
    /// A fork whose rules are not known.
    #[error("config.{field}: rules of this fork are not known")]
    UnknownFork {
        /// The field.
        field: String,
    },
    /// A fork with blobs has no parameters.
    #[error("config.blobSchedule: {fork} is scheduled and has no parameters")]
    NoBlobParams {
        /// The fork.
        fork: &'static str,
    },
    /// Parameters that cannot be.
    #[error("config.blobSchedule.{fork}: target {target}, max {max}, fraction {update_fraction}")]
    BlobParams {
        /// The fork.
        fork: &'static str,
        /// Target.
        target: u64,
        /// Most.
        max: u64,
        /// Update fraction.
        update_fraction: u64,
    },
    /// A fork before its predecessor.
    #[error("config: {later} at {later_time} comes before {earlier} at {earlier_time:?}")]
    Order {
        /// The later fork by name.
        later: &'static str,
        /// Its time.
        later_time: u64,
        /// Its predecessor.
        earlier: &'static str,
        /// The predecessor's time.
        earlier_time: Option<u64>,
    },
}

#[derive(Deserialize)]
struct GenesisPart {
    config: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigPart {
    chain_id: u64,
    shanghai_time: Option<u64>,
    cancun_time: Option<u64>,
    prague_time: Option<u64>,
    osaka_time: Option<u64>,
    bpo1_time: Option<u64>,
    bpo2_time: Option<u64>,
    bpo3_time: Option<u64>,
    bpo4_time: Option<u64>,
    bpo5_time: Option<u64>,
    deposit_contract_address: Option<Address>,
    #[serde(default)]
    blob_schedule: BTreeMap<String, SchedulePart>,
    #[serde(flatten)]
    others: BTreeMap<String, serde_json::Value>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SchedulePart {
    target: u64,
    max: u64,
    base_fee_update_fraction: u64,
}

impl L1Rules {
    /// Reads the `config` of a geth `genesis.json`.
    pub fn from_genesis_json(text: &[u8]) -> Result<Self, L1RulesError> {
        let GenesisPart { config } = serde_json::from_slice(text)?;
        let config: ConfigPart = serde_json::from_value(config)?;
        for (field, value) in &config.others {
            check_other(field, value)?;
        }
        let rules = Self {
            chain_id: config.chain_id,
            shanghai: config.shanghai_time,
            cancun: config.cancun_time,
            prague: config.prague_time,
            osaka: config.osaka_time,
            deposit_contract: config.deposit_contract_address.filter(|it| !it.is_zero()),
            blobs: config.schedule()?,
        };
        rules.check_order()?;
        Ok(rules)
    }

    /// Blob parameters in order of time.
    pub fn blob_schedule(&self) -> &[BlobSchedule] {
        &self.blobs
    }

    fn check_order(&self) -> Result<(), L1RulesError> {
        let mut earlier = ("merge", Some(0));
        for (later, time) in [
            ("shanghai", self.shanghai),
            ("cancun", self.cancun),
            ("prague", self.prague),
            ("osaka", self.osaka),
        ] {
            if let Some(later_time) = time
                && earlier.1.is_none_or(|earlier| later_time < earlier)
            {
                let (earlier, earlier_time) = earlier;
                return Err(L1RulesError::Order { later, later_time, earlier, earlier_time });
            }
            earlier = (later, time);
        }
        Ok(())
    }

    /// The newest fork active at this time.
    pub(crate) fn fork(&self, timestamp: u64) -> L1Fork {
        let forks = [
            (L1Fork::Osaka, self.osaka),
            (L1Fork::Prague, self.prague),
            (L1Fork::Cancun, self.cancun),
            (L1Fork::Shanghai, self.shanghai),
        ];
        let is_active = |time: Option<u64>| time.is_some_and(|time| timestamp >= time);
        let found = forks.into_iter().find(|(_, time)| is_active(*time));
        found.map_or(L1Fork::Paris, |(fork, _)| fork)
    }

    /// Blob parameters in force; `None` before there are blobs.
    pub fn blob_params(&self, timestamp: u64) -> Option<BlobParams> {
        let fork = self.fork(timestamp);
        if fork < L1Fork::Cancun {
            return None;
        }
        let schedule = self.blobs.iter().rev().find(|it| it.timestamp <= timestamp)?;
        let is_osaka = fork >= L1Fork::Osaka;
        Some(BlobParams {
            target_blob_count: schedule.target,
            max_blob_count: schedule.max,
            update_fraction: schedule.update_fraction.into(),
            min_blob_fee: BLOB_TX_MIN_BLOB_GASPRICE,
            max_blobs_per_tx: if is_osaka {
                MAX_BLOBS_PER_TRANSACTION.min(schedule.max)
            } else {
                schedule.max
            },
            blob_base_cost: if is_osaka { BLOB_BASE_COST } else { 0 },
        })
    }

    /// Price of a unit of blob gas in a block, wei.
    pub fn blob_base_fee(&self, excess_blob_gas: u64, timestamp: u64) -> U256 {
        let params = self.blob_params(timestamp);
        U256::from(params.map_or(BLOB_TX_MIN_BLOB_GASPRICE, |it| it.calc_blob_fee(excess_blob_gas)))
    }

    /// The fork times under the names of an OP Stack chain, for the reader of genesis headers.
    pub(crate) fn as_l2_forks(&self) -> ForkTimes {
        ForkTimes {
            regolith: Some(0),
            canyon: self.shanghai,
            ecotone: self.cancun,
            isthmus: self.prague,
            ..ForkTimes::default()
        }
    }
}

impl ConfigPart {
    fn schedule(&self) -> Result<Vec<BlobSchedule>, L1RulesError> {
        let forks = [
            ("cancun", self.cancun_time),
            ("prague", self.prague_time),
            ("osaka", self.osaka_time),
            ("bpo1", self.bpo1_time),
            ("bpo2", self.bpo2_time),
            ("bpo3", self.bpo3_time),
            ("bpo4", self.bpo4_time),
            ("bpo5", self.bpo5_time),
        ];
        let mut schedule: Vec<BlobSchedule> = Vec::new();
        for (fork, time) in forks {
            let Some(timestamp) = time else { continue };
            let Some(part) = self.blob_schedule.get(fork) else {
                // geth lets Osaka keep its predecessor's.
                if fork == "osaka" && !schedule.is_empty() {
                    continue;
                }
                return Err(L1RulesError::NoBlobParams { fork });
            };
            let SchedulePart { target, max, base_fee_update_fraction: update_fraction } = *part;
            if target > max || max == 0 || max > 1 << 16 || update_fraction == 0 {
                return Err(L1RulesError::BlobParams { fork, target, max, update_fraction });
            }
            schedule.push(BlobSchedule { timestamp, target, max, update_fraction });
        }
        // A fork of parameters may come before a named fork that has its own.
        schedule.sort_by_key(|it| it.timestamp);
        Ok(schedule)
    }
}

/// Fields that say nothing here must at least not say something else.
fn check_other(field: &str, value: &serde_json::Value) -> Result<(), L1RulesError> {
    let is_zero_or_null = value.is_null() || value.as_u64() == Some(0);
    if let Some(fork) = field.strip_suffix("Block")
        && !is_zero_or_null
    {
        let fork = fork.to_owned();
        return Err(L1RulesError::BeforeMerge { field: field.to_owned(), fork });
    }
    if field.ends_with("Time") && !value.is_null() {
        return Err(L1RulesError::UnknownFork { field: field.to_owned() });
    }
    Ok(())
}
