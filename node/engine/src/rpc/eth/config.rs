//! `eth_config` (EIP-7910) and the chain config in geth's form.
//!
//! **Invariant:** both follow from the rules alone.

use super::super::{Api, RpcError, Table};
use crate::call::{Environment, addresses};
use crate::{L1Rules, Rules};
use alloy_primitives::{Address, FixedBytes, U64, address};
use jsonrpsee::core::RegisterMethodError;
use opal_types::{ChainConfig, Fork};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_config", config)
}

/// Block forks of Ethereum up to the merge; all are active from the first block here.
const BLOCK_FORKS: [&str; 13] = [
    "homesteadBlock",
    "eip150Block",
    "eip155Block",
    "eip158Block",
    "byzantiumBlock",
    "constantinopleBlock",
    "petersburgBlock",
    "istanbulBlock",
    "muirGlacierBlock",
    "berlinBlock",
    "londonBlock",
    "arrowGlacierBlock",
    "grayGlacierBlock",
];

/// The config as geth or op-geth would print it.
pub(crate) fn chain_config(rules: &Rules) -> Value {
    let mut config = Map::new();
    config.insert("chainId".to_owned(), rules.chain_id().into());
    for fork in BLOCK_FORKS.into_iter().chain(["mergeNetsplitBlock"]) {
        config.insert(fork.to_owned(), 0.into());
    }
    config.insert("terminalTotalDifficulty".to_owned(), 0.into());
    match rules {
        Rules::L1(rules) => l1_config(rules, &mut config),
        Rules::L2(rules) => l2_config(rules, &mut config),
    }
    Value::Object(config)
}

fn l1_config(rules: &L1Rules, config: &mut Map<String, Value>) {
    for (name, time) in l1_times(rules) {
        config.insert(format!("{name}Time"), time.into());
    }
    if let Some(contract) = rules.deposit_contract {
        config.insert("depositContractAddress".to_owned(), json!(contract));
    }
    let mut schedule = Map::new();
    for (name, time) in l1_times(rules) {
        let found = rules.blob_schedule().iter().rev().find(|it| it.timestamp <= time);
        if let Some(params) = found.filter(|_| name != "shanghai") {
            let entry = json!({
                "target": params.target,
                "max": params.max,
                "baseFeeUpdateFraction": params.update_fraction,
            });
            schedule.insert(name, entry);
        }
    }
    config.insert("blobSchedule".to_owned(), schedule.into());
}

/// The L1's forks by time; blob parameters of no named fork are one of their own.
fn l1_times(rules: &L1Rules) -> Vec<(String, u64)> {
    let named = [
        ("shanghai", rules.shanghai),
        ("cancun", rules.cancun),
        ("prague", rules.prague),
        ("osaka", rules.osaka),
    ];
    let mut times: Vec<(String, u64)> =
        named.into_iter().filter_map(|(name, time)| Some((name.to_owned(), time?))).collect();
    let others = rules
        .blob_schedule()
        .iter()
        .map(|it| it.timestamp)
        .filter(|time| !named.iter().any(|(_, named)| *named == Some(*time)));
    times.extend(others.enumerate().map(|(index, time)| (format!("bpo{}", index + 1), time)));
    times
}

fn l2_config(rules: &ChainConfig, config: &mut Map<String, Value>) {
    config.insert("bedrockBlock".to_owned(), 0.into());
    let forks = &rules.forks;
    let times = [
        ("shanghaiTime", forks.canyon),
        ("cancunTime", forks.ecotone),
        ("pragueTime", forks.isthmus),
        ("osakaTime", forks.karst),
        ("regolithTime", forks.regolith),
        ("canyonTime", forks.canyon),
        ("ecotoneTime", forks.ecotone),
        ("fjordTime", forks.fjord),
        ("graniteTime", forks.granite),
        ("holoceneTime", forks.holocene),
        ("isthmusTime", forks.isthmus),
        ("jovianTime", forks.jovian),
        ("karstTime", forks.karst),
        ("lagoonTime", forks.lagoon),
    ];
    for (name, time) in times {
        if let Some(time) = time {
            config.insert(name.to_owned(), time.into());
        }
    }
    let optimism = json!({
        "eip1559Elasticity": rules.eip1559.elasticity,
        "eip1559Denominator": rules.eip1559.denominator,
        "eip1559DenominatorCanyon": rules.eip1559_denominator_canyon,
    });
    config.insert("optimism".to_owned(), optimism);
}

/// Times at which rules change, ascending.
fn fork_times(rules: &Rules) -> Vec<u64> {
    let mut times: Vec<u64> = match rules {
        Rules::L1(rules) => l1_times(rules).into_iter().map(|(_, time)| time).collect(),
        Rules::L2(rules) => Fork::ALL.into_iter().filter_map(|it| rules.forks.time(it)).collect(),
    };
    times.sort_unstable();
    times.dedup();
    times
}

fn config(api: &Api, (): ()) -> Result<Value, RpcError> {
    let rules = api.engine.rules();
    let now = api.engine.heads().head.header.timestamp;
    let times = fork_times(rules);
    let current = times.iter().copied().filter(|time| *time <= now).max().unwrap_or_default();
    let next = times.iter().copied().find(|time| *time > now);
    let last = next.and_then(|_| times.last().copied());
    let entry = |time: u64| fork_config(api, time);
    Ok(json!({
        "current": entry(current)?,
        "next": next.map(entry).transpose()?,
        "last": last.map(entry).transpose()?,
    }))
}

fn fork_config(api: &Api, time: u64) -> Result<Value, RpcError> {
    let rules = api.engine.rules();
    let first = api.engine.first_block();
    let genesis = api.engine.block(first.hash)?;
    let genesis_time = genesis.map_or(0, |block| block.header.timestamp);
    let mut header = alloy_consensus::Header { timestamp: time, ..Default::default() };
    header.excess_blob_gas = Some(0);
    let environment = Environment::of(rules, &header);
    let precompiles: BTreeMap<String, Address> =
        addresses(&environment).into_iter().map(|it| (precompile_name(&it), it)).collect();
    let blob_schedule = rules.l1().and_then(|rules| rules.blob_params(time)).map(|params| {
        json!({
            "target": params.target_blob_count,
            "max": params.max_blob_count,
            "baseFeeUpdateFraction": u64::try_from(params.update_fraction).unwrap_or(u64::MAX),
        })
    });
    Ok(json!({
        "activationTime": if time <= genesis_time { 0 } else { time },
        "blobSchedule": blob_schedule,
        "chainId": U64::from(rules.chain_id()),
        "forkId": fork_id(rules, first.hash.0, genesis_time, time),
        "precompiles": precompiles,
        "systemContracts": system_contracts(rules, time),
    }))
}

/// EIP-2124's checksum: the first block's hash, then every fork that came after it.
fn fork_id(rules: &Rules, genesis: [u8; 32], genesis_time: u64, time: u64) -> FixedBytes<4> {
    let mut checksum = Crc::new();
    checksum.add(&genesis);
    for fork in fork_times(rules).into_iter().filter(|it| *it > genesis_time && *it <= time) {
        checksum.add(&fork.to_be_bytes());
    }
    checksum.finish().to_be_bytes().into()
}

/// CRC-32 as IEEE 802.3 has it.
struct Crc(u32);

impl Crc {
    const fn new() -> Self {
        Self(u32::MAX)
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 ^= u32::from(*byte);
            for _ in 0..8 {
                let is_odd = self.0 & 1 == 1;
                self.0 = (self.0 >> 1) ^ if is_odd { 0xedb8_8320 } else { 0 };
            }
        }
    }

    const fn finish(&self) -> u32 {
        !self.0
    }
}

/// EIP-7910's names.
fn precompile_name(address: &Address) -> String {
    let names = [
        "ECREC",
        "SHA256",
        "RIPEMD160",
        "ID",
        "MODEXP",
        "BN254_ADD",
        "BN254_MUL",
        "BN254_PAIRING",
        "BLAKE2F",
        "KZG_POINT_EVALUATION",
        "BLS12_G1ADD",
        "BLS12_G1MSM",
        "BLS12_G2ADD",
        "BLS12_G2MSM",
        "BLS12_PAIRING_CHECK",
        "BLS12_MAP_FP_TO_G1",
        "BLS12_MAP_FP2_TO_G2",
    ];
    let [.., high, low] = address.0.0;
    let number = usize::from(u16::from_be_bytes([high, low]));
    match names.get(number.wrapping_sub(1)) {
        Some(name) => (*name).to_owned(),
        None if number == 0x100 => "P256VERIFY".to_owned(),
        None => format!("UNKNOWN_{number:#x}"),
    }
}

fn system_contracts(rules: &Rules, time: u64) -> BTreeMap<&'static str, Address> {
    let (has_cancun, has_prague) = match rules {
        Rules::L1(rules) => {
            (rules.cancun.is_some_and(|it| it <= time), rules.prague.is_some_and(|it| it <= time))
        }
        Rules::L2(rules) => {
            (rules.forks.active(Fork::Ecotone, time), rules.forks.active(Fork::Isthmus, time))
        }
    };
    let mut contracts = BTreeMap::new();
    if has_cancun {
        let beacon_roots = address!("000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
        contracts.insert("BEACON_ROOTS_ADDRESS", beacon_roots);
    }
    if has_prague {
        let history = address!("0000F90827F1C53a10cb7A02335B175320002935");
        contracts.insert("HISTORY_STORAGE_ADDRESS", history);
    }
    if let (true, Some(rules)) = (has_prague, rules.l1()) {
        let consolidations = address!("0000BBdDc7CE488642fb579F8B00f3a590007251");
        let withdrawals = address!("00000961Ef480Eb55e80D19ad83579A64c007002");
        contracts.insert("CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS", consolidations);
        contracts.insert("WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS", withdrawals);
        if let Some(deposits) = rules.deposit_contract {
            contracts.insert("DEPOSIT_CONTRACT_ADDRESS", deposits);
        }
    }
    contracts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_eip_2124() {
        let mut checksum = Crc::new();
        let mainnet = "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3";
        checksum.add(&alloy_primitives::hex::decode(mainnet).unwrap());
        assert_eq!(checksum.finish(), 0xfc64_ec04);
        checksum.add(&1_150_000_u64.to_be_bytes());
        assert_eq!(checksum.finish(), 0x97c2_c34c);
    }
}
