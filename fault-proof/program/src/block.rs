//! The block-execution program: re-executes one block and compares its hash.
//!
//! Start with [`decide_block`].
//!
//! **Invariant:** what is absent is never a verdict, and a verdict never depends on what was not read.

use crate::{BlockTask, Oracle, Undetermined, reader::Reader};
use alloc::{
    format,
    string::{String, ToString},
};
use alloy_consensus::Sealable;
use alloy_primitives::B256;
use opal_execute::{Crypto, Error, StateError, TrieState};

/// What execution found out about the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockFacts {
    /// Hash of the computed header.
    pub hash: B256,
    /// Gas of all transactions.
    pub gas_used: u64,
}

/// Whether the claim holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockVerdict {
    /// The block has the expected hash.
    Valid(BlockFacts),
    /// It has not, or there is no such block.
    Invalid {
        /// The field of the task that does not fit the others.
        field: String,
        /// Both sides in words.
        reason: String,
        /// The block that was computed, if there is one.
        computed: Option<BlockFacts>,
    },
}

/// Executes the task's block over the oracle.
pub fn decide_block(
    task: &BlockTask,
    oracle: &mut impl Oracle,
    crypto: &mut impl Crypto,
) -> Result<BlockVerdict, Undetermined> {
    let parent = task.parent.clone().seal_slow();
    let reader = Reader::new(oracle, task.config.l2_chain_id);
    let mut state = TrieState::new(&reader, &parent);
    let outcome =
        opal_execute::execute(&task.config, &parent, &task.attributes, &mut state, crypto);
    let facts = match outcome {
        Ok(block) => BlockFacts { hash: block.header.hash(), gas_used: block.header.gas_used },
        Err(error) => return without_block(error),
    };
    if facts.hash == task.expected_hash {
        return Ok(BlockVerdict::Valid(facts));
    }
    Ok(BlockVerdict::Invalid {
        field: "expected_block_hash".into(),
        reason: format!(
            "the block that these attributes give on this parent has hash {}, the claim is {}: \
             expected_block_hash, parent_header or executing_payload is not the real one",
            facts.hash, task.expected_hash
        ),
        computed: Some(facts),
    })
}

fn without_block(error: Error) -> Result<BlockVerdict, Undetermined> {
    match error {
        Error::Invalid(invalid) => Ok(invalid_field("executing_payload", &invalid.to_string())),
        Error::Parent(fault) => Ok(invalid_field("parent_header", &fault.to_string())),
        Error::Missing(key) => Err(StateError::Absent(key).into()),
        Error::State(error) => Err(error.into()),
        Error::Internal(fault) => Err(Undetermined::Internal(fault)),
    }
}

/// The texts of `opal_execute` start with the field.
fn invalid_field(part: &str, reason: &str) -> BlockVerdict {
    let field = reason.split([':', ' ']).next().unwrap_or_default();
    BlockVerdict::Invalid {
        field: format!("{part}.{field}"),
        reason: reason.into(),
        computed: None,
    }
}
