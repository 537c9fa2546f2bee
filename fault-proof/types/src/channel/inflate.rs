//! zlib decompression that gives out its bytes exactly as the Go node's does (D5).
//!
//! Start with [`Inflate::read`]. It matters to consensus how many bytes come together with the news
//! that the stream is damaged: the reader above loses an item whose last bytes come with that news.
//! So this follows Go's `compress/zlib`: a window of 32 KiB is filled, handed out in whole, and
//! filled again; damage hands out what the window got before it. A ready-made crate was rejected
//! because it hands out otherwise and accepts other streams.
//!
//! **Invariant:** memory is the window, whatever the input says.

use super::{End, bits::BitInput, huffman::Huffman};
use alloc::{boxed::Box, vec, vec::Vec};
use alloy_primitives::Bytes;
use core::ops::Range;

/// Farthest distance of a copy.
const WINDOW: usize = 1 << 15;
/// Length symbols 257..=285: shortest length and number of extra bits.
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// Distance symbols: shortest distance and number of extra bits.
const DISTANCES: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];
/// Order in which the code of code lengths is sent.
const CODE_ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/// Largest alphabets that a block may have.
const MAX_LITERALS: usize = 286;
const MAX_DISTANCES: usize = 30;
/// The symbol that ends a block.
const END_OF_BLOCK: u16 = 256;

/// The two codes of a block; `None` = distances of five plain bits.
#[derive(Debug)]
struct Codes {
    literals: Huffman,
    distances: Option<Huffman>,
}

/// What comes next.
#[derive(Debug)]
enum Step {
    /// A block's header.
    Header,
    /// First the rest of a copy, then symbols.
    Symbols { codes: Box<Codes>, copy: Copy },
    /// Plain bytes.
    Stored { left: usize },
}

/// A repetition of earlier output.
#[derive(Clone, Copy, Debug)]
struct Copy {
    length: usize,
    distance: usize,
}

/// What a symbol, with all that belongs to it, says.
enum Symbol {
    Literal(u8),
    Copy(Copy),
    EndOfBlock,
}

/// A zlib stream that is being read.
#[derive(Debug)]
pub(super) struct Inflate {
    bits: BitInput,
    window: Box<[u8; WINDOW]>,
    /// The next byte to be written.
    head: usize,
    /// The first byte that was not made ready yet.
    tail: usize,
    /// The window was full before.
    wrapped: bool,
    /// Bytes to be handed out now.
    ready: Range<usize>,
    step: Step,
    is_last_block: bool,
    end: Option<End>,
    checksum: Adler,
    checksum_is_read: bool,
}

impl Inflate {
    /// Reads the header. Only deflate with a window of up to 32 KiB is known; a preset dictionary
    /// must be the empty one.
    pub(super) fn open(input: Bytes) -> Option<Self> {
        let (&[method, flags], rest) = input.split_first_chunk()?;
        let header = u16::from_be_bytes([method, flags]);
        if method & 15 != 8 || method >> 4 > 7 || header.checked_rem(31)? != 0 {
            return None;
        }
        let mut at = 2;
        if flags & 0x20 != 0 {
            if *rest.first_chunk()? != Adler::new().value().to_be_bytes() {
                return None;
            }
            at = 6;
        }
        Some(Self {
            bits: BitInput::new(input, at),
            window: vec![0; WINDOW].into_boxed_slice().try_into().ok()?,
            head: 0,
            tail: 0,
            wrapped: false,
            ready: 0..0,
            step: Step::Header,
            is_last_block: false,
            end: None,
            checksum: Adler::new(),
            checksum_is_read: false,
        })
    }

    /// Appends up to `most` bytes; at least one, or the end is told. Bytes and end come together
    /// where the last bytes of the window are taken.
    pub(super) fn read(&mut self, out: &mut Vec<u8>, most: usize) -> Option<End> {
        while self.ready.is_empty() {
            if self.end.is_some() {
                return self.checked_end();
            }
            if self.advance().is_none() {
                self.end = Some(End::Damaged);
            }
            if self.end.is_some() && self.ready.is_empty() {
                self.flush();
            }
        }
        let end = self.ready.start.saturating_add(most).min(self.ready.end);
        let bytes = self.window.get(self.ready.start..end).unwrap_or_default();
        self.checksum.add(bytes);
        out.extend_from_slice(bytes);
        self.ready.start = end;
        if self.ready.is_empty() { self.checked_end() } else { None }
    }

    /// The end, if it is reached, with the checksum looked at.
    fn checked_end(&mut self) -> Option<End> {
        if self.end == Some(End::Finished) && !self.checksum_is_read {
            self.checksum_is_read = true;
            self.bits.align();
            if **self.bits.bytes(4) != self.checksum.value().to_be_bytes() {
                self.end = Some(End::Damaged);
            }
        }
        self.end
    }

    /// Works until there is something to hand out or a block ends; `None` = the stream is damaged.
    fn advance(&mut self) -> Option<()> {
        match core::mem::replace(&mut self.step, Step::Header) {
            Step::Header => self.block(),
            Step::Symbols { codes, copy } => self.symbols(codes, copy),
            Step::Stored { left } => self.stored(left),
        }
    }

    /// Makes what was written ready.
    fn flush(&mut self) {
        self.ready = self.tail..self.head;
        if self.head == WINDOW {
            (self.head, self.wrapped) = (0, true);
        }
        self.tail = self.head;
    }

    /// Ends a block, and after the last one the stream.
    fn finish_block(&mut self) -> Option<()> {
        if self.is_last_block {
            if self.tail < self.head {
                self.flush();
            }
            self.end = Some(End::Finished);
        }
        Some(())
    }

    /// Reads the header of a block and starts on its content.
    fn block(&mut self) -> Option<()> {
        self.bits.refill();
        self.is_last_block = self.bits.take(1)? == 1;
        let codes = match self.bits.take(2)? {
            0 => return self.open_stored(),
            1 => Codes::fixed()?,
            2 => Codes::read(&mut self.bits)?,
            _ => return None,
        };
        self.symbols(Box::new(codes), Copy { length: 0, distance: 0 })
    }

    /// Starts a block of plain bytes. An empty one hands out what came before it.
    fn open_stored(&mut self) -> Option<()> {
        self.bits.align();
        self.bits.refill();
        let (left, inverse) = (self.bits.take(16)?, self.bits.take(16)?);
        if left ^ inverse != 0xffff {
            return None;
        }
        if left == 0 {
            self.flush();
            return self.finish_block();
        }
        self.stored(left.try_into().ok()?)
    }

    /// Copies plain bytes until the window is full.
    fn stored(&mut self, left: usize) -> Option<()> {
        let end = self.head.saturating_add(left).min(WINDOW);
        let wanted = end.checked_sub(self.head)?;
        let bytes = self.bits.bytes(wanted);
        let written = self.head.saturating_add(bytes.len());
        self.window.get_mut(self.head..written)?.copy_from_slice(&bytes);
        self.head = written;
        if bytes.len() < wanted {
            return None;
        }
        let left = left.checked_sub(wanted)?;
        if self.head == WINDOW {
            self.flush();
            self.step = Step::Stored { left };
            return Some(());
        }
        self.finish_block()
    }

    /// Copies, then decodes symbols until the window is full or the block ends.
    fn symbols(&mut self, codes: Box<Codes>, mut copy: Copy) -> Option<()> {
        loop {
            if copy.length > 0 {
                copy.length = self.copy(copy)?;
            }
            if self.head == WINDOW {
                self.flush();
                self.step = Step::Symbols { codes, copy };
                return Some(());
            }
            match codes.symbol(&mut self.bits)? {
                Symbol::Literal(byte) => {
                    *self.window.get_mut(self.head)? = byte;
                    self.head = self.head.saturating_add(1);
                }
                Symbol::Copy(next) if self.reaches(next.distance) => copy = next,
                Symbol::Copy(_) => return None,
                Symbol::EndOfBlock => return self.finish_block(),
            }
        }
    }

    /// Whether there is output so far back.
    #[inline]
    const fn reaches(&self, distance: usize) -> bool {
        self.wrapped || distance <= self.head
    }

    /// Repeats output up to the end of the window; returns the length left to do.
    #[inline]
    fn copy(&mut self, Copy { length, distance }: Copy) -> Option<usize> {
        let end = self.head.saturating_add(length).min(WINDOW);
        let done = end.checked_sub(self.head)?;
        let start = self.head.wrapping_sub(distance);
        if distance >= done && self.head >= distance {
            self.window.copy_within(start..start.checked_add(done)?, self.head);
        } else {
            for at in 0..done {
                // The window is a ring, and a copy may repeat itself.
                let byte = *self.window.get(start.wrapping_add(at) & (WINDOW - 1))?;
                *self.window.get_mut(self.head.wrapping_add(at))? = byte;
            }
        }
        self.head = end;
        length.checked_sub(done)
    }
}

impl Codes {
    /// The codes that need not be sent.
    fn fixed() -> Option<Self> {
        let mut lengths = [8u8; 288];
        lengths.get_mut(144..256)?.fill(9);
        lengths.get_mut(256..280)?.fill(7);
        Some(Self { literals: Huffman::new(&lengths)?, distances: None })
    }

    /// Reads the codes of a block.
    fn read(bits: &mut BitInput) -> Option<Self> {
        bits.refill();
        let literals = usize::try_from(bits.take(5)?).ok()?.checked_add(257)?;
        let distances = usize::try_from(bits.take(5)?).ok()?.checked_add(1)?;
        if literals > MAX_LITERALS || distances > MAX_DISTANCES {
            return None;
        }
        let lengths = read_lengths(bits, literals.checked_add(distances)?)?;
        let (literal_lengths, distance_lengths) = lengths.split_at_checked(literals)?;
        let mut literals = Huffman::new(literal_lengths)?;
        // Every block ends with this word, so Go waits for as many bits before it reads any.
        literals.demand((*literal_lengths.get(usize::from(END_OF_BLOCK))?).into());
        Some(Self { literals, distances: Some(Huffman::new(distance_lengths)?) })
    }

    /// Reads one symbol with its extra bits: 48 bits at most.
    #[inline]
    fn symbol(&self, bits: &mut BitInput) -> Option<Symbol> {
        bits.refill();
        let symbol = read_word(&self.literals, bits)?;
        if let Ok(byte) = u8::try_from(symbol) {
            return Some(Symbol::Literal(byte));
        }
        if symbol == END_OF_BLOCK {
            return Some(Symbol::EndOfBlock);
        }
        let length = extended(&LENGTHS, symbol.checked_sub(257)?, bits)?;
        let symbol = match &self.distances {
            Some(code) => read_word(code, bits)?,
            None => u16::try_from(bits.take(5)?.reverse_bits() >> 27).ok()?,
        };
        let distance = extended(&DISTANCES, symbol, bits)?;
        Some(Symbol::Copy(Copy { length, distance }))
    }
}

/// Reads the word lengths of both codes, which are sent in a code of their own.
fn read_lengths(bits: &mut BitInput, total: usize) -> Option<Vec<u8>> {
    let sent = usize::try_from(bits.take(4)?).ok()?.checked_add(4)?;
    let mut code_lengths = [0u8; 19];
    for symbol in CODE_ORDER.iter().take(sent) {
        bits.refill();
        *code_lengths.get_mut(*symbol)? = u8::try_from(bits.take(3)?).ok()?;
    }
    let code = Huffman::new(&code_lengths)?;
    let mut lengths = Vec::with_capacity(total);
    while lengths.len() < total {
        bits.refill();
        let (length, least, extra): (u8, usize, u32) = match read_word(&code, bits)? {
            16 => (*lengths.last()?, 3, 2),
            17 => (0, 3, 3),
            18 => (0, 11, 7),
            length => (u8::try_from(length).ok()?, 1, 0),
        };
        let count = least.checked_add(usize::try_from(bits.take(extra)?).ok()?)?;
        lengths.resize(lengths.len().checked_add(count)?, length);
    }
    // A repetition must not go beyond the end.
    (lengths.len() == total).then_some(lengths)
}

/// Reads a word of a code.
#[inline]
fn read_word(code: &Huffman, bits: &mut BitInput) -> Option<u16> {
    let (ahead, count) = bits.ahead();
    let (symbol, length) = code.read(ahead, count)?;
    bits.skip(length);
    Some(symbol)
}

/// A length or distance: what the symbol stands for and the extra bits after it.
#[inline]
fn extended(table: &[(u16, u8)], symbol: u16, bits: &mut BitInput) -> Option<usize> {
    let (base, extra) = table.get(usize::from(symbol))?;
    let more = usize::try_from(bits.take((*extra).into())?).ok()?;
    usize::from(*base).checked_add(more)
}

/// The checksum of zlib streams.
#[derive(Debug)]
struct Adler {
    low: u32,
    high: u32,
}

impl Adler {
    const MODULUS: u32 = 65521;
    /// So many bytes can be added before the sums overflow.
    const RUN: usize = 5552;

    const fn new() -> Self {
        Self { low: 1, high: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        for run in bytes.chunks(Self::RUN) {
            for byte in run {
                self.low = self.low.wrapping_add((*byte).into());
                self.high = self.high.wrapping_add(self.low);
            }
            self.low = self.low.checked_rem(Self::MODULUS).unwrap_or(0);
            self.high = self.high.checked_rem(Self::MODULUS).unwrap_or(0);
        }
    }

    const fn value(&self) -> u32 {
        self.high << 16 | self.low
    }
}
