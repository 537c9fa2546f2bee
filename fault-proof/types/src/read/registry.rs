//! The superchain registry: one TOML file per chain and one for the superchain it belongs to.
//!
//! Start with [`Superchain`].
//!
//! **Invariant:** a chain's own file wins. It inherits a fork time of its superchain only if it
//! joined (`superchain_time`) and that time is not before it joined.

use super::{
    ReadError, json,
    rollup::{AltDaPart, BaseFeePart, GenesisPart, check_order, not_zero},
    toml_text,
};
use crate::{ChainConfig, ForkTimes};
use alloc::{string::String, vec::Vec};
use alloy_primitives::Address;
use serde::{Deserialize, de::IgnoredAny};

/// Channel timeout before Granite that all registry chains share, L1 blocks (D4).
const CHANNEL_TIMEOUT: u64 = 300;

/// What the chains of one superchain share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superchain {
    /// Chain id of the L1 that its chains settle on.
    pub l1_chain_id: u64,
    /// Times that chains inherit.
    hardforks: Hardforks,
}

impl Superchain {
    /// Reads a `superchain.toml`.
    pub fn from_toml(text: &str) -> Result<Self, ReadError> {
        Ok(toml_text::<SuperchainFile>(text)?.superchain())
    }

    /// Reads the TOML file of one of its chains.
    pub fn chain_toml(&self, text: &str) -> Result<ChainConfig, ReadError> {
        toml_text::<ChainFile>(text)?.config(self)
    }
}

/// Reads kona's JSON form of the registry: all superchains with their chains.
pub fn superchains_json(text: &[u8]) -> Result<Vec<ChainConfig>, ReadError> {
    let list: SuperchainList = json(text)?;
    let mut configs = Vec::new();
    for part in list.superchains {
        let superchain = part.config.superchain();
        for chain in part.chains {
            configs.push(chain.config(&superchain)?);
        }
    }
    Ok(configs)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuperchainList {
    superchains: Vec<SuperchainPart>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuperchainPart {
    #[serde(rename = "name")]
    _name: String,
    config: SuperchainFile,
    chains: Vec<ChainFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuperchainFile {
    l1: L1Part,
    hardforks: Hardforks,
    // Names and L1 contracts; no rule consults them.
    #[serde(rename = "name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "superchain_config_addr")]
    _superchain_config_addr: Option<IgnoredAny>,
    #[serde(rename = "protocol_versions_addr")]
    _protocol_versions_addr: Option<IgnoredAny>,
    #[serde(rename = "safer_safes_addr")]
    _safer_safes_addr: Option<IgnoredAny>,
    #[serde(rename = "op_contracts_manager_addr", alias = "op_contracts_manager_proxy_addr")]
    _op_contracts_manager_addr: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct L1Part {
    chain_id: u64,
    #[serde(rename = "public_rpc")]
    _public_rpc: Option<IgnoredAny>,
    #[serde(rename = "explorer")]
    _explorer: Option<IgnoredAny>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hardforks {
    canyon_time: Option<u64>,
    delta_time: Option<u64>,
    ecotone_time: Option<u64>,
    fjord_time: Option<u64>,
    granite_time: Option<u64>,
    holocene_time: Option<u64>,
    pectra_blob_schedule_time: Option<u64>,
    isthmus_time: Option<u64>,
    jovian_time: Option<u64>,
    karst_time: Option<u64>,
    #[serde(alias = "interop_time")]
    lagoon_time: Option<u64>,
    keep_karst_upgrade_gas: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChainFile {
    #[serde(alias = "SuperchainTime")]
    superchain_time: Option<u64>,
    #[serde(alias = "l2_chain_id")]
    chain_id: u64,
    #[serde(alias = "batch_inbox_address")]
    batch_inbox_addr: Address,
    block_time: u64,
    seq_window_size: u64,
    max_sequencer_drift: u64,
    #[serde(alias = "hardfork_configuration")]
    hardforks: Hardforks,
    optimism: BaseFeePart,
    alt_da: Option<AltDaPart>,
    genesis: GenesisPart,
    #[serde(alias = "Addresses")]
    addresses: AddressesPart,
    // Names, endpoints, people; the dependency set is read on its own; no rule consults the rest.
    #[serde(rename = "name", alias = "Name")]
    _name: Option<IgnoredAny>,
    #[serde(rename = "public_rpc", alias = "PublicRPC")]
    _public_rpc: Option<IgnoredAny>,
    #[serde(rename = "sequencer_rpc", alias = "SequencerRPC")]
    _sequencer_rpc: Option<IgnoredAny>,
    #[serde(rename = "explorer", alias = "Explorer")]
    _explorer: Option<IgnoredAny>,
    #[serde(rename = "superchain_level", alias = "SuperchainLevel")]
    _superchain_level: Option<IgnoredAny>,
    #[serde(rename = "governed_by_optimism", alias = "GovernedByOptimism")]
    _governed_by_optimism: Option<IgnoredAny>,
    #[serde(rename = "data_availability_type", alias = "DataAvailabilityType")]
    _data_availability_type: Option<IgnoredAny>,
    #[serde(rename = "gas_paying_token", alias = "GasPayingToken")]
    _gas_paying_token: Option<IgnoredAny>,
    #[serde(rename = "deployment_tx_hash")]
    _deployment_tx_hash: Option<IgnoredAny>,
    #[serde(rename = "roles", alias = "Roles")]
    _roles: Option<IgnoredAny>,
    #[serde(rename = "interop")]
    _interop: Option<IgnoredAny>,
}

/// Of a chain's contracts the rules consult two; the registry adds names with every release.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AddressesPart {
    optimism_portal_proxy: Address,
    system_config_proxy: Address,
}

impl SuperchainFile {
    fn superchain(self) -> Superchain {
        Superchain { l1_chain_id: self.l1.chain_id, hardforks: self.hardforks }
    }
}

impl ChainFile {
    fn config(self, superchain: &Superchain) -> Result<ChainConfig, ReadError> {
        let (own, shared) = (&self.hardforks, &superchain.hardforks);
        let inherit = |own: Option<u64>, shared: Option<u64>| {
            let joined = |time: &u64| self.superchain_time.is_some_and(|joined| joined <= *time);
            own.or_else(|| shared.filter(joined))
        };
        let forks = ForkTimes {
            // Every registry chain starts with Regolith.
            regolith: Some(0),
            canyon: inherit(own.canyon_time, shared.canyon_time),
            delta: inherit(own.delta_time, shared.delta_time),
            ecotone: inherit(own.ecotone_time, shared.ecotone_time),
            fjord: inherit(own.fjord_time, shared.fjord_time),
            granite: inherit(own.granite_time, shared.granite_time),
            holocene: inherit(own.holocene_time, shared.holocene_time),
            isthmus: inherit(own.isthmus_time, shared.isthmus_time),
            jovian: inherit(own.jovian_time, shared.jovian_time),
            karst: inherit(own.karst_time, shared.karst_time),
            lagoon: inherit(own.lagoon_time, shared.lagoon_time),
        };
        check_order(&forks)?;
        not_zero("block_time", self.block_time)?;
        Ok(ChainConfig {
            forks,
            // Not inherited: only chains that had the bug it mends have a time (D24).
            pectra_blob_schedule_time: own.pectra_blob_schedule_time,
            keep_karst_upgrade_gas: own.keep_karst_upgrade_gas.unwrap_or(false),
            genesis: self.genesis.genesis()?,
            block_time: self.block_time,
            max_sequencer_drift: self.max_sequencer_drift,
            seq_window_size: self.seq_window_size,
            channel_timeout: CHANNEL_TIMEOUT,
            l1_chain_id: superchain.l1_chain_id,
            l2_chain_id: self.chain_id,
            batch_inbox: self.batch_inbox_addr,
            deposit_contract: self.addresses.optimism_portal_proxy,
            l1_system_config: self.addresses.system_config_proxy,
            eip1559: self.optimism.params()?,
            eip1559_denominator_canyon: self.optimism.eip1559_denominator_canyon,
            alt_da: self.alt_da.map(AltDaPart::alt_da),
        })
    }
}
