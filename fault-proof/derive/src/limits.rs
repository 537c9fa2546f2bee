//! Limits of the protocol and how they change with forks (D3-D5, D11).
//!
//! **Invariant:** each limit says which timestamp decides.

use crate::context::Context;
use opal_types::{ChainConfig, ChannelLimits, Fork};

/// Channel timeout from Granite, L1 blocks (D4).
const GRANITE_CHANNEL_TIMEOUT: u64 = 50;
/// Decompressed bytes of a channel (D5).
const BEDROCK_RLP_BYTES: u64 = 10_000_000;
const FJORD_RLP_BYTES: u64 = 100_000_000;
/// Size of the channel bank (D3).
const BEDROCK_BANK_BYTES: u64 = 100_000_000;
const FJORD_BANK_BYTES: u64 = 1_000_000_000;

impl Context {
    /// Whether the L1 block that is being read lies in this fork.
    pub(crate) fn reads_under(&self, fork: Fork) -> bool {
        self.config.forks.active(fork, self.origin.timestamp)
    }

    /// Channel timeout at an L1 time, L1 blocks.
    pub(crate) fn timeout_at(config: &ChainConfig, l1_timestamp: u64) -> u64 {
        if config.forks.active(Fork::Granite, l1_timestamp) {
            GRANITE_CHANNEL_TIMEOUT
        } else {
            config.channel_timeout
        }
    }

    /// Whether a channel opened at this height has timed out in the L1 block that is being read.
    pub(crate) fn is_timed_out(&self, opened_at: u64) -> bool {
        let timeout = Self::timeout_at(&self.config, self.origin.timestamp);
        opened_at.saturating_add(timeout) < self.origin.number
    }

    /// Largest lead of L2 time over this L1 origin's, seconds.
    pub(crate) fn max_sequencer_drift(&self, origin_timestamp: u64) -> u64 {
        crate::sequencing::max_sequencer_drift(&self.config, origin_timestamp)
    }

    /// How channels are read in the L1 block at hand.
    pub(crate) fn channel_limits(&self) -> ChannelLimits {
        ChannelLimits {
            max_rlp_bytes: self.max_rlp_bytes(),
            allows_brotli: self.reads_under(Fork::Fjord),
        }
    }

    /// Decompressed bytes of a channel; from Holocene also the limit of its compressed size (D13).
    pub(crate) fn max_rlp_bytes(&self) -> u64 {
        if self.reads_under(Fork::Fjord) { FJORD_RLP_BYTES } else { BEDROCK_RLP_BYTES }
    }

    /// Bytes of frames that are kept while their channels are open.
    pub(crate) fn max_bank_bytes(&self) -> u64 {
        if self.reads_under(Fork::Fjord) { FJORD_BANK_BYTES } else { BEDROCK_BANK_BYTES }
    }
}
