//! The block-execution program: re-executes one block and compares its hash.
//!
//! Start with [`decide`].
//!
//! **Invariant:** what is absent is never a verdict, and a verdict never depends on what was not read.

use crate::{BlockTask, Hint, HintKind, Oracle, PreimageKey};
use alloc::{
    format,
    string::{String, ToString},
};
use alloy_consensus::Sealable;
use alloy_primitives::{B256, Bytes};
use opal_execute::{Crypto, Error, Key, Preimages, StateError, TrieState};

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

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undetermined {
    /// A pre-image cannot be had.
    #[error("pre-image is absent: {key} ({what})")]
    Absent {
        /// Its key.
        key: PreimageKey,
        /// What it should be.
        what: String,
    },
    /// A pre-image is not what its place demands, or a block is out of reach.
    #[error("state cannot be read: {0}")]
    State(StateError),
    /// A fault in opal.
    #[error("internal fault: {0}")]
    Internal(String),
}

/// Executes the task's block over the oracle.
pub fn decide(
    task: &BlockTask,
    oracle: &mut impl Oracle,
    crypto: &mut impl Crypto,
) -> Result<BlockVerdict, Undetermined> {
    let parent = task.parent.clone().seal_slow();
    let preimages = OraclePreimages { oracle, chain_id: task.config.l2_chain_id };
    let mut state = TrieState::new(preimages, &parent);
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
        Error::Missing(key) | Error::State(StateError::Absent(key)) => {
            Err(Undetermined::Absent { key: oracle_key(&key), what: key.to_string() })
        }
        Error::State(error) => Err(Undetermined::State(error)),
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

const fn oracle_key(key: &Key) -> PreimageKey {
    match key {
        Key::Precompile(hash) => PreimageKey::precompile_hash(*hash),
        Key::Node(hash) | Key::Code(hash) | Key::Header(hash) => PreimageKey::keccak(*hash),
    }
}

/// The oracle as execution's source: every read is announced first.
struct OraclePreimages<'a, O> {
    oracle: &'a mut O,
    chain_id: u64,
}

impl<O: Oracle> Preimages for OraclePreimages<'_, O> {
    fn preimage(&mut self, key: &Key) -> Option<Bytes> {
        let kind = match key {
            Key::Node(_) => HintKind::L2StateNode,
            Key::Code(_) => HintKind::L2Code,
            Key::Header(_) => HintKind::L2BlockHeader,
            // Announced with its input by the back end that asks it.
            Key::Precompile(_) => return None,
        };
        let parts: [&[u8]; 2] = [key.hash().as_slice(), &self.chain_id.to_be_bytes()];
        self.oracle.hint(&Hint::new(kind, &parts));
        self.oracle.read(oracle_key(key)).ok()
    }
}
