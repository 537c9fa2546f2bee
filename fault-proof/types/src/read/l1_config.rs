//! An L1's chain config: geth's `genesis.json`, or the `config` in it alone.
//!
//! Of the L1's rules only the price of blobs reaches L2, so that is read and the rest passed over;
//! in the blob schedule itself an unknown fork is refused.
//!
//! **Invariant:** every blob fork with a time has its parameters in the file or an earlier fork's.

use super::{ReadError, json};
use crate::{BlobParams, L1Config, L1Flavour};
use alloc::vec::Vec;
use serde::Deserialize;

/// Reads an L1 chain config. Its headers are taken for Ethereum's: the file does not say.
pub fn l1_config_json(text: &[u8]) -> Result<L1Config, ReadError> {
    let Wrapper { config } = json(text)?;
    // Errors of the part that is read name their place in it.
    let part = match config {
        Some(config) => config,
        None => json::<ConfigPart>(text)?,
    };
    part.config()
}

/// A genesis file, or a config without the field.
#[derive(Deserialize)]
struct Wrapper {
    config: Option<ConfigPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigPart {
    chain_id: u64,
    cancun_time: Option<u64>,
    prague_time: Option<u64>,
    osaka_time: Option<u64>,
    bpo1_time: Option<u64>,
    bpo2_time: Option<u64>,
    bpo3_time: Option<u64>,
    bpo4_time: Option<u64>,
    bpo5_time: Option<u64>,
    amsterdam_time: Option<u64>,
    blob_schedule: Option<SchedulePart>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SchedulePart {
    cancun: Option<ParamsPart>,
    prague: Option<ParamsPart>,
    osaka: Option<ParamsPart>,
    bpo1: Option<ParamsPart>,
    bpo2: Option<ParamsPart>,
    bpo3: Option<ParamsPart>,
    bpo4: Option<ParamsPart>,
    bpo5: Option<ParamsPart>,
    amsterdam: Option<ParamsPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ParamsPart {
    base_fee_update_fraction: u64,
}

impl ConfigPart {
    fn config(self) -> Result<L1Config, ReadError> {
        let parts = self.blob_schedule.unwrap_or_default();
        // Without them the first price of a blob would be a guess.
        if self.cancun_time.is_some() && parts.cancun.is_none() {
            return Err(ReadError::NoBlobParams { fork: "cancun" });
        }
        let forks = [
            (self.cancun_time, parts.cancun),
            (self.prague_time, parts.prague),
            (self.osaka_time, parts.osaka),
            (self.bpo1_time, parts.bpo1),
            (self.bpo2_time, parts.bpo2),
            (self.bpo3_time, parts.bpo3),
            (self.bpo4_time, parts.bpo4),
            (self.bpo5_time, parts.bpo5),
            (self.amsterdam_time, parts.amsterdam),
        ];
        let mut schedule = Vec::new();
        for (time, part) in forks {
            // A fork without parameters keeps its predecessor's; one without a time may come.
            if let (Some(timestamp), Some(part)) = (time, part) {
                let update_fraction = part.base_fee_update_fraction;
                schedule.push(BlobParams { timestamp, update_fraction });
            }
        }
        L1Config::new(self.chain_id, L1Flavour::Ethereum, schedule).map_err(ReadError::BlobSchedule)
    }
}
