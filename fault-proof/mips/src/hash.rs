//! Keccak-256, and the hasher of Merkle nodes as a parameter.
//!
//! Start with [`PairHasher`].
//!
//! **Invariant:** every hasher gives the same digests; they differ in speed only.

use keccak::Keccak;

/// A node of a hash tree.
pub type Digest = [u8; 32];

/// Hashes many pairs of nodes at once, so that a vectorised one can do several side by side.
pub trait PairHasher: std::fmt::Debug + Send + Sync {
    /// `digests[i] = keccak256(pairs[i])`; the slices have the same length.
    fn hash(&self, pairs: &[[u8; 64]], digests: &mut [Digest]);
}

/// One hash after the other, in portable code.
#[derive(Clone, Copy, Debug)]
pub struct Scalar;

impl PairHasher for Scalar {
    fn hash(&self, pairs: &[[u8; 64]], digests: &mut [Digest]) {
        debug_assert_eq!(pairs.len(), digests.len(), "one digest for each pair");
        Keccak::new().with_f1600(|permute| {
            for (pair, digest) in pairs.iter().zip(digests) {
                let mut lanes = [0; 25];
                absorb(&mut lanes, pair);
                // A pair always leaves room in its block: padding sits in lanes 8 and 16.
                lanes[8] = 1;
                lanes[16] = 1 << 63;
                permute(&mut lanes);
                *digest = squeeze(&lanes);
            }
        });
    }
}

/// Bytes in one block of Keccak-256.
const RATE: usize = 136;

/// Keccak-256 of any bytes.
pub fn keccak256(bytes: &[u8]) -> Digest {
    let mut lanes = [0; 25];
    Keccak::new().with_f1600(|permute| {
        let (blocks, rest) = bytes.as_chunks::<RATE>();
        for block in blocks {
            absorb(&mut lanes, block);
            permute(&mut lanes);
        }
        let mut last = [0; RATE];
        for (slot, byte) in last.iter_mut().zip(rest.iter().chain(&[1])) {
            *slot = *byte;
        }
        last[RATE - 1] |= 0x80;
        absorb(&mut lanes, &last);
        permute(&mut lanes);
    });
    squeeze(&lanes)
}

/// Two nodes to their parent.
pub(crate) fn join(left: &Digest, right: &Digest) -> Digest {
    let mut digest = [[0; 32]];
    Scalar.hash(&[pair(left, right)], &mut digest);
    let [digest] = digest;
    digest
}

/// Two nodes side by side.
pub(crate) fn pair(left: &Digest, right: &Digest) -> [u8; 64] {
    let mut pair = [0; 64];
    let (head, tail) = pair.split_at_mut(32);
    head.copy_from_slice(left);
    tail.copy_from_slice(right);
    pair
}

fn absorb(lanes: &mut [u64; 25], bytes: &[u8]) {
    for (lane, chunk) in lanes.iter_mut().zip(bytes.as_chunks().0) {
        *lane ^= u64::from_le_bytes(*chunk);
    }
}

fn squeeze(lanes: &[u64; 25]) -> Digest {
    let mut digest = [0; 32];
    for (chunk, lane) in digest.as_chunks_mut().0.iter_mut().zip(lanes) {
        *chunk = lane.to_le_bytes();
    }
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keccak_pads_at_every_length_around_a_block() {
        // Two well-known digests; pairs are checked against the general path.
        assert_eq!(keccak256(&[])[..4], [0xc5, 0xd2, 0x46, 0x01]);
        assert_eq!(keccak256(b"abc")[..4], [0x4e, 0x03, 0x65, 0x7a]);
        for length in [0, 1, 63, 64, 135, 136, 137, 272] {
            let bytes: Vec<u8> = (0..length).map(|it| (it % 251) as u8).collect();
            if let Ok(pair) = bytes.as_slice().try_into() {
                let mut digests = [[0; 32]];
                Scalar.hash(&[pair], &mut digests);
                assert_eq!(digests[0], keccak256(&bytes));
            }
            assert_ne!(keccak256(&bytes), keccak256(&[bytes.as_slice(), &[0]].concat()));
        }
    }
}
