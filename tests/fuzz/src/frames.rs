//! Frames of a batcher transaction (D2).

use alloy_primitives::Bytes;
use opal_types::{encode_frames, parse_frames};

pub(crate) fn run(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    let Ok(frames) = parse_frames(&data) else { return };
    assert!(!frames.is_empty());
    assert_eq!(encode_frames(&frames), data, "one list of frames, one encoding");
}
