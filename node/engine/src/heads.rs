//! What the Engine API says, typed.
//!
//! **Invariant:** plain values; what they mean is decided in `engine/`.

use crate::{Block, StoredBlob};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, U256};
use opal_types::{Attributes, BaseFeeParams, BlockId};
use std::sync::Arc;

pub use alloy_rpc_types_engine::PayloadId;

/// The chain's labels.
#[derive(Clone, Debug)]
pub struct Heads {
    /// The newest block, with all it holds.
    pub head: Arc<Block>,
    /// Safe, once it was told.
    pub safe: Option<BlockId>,
    /// Finalized, once it was told.
    pub finalized: Option<BlockId>,
}

/// What the labels should be. Zero = not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forkchoice {
    /// The newest block.
    pub head: B256,
    /// Safe.
    pub safe: B256,
    /// Finalized.
    pub finalized: B256,
}

/// What became of a forkchoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForkchoiceStatus {
    /// The chain is the one that was asked for.
    Valid {
        /// Hash of the head.
        head: B256,
    },
    /// The head is not known; nothing changed.
    Syncing,
}

/// What became of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsertStatus {
    /// It is valid and stored.
    Valid {
        /// Its hash.
        hash: B256,
    },
    /// No chain can hold it.
    Invalid {
        /// The newest valid block below it.
        latest_valid: B256,
        /// What is wrong with it.
        reason: String,
    },
    /// Its parent is not known.
    Syncing,
}

/// What the next block should be like. What a fork lacks is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildAttributes {
    /// Block timestamp, seconds.
    pub timestamp: u64,
    /// Randomness.
    pub prev_randao: B256,
    /// Receiver of priority fees.
    pub fee_recipient: Address,
    /// `Some` from Cancun (Ecotone).
    pub parent_beacon_block_root: Option<B256>,
    /// `Some` from Shanghai (Canyon); empty on L2.
    pub withdrawals: Option<Vec<Withdrawal>>,
    /// L2: these come first, in this order.
    pub transactions: Vec<Bytes>,
    /// No others come after them.
    pub no_tx_pool: bool,
    /// L2: demanded. L1: the parent's moves towards it.
    pub gas_limit: Option<u64>,
    /// L2 from Holocene; zeros = the chain's constants.
    pub eip1559: Option<BaseFeeParams>,
    /// L2 from Jovian, wei.
    pub min_base_fee: Option<u64>,
}

impl From<&Attributes> for BuildAttributes {
    /// Derived attributes leave nothing to the pool.
    fn from(attributes: &Attributes) -> Self {
        Self {
            timestamp: attributes.timestamp,
            prev_randao: attributes.prev_randao,
            fee_recipient: attributes.fee_recipient,
            parent_beacon_block_root: attributes.parent_beacon_block_root,
            withdrawals: attributes.withdrawals.clone(),
            transactions: attributes.transactions.clone(),
            no_tx_pool: true,
            gas_limit: Some(attributes.gas_limit),
            eip1559: attributes.eip1559,
            min_base_fee: attributes.min_base_fee,
        }
    }
}

/// A block that was built here. It is not part of any chain before it is inserted.
#[derive(Clone, Debug)]
pub struct BuiltBlock {
    /// The block.
    pub block: Arc<Block>,
    /// Priority fees that the fee recipient gets, wei.
    pub fees: U256,
    /// L1: the blobs of its transactions, in their order.
    pub blobs: Vec<Arc<StoredBlob>>,
}
