//! Frames: the pieces of a channel that a batcher transaction carries (D2).
//!
//! Start with [`parse_frames`]; [`encode_frames`] and [`Frame::split`] are its other direction.
//!
//! **Invariant:** all frames of a transaction or none: one damaged frame spoils its transaction.

use alloc::vec::Vec;
use alloy_primitives::{Bytes, hex};
use core::fmt;

/// First byte of a batcher transaction that carries frames.
const DERIVATION_VERSION: u8 = 0;
/// Most bytes of data in one frame.
const MAX_FRAME_DATA: usize = 1_000_000;
/// Bytes of a frame beside its data: channel, number, length, end flag.
const FRAME_FIXED: usize = 16 + 2 + 4 + 1;

/// What a frame counts in the channel bank beside its data, bytes (D3).
pub const FRAME_OVERHEAD: u64 = 200;

/// Name of a channel, chosen by the batcher.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChannelId(pub [u8; 16]);

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A piece of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The channel it belongs to.
    pub channel: ChannelId,
    /// Place among the frames of the channel, from zero.
    pub number: u16,
    /// Bytes of the channel.
    pub data: Bytes,
    /// No frame has a higher number.
    pub is_last: bool,
}

/// Why a transaction's data is no list of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not even a version.
    #[error("transaction without data")]
    Empty,
    /// Another kind of data, such as a commitment (D28), or a stranger's.
    #[error("data has version {version}, frames have {DERIVATION_VERSION}")]
    WrongVersion {
        /// The first byte.
        version: u8,
    },
    /// A version byte alone.
    #[error("no frame after the version byte")]
    NoFrames,
    /// The data ends within a frame.
    #[error("frame {index} is cut off")]
    CutOff {
        /// Place in the transaction.
        index: usize,
    },
    /// A length that no frame has.
    #[error("frame {index} claims {length} bytes of data, the limit is {MAX_FRAME_DATA}")]
    TooLong {
        /// Place in the transaction.
        index: usize,
        /// Length claimed.
        length: u32,
    },
    /// Neither zero nor one.
    #[error("frame {index} ends with {flag}, which is neither 0 nor 1")]
    WrongEnd {
        /// Place in the transaction.
        index: usize,
        /// The byte.
        flag: u8,
    },
}

/// Reads the data of a batcher transaction. The frames share its bytes.
pub fn parse_frames(data: &Bytes) -> Result<Vec<Frame>, FrameError> {
    let (version, mut rest) = data.split_first().ok_or(FrameError::Empty)?;
    if *version != DERIVATION_VERSION {
        return Err(FrameError::WrongVersion { version: *version });
    }
    let mut frames = Vec::new();
    while !rest.is_empty() {
        frames.push(Frame::decode(data, &mut rest, frames.len())?);
    }
    if frames.is_empty() { Err(FrameError::NoFrames) } else { Ok(frames) }
}

/// The data of a batcher transaction that carries these frames.
pub fn encode_frames(frames: &[Frame]) -> Vec<u8> {
    let mut out = alloc::vec![DERIVATION_VERSION];
    for frame in frames {
        frame.encode(&mut out);
    }
    out
}

impl Frame {
    /// Bytes that it counts in the channel bank (D3).
    pub fn size(&self) -> u64 {
        FRAME_OVERHEAD.saturating_add(self.data.len() as u64)
    }

    /// Cuts a whole channel into frames of at most this many bytes each, fixed part included.
    ///
    /// `None` when a frame would hold no data, or when there would be too many frames to number.
    pub fn split(channel: ChannelId, data: &Bytes, max_frame_size: usize) -> Option<Vec<Self>> {
        let piece = max_frame_size.checked_sub(FRAME_FIXED)?.min(MAX_FRAME_DATA);
        let count = if piece == 0 { return None } else { data.len().div_ceil(piece).max(1) };
        let last = u16::try_from(count.checked_sub(1)?).ok()?;
        let frame = |number: u16| {
            let start = usize::from(number).saturating_mul(piece).min(data.len());
            let end = start.saturating_add(piece).min(data.len());
            Self { channel, number, data: data.slice(start..end), is_last: number == last }
        };
        Some((0..=last).map(frame).collect())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend(self.channel.0);
        out.extend(self.number.to_be_bytes());
        // No frame is longer than the limit, which fits.
        out.extend(u32::try_from(self.data.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend(&self.data);
        out.push(self.is_last.into());
    }

    /// Takes a frame off the front of `rest`, which lies in `data`.
    fn decode(data: &Bytes, rest: &mut &[u8], index: usize) -> Result<Self, FrameError> {
        let cut_off = FrameError::CutOff { index };
        let channel = ChannelId(take(rest).ok_or(cut_off)?);
        let number = u16::from_be_bytes(take(rest).ok_or(cut_off)?);
        let length = u32::from_be_bytes(take(rest).ok_or(cut_off)?);
        let size = usize::try_from(length).unwrap_or(usize::MAX);
        if size > MAX_FRAME_DATA {
            return Err(FrameError::TooLong { index, length });
        }
        let (bytes, after) = rest.split_at_checked(size).ok_or(cut_off)?;
        *rest = after;
        let [flag] = take(rest).ok_or(cut_off)?;
        if flag > 1 {
            return Err(FrameError::WrongEnd { index, flag });
        }
        Ok(Self { channel, number, data: data.slice_ref(bytes), is_last: flag == 1 })
    }
}

/// Takes a field of fixed size off the front.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*field)
}
