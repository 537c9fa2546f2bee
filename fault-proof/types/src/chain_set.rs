//! The chains that one guest image knows, on one L1: what `opal prestate build` writes into the image (design.md
//! decision 3).
//!
//! **Invariant:** at least one chain, each once and in ascending order of id, all of them on this L1. So a set has one
//! encoding and one prestate.

use crate::{ChainConfig, L1Config, rlp::rlp_list};
use alloc::vec::Vec;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainSet {
    chains: Vec<ChainConfig>,
    l1: L1Config,
}

/// Why configs are no chain set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainSetError {
    /// There is nothing to decide.
    #[error("a chain set has at least one chain")]
    NoChain,
    /// One chain has one config.
    #[error("chain {chain_id} appears twice in the chain set")]
    RepeatedChain {
        /// The chain.
        chain_id: u64,
    },
    /// The chain stands elsewhere.
    #[error("chain {chain_id} is on L1 {found}, the chain set is for L1 {wanted}")]
    OtherL1 {
        /// The chain.
        chain_id: u64,
        /// The L1 of its config.
        found: u64,
        /// The L1 of the set.
        wanted: u64,
    },
}

impl ChainSet {
    /// A set of these chains, given in any order.
    pub fn new(mut chains: Vec<ChainConfig>, l1: L1Config) -> Result<Self, ChainSetError> {
        chains.sort_by_key(|chain| chain.l2_chain_id);
        let set = Self { chains, l1 };
        set.check().map(|()| set)
    }

    fn check(&self) -> Result<(), ChainSetError> {
        let wanted = self.l1.chain_id;
        let mut before = None;
        for ChainConfig { l2_chain_id: chain_id, l1_chain_id: found, .. } in &self.chains {
            if before.is_some_and(|before| before >= *chain_id) {
                return Err(ChainSetError::RepeatedChain { chain_id: *chain_id });
            }
            if *found != wanted {
                let (chain_id, found) = (*chain_id, *found);
                return Err(ChainSetError::OtherL1 { chain_id, found, wanted });
            }
            before = Some(*chain_id);
        }
        before.map(drop).ok_or(ChainSetError::NoChain)
    }

    /// The chains in ascending order of id.
    pub fn chains(&self) -> &[ChainConfig] {
        &self.chains
    }

    /// The chain with this id.
    pub fn chain(&self, chain_id: u64) -> Option<&ChainConfig> {
        self.chains.iter().find(|chain| chain.l2_chain_id == chain_id)
    }

    /// Their L1.
    pub const fn l1(&self) -> &L1Config {
        &self.l1
    }

    /// The canonical encoding.
    pub fn to_rlp(&self) -> Vec<u8> {
        alloy_rlp::encode(self)
    }

    /// Reads exactly the canonical encoding.
    pub fn from_rlp(bytes: &[u8]) -> Result<Self, alloy_rlp::Error> {
        let set: Self = alloy_rlp::decode_exact(bytes)?;
        match set.check() {
            Ok(()) if set.l1.is_valid() => Ok(set),
            _ => Err(alloy_rlp::Error::Custom("no chain set")),
        }
    }
}

rlp_list!(ChainSet { chains, l1 });
