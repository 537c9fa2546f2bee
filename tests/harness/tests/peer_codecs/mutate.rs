//! Damage to bytes whose meaning is not known here: flips, cuts, repeats, splices.
//!
//! **Invariant:** what comes out is at most twice as long as what went in, plus a few bytes.

use crate::rng::Rng;

const EDGES: [u8; 12] = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xb7, 0xb8, 0xc0, 0xf7, 0xf8, 0xff];

/// Damages `data` once or a few times; `other` is where foreign parts come from.
pub(crate) fn mutate(data: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let times = if rng.one_in(2) { 1 } else { 1 + rng.below(4) };
    for _ in 0..times {
        once(data, other, rng);
    }
}

fn once(data: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    if data.is_empty() {
        data.push(rng.pick(&EDGES));
        return;
    }
    let at = rng.below(data.len());
    match rng.below(9) {
        0 | 1 => data[at] ^= 1 << rng.below(8),
        2 => data[at] = rng.pick(&EDGES),
        3 => data.truncate(at),
        4 => {
            let more = rng.below(40);
            data.extend(rng.bytes(more));
        }
        5 => drop(data.drain(range(at, data.len(), rng))),
        6 => {
            let part = data[range(at, data.len(), rng)].to_vec();
            data.splice(at..at, part);
        }
        7 => data[at] = data[at].wrapping_add(rng.pick(&[1, 0xff])),
        _ if !other.is_empty() => {
            let start = rng.below(other.len());
            let part = &other[range(start, other.len(), rng)];
            let end = data.len().min(at + part.len());
            data.splice(at..end, part.iter().copied());
        }
        _ => data.insert(at, rng.pick(&EDGES)),
    }
}

/// From `start`, mostly short.
fn range(start: usize, end: usize, rng: &mut Rng) -> std::ops::Range<usize> {
    let most = if rng.one_in(4) { end - start } else { (end - start).min(40) };
    start..start + rng.below(most + 1)
}
