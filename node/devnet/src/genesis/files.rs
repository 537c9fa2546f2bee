//! The files of first blocks, in the forms that op-node, op-geth and geth read.
//!
//! Start with [`GenesisSet::write`].
//!
//! **Invariant:** what is written reads back as what was built; a test compares.

use super::{
    GenesisSet, L1Genesis, L2Genesis,
    l1::{BLOB_FORKS, BlobFork},
};
use alloy_consensus::Header;
use alloy_primitives::{U64, U256};
use opal_types::{ChainConfig, Fork};
use serde_json::{Map, Value, json};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Ethereum's forks that are numbered by block; a chain that starts today has had them all.
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

/// Names of the forks as op-geth writes them, each with the Ethereum fork that it brings.
const L2_FORKS: [(Fork, Option<&str>); 11] = [
    (Fork::Regolith, None),
    (Fork::Canyon, Some("shanghaiTime")),
    (Fork::Delta, None),
    (Fork::Ecotone, Some("cancunTime")),
    (Fork::Fjord, None),
    (Fork::Granite, None),
    (Fork::Holocene, None),
    (Fork::Isthmus, Some("pragueTime")),
    (Fork::Jovian, None),
    // op-geth does not derive this one, and without it refuses payloads of Karst.
    (Fork::Karst, Some("osakaTime")),
    (Fork::Lagoon, None),
];

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct ExportError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub reason: io::Error,
}

impl GenesisSet {
    /// Writes `l1-genesis.json`, `dependency-set.json`, `addresses.json` and, in a folder per chain, `genesis.json`
    /// and `rollup.json`.
    pub fn write(&self, folder: &Path) -> Result<(), ExportError> {
        if let Some(l1) = &self.l1 {
            write(folder, "l1-genesis.json", &l1.genesis_json())?;
        }
        write(folder, "dependency-set.json", &self.dependency_set_json())?;
        write(folder, "addresses.json", &self.addresses_json())?;
        for chain in &self.chains {
            let folder = folder.join(chain.config.l2_chain_id.to_string());
            write(&folder, "genesis.json", &chain.genesis_json())?;
            write(&folder, "rollup.json", &opal_driver::rollup_config_json(&chain.config))?;
        }
        Ok(())
    }

    /// Which chains may send messages to one another.
    pub fn dependency_set_json(&self) -> Value {
        let chains =
            self.chains.iter().map(|chain| (chain.config.l2_chain_id.to_string(), json!({})));
        json!({ "dependencies": Map::from_iter(chains) })
    }

    /// Where everything is on L1.
    pub fn addresses_json(&self) -> Value {
        let chains = self.chains.iter().map(|chain| {
            let id = chain.config.l2_chain_id.to_string();
            (id, json!(chain.addresses))
        });
        json!({ "shared": self.shared, "chains": Map::from_iter(chains) })
    }
}

impl L1Genesis {
    /// The file that geth starts from; op-node takes the config in it.
    pub fn genesis_json(&self) -> Value {
        let blobs = BLOB_FORKS.map(|BlobFork { name, target, max, update_fraction }| {
            let params = json!({
                "target": target,
                "max": max,
                "baseFeeUpdateFraction": update_fraction,
            });
            (name.to_owned(), params)
        });
        let mut config = ethereum(self.config.chain_id);
        for fork in ["shanghai", "cancun", "prague", "osaka"] {
            config.insert(format!("{fork}Time"), 0.into());
        }
        config.insert("blobSchedule".to_owned(), Value::Object(Map::from_iter(blobs)));
        genesis(config, &self.header, json!(self.alloc))
    }
}

impl L2Genesis {
    /// The file that op-geth starts from.
    pub fn genesis_json(&self) -> Value {
        genesis(op_geth(&self.config), &self.header, json!(self.alloc))
    }
}

fn ethereum(chain_id: u64) -> Map<String, Value> {
    let mut config = Map::new();
    config.insert("chainId".to_owned(), chain_id.into());
    for fork in BLOCK_FORKS {
        config.insert(fork.to_owned(), 0.into());
    }
    config.insert("mergeNetsplitBlock".to_owned(), 0.into());
    config.insert("terminalTotalDifficulty".to_owned(), 0.into());
    config
}

fn op_geth(chain: &ChainConfig) -> Map<String, Value> {
    let mut config = ethereum(chain.l2_chain_id);
    config.insert("bedrockBlock".to_owned(), 0.into());
    for (fork, ethereum) in L2_FORKS {
        let Some(time) = chain.forks.time(fork) else { continue };
        // Nothing in execution depends on this one.
        if fork != Fork::Delta {
            config.insert(format!("{}Time", fork.name()), time.into());
        }
        if let Some(name) = ethereum {
            config.insert(name.to_owned(), time.into());
        }
    }
    let base_fee = json!({
        "eip1559Elasticity": chain.eip1559.elasticity,
        "eip1559Denominator": chain.eip1559.denominator,
        "eip1559DenominatorCanyon": chain.eip1559_denominator_canyon,
    });
    config.insert("optimism".to_owned(), base_fee);
    config
}

fn genesis(config: Map<String, Value>, header: &Header, alloc: Value) -> Value {
    let number = |number: u64| json!(U64::from(number));
    let mut file = json!({
        "config": config,
        "nonce": number(0),
        "timestamp": number(header.timestamp),
        "extraData": header.extra_data,
        "gasLimit": number(header.gas_limit),
        "difficulty": U256::ZERO,
        "mixHash": header.mix_hash,
        "coinbase": header.beneficiary,
        "number": number(header.number),
        "gasUsed": number(0),
        "parentHash": header.parent_hash,
        "baseFeePerGas": header.base_fee_per_gas.map(U64::from),
        "alloc": alloc,
    });
    if let Value::Object(fields) = &mut file
        && let Some(excess) = header.excess_blob_gas
    {
        fields.insert("excessBlobGas".to_owned(), number(excess));
        fields.insert("blobGasUsed".to_owned(), number(header.blob_gas_used.unwrap_or_default()));
    }
    file
}

fn write(folder: &Path, name: &str, content: &Value) -> Result<(), ExportError> {
    let path = folder.join(name);
    let text = format!("{content:#}\n");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
    written.map_err(|reason| ExportError { path, reason })
}
