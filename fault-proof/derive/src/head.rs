//! The L2 block that derivation stands on, and what is read back from it.
//!
//! **Invariant:** everything here is a function of the block alone.

use crate::L2Block;
use opal_types::{ChainConfig, EpochPosition, L2Ref, OfBlockError, SystemConfig};

/// An L2 block with the system config that its child starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L2Head {
    /// The block.
    pub block: L2Ref,
    /// System config after the block (D18).
    pub system_config: SystemConfig,
}

/// Why a block is no L2 block of this chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("L2 block {number} cannot be read: {error}")]
pub struct HeadError {
    /// Height.
    pub number: u64,
    /// What is wrong.
    pub error: OfBlockError,
}

impl L2Head {
    /// Place and system config of a block.
    pub fn of(config: &ChainConfig, block: &L2Block) -> Result<Self, HeadError> {
        let reference = Self::reference(config, block)?;
        let header = block.header.inner();
        let first = block.first_transaction();
        let system_config = SystemConfig::of_block(config, header, block.header.hash(), first)
            .map_err(|error| HeadError { number: header.number, error })?;
        Ok(Self { block: reference, system_config })
    }

    /// The place of a block alone.
    pub fn reference(config: &ChainConfig, block: &L2Block) -> Result<L2Ref, HeadError> {
        let header = block.header.inner();
        let hash = block.header.hash();
        let first = block.first_transaction();
        let EpochPosition { l1_origin, sequence_number } =
            EpochPosition::of_block(config, header, hash, first)
                .map_err(|error| HeadError { number: header.number, error })?;
        Ok(L2Ref {
            hash,
            number: header.number,
            parent_hash: header.parent_hash,
            timestamp: header.timestamp,
            l1_origin,
            sequence_number,
        })
    }
}
