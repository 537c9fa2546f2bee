//! Which rules a block follows.
//!
//! **Invariant:** forks are matched here and by comparing [`Fork`] values, never by cargo features.

use op_revm::OpSpecId;
use opal_types::{ChainConfig, Fork};

/// The rules of one block.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The newest active fork.
    pub fork: Fork,
    /// Chain id of the L2.
    pub chain_id: u64,
}

impl Rules {
    /// The rules of a block with this timestamp.
    pub fn new(config: &ChainConfig, timestamp: u64) -> Self {
        Self { fork: config.forks.at(timestamp), chain_id: config.l2_chain_id }
    }

    /// Whether `fork` is active.
    pub fn has(&self, fork: Fork) -> bool {
        self.fork >= fork
    }

    /// revm's name for the rules. Its `INTEROP` still runs Prague, so Lagoon runs as Karst.
    pub const fn spec(&self) -> OpSpecId {
        match self.fork {
            Fork::Bedrock => OpSpecId::BEDROCK,
            Fork::Regolith => OpSpecId::REGOLITH,
            Fork::Canyon | Fork::Delta => OpSpecId::CANYON,
            Fork::Ecotone => OpSpecId::ECOTONE,
            Fork::Fjord => OpSpecId::FJORD,
            Fork::Granite => OpSpecId::GRANITE,
            Fork::Holocene => OpSpecId::HOLOCENE,
            Fork::Isthmus => OpSpecId::ISTHMUS,
            Fork::Jovian => OpSpecId::JOVIAN,
            Fork::Karst | Fork::Lagoon => OpSpecId::KARST,
        }
    }
}
