//! Slots of an L1 without a beacon chain.
//!
//! **Invariant:** the slot of a block follows from its time alone, and slots only grow along a chain.

use super::BeaconError;
use crate::{Block, Engine, EngineError};
use std::sync::Arc;

/// Where slots begin and how long they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Time of the first block, seconds.
    pub genesis_time: u64,
    /// Length.
    pub seconds_per_slot: u64,
}

impl Slots {
    /// Those of this chain.
    pub fn new(engine: &Engine, seconds_per_slot: u64) -> Result<Self, BeaconError> {
        if seconds_per_slot == 0 {
            return Err(BeaconError::NoSeconds);
        }
        let first = engine.first_block().hash;
        let header = engine.header(first)?.ok_or(EngineError::UnknownBlock(first))?;
        Ok(Self { genesis_time: header.timestamp, seconds_per_slot })
    }

    /// The slot of a block with this time.
    pub const fn of(&self, timestamp: u64) -> u64 {
        timestamp.saturating_sub(self.genesis_time) / self.seconds_per_slot
    }

    /// The canonical blocks of a slot, oldest first.
    pub(super) fn blocks(
        &self,
        engine: &Engine,
        slot: u64,
    ) -> Result<Vec<Arc<Block>>, EngineError> {
        let newest = engine.heads().head.header.number;
        let (mut low, mut high) = (engine.first_block().number, newest + 1);
        // The first block whose slot is not before the one wanted.
        while low < high {
            let middle = low + (high - low) / 2;
            let found = engine.block_by_number(middle)?;
            // Beyond the head of a chain that just became shorter.
            let is_before = found.is_some_and(|block| self.of(block.header.timestamp) < slot);
            if is_before {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let mut blocks = Vec::new();
        for number in low..=newest {
            match engine.block_by_number(number)? {
                Some(block) if self.of(block.header.timestamp) == slot => blocks.push(block),
                _ => break,
            }
        }
        Ok(blocks)
    }
}
