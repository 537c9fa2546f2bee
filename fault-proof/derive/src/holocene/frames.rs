//! Which frames of one batcher transaction are kept (D13).
//!
//! **Invariant:** neighbours in the result are in order: the same channel with the next number, or the start
//! of a channel after the end of another. Where a channel's id is used again, the Go node's pairwise rule
//! decides (T36).

use crate::{Item, Reason, context::Context};
use alloc::{collections::VecDeque, vec::Vec};
use opal_types::Frame;

/// What two neighbours demand.
enum Pair {
    Fits,
    /// The earlier one belongs to a channel that never ended.
    DropFirst,
    DropSecond,
}

fn judge(first: &Frame, second: &Frame) -> Pair {
    if first.channel == second.channel {
        let is_next = first.number.checked_add(1) == Some(second.number);
        return if is_next && !first.is_last { Pair::Fits } else { Pair::DropSecond };
    }
    match (second.number, first.is_last) {
        (0, true) => Pair::Fits,
        (0, false) => Pair::DropFirst,
        _ => Pair::DropSecond,
    }
}

/// Drops what is out of order.
pub(crate) fn in_order(cx: &mut Context, frames: Vec<Frame>) -> VecDeque<Frame> {
    let mut kept: Vec<Frame> = Vec::with_capacity(frames.len());
    for frame in frames {
        if make_room(cx, &mut kept, &frame) {
            kept.push(frame);
        } else {
            note(cx, &frame, Reason::FrameOutOfOrder);
        }
    }
    kept.into()
}

/// Drops frames of a channel that never ended before the start of another one, and says whether `frame` fits.
fn make_room(cx: &mut Context, kept: &mut Vec<Frame>, frame: &Frame) -> bool {
    while let Some(last) = kept.last() {
        match judge(last, frame) {
            Pair::Fits => return true,
            Pair::DropSecond => return false,
            Pair::DropFirst => {
                note(cx, last, Reason::ChannelAbandoned);
                kept.pop();
            }
        }
    }
    true
}

fn note(cx: &mut Context, frame: &Frame, reason: Reason) {
    let item = Item::Frame { channel: frame.channel, number: frame.number };
    cx.note(item, reason);
}
