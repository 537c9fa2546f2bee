//! The files that describe chains, as `--export` writes them and as operators have them.
//!
//! A folder holds `l1-genesis.json` and per chain a folder with `rollup.json` and `genesis.json`; a single chain is
//! given by its `rollup.json`, with `genesis.json` beside it. Start with [`read_chains`].
//!
//! **Invariant:** what was read is complete: a chain without its L1's config is refused, not guessed at.

use opal_types::{
    ChainConfig, L1Config,
    read::{GenesisFile, ReadError, l1_config_json, rollup_json},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Names of the files in a chain's folder and beside the folders.
pub(crate) const ROLLUP: &str = "rollup.json";
pub(crate) const GENESIS: &str = "genesis.json";
pub(crate) const L1_GENESIS: &str = "l1-genesis.json";

/// Largest file that is read.
const MAX_BYTES: u64 = 1 << 30;

/// Chains on one L1.
#[derive(Clone, Debug)]
pub struct ChainFiles {
    /// By chain id.
    pub chains: Vec<ChainFile>,
    /// The L1's rules, as far as they reach L2.
    pub l1: L1Config,
}

/// One chain.
#[derive(Clone, Debug)]
pub struct ChainFile {
    /// Its `rollup.json`.
    pub config: ChainConfig,
    /// Its first block, if the file was there: an engine of opal's own needs it.
    pub genesis: Option<GenesisFile>,
}

/// Why files describe no chains.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The disk.
    #[error("{path}: {error}")]
    Io {
        /// Which file or folder.
        path: String,
        /// What happened.
        error: io::Error,
    },
    /// Not what it should be.
    #[error("{path}: {error}")]
    Malformed {
        /// Which file.
        path: String,
        /// What is wrong.
        error: ReadError,
    },
    /// Nothing there.
    #[error("{path} has no folder with a {ROLLUP}")]
    NoChain {
        /// Which folder.
        path: String,
    },
    /// Longer than any genesis file.
    #[error("{path} has {bytes} bytes, at most {MAX_BYTES} are read")]
    TooLarge {
        /// Which file.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// No file says what this L1 is like.
    #[error(
        "L1 {chain_id} is not built in: give its chain config or genesis with --l1.chain-config"
    )]
    UnknownL1 {
        /// Its chain id.
        chain_id: u64,
    },
    /// They cannot be followed together.
    #[error("chain {chain_id} is on L1 {found}, the L1 config is that of {wanted}")]
    OtherL1 {
        /// Which chain.
        chain_id: u64,
        /// Its L1.
        found: u64,
        /// Of the config.
        wanted: u64,
    },
    /// Twice the same.
    #[error("chain {chain_id} is given twice")]
    Twice {
        /// Which chain.
        chain_id: u64,
    },
}

/// Reads chains from `rollup.json` files or folders.
pub fn read_chains(paths: &[PathBuf], l1_config: Option<&Path>) -> Result<ChainFiles, FilesError> {
    let mut chains = Vec::new();
    let mut l1_file = l1_config.map(Path::to_owned);
    for path in paths {
        if path.is_dir() {
            let beside = path.join(L1_GENESIS);
            l1_file = l1_file.or_else(|| beside.is_file().then_some(beside));
            chains.extend(folder(path)?);
        } else {
            let beside = path.parent().and_then(Path::parent).map(|it| it.join(L1_GENESIS));
            l1_file = l1_file.or_else(|| beside.filter(|it| it.is_file()));
            chains.push(chain(path)?);
        }
    }
    chains.sort_by_key(|it| it.config.l2_chain_id);
    let ids: Vec<u64> = chains.iter().map(|it| it.config.l2_chain_id).collect();
    if let Some([chain_id, _]) = ids.array_windows().find(|[a, b]| a == b) {
        return Err(FilesError::Twice { chain_id: *chain_id });
    }
    let l1 = match l1_file {
        Some(path) => parsed(&path, l1_config_json)?,
        None => {
            let chain_id = chains.first().map_or(0, |it| it.config.l1_chain_id);
            L1Config::builtin(chain_id).ok_or(FilesError::UnknownL1 { chain_id })?
        }
    };
    for ChainConfig { l1_chain_id, l2_chain_id, .. } in chains.iter().map(|it| &it.config) {
        if *l1_chain_id != l1.chain_id {
            let (chain_id, found) = (*l2_chain_id, *l1_chain_id);
            return Err(FilesError::OtherL1 { chain_id, found, wanted: l1.chain_id });
        }
    }
    Ok(ChainFiles { chains, l1 })
}

fn folder(path: &Path) -> Result<Vec<ChainFile>, FilesError> {
    let io = |error| FilesError::Io { path: path.display().to_string(), error };
    let direct = path.join(ROLLUP);
    if direct.is_file() {
        return Ok(vec![chain(&direct)?]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path().join(ROLLUP);
        if file.is_file() {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(FilesError::NoChain { path: path.display().to_string() });
    }
    files.iter().map(|it| chain(it)).collect()
}

fn chain(rollup: &Path) -> Result<ChainFile, FilesError> {
    let config = parsed(rollup, rollup_json)?;
    let genesis = rollup.with_file_name(GENESIS);
    let genesis =
        if genesis.is_file() { Some(parsed(&genesis, GenesisFile::from_json)?) } else { None };
    Ok(ChainFile { config, genesis })
}

fn parsed<T>(path: &Path, parse: fn(&[u8]) -> Result<T, ReadError>) -> Result<T, FilesError> {
    let name = || path.display().to_string();
    let io = |error| FilesError::Io { path: name(), error };
    let bytes = fs::metadata(path).map_err(io)?.len();
    if bytes > MAX_BYTES {
        return Err(FilesError::TooLarge { path: name(), bytes });
    }
    let text = fs::read(path).map_err(io)?;
    parse(&text).map_err(|error| FilesError::Malformed { path: name(), error })
}
