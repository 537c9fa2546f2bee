//! What a driver is made of.
//!
//! **Invariant:** plain data; nothing has a hidden default.

use crate::SafeDbLocation;
use opal_engine::EngineHandle;
use opal_sources::Sources;
use opal_types::{ChainConfig, L1Config};

/// A driver's parts and habits.
#[derive(Debug)]
pub struct DriverOptions {
    /// The chain's rules.
    pub config: ChainConfig,
    /// L1's rules.
    pub l1_config: L1Config,
    /// Where blocks are executed and kept.
    pub engine: EngineHandle,
    /// Where L1 is read.
    pub sources: Sources,
    /// Where safe heads are kept.
    pub safe_db: SafeDbLocation,
    /// `Some` = this node can build blocks.
    pub sequencer: Option<SequencerOptions>,
    /// L1 blocks above one that derivation may read.
    pub verifier_confs: u64,
    /// What makes L1 blocks final.
    pub finality: FinalitySource,
    /// How often L1 is asked for its head.
    pub l1_poll_ms: u64,
    /// How often L1 is asked for its safe and finalized blocks.
    pub labels_poll_ms: u64,
    /// Whether to log what derivation drops, and why.
    pub explain: bool,
}

/// How to sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequencerOptions {
    /// L1 blocks above one that may become an L1 origin.
    pub l1_confs: u64,
    /// Unsafe blocks above the safe head at which sequencing pauses; `None` = any number.
    pub max_safe_lag: Option<u64>,
    /// How long before its time a block is sealed.
    pub sealing_ms: u64,
    /// Wait for `admin_startSequencer`.
    pub is_stopped: bool,
    /// Take the newest L1 origins and no users' transactions.
    pub recovers: bool,
}

/// What makes L1 blocks final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinalitySource {
    /// L1 says so.
    Label,
    /// Blocks so far below the head are final.
    Depth(u64),
}
