//! Limits that the reader of a channel sets, by the time of the L1 block it lands in (D3-D5, D8,
//! D13, D23).
//!
//! Start with [`Rules::at`].
//!
//! **Invariant:** the L1 block that a channel lands in is younger than the one at hand, so rules
//! that get looser are taken at its time, and those that get tighter as if they were in force
//! already.

use opal_types::{ChainConfig, ChannelLimits, FRAME_OVERHEAD, Fork};

/// Channel timeout from Granite, L1 blocks (D4).
const GRANITE_CHANNEL_TIMEOUT: u64 = 50;
/// Frames are numbered with sixteen bits.
const MAX_FRAMES: usize = 1 << 16;

/// What a channel that is made now may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Bytes of RLP that are read of a channel; also the most bytes of its frames (D5, D13).
    pub max_rlp_bytes: usize,
    /// Brotli is known.
    pub allows_brotli: bool,
    /// Span batches are known (their own L1 origin counts too, D8).
    pub allows_span: bool,
    /// Blobs are read.
    pub allows_blobs: bool,
    /// Frames and channels must come in order (D13).
    pub is_strict: bool,
    /// L1 blocks from the first frame to the last (D4).
    pub channel_timeout: u64,
}

impl Rules {
    /// The rules for data that lands after the L1 block of this time, seconds.
    pub fn at(config: &ChainConfig, l1_timestamp: u64) -> Self {
        let active = |fork| config.forks.active(fork, l1_timestamp);
        let limits = match active(Fork::Fjord) {
            true => ChannelLimits::FJORD,
            false => ChannelLimits::BEDROCK,
        };
        Self {
            max_rlp_bytes: usize::try_from(limits.max_rlp_bytes).unwrap_or(usize::MAX),
            allows_brotli: limits.allows_brotli,
            allows_span: active(Fork::Delta),
            allows_blobs: active(Fork::Ecotone),
            is_strict: active(Fork::Holocene),
            channel_timeout: channel_timeout(config, active(Fork::Granite)),
        }
    }

    /// Most bytes of a channel that is cut into frames with `piece` bytes of data each: the frames
    /// can be numbered, and with their overhead they stay within the limit of a channel.
    pub fn max_channel_bytes(&self, piece: usize) -> usize {
        let overhead = usize::try_from(FRAME_OVERHEAD).unwrap_or(usize::MAX);
        let whole = piece.saturating_add(overhead).max(1);
        let frames = (self.max_rlp_bytes / whole).min(MAX_FRAMES);
        frames.saturating_mul(piece)
    }
}

const fn channel_timeout(config: &ChainConfig, is_granite: bool) -> u64 {
    let scheduled = config.forks.granite.is_some();
    match (is_granite, scheduled) {
        (true, _) => GRANITE_CHANNEL_TIMEOUT,
        (false, true) if GRANITE_CHANNEL_TIMEOUT < config.channel_timeout => {
            GRANITE_CHANNEL_TIMEOUT
        }
        _ => config.channel_timeout,
    }
}
