//! The folder of `--export`: what other programs need to join.
//!
//! **Invariant:** a secret that is in the folder already is kept, so that programs that read it go on working.

use super::DevnetError;
use crate::{
    accounts::{Role, role},
    endpoints::Endpoints,
    files::L1_GENESIS,
    foreign::l1_config_json,
    genesis::GenesisSet,
};
use alloy_primitives::{Address, hex};
use opal_client::JwtSecret;
use std::{
    collections::{BTreeMap, hash_map::RandomState},
    fs,
    hash::BuildHasher,
    io,
    path::Path,
};

/// Names of the files that genesis does not bring.
const JWT: &str = "jwt.txt";
const ENDPOINTS: &str = "endpoints.json";
/// In each chain's folder, for a batcher that is not the devnet's own.
const BATCHER_KEY: &str = "batcher.key";

/// Writes everything.
pub(super) fn write(
    folder: &Path,
    genesis: &GenesisSet,
    jwt: &JwtSecret,
    endpoints: &Endpoints,
) -> Result<(), DevnetError> {
    let failed = |name: &str, error| DevnetError::Export {
        path: folder.join(name).display().to_string(),
        error,
    };
    genesis.write(folder)?;
    if genesis.l1.is_none() {
        let config = l1_config_json(endpoints.l1.chain_id).to_string();
        fs::write(folder.join(L1_GENESIS), config).map_err(|error| failed(L1_GENESIS, error))?;
    }
    for chain_id in endpoints.chains.iter().map(|it| it.chain_id) {
        let name = format!("{chain_id}/{BATCHER_KEY}");
        let key = role(Role::Batcher { chain_id }).key.to_string();
        fs::write(folder.join(&name), key).map_err(|error| failed(&name, error))?;
    }
    let text = hex::encode(jwt.as_bytes());
    fs::write(folder.join(JWT), text).map_err(|error| failed(JWT, error))?;
    let text = serde_json::to_string_pretty(endpoints).map_err(io::Error::from);
    let written = text.and_then(|text| fs::write(folder.join(ENDPOINTS), text));
    written.map_err(|error| failed(ENDPOINTS, error))
}

/// The secret of the folder, or a new one.
pub(super) fn secret(folder: Option<&Path>) -> JwtSecret {
    let text = folder.and_then(|it| fs::read_to_string(it.join(JWT)).ok());
    let old = text.and_then(|text| JwtSecret::from_hex(text.trim()).ok());
    old.unwrap_or_else(|| {
        let mut bytes = [0; 32];
        for (part, number) in bytes.chunks_mut(8).zip(0..) {
            // The standard library's hashers are keyed by the system's randomness.
            part.copy_from_slice(&RandomState::new().hash_one::<u64>(number).to_be_bytes());
        }
        JwtSecret::new(bytes)
    })
}

/// Contracts on L1 by chain and name, as supersim's admin RPC tells them.
pub(super) fn l1_addresses(genesis: &GenesisSet) -> BTreeMap<u64, BTreeMap<String, Address>> {
    let named = genesis.chains.iter().map(|chain| {
        let names = serde_json::to_value(&chain.addresses).and_then(serde_json::from_value);
        (chain.config.l2_chain_id, names.unwrap_or_default())
    });
    named.collect()
}
