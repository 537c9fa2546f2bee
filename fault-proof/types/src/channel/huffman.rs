//! Huffman codes of deflate streams, with the Go node's idea of which are legal.
//!
//! **Invariant:** a code is complete, empty, or one symbol of one bit: nothing else is accepted.

/// Longest code word, bits.
const MAX_LENGTH: usize = 15;
/// Words up to this length are found by one look.
const FAST_BITS: u32 = 9;
const FAST_SIZE: usize = 1 << FAST_BITS;
/// Symbols of the largest alphabet.
const MAX_SYMBOLS: usize = 288;

/// A code ready for reading.
#[derive(Debug)]
pub(super) struct Huffman {
    /// By the next bits of input: `symbol << 4 | length`, zero where the word is longer.
    fast: [u16; FAST_SIZE],
    /// Number of words of each length.
    counts: [u16; MAX_LENGTH + 1],
    /// Symbols by length, then by value.
    symbols: [u16; MAX_SYMBOLS],
    /// A reader has at least this many bits before it looks.
    least: u32,
}

impl Huffman {
    /// The canonical code with these word lengths, zero = no word.
    pub(super) fn new(lengths: &[u8]) -> Option<Self> {
        let mut code = Self {
            fast: [0; FAST_SIZE],
            counts: [0; MAX_LENGTH + 1],
            symbols: [0; MAX_SYMBOLS],
            least: 0,
        };
        for length in lengths.iter().filter(|it| **it > 0) {
            let count = code.counts.get_mut(usize::from(*length))?;
            *count = count.checked_add(1)?;
        }
        let lengths_used = || code.counts.iter().zip(0u32..).filter(|(count, _)| **count > 0);
        code.least = lengths_used().map(|(_, length)| length).next().unwrap_or(0);
        let longest = lengths_used().map(|(_, length)| length).last().unwrap_or(0);
        let (mut words, mut offsets) = code.starts()?;
        let filled = code.kraft_sum()?;
        let whole = 1u32.checked_shl(u32::try_from(MAX_LENGTH).ok()?)?;
        // zlib takes one symbol of one bit for a code, and so does Go.
        let single = longest == 1 && filled == whole >> 1;
        if longest != 0 && filled != whole && !single {
            return None;
        }
        for (length, symbol) in lengths.iter().zip(0u16..).filter(|(length, _)| **length > 0) {
            code.place(symbol, *length, &mut words, &mut offsets)?;
        }
        Some(code)
    }

    /// The first word of each length, and where its symbols begin.
    fn starts(&self) -> Option<([u16; MAX_LENGTH + 1], [u16; MAX_LENGTH + 1])> {
        let mut words = [0u16; MAX_LENGTH + 1];
        let mut offsets = [0u16; MAX_LENGTH + 1];
        let (mut word, mut offset) = (0u16, 0u16);
        let all = words.iter_mut().zip(offsets.iter_mut()).zip(self.counts);
        for ((first_word, first_symbol), count) in all {
            word = word.wrapping_shl(1);
            (*first_word, *first_symbol) = (word, offset);
            word = word.wrapping_add(count);
            offset = offset.checked_add(count)?;
        }
        Some((words, offsets))
    }

    /// The share of all words of the greatest length that these words are prefixes of.
    fn kraft_sum(&self) -> Option<u32> {
        let weights = (0u32..=15).rev().map(|shift| 1u32 << shift);
        let terms = self.counts.iter().zip(weights);
        terms.map(|(count, weight)| u32::from(*count).checked_mul(weight)).sum()
    }

    /// Enters a symbol's word.
    fn place(
        &mut self,
        symbol: u16,
        length: u8,
        words: &mut [u16; MAX_LENGTH + 1],
        offsets: &mut [u16; MAX_LENGTH + 1],
    ) -> Option<()> {
        let offset = offsets.get_mut(usize::from(length))?;
        *self.symbols.get_mut(usize::from(*offset))? = symbol;
        *offset = offset.checked_add(1)?;
        let word = words.get_mut(usize::from(length))?;
        let reversed = word.reverse_bits().checked_shr(16u32.checked_sub(length.into())?)?;
        *word = word.wrapping_add(1);
        if u32::from(length) <= FAST_BITS {
            let step = 1usize.checked_shl(length.into())?;
            let entry = symbol << 4 | u16::from(length);
            let places = self.fast.iter_mut().skip(usize::from(reversed)).step_by(step);
            places.for_each(|it| *it = entry);
        }
        Some(())
    }

    /// Demands this many bits of input before any word is read.
    pub(super) fn demand(&mut self, bits: u32) {
        self.least = self.least.max(bits);
    }

    /// The symbol at the front of `bits`, of which the lowest `count` are there, and its length.
    #[inline]
    pub(super) fn read(&self, bits: u64, count: u32) -> Option<(u16, u32)> {
        let mask = (1u64 << FAST_BITS).wrapping_sub(1);
        let entry = self.fast.get(usize::try_from(bits & mask).ok()?).copied()?;
        let (symbol, length) =
            if entry == 0 { self.read_long(bits)? } else { (entry >> 4, u32::from(entry & 15)) };
        (count >= self.least && count >= length).then_some((symbol, length))
    }

    /// Walks through the lengths: for long words, and for bits that are no word.
    #[cold]
    fn read_long(&self, bits: u64) -> Option<(u16, u32)> {
        let (mut word, mut first, mut offset) = (0u32, 0u32, 0u32);
        for (count, length) in self.counts.iter().zip(0u32..).skip(1) {
            let count = u32::from(*count);
            word |= u32::try_from(bits.checked_shr(length.checked_sub(1)?)? & 1).ok()?;
            if word < first.checked_add(count)? {
                let place = offset.checked_add(word.checked_sub(first)?)?;
                let symbol = self.symbols.get(usize::try_from(place).ok()?)?;
                return Some((*symbol, length));
            }
            offset = offset.checked_add(count)?;
            first = first.checked_add(count)?.checked_shl(1)?;
            word = word.checked_shl(1)?;
        }
        None
    }
}
