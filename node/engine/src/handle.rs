//! The engine as the driver uses it: in this process, or behind an HTTP Engine API.
//!
//! **Invariant:** both sides answer alike; nothing is decided here.

use crate::engine_api::RemoteEngine;
use crate::{
    Block, BlockData, BuildAttributes, Engine, EngineError, Forkchoice, ForkchoiceStatus,
    InsertStatus, PayloadId,
};
use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, Sealed};
use opal_types::{OutputRoot, PayloadEnvelope};

/// A block's header and transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L2BlockBody {
    /// The header with its hash.
    pub header: Sealed<Header>,
    /// EIP-2718 encoded.
    pub transactions: Vec<Bytes>,
}

impl From<&Block> for L2BlockBody {
    fn from(block: &Block) -> Self {
        Self { header: block.header.clone(), transactions: block.transactions.clone() }
    }
}

/// A label of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// The newest block.
    Latest,
    /// Safe.
    Safe,
    /// Finalized.
    Finalized,
}

/// Why a call on a handle failed.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The engine says no, or failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The engine is elsewhere and refused the call.
    #[error("engine: {message} ({code})")]
    Refused {
        /// JSON-RPC error code.
        code: i64,
        /// Its message.
        message: String,
    },
    /// The engine is elsewhere and cannot be reached, or answers nonsense. Trying again may help.
    #[error("engine: {0}")]
    Unreachable(String),
}

impl HandleError {
    /// Whether no block can have the attributes that were asked for (D14).
    pub const fn is_invalid_attributes(&self) -> bool {
        /// Code of the Engine API.
        const INVALID_ATTRIBUTES: i64 = -38003;
        matches!(
            self,
            Self::Engine(EngineError::InvalidAttributes(_))
                | Self::Refused { code: INVALID_ATTRIBUTES, .. }
        )
    }
}

/// An engine, wherever it runs.
#[derive(Clone, Debug)]
pub enum EngineHandle {
    /// In this process.
    Local(Engine),
    /// Behind an HTTP Engine API.
    Remote(RemoteEngine),
}

impl EngineHandle {
    /// Sets the labels.
    pub async fn forkchoice(&self, state: Forkchoice) -> Result<ForkchoiceStatus, HandleError> {
        match self {
            Self::Local(engine) => Ok(engine.forkchoice(state)?),
            Self::Remote(engine) => engine.forkchoice(state).await,
        }
    }

    /// Sets the labels and starts a block on the head.
    pub async fn build(
        &self,
        state: Forkchoice,
        attributes: &BuildAttributes,
    ) -> Result<PayloadId, HandleError> {
        match self {
            Self::Local(engine) => match engine.forkchoice(state)? {
                ForkchoiceStatus::Valid { head } => Ok(engine.build(head, attributes.clone())?),
                ForkchoiceStatus::Syncing => Err(EngineError::UnknownBlock(state.head).into()),
            },
            Self::Remote(engine) => engine.build(state, attributes).await,
        }
    }

    /// The block that was started.
    pub async fn payload(
        &self,
        id: PayloadId,
        timestamp: u64,
    ) -> Result<PayloadEnvelope, HandleError> {
        match self {
            Self::Local(engine) => Ok(engine.payload(id)?.block.payload()),
            Self::Remote(engine) => engine.payload(id, timestamp).await,
        }
    }

    /// Executes and stores a block.
    pub async fn insert(&self, payload: &PayloadEnvelope) -> Result<InsertStatus, HandleError> {
        match self {
            Self::Local(engine) => {
                let latest_valid = payload.parent_hash;
                Ok(match BlockData::from_payload(payload) {
                    Ok(block) => engine.insert(&block)?,
                    Err(error) => InsertStatus::Invalid { latest_valid, reason: error.to_string() },
                })
            }
            Self::Remote(engine) => engine.insert(payload).await,
        }
    }

    /// A block that was ever inserted.
    pub async fn block(&self, hash: B256) -> Result<Option<L2BlockBody>, HandleError> {
        match self {
            Self::Local(engine) => Ok(engine.block(hash)?.as_deref().map(Into::into)),
            Self::Remote(engine) => engine.block(hash).await,
        }
    }

    /// A block of the canonical chain.
    pub async fn block_by_number(&self, number: u64) -> Result<Option<L2BlockBody>, HandleError> {
        match self {
            Self::Local(engine) => Ok(engine.block_by_number(number)?.as_deref().map(Into::into)),
            Self::Remote(engine) => engine.block_by_number(number).await,
        }
    }

    /// The block under a label.
    pub async fn block_by_label(&self, label: Label) -> Result<Option<L2BlockBody>, HandleError> {
        let engine = match self {
            Self::Local(engine) => engine,
            Self::Remote(engine) => return engine.block_by_label(label).await,
        };
        let heads = engine.heads();
        let id = match label {
            Label::Latest => return Ok(Some(heads.head.as_ref().into())),
            Label::Safe => heads.safe,
            Label::Finalized => heads.finalized,
        };
        let Some(id) = id else { return Ok(None) };
        Ok(engine.block(id.hash)?.as_deref().map(Into::into))
    }

    /// The ancestor of a block at this height; it may be that block itself.
    pub async fn ancestor(
        &self,
        descendant: B256,
        number: u64,
    ) -> Result<Option<L2BlockBody>, HandleError> {
        match self {
            Self::Local(engine) => {
                Ok(engine.ancestor(descendant, number)?.as_deref().map(Into::into))
            }
            Self::Remote(engine) => engine.ancestor(descendant, number).await,
        }
    }

    /// The output root after a block (B2).
    pub async fn output_root(&self, hash: B256) -> Result<Option<OutputRoot>, HandleError> {
        match self {
            Self::Local(engine) => Ok(engine.block(hash)?.and_then(|block| block.output_root())),
            Self::Remote(engine) => engine.output_root(hash).await,
        }
    }
}
