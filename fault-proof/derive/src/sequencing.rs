//! The block that a sequencer builds next: derivation's own attributes, of a batch without transactions (N9, D15).
//!
//! Start with [`next_attributes`].
//!
//! **Invariant:** the attributes are those that derivation gives for the same parent and L1 origin, because the
//! same code computes them.

use crate::{
    Fact, Fault, L2Head, Request,
    context::Context,
    fact::{Facts, Pause},
    note::ResetReason,
    unforked::attributes,
};
use alloc::vec::Vec;
use alloy_primitives::Bytes;
use opal_types::{Attributes, ChainConfig, Fork, L1Config, L1Header, SingularBatch};

/// Sequencer drift from Fjord, seconds (D11).
const FJORD_SEQUENCER_DRIFT: u64 = 1800;

/// What is known about the next block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextAttributes {
    /// The receipts of the L1 origin are wanted.
    Need(Request),
    /// What the block holds apart from users' transactions.
    Ready(Attributes),
    /// Parent and L1 origin do not fit together: the L2 chain stands on another L1.
    Reset(ResetReason),
}

/// Largest lead of L2 time over this L1 origin's, seconds (D11).
pub fn max_sequencer_drift(config: &ChainConfig, origin_timestamp: u64) -> u64 {
    if config.forks.active(Fork::Fjord, origin_timestamp) {
        FJORD_SEQUENCER_DRIFT
    } else {
        config.max_sequencer_drift
    }
}

/// The attributes of the block on `parent` with this L1 origin. The receipts are the origin's, where they are known.
pub fn next_attributes(
    config: &ChainConfig,
    l1: &L1Config,
    parent: &L2Head,
    origin: &L1Header,
    receipts: Option<&[Bytes]>,
) -> Result<NextAttributes, Fault> {
    let mut cx = Context::new(config.clone(), l1.clone(), Facts::default(), origin.clone());
    let batch = SingularBatch {
        parent_hash: parent.block.hash,
        epoch: origin.id(),
        timestamp: parent.block.timestamp.saturating_add(config.block_time),
        transactions: Vec::new(),
    };
    let mut receipts = receipts;
    loop {
        let pause = match attributes::build(&mut cx, parent, origin, &batch) {
            Ok(attributes) => return Ok(NextAttributes::Ready(attributes)),
            Err(pause) => pause,
        };
        match (pause, receipts.take()) {
            (Pause::Need(request), Some(known)) => {
                // A fact of the right kind is always taken: it was asked for just now.
                let taken = cx.facts.supply(&request, Fact::L1Receipts(known.to_vec()));
                if taken.is_err() {
                    return Ok(NextAttributes::Need(request));
                }
            }
            (Pause::Need(request), None) => return Ok(NextAttributes::Need(request)),
            (Pause::Halt(fault), _) => return Err(fault),
            (Pause::Reset(reason), _) => return Ok(NextAttributes::Reset(reason)),
            // Building attributes reads no further L1 blocks.
            (Pause::Again | Pause::OutOfData, _) => {
                return Ok(NextAttributes::Reset(ResetReason::BatchMismatch));
            }
        }
    }
}
