//! Random numbers of a seed, with a liking for edges.
//!
//! **Invariant:** the same seed gives the same numbers on every machine.

/// SplitMix64.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) const fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) const fn below(&mut self, bound: usize) -> usize {
        (self.word() % bound as u64) as usize
    }

    pub(crate) const fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.word() as u8).collect()
    }

    /// As real calldata: runs of zeros between random words, so that it compresses.
    pub(crate) fn calldata(&mut self, length: usize) -> Vec<u8> {
        let mut data = Vec::with_capacity(length + 64);
        while data.len() < length {
            let (zeros, random) = (self.below(32), self.below(32));
            data.resize(data.len() + zeros, 0);
            data.extend(self.bytes(random));
        }
        data.truncate(length);
        data
    }

    /// Mostly small, sometimes the ends of the range.
    pub(crate) fn number(&mut self) -> u64 {
        match self.below(8) {
            0 => self.pick(&[0, 1, 0x7f, 0x80, 0xff, 0x100, u64::MAX - 1, u64::MAX]),
            1 => self.word() >> self.below(64),
            _ => self.below(100_000) as u64,
        }
    }
}
