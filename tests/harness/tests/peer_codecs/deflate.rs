//! Deflate streams written bit by bit: block forms, codes and copies that no compressor would choose.
//!
//! Start with [`zlib`].
//!
//! **Invariant:** without damage the stream decompresses to the data it was made of.

use crate::rng::Rng;

/// Literals and lengths, then the end of a block.
const ALPHABET: usize = 286;
const END_OF_BLOCK: usize = 256;
/// Order in which lengths of the code of code lengths are sent.
const CODE_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Lowest bit first.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: usize,
}

impl Bits {
    fn put(&mut self, value: u32, count: usize) {
        for bit in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= u8::from(value >> bit & 1 == 1) << (self.used % 8);
            self.used += 1;
        }
    }

    /// Words of a code are sent from their highest bit.
    fn word(&mut self, (word, length): (u32, usize)) {
        (0..length).rev().for_each(|bit| self.put(word >> bit & 1, 1));
    }

    fn align(&mut self) {
        self.used = self.bytes.len() * 8;
    }
}

/// A zlib stream of `data` in random blocks, damaged now and then.
pub(crate) fn zlib(data: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bits = Bits::default();
    let pieces = 1 + rng.below(4);
    let damaged = rng.one_in(3);
    let mut at = 0;
    for piece in 1..=pieces {
        let end = if piece == pieces { data.len() } else { at + rng.below(data.len() - at + 1) };
        let is_last = piece == pieces && !(damaged && rng.one_in(8));
        bits.put(is_last.into(), 1);
        block(&mut bits, data, at..end, rng, damaged);
        at = end;
    }
    let mut sum = adler(data).to_be_bytes().to_vec();
    if damaged && rng.one_in(3) {
        sum.truncate(rng.below(4));
    }
    let header = rng.pick(&[[0x78, 0x01], [0x78, 0x9c], [0x78, 0xda], [0x08, 0x1d], [0x48, 0x0d]]);
    [&header[..], &bits.bytes, &sum].concat()
}

fn block(bits: &mut Bits, data: &[u8], part: std::ops::Range<usize>, rng: &mut Rng, damaged: bool) {
    match rng.below(4) {
        0 if part.len() < 1 << 16 => {
            bits.put(0, 2);
            bits.align();
            let length = part.len() as u32;
            bits.put(length, 16);
            bits.put(if damaged && rng.one_in(4) { length } else { !length }, 16);
            bits.bytes.extend(&data[part]);
            bits.align();
        }
        1 => {
            bits.put(1, 2);
            let symbols = symbols(data, part, rng, damaged);
            put_symbols(bits, &symbols, &codes(&fixed_lengths()), &codes(&[5; 30]));
        }
        _ => {
            bits.put(if damaged && rng.one_in(20) { 3 } else { 2 }, 2);
            dynamic(bits, &symbols(data, part, rng, damaged), rng, damaged);
        }
    }
}

/// A byte, or a copy.
#[derive(Clone, Copy)]
enum Symbol {
    Literal(u8),
    /// With distance symbol and its extra bits: value and count.
    Copy {
        length: usize,
        distance: usize,
        extra: (u32, usize),
    },
}

/// Literals, and copies where a byte repeats. Damage: copies from anywhere.
fn symbols(data: &[u8], part: std::ops::Range<usize>, rng: &mut Rng, damaged: bool) -> Vec<Symbol> {
    let (mut at, end) = (part.start, part.end);
    let mut out = Vec::new();
    while at < end {
        if damaged && rng.one_in(1000) {
            let distance = rng.below(30);
            let extra = (distance / 2).saturating_sub(1);
            out.push(Symbol::Copy { length: 5, distance, extra: (rng.word() as u32, extra) });
        }
        let byte = data[at];
        let run = data[at..end].iter().take(10).take_while(|it| **it == byte).count();
        if at > 0 && data[at - 1] == byte && run >= 3 && !rng.one_in(4) {
            out.push(Symbol::Copy { length: run, distance: 0, extra: (0, 0) });
            at += run;
        } else {
            out.push(Symbol::Literal(byte));
            at += 1;
        }
    }
    out
}

/// Lengths 3 to 10 have symbols of their own and no extra bits.
const fn length_symbol(length: usize) -> usize {
    254 + length
}

type Code = Vec<(u32, usize)>;

fn put_symbols(bits: &mut Bits, symbols: &[Symbol], literals: &Code, distances: &Code) {
    for symbol in symbols {
        match *symbol {
            Symbol::Literal(byte) => bits.word(literals[usize::from(byte)]),
            Symbol::Copy { length, distance, extra: (extra, count) } => {
                bits.word(literals[length_symbol(length)]);
                bits.word(distances[distance]);
                bits.put(extra, count);
            }
        }
    }
    bits.word(literals[END_OF_BLOCK]);
}

/// A block that brings its codes.
fn dynamic(bits: &mut Bits, symbols: &[Symbol], rng: &mut Rng, damaged: bool) {
    let mut literals = vec![false; ALPHABET];
    let mut distances = vec![false; 30];
    literals[END_OF_BLOCK] = true;
    for symbol in symbols {
        match *symbol {
            Symbol::Literal(byte) => literals[usize::from(byte)] = true,
            Symbol::Copy { length, distance, .. } => {
                literals[length_symbol(length)] = true;
                distances[distance] = true;
            }
        }
    }
    let mut literals = complete_lengths(&literals, rng);
    let mut distances = complete_lengths(&distances, rng);
    let words = distances.iter_mut().filter(|length| **length > 0);
    if let ([only], true) = (words.collect::<Vec<_>>().as_mut_slice(), damaged && rng.one_in(3)) {
        // A lone word may have one bit only.
        **only = 2;
    }
    let (literal_code, distance_code) = (codes(&literals), codes(&distances));
    if damaged && rng.one_in(4) {
        // No longer complete, or more than complete.
        let which = if rng.one_in(2) { &mut literals } else { &mut distances };
        let index = rng.below(which.len());
        which[index] = rng.below(16);
    }
    put_lengths(bits, &literals, &distances, rng, damaged);
    put_symbols(bits, symbols, &literal_code, &distance_code);
}

fn put_lengths(
    bits: &mut Bits,
    literals: &[usize],
    distances: &[usize],
    rng: &mut Rng,
    damaged: bool,
) {
    let excess = u32::from(damaged && rng.one_in(20));
    bits.put((literals.len() - 257) as u32 + excess, 5);
    bits.put((distances.len() - 1) as u32, 5);
    bits.put(15, 4);
    // 13 words of four bits and 6 of five: complete.
    let mut of_lengths = vec![4; 19];
    of_lengths[13..].fill(5);
    if damaged && rng.one_in(20) {
        of_lengths[rng.below(19)] = rng.below(8);
    }
    CODE_ORDER.iter().for_each(|symbol| bits.put(of_lengths[*symbol] as u32, 3));
    let code = codes(&of_lengths);
    let all = [literals, distances].concat();
    let mut at = 0;
    while at < all.len() {
        let run = all[at..].iter().take_while(|it| **it == all[at]).count();
        at += match run {
            // Runs go over from one code to the other.
            11.. if all[at] == 0 => put_run(bits, code[18], (11, 7), run),
            3.. if all[at] == 0 => put_run(bits, code[17], (3, 3), run),
            3.. if at > 0 && all[at - 1] == all[at] => put_run(bits, code[16], (3, 2), run),
            _ => {
                bits.word(code[all[at]]);
                1
            }
        };
    }
}

/// Returns how many lengths it stands for.
fn put_run(
    bits: &mut Bits,
    word: (u32, usize),
    (least, extra): (usize, usize),
    run: usize,
) -> usize {
    let run = run.min(least + (1 << extra) - 1);
    bits.word(word);
    bits.put((run - least) as u32, extra);
    run
}

fn fixed_lengths() -> Vec<usize> {
    let mut lengths = vec![8; 288];
    lengths[144..256].fill(9);
    lengths[256..280].fill(7);
    lengths
}

/// Word lengths of a random complete code for the symbols in use, and perhaps a few more.
fn complete_lengths(used: &[bool], rng: &mut Rng) -> Vec<usize> {
    let mut symbols: Vec<usize> =
        (0..used.len()).filter(|it| used[*it] || rng.one_in(40)).collect();
    // One word alone is complete with one bit, by exception; none at all is allowed too.
    if symbols.len() < 2 {
        let mut lengths = vec![0; used.len()];
        symbols.iter().for_each(|symbol| lengths[*symbol] = 1);
        return lengths;
    }
    let mut words = vec![0usize];
    while words.len() < symbols.len() {
        let index = rng.below(words.len());
        // A balanced tree has room for all; a random one may be too deep in places.
        let index = if words[index] < 13 { index } else { shortest(&words) };
        words[index] += 1;
        words.push(words[index]);
    }
    let mut lengths = vec![0; used.len()];
    for word in words {
        let index = rng.below(symbols.len());
        lengths[symbols.swap_remove(index)] = word;
    }
    lengths
}

fn shortest(words: &[usize]) -> usize {
    (0..words.len()).min_by_key(|index| words[*index]).expect("a code has words")
}

/// The words of the canonical code with these lengths.
fn codes(lengths: &[usize]) -> Code {
    let mut next = [0u32; 17];
    for length in 1..16 {
        let count = lengths.iter().filter(|it| **it == length).count() as u32;
        next[length + 1] = next[length].wrapping_add(count) << 1;
    }
    let word = |length: &usize| {
        let word = next[*length];
        next[*length] = word.wrapping_add(1);
        (word, *length)
    };
    lengths.iter().map(word).collect()
}

fn adler(data: &[u8]) -> u32 {
    let (mut low, mut high) = (1u32, 0u32);
    for byte in data {
        low = (low + u32::from(*byte)) % 65521;
        high = (high + low) % 65521;
    }
    high << 16 | low
}
