//! What the methods share.
//!
//! Start with [`Api`]. It finds blocks by what clients call them.
//!
//! **Invariant:** a block that is not there is `None` where geth answers null, and an error with geth's words
//! where geth has an error.

use super::filters::Filters;
use super::{DevHooks, Limits, RpcError, Unlocked};
use crate::{Block, Engine, EngineError, StateView, StoredReceipt};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// The engine and what servers add to it.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    /// Places for calls that run the EVM.
    pub(crate) places: Arc<Semaphore>,
    pub(crate) filters: Arc<Filters>,
    pub(crate) unlocked: Unlocked,
    /// Held while a nonce is chosen and its transaction enters the pool.
    pub(crate) sending: Arc<Mutex<()>>,
    pub(crate) hooks: DevHooks,
    /// The server is stopping.
    pub(crate) stop: CancellationToken,
}

impl From<EngineError> for RpcError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::UnknownBlock(_) => Self::server("header not found"),
            other => Self::internal(other),
        }
    }
}

impl Api {
    /// The canonical block of this number, or the one under a label.
    pub(crate) fn by_number(&self, at: BlockNumberOrTag) -> Result<Option<Arc<Block>>, RpcError> {
        let heads = self.engine.heads();
        let id = match at {
            // Nothing is built before it is asked for, so the newest block stands for the pending one.
            BlockNumberOrTag::Latest | BlockNumberOrTag::Pending => return Ok(Some(heads.head)),
            BlockNumberOrTag::Number(number) => return Ok(self.engine.block_by_number(number)?),
            BlockNumberOrTag::Earliest => {
                return Ok(self.engine.block_by_number(self.engine.first_block().number)?);
            }
            BlockNumberOrTag::Safe => {
                heads.safe.ok_or_else(|| RpcError::server("safe block not found"))?
            }
            BlockNumberOrTag::Finalized => {
                heads.finalized.ok_or_else(|| RpcError::server("finalized block not found"))?
            }
        };
        Ok(self.engine.block(id.hash)?)
    }

    /// A block by any name. A hash counts wherever its block stands, unless it must be canonical.
    pub(crate) fn find(&self, at: BlockId) -> Result<Option<Arc<Block>>, RpcError> {
        match at {
            BlockId::Number(number) => self.by_number(number),
            BlockId::Hash(hash) => {
                let block = self.engine.block(hash.block_hash)?;
                if let Some(block) = block.as_ref().filter(|_| hash.require_canonical == Some(true))
                    && !self.is_canonical(block)?
                {
                    return Err(RpcError::server("hash is not currently canonical"));
                }
                Ok(block)
            }
        }
    }

    /// A block that must be there.
    pub(crate) fn block(&self, at: BlockId) -> Result<Arc<Block>, RpcError> {
        self.find(at)?.ok_or_else(|| RpcError::server("header not found"))
    }

    /// The state after a block; the newest where none is named.
    pub(crate) fn state(&self, at: Option<BlockId>) -> Result<(StateView, Arc<Block>), RpcError> {
        let block = self.block(at.unwrap_or_default())?;
        Ok((self.engine.state_at(block.header.hash())?, block))
    }

    /// Whether a block is on the chain of the head.
    pub(crate) fn is_canonical(&self, block: &Block) -> Result<bool, RpcError> {
        let there = self.engine.block_by_number(block.header.number)?;
        Ok(there.is_some_and(|there| there.header.hash() == block.header.hash()))
    }

    /// The receipts of a block of the store.
    pub(crate) fn receipts(&self, hash: B256) -> Result<Arc<Vec<StoredReceipt>>, RpcError> {
        let receipts = self.engine.receipts(hash)?;
        receipts.ok_or_else(|| RpcError::internal("the store lacks the receipts of a block"))
    }
}
