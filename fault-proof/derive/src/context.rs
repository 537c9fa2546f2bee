//! What all stages share: the rules, the facts at hand, the L1 block that is being read, and the notes.
//!
//! **Invariant:** all stages are at the same L1 block; it changes only when every stage has run dry.

use crate::{
    Item, Note, Reason,
    fact::{Facts, Pause, Request},
};
use alloc::vec::Vec;
use alloy_primitives::{Address, Bytes};
use opal_types::{ChainConfig, L1Config, L1Header};

/// Notes kept between two calls of `take_notes`; later ones are counted only.
const MAX_NOTES: usize = 4096;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) config: ChainConfig,
    pub(crate) l1: L1Config,
    pub(crate) facts: Facts,
    /// The L1 block that is being read.
    pub(crate) origin: L1Header,
    pub(crate) explains: bool,
    notes: Vec<Note>,
}

impl Context {
    pub(crate) const fn new(
        config: ChainConfig,
        l1: L1Config,
        facts: Facts,
        origin: L1Header,
    ) -> Self {
        Self { config, l1, facts, origin, explains: false, notes: Vec::new() }
    }

    /// Notes what becomes of an item.
    pub(crate) fn note(&mut self, item: Item, reason: Reason) {
        if self.explains && self.notes.len() < MAX_NOTES {
            self.notes.push(Note { l1: self.origin.id(), item, reason });
        }
    }

    pub(crate) fn take_notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes)
    }

    /// The receipts of an L1 block, if its bloom filter allows a log of `contract` at all.
    pub(crate) fn receipts_with(
        &mut self,
        block: &L1Header,
        contract: Address,
    ) -> Result<&[Bytes], Pause> {
        if !block.may_log(contract) {
            return Ok(&[]);
        }
        self.facts.l1_receipts(Request::L1Receipts { block: block.hash }).map(Vec::as_slice)
    }
}
