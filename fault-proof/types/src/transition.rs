//! Transition states: how far a super root has been brought on the way to the next one (I11).
//!
//! A dispute over one second of a set of chains goes through [`TransitionState::LAST_STEP`] + 1
//! steps: one for each chain, then steps that change nothing, then the consolidation. Start with
//! [`TransitionState`].
//!
//! **Invariant:** one state, one encoding. Decoding takes exactly what encoding writes. Whether
//! step and blocks fit the super root is for the program to judge, not for the codec.

use crate::{SuperRoot, SuperRootError, rlp::rlp_list};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, b256, keccak256};

/// Version byte of the only format; super roots count up from the other end.
const VERSION: u8 = 0xff;

/// What stands in the place of a state after an impossible step.
pub const INVALID_TRANSITION: &[u8] = b"invalid";

/// `keccak256("invalid")`: what claims carry from an impossible step on.
pub const INVALID_TRANSITION_HASH: B256 =
    b256!("ffd7db0f9d5cdeb49c4c9eba649d4dc6d852d64671e65488e57f58584992ac68");

/// A block that a chain derived on its own, before messages between the chains were looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptimisticBlock {
    /// Hash of the block.
    pub block_hash: B256,
    /// Hash of the output root after it.
    pub output_root: B256,
}

/// A super root with what has been derived on top of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitionState {
    super_root: SuperRoot,
    blocks: Vec<OptimisticBlock>,
    step: u64,
}

/// Why bytes or parts are no transition state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransitionStateError {
    /// Nothing to decode.
    #[error("transition state is empty")]
    Empty,
    /// The only version is 255.
    #[error("transition state has version {version}, not 255")]
    UnknownVersion {
        /// Version found.
        version: u8,
    },
    /// The bytes behind the version are not the list.
    #[error("transition state: {0}")]
    Rlp(alloy_rlp::Error),
    /// The super root is none.
    #[error("transition state: {0}")]
    SuperRoot(SuperRootError),
    /// There is no such step.
    #[error("transition state is at step {step}, the last one is 127")]
    StepTooHigh {
        /// Step found.
        step: u64,
    },
    /// Each block takes a step, and the last step gives none.
    #[error("transition state has {count} blocks, at most 127 have a step")]
    TooManyBlocks {
        /// Count found.
        count: usize,
    },
}

impl TransitionState {
    /// The consolidation, and the number of chains that have a step.
    pub const LAST_STEP: u64 = 127;

    /// The state with these blocks, in order of the super root's chains, after `step` steps.
    pub fn new(
        super_root: SuperRoot,
        blocks: Vec<OptimisticBlock>,
        step: u64,
    ) -> Result<Self, TransitionStateError> {
        if step > Self::LAST_STEP {
            return Err(TransitionStateError::StepTooHigh { step });
        }
        let count = blocks.len();
        if u64::try_from(count).is_ok_and(|it| it <= Self::LAST_STEP) {
            Ok(Self { super_root, blocks, step })
        } else {
            Err(TransitionStateError::TooManyBlocks { count })
        }
    }

    /// What all chains start from.
    pub const fn super_root(&self) -> &SuperRoot {
        &self.super_root
    }

    /// The blocks so far, in order of the super root's chains.
    pub fn blocks(&self) -> &[OptimisticBlock] {
        &self.blocks
    }

    /// Steps taken, at most [`TransitionState::LAST_STEP`].
    pub const fn step(&self) -> u64 {
        self.step
    }

    /// `255 ++ rlp[super root, [[block hash, output root]..], step]`.
    pub fn encode(&self) -> Vec<u8> {
        let parts = Parts {
            super_root: self.super_root.encode().into(),
            blocks: self.blocks.clone(),
            step: self.step,
        };
        let mut bytes = alloc::vec![VERSION];
        alloy_rlp::Encodable::encode(&parts, &mut bytes);
        bytes
    }

    /// Reads the encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, TransitionStateError> {
        let (version, rest) = bytes.split_first().ok_or(TransitionStateError::Empty)?;
        if *version != VERSION {
            return Err(TransitionStateError::UnknownVersion { version: *version });
        }
        let parts: Parts = alloy_rlp::decode_exact(rest).map_err(TransitionStateError::Rlp)?;
        let super_root = SuperRoot::decode(&parts.super_root);
        let super_root = super_root.map_err(TransitionStateError::SuperRoot)?;
        Self::new(super_root, parts.blocks, parts.step)
    }

    /// The hash that claims carry.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

/// The list behind the version.
struct Parts {
    super_root: Bytes,
    blocks: Vec<OptimisticBlock>,
    step: u64,
}

rlp_list!(Parts { super_root, blocks, step });
rlp_list!(OptimisticBlock { block_hash, output_root });
