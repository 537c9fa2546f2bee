//! Walks along L1, block by block, and keeps the system config that its logs change (D18).
//!
//! **Invariant:** a block is entered only as the child of the one before; anything else is a reset (T39).

use super::receipts;
use crate::{
    context::Context,
    fact::{Pause, Request},
    note::ResetReason,
};
use opal_types::SystemConfig;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Traversal {
    /// System config in force in the L1 block that is being read.
    pub(crate) system_config: SystemConfig,
    /// Whether the block was handed to retrieval.
    pub(crate) is_taken: bool,
}

impl Traversal {
    pub(crate) const fn new(system_config: SystemConfig) -> Self {
        Self { system_config, is_taken: false }
    }

    /// Goes to the next L1 block.
    pub(crate) fn advance(&mut self, cx: &mut Context) -> Result<(), Pause> {
        let number = cx.origin.number.saturating_add(1);
        let next = cx.facts.l1_header(Request::L1Header { number })?.clone();
        let next = next.ok_or(Pause::OutOfData)?;
        if next.parent_hash != cx.origin.hash {
            let (expected, found) = (cx.origin.hash, next.parent_hash);
            return Err(Pause::Reset(ResetReason::L1Reorg { number, expected, found }));
        }
        let mut config = self.system_config.clone();
        receipts::apply_config_updates(cx, &next, &mut config)?;
        self.system_config = config;
        self.is_taken = false;
        cx.origin = next;
        Ok(())
    }
}
