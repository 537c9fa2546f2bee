//! What an engine is opened with.
//!
//! **Invariant:** the rules of a chain are a value; nothing asks which chain this is in any other
//! way.

use crate::{L1Rules, PoolLimits};
use opal_types::{ChainConfig, read::GenesisFile};
use std::path::PathBuf;

/// Which chain this is.
#[derive(Clone, Debug)]
pub enum Rules {
    /// Ethereum since the merge.
    L1(L1Rules),
    /// An OP Stack chain.
    L2(Box<ChainConfig>),
}

impl Rules {
    /// The chain id that transactions are signed for.
    pub const fn chain_id(&self) -> u64 {
        match self {
            Self::L1(rules) => rules.chain_id,
            Self::L2(config) => config.l2_chain_id,
        }
    }

    /// The rules of an OP Stack chain, if this is one.
    pub const fn l2(&self) -> Option<&ChainConfig> {
        match self {
            Self::L1(_) => None,
            Self::L2(config) => Some(config),
        }
    }

    /// The rules of an L1, if this is one.
    pub const fn l1(&self) -> Option<&L1Rules> {
        match self {
            Self::L1(rules) => Some(rules),
            Self::L2(_) => None,
        }
    }
}

/// Where blocks and state are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreLocation {
    /// Gone with the engine.
    Memory,
    /// A folder, which is made if need be. One engine at a time.
    Folder(PathBuf),
}

/// What [`crate::Engine::open`] takes.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Which chain this is.
    pub rules: Rules,
    /// Its first block.
    pub genesis: GenesisFile,
    /// Where it is kept.
    pub store: StoreLocation,
    /// Bounds of the mempool.
    pub pool: PoolLimits,
}
