//! An L1 that another program runs: contracts come to it by transactions, and chains start above them.
//!
//! Start with [`anchor`]. The folder of `--state` remembers where the contracts are, so that they are deployed once.
//!
//! **Invariant:** nothing is asked of this L1 that a plain Ethereum node does not offer.

mod deploy;

pub use deploy::DeployError;

use crate::{
    genesis::{Anchor, ChainParameters, deployment_transactions},
    state::write_whole,
};
use alloy_primitives::{B256, U64};
use deploy::{Deployer, deploy};
use opal_client::{Rpc, RpcError, RpcOptions};
use opal_types::{BlobParams, BlockId, L1Config, L1Flavour};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use url::Url;

/// Name of the file that remembers.
const FILE: &str = "anchor.json";
/// Blobs per block and update fraction since Prague (EIP-7691); what an unknown L1 is taken to have.
const BLOBS: (u64, u64, u64) = (6, 9, 5_007_716);

/// Where the contracts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deployed {
    chain_id: u64,
    first_nonce: u64,
    number: u64,
    hash: B256,
    timestamp: u64,
    base_fee: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    number: U64,
    hash: B256,
    timestamp: U64,
    base_fee_per_gas: Option<U64>,
}

/// What is known of the L1.
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    pub(crate) chain_id: u64,
    pub(crate) rpc: Url,
    pub(crate) beacon: Url,
    pub(crate) anchor: Anchor,
}

/// Why the L1 cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// It does not answer.
    #[error("the L1 does not answer: {0}")]
    Rpc(#[from] RpcError),
    /// Deploying.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// Another L1 than before.
    #[error(
        "the L1 has no block {number} with hash {hash}, on which the chains in {folder} stand: \
        give another --state folder, or the same L1"
    )]
    OtherL1 {
        /// Height of the block.
        number: u64,
        /// Its hash.
        hash: B256,
        /// The folder.
        folder: String,
    },
    /// The file that remembers.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// What happened.
        error: io::Error,
    },
    /// The block with the contracts is gone.
    #[error("the L1 lost block {number} while contracts were deployed: start again")]
    Lost {
        /// Its height.
        number: u64,
    },
}

/// Finds or deploys the contracts of these chains.
pub(crate) async fn anchor(
    rpc_url: Url,
    beacon_url: Option<Url>,
    chain_ids: &[u64],
    folder: Option<PathBuf>,
) -> Result<Foreign, ForeignError> {
    let options = RpcOptions::new("L1", vec![rpc_url.clone()]);
    let rpc = Rpc::new(options).map_err(DeployError::from)?;
    let chain_id: U64 = rpc.call("eth_chainId", ()).await?;
    let parameters: Vec<_> = chain_ids.iter().map(|it| ChainParameters::dev(*it)).collect();
    let known = known(folder.as_deref())?;
    let deployed = match known {
        Some(known) => still_there(&rpc, known, folder.as_deref()).await?,
        None => {
            let deployer = Deployer::new(rpc.clone(), chain_id.to());
            let (first_nonce, number) = deploy(&deployer, &parameters).await?;
            let deployed = deployed(&rpc, chain_id.to(), first_nonce, number).await?;
            remember(folder.as_deref(), &deployed)?;
            deployed
        }
    };
    let Deployed { first_nonce, number, hash, timestamp, base_fee, .. } = deployed;
    let planned = deployment_transactions(&parameters, deploy::address(), first_nonce);
    let planned = planned.map_err(DeployError::from)?;
    let block = BlockId { number, hash };
    let (shared, chains) = (planned.shared, planned.chains);
    let anchor = Anchor { block, timestamp, base_fee, shared, chains };
    let beacon = beacon_url.unwrap_or_else(|| rpc_url.clone());
    Ok(Foreign { chain_id: chain_id.to(), rpc: rpc_url, beacon, anchor })
}

async fn block(rpc: &Rpc, number: u64) -> Result<Option<Block>, RpcError> {
    rpc.call("eth_getBlockByNumber", (U64::from(number), false)).await
}

async fn deployed(
    rpc: &Rpc,
    chain_id: u64,
    first_nonce: u64,
    number: u64,
) -> Result<Deployed, ForeignError> {
    let block = block(rpc, number).await?.ok_or(ForeignError::Lost { number })?;
    Ok(Deployed {
        chain_id,
        first_nonce,
        number: block.number.to(),
        hash: block.hash,
        timestamp: block.timestamp.to(),
        base_fee: block.base_fee_per_gas.unwrap_or_default().to(),
    })
}

async fn still_there(
    rpc: &Rpc,
    known: Deployed,
    folder: Option<&Path>,
) -> Result<Deployed, ForeignError> {
    let Deployed { number, hash, .. } = known;
    match block(rpc, number).await? {
        Some(found) if found.hash == hash => Ok(known),
        _ => {
            let folder = folder.map(|it| it.display().to_string()).unwrap_or_default();
            Err(ForeignError::OtherL1 { number, hash, folder })
        }
    }
}

fn known(folder: Option<&Path>) -> Result<Option<Deployed>, ForeignError> {
    let Some(path) = folder.map(|it| it.join(FILE)) else { return Ok(None) };
    let failed = |error| ForeignError::File { path: path.display().to_string(), error };
    match fs::read(&path) {
        Ok(text) => {
            let known = serde_json::from_slice(&text).map_err(io::Error::from);
            known.map(Some).map_err(failed)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn remember(folder: Option<&Path>, deployed: &Deployed) -> Result<(), ForeignError> {
    let Some(path) = folder.map(|it| it.join(FILE)) else { return Ok(()) };
    let written = write_whole(&path, deployed);
    written.map_err(|error| ForeignError::File { path: path.display().to_string(), error })
}

/// The rules of an L1 that does not tell them.
pub(crate) fn l1_config(chain_id: u64) -> L1Config {
    let (_, _, update_fraction) = BLOBS;
    let blobs = vec![BlobParams { timestamp: 0, update_fraction }];
    L1Config::builtin(chain_id).unwrap_or_else(|| {
        L1Config::new(chain_id, L1Flavour::Ethereum, blobs).expect("one entry is in order")
    })
}

/// The same as a file that op-node reads.
pub(crate) fn l1_config_json(chain_id: u64) -> Value {
    let (target, max, fraction) = BLOBS;
    let blobs = json!({"target": target, "max": max, "baseFeeUpdateFraction": fraction});
    let mut config = json!({
        "chainId": chain_id,
        "terminalTotalDifficulty": 0,
        "blobSchedule": {"cancun": blobs, "prague": blobs, "osaka": blobs},
    });
    let blocks = ["homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople"];
    let later = ["petersburg", "istanbul", "muirGlacier", "berlin", "london"];
    let last = ["arrowGlacier", "grayGlacier", "mergeNetsplit"];
    for fork in blocks.into_iter().chain(later).chain(last) {
        config[format!("{fork}Block")] = 0.into();
    }
    for fork in ["shanghai", "cancun", "prague", "osaka"] {
        config[format!("{fork}Time")] = 0.into();
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_is_used() {
        let file = l1_config_json(31_337).to_string();
        let read = opal_types::read::l1_config_json(file.as_bytes()).unwrap();
        let header = |excess| read.blob_base_fee(excess, 1_000_000);
        let ours = l1_config(31_337);
        for excess in [0, 10_000_000, 100_000_000] {
            assert_eq!(header(excess), ours.blob_base_fee(excess, 1_000_000));
        }
    }
}
