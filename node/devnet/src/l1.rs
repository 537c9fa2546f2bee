//! The dev L1: opal's engine under L1 rules, and the consensus that makes blocks on it.
//!
//! Start with [`L1::tick`]. [`L1::reorg`] replaces the newest blocks exactly as a real reorg would: the replaced ones
//! stay known by hash, their transactions go back to the pool.
//!
//! **Invariant:** what was labelled finalized is never replaced; timestamps are genesis plus a multiple of the block
//! time.

use crate::genesis::BLOCK_TIME;
use alloy_primitives::{Address, B256, address, keccak256};
use opal_engine::{
    Block, BuildAttributes, Engine, EngineError, Forkchoice, ForkchoiceStatus, InsertStatus,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Blocks this far below the head are safe, if finality is not nearer.
const SAFE_DEPTH: u64 = 4;

/// Gets the priority fees: an address that no user has.
const FEE_RECIPIENT: Address = address!("00000000000000000000000000000000000000fe");

/// Most blocks that one call makes.
const MAX_BLOCKS: u64 = 100_000;

/// A dev L1. Cheap to clone.
#[derive(Clone, Debug)]
pub struct L1 {
    engine: Engine,
    finality_depth: u64,
    state: Arc<Mutex<Consensus>>,
}

/// What consensus remembers besides the chain.
#[derive(Debug, Default)]
struct Consensus {
    /// Number of reorgs: makes the blocks after one differ from those before.
    salt: u64,
    /// No block before this time.
    halted_to_ms: u64,
}

/// What becomes of the transactions in replaced blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphans {
    /// They go back to the pool.
    Return,
    /// They are forgotten.
    Drop,
}

/// Why L1 could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum L1Error {
    /// The engine refused.
    #[error("the L1 engine: {0}")]
    Engine(#[from] EngineError),
    /// Its own block was refused.
    #[error("the L1 engine answered {answer} to its own block {hash}")]
    Refused {
        /// The block.
        hash: B256,
        /// The status.
        answer: String,
    },
    /// Too deep.
    #[error("a reorg of {depth} blocks would replace block {replaced}, block {finalized} is final")]
    Final {
        /// Blocks to replace.
        depth: u64,
        /// The lowest of them.
        replaced: u64,
        /// Highest final block.
        finalized: u64,
    },
    /// A block that should be there is not.
    #[error("L1 block {number} is not below the head")]
    Absent {
        /// Its number.
        number: u64,
    },
    /// Too much for one call.
    #[error("{found} blocks at once, at most {MAX_BLOCKS} are possible")]
    TooMany {
        /// Blocks asked for.
        found: u64,
    },
}

impl L1 {
    /// Consensus for this engine.
    pub(crate) fn new(engine: Engine, finality_depth: u64) -> Self {
        Self { engine, finality_depth, state: Arc::default() }
    }

    /// Its chain.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Its newest block.
    pub fn head(&self) -> Arc<Block> {
        self.engine.heads().head
    }

    /// When the next block is due, milliseconds.
    pub(crate) fn due_ms(&self) -> u64 {
        self.due_after(&self.state(), &self.head())
    }

    fn due_after(&self, state: &Consensus, head: &Block) -> u64 {
        ((head.header.timestamp + BLOCK_TIME) * 1_000).max(state.halted_to_ms)
    }

    /// Makes the block that is due, if one is. Answers when the next one is, milliseconds.
    pub(crate) fn tick(&self, now_ms: u64) -> Result<u64, L1Error> {
        let state = self.state();
        let head = self.engine.heads().head;
        let due_ms = self.due_after(&state, &head);
        if now_ms < due_ms {
            return Ok(due_ms);
        }
        let next_s = head.header.timestamp + BLOCK_TIME;
        // Slots that nobody was there for stay empty, as on a real L1.
        let late_s = (now_ms / 1_000).saturating_sub(next_s);
        let timestamp = next_s + late_s - late_s % BLOCK_TIME;
        let block = self.append(&state, timestamp, &head)?;
        Ok(self.due_after(&state, &block))
    }

    /// Makes blocks one after the other, without regard for any clock. Answers with the time of the last one, seconds.
    pub fn mine(&self, blocks: u64) -> Result<u64, L1Error> {
        if blocks > MAX_BLOCKS {
            return Err(L1Error::TooMany { found: blocks });
        }
        let state = self.state();
        let mut head = self.engine.heads().head;
        for _ in 0..blocks {
            let timestamp = head.header.timestamp + BLOCK_TIME;
            head = self.append(&state, timestamp, &head)?;
        }
        Ok(head.header.timestamp)
    }

    /// Makes no block before this time.
    pub fn halt_to(&self, until_ms: u64) {
        let mut state = self.state();
        state.halted_to_ms = state.halted_to_ms.max(until_ms);
    }

    /// Whether it makes no block now because it was halted.
    pub(crate) fn is_halted(&self, now_ms: u64) -> bool {
        now_ms < self.state().halted_to_ms
    }

    /// Replaces the newest `depth` blocks by as many others at the same times.
    pub fn reorg(&self, depth: u64, orphans: Orphans) -> Result<(), L1Error> {
        if depth == 0 {
            return Ok(());
        }
        let mut state = self.state();
        let heads = self.engine.heads();
        let number = heads.head.header.number;
        let finalized = heads.finalized.map_or(0, |it| it.number);
        let base_number = number.checked_sub(depth).filter(|it| *it >= finalized);
        let replaced = (number + 1).saturating_sub(depth);
        let base_number = base_number.ok_or(L1Error::Final { depth, replaced, finalized })?;
        let old = self.blocks(base_number + 1, &heads.head)?;
        let base = self.at(base_number, &heads.head)?;
        state.salt += 1;
        self.choose(&base)?;
        if orphans == Orphans::Drop {
            for hash in old.iter().flat_map(|it| &it.transaction_hashes) {
                self.engine.pool().remove(*hash);
            }
        }
        let mut head = base;
        for block in &old {
            head = self.append(&state, block.header.timestamp, &head)?;
        }
        tracing::info!(depth, head = %head.header.hash(), "replaced L1 blocks");
        Ok(())
    }

    fn append(
        &self,
        state: &Consensus,
        timestamp: u64,
        parent: &Block,
    ) -> Result<Arc<Block>, L1Error> {
        let seed = |what: &str| {
            let salt = state.salt.to_be_bytes();
            keccak256([parent.header.hash().as_slice(), &salt, what.as_bytes()].concat())
        };
        let attributes = BuildAttributes {
            timestamp,
            prev_randao: seed("randao"),
            fee_recipient: FEE_RECIPIENT,
            parent_beacon_block_root: Some(seed("beacon")),
            withdrawals: Some(Vec::new()),
            transactions: Vec::new(),
            no_tx_pool: false,
            gas_limit: None,
            eip1559: None,
            min_base_fee: None,
        };
        let id = self.engine.build(parent.header.hash(), attributes)?;
        let block = self.engine.payload(id)?.block;
        match self.engine.insert(&(&*block).into())? {
            InsertStatus::Valid { .. } => {}
            other => return Err(refused(&block, &other)),
        }
        self.choose(&block)?;
        Ok(block)
    }

    /// Makes this block the head, with its labels.
    fn choose(&self, head: &Arc<Block>) -> Result<(), L1Error> {
        let number = head.header.number;
        // A reorg lowers the head for a moment; what is final stays so.
        let old_final = self.engine.heads().finalized.map_or(0, |it| it.number);
        let finalized_number = number.saturating_sub(self.finality_depth).max(old_final);
        let safe_number = number.saturating_sub(SAFE_DEPTH).max(finalized_number);
        debug_assert!(safe_number <= number, "the head is not below what is final");
        let status = self.engine.forkchoice(Forkchoice {
            head: head.header.hash(),
            safe: self.at(safe_number, head)?.header.hash(),
            finalized: self.at(finalized_number, head)?.header.hash(),
        })?;
        match status {
            ForkchoiceStatus::Valid { .. } => Ok(()),
            ForkchoiceStatus::Syncing => Err(refused(head, &status)),
        }
    }

    /// The block of this number on the chain that ends with `head`.
    fn at(&self, number: u64, head: &Arc<Block>) -> Result<Arc<Block>, L1Error> {
        let found = self.engine.ancestor(head.header.hash(), number)?;
        found.ok_or(L1Error::Absent { number })
    }

    /// The blocks from this number on, oldest first.
    fn blocks(&self, first: u64, head: &Arc<Block>) -> Result<Vec<Arc<Block>>, L1Error> {
        (first..=head.header.number).map(|number| self.at(number, head)).collect()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Consensus> {
        // Two numbers, each set in one go: a panic elsewhere leaves them usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(block: &Block, answer: &impl std::fmt::Debug) -> L1Error {
    L1Error::Refused { hash: block.header.hash(), answer: format!("{answer:?}") }
}
