//! Changes inputs a little, the same way each time.
//!
//! **Invariant:** what comes out depends on the seed and the calls before alone.

/// A source of changes (xorshift64*).
#[derive(Debug)]
pub(crate) struct Mutator {
    state: u64,
}

/// Bytes and lengths at the edges of encodings.
const EDGES: [u8; 12] = [0, 1, 0x7f, 0x80, 0x81, 0xb7, 0xb8, 0xbf, 0xc0, 0xf7, 0xf8, 0xff];

impl Mutator {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    const fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`, which is not zero.
    pub(crate) const fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 11) as usize % limit
    }

    /// One to four changes; some of them take a piece of `other`.
    pub(crate) fn mutate(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut output = input.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut output, other);
        }
        output
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        let short = self.below(16);
        let end = (at + short).min(bytes.len());
        match self.below(8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            3 => {
                let start = self.below(other.len() + 1);
                let stop = (start + self.below(64)).min(other.len());
                drop(bytes.splice(at..end, other[start..stop].iter().copied()));
            }
            4 => bytes.insert(at, self.next() as u8),
            kind => {
                let edge = EDGES[self.below(EDGES.len())];
                let bit = 1 << self.below(8);
                match bytes.get_mut(at) {
                    Some(byte) if kind == 5 => *byte ^= bit,
                    Some(byte) if kind == 6 => *byte = edge,
                    Some(byte) => *byte = byte.wrapping_add(edge),
                    None => bytes.push(edge),
                }
            }
        }
    }
}
