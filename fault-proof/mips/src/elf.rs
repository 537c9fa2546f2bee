//! Guest programs: 64-bit big-endian MIPS ELF files to initial states (peers.md section 3).
//!
//! Start with [`load`].
//!
//! **Invariant:** what is loaded is exactly what `cannon load-elf` loads; a malformed file is an error that says where.

use crate::{
    codec::Encoder,
    memory::Full,
    state::{HEAP_START, State},
};
use std::ops::Range;

/// Most bytes of memory that the segments of one file may ask for.
const IMAGE_LIMIT_BYTES: u64 = 1 << 30;
/// Addresses have 48 bits.
const ADDRESS_LIMIT: u64 = 1 << 48;
/// Where the initial stack content starts.
const STACK: u64 = 0x7FFF_FFFF_F000;
/// Pages below it that the stack grows into.
const STACK_GROWTH_BYTES: u64 = 4 * 4096;

const PT_LOAD: u32 = 1;
const PT_MIPS_ABIFLAGS: u32 = 0x7000_0003;
const SHT_PROGBITS: u32 = 1;
const SHT_SYMTAB: u32 = 2;
const EM_MIPS: u16 = 8;

/// A loaded program.
#[derive(Debug)]
pub struct Program {
    /// Its state before the first step.
    pub state: State,
    /// Its symbols by address, for the meta file.
    pub symbols: Vec<Symbol>,
}

/// A named place of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Its name; what is not UTF-8 is replaced.
    pub name: String,
    /// Its address.
    pub start: u64,
    /// Its length in bytes.
    pub size: u64,
}

/// Why a file is no guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ElfError {
    /// Not the kind of file this VM runs.
    #[error("not a 64-bit big-endian MIPS ELF file: {field} is {found:#x}, not {expected:#x}")]
    WrongKind {
        /// Which field of the header.
        field: &'static str,
        /// What is there.
        found: u64,
        /// What should be there.
        expected: u64,
    },
    /// The file ends too early.
    #[error("{part} at offset {offset:#x} lies outside the file")]
    Truncated {
        /// What should be there.
        part: &'static str,
        /// Where.
        offset: u64,
    },
    /// Only segments of type LOAD may be filled up with zeros, and none may shrink.
    #[error("segment {index} has {file_bytes} bytes in the file and {memory_bytes} in memory")]
    Size {
        /// Number of the program header.
        index: usize,
        /// Bytes in the file.
        file_bytes: u64,
        /// Bytes in memory.
        memory_bytes: u64,
    },
    /// A segment outside the address space or over the heap.
    #[error("segment {index} at {address:#x} with {bytes} bytes does not end below {limit:#x}")]
    Range {
        /// Number of the program header.
        index: usize,
        /// Its first address.
        address: u64,
        /// Its length in memory.
        bytes: u64,
        /// Where segments have to end.
        limit: u64,
    },
    /// More memory than this loader is ready to fill.
    #[error("segments up to {index} ask for more than {limit} bytes")]
    TooLarge {
        /// Number of the program header.
        index: usize,
        /// Most bytes of all segments.
        limit: u64,
    },
    /// No symbols, which the meta file is made of.
    #[error("no symbol table")]
    NoSymbols,
}

/// Loads a program: segments, stack content, entry point.
pub fn load(file: &[u8]) -> Result<Program, ElfError> {
    load_within(file, IMAGE_LIMIT_BYTES)
}

/// Where in the file the content of the section with this name lies; `None` = there is no such section.
pub fn section(file: &[u8], name: &str) -> Result<Option<Range<usize>>, ElfError> {
    const PART: &str = "section header";
    let file = File(file);
    file.check_kind()?;
    let names = usize::from(file.half("index of section names", 62)?);
    let names = file.section(file.row(PART, 40, 58, names)?)?.bytes;
    for index in 0..usize::from(file.half("section header count", 60)?) {
        let at = file.row(PART, 40, 58, index)?;
        let kind = u32::from_be_bytes(file.take(PART, at.saturating_add(4))?);
        let found = text(names, u32::from_be_bytes(file.take(PART, at)?));
        if kind == SHT_PROGBITS && found == name {
            let length = file.section(at)?.bytes.len();
            let start = file.word(PART, at.saturating_add(24))?;
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            return Ok(Some(start..start.saturating_add(length)));
        }
    }
    Ok(None)
}

/// [`load`] with a limit for the memory of all segments.
fn load_within(file: &[u8], limit: u64) -> Result<Program, ElfError> {
    let file = File(file);
    file.check_kind()?;
    let mut state = State::initial(file.word("entry", 24)?);
    let mut total = 0_u64;
    for index in 0..usize::from(file.half("program header count", 56)?) {
        let segment = file.segment(index)?;
        if segment.kind == PT_MIPS_ABIFLAGS {
            continue;
        }
        total = total.saturating_add(segment.memory_bytes);
        segment.check()?;
        if total > limit {
            return Err(ElfError::TooLarge { index, limit });
        }
        if segment.memory_bytes == 0 {
            continue;
        }
        let bytes = file.bytes("segment", segment.offset, segment.file_bytes)?;
        let zeros = segment.memory_bytes.saturating_sub(segment.file_bytes);
        let full = |_: Full| ElfError::TooLarge { index, limit };
        state.memory.store_range(segment.address, bytes).map_err(full)?;
        let end = segment.address.wrapping_add(segment.file_bytes);
        store_zeros(&mut state, end, zeros).map_err(full)?;
    }
    let full = |_: Full| ElfError::TooLarge { index: 0, limit };
    fill_stack(&mut state).map_err(full)?;
    Ok(Program { state, symbols: file.symbols()? })
}

fn store_zeros(state: &mut State, mut address: u64, mut bytes: u64) -> Result<(), Full> {
    const ZEROS: [u8; 4096] = [0; 4096];
    while bytes > 0 {
        let part = ZEROS.get(..usize::try_from(bytes).unwrap_or(ZEROS.len())).unwrap_or(&ZEROS);
        state.memory.store_range(address, part)?;
        address = address.wrapping_add(part.len() as u64);
        bytes = bytes.saturating_sub(part.len() as u64);
    }
    Ok(())
}

/// What a Linux kernel would leave on the stack of a program without arguments.
fn fill_stack(state: &mut State) -> Result<(), Full> {
    const AT_PAGESZ: u64 = 6;
    const AT_RANDOM: u64 = 25;
    const WORDS_BYTES: u64 = 10 * 8;
    let random = STACK.wrapping_add(WORDS_BYTES);
    let environment = random.wrapping_add(16);
    let name = environment.wrapping_add(32);
    let mut content = [0; 10 * 8 + 16 + 32 + 16];
    let mut out = Encoder(&mut content);
    for word in [1, name, 0, environment, 0, AT_PAGESZ, 4096, AT_RANDOM, random, 0] {
        out.word(word);
    }
    out.put(*b"4;byfairdiceroll");
    out.put(*b"GODEBUG=memprofilerate=0\0\0\0\0\0\0\0\0");
    out.put(*b"op-program\0\0\0\0\0\0");
    store_zeros(
        state,
        STACK.wrapping_sub(STACK_GROWTH_BYTES),
        STACK_GROWTH_BYTES.wrapping_add(4096),
    )?;
    state.memory.store_range(STACK, &content)?;
    for thread in &mut state.left {
        thread.set_stack_pointer(STACK);
    }
    Ok(())
}

/// A program header.
struct Segment {
    index: usize,
    kind: u32,
    offset: u64,
    address: u64,
    file_bytes: u64,
    memory_bytes: u64,
}

impl Segment {
    fn check(&self) -> Result<(), ElfError> {
        let Self { index, address, file_bytes, memory_bytes: bytes, .. } = *self;
        let fits = if self.kind == PT_LOAD { file_bytes <= bytes } else { file_bytes == bytes };
        if !fits {
            return Err(ElfError::Size { index, file_bytes, memory_bytes: bytes });
        }
        // A segment without bytes may stand anywhere.
        let limit = ADDRESS_LIMIT.min(HEAP_START);
        if bytes > 0 && address.checked_add(bytes).is_none_or(|end| end > limit) {
            return Err(ElfError::Range { index, address, bytes, limit });
        }
        Ok(())
    }
}

/// The bytes of the file, read with bounds.
struct File<'a>(&'a [u8]);

impl<'a> File<'a> {
    fn check_kind(&self) -> Result<(), ElfError> {
        let magic = u32::from_be_bytes(self.take("header", 0)?);
        let [class, order] = self.take("header", 4)?;
        let machine = self.half("header", 18)?;
        let fields = [
            ("magic", u64::from(magic), 0x7f45_4c46),
            ("class", u64::from(class), 2),
            ("byte order", u64::from(order), 2),
            ("machine", u64::from(machine), u64::from(EM_MIPS)),
        ];
        for (field, found, expected) in fields {
            if found != expected {
                return Err(ElfError::WrongKind { field, found, expected });
            }
        }
        Ok(())
    }

    fn segment(&self, index: usize) -> Result<Segment, ElfError> {
        const PART: &str = "program header";
        let at = self.row(PART, 32, 54, index)?;
        Ok(Segment {
            index,
            kind: u32::from_be_bytes(self.take(PART, at)?),
            offset: self.word(PART, at.saturating_add(8))?,
            address: self.word(PART, at.saturating_add(16))?,
            file_bytes: self.word(PART, at.saturating_add(32))?,
            memory_bytes: self.word(PART, at.saturating_add(40))?,
        })
    }

    /// The symbols of the first symbol table but its empty first entry, by address.
    fn symbols(&self) -> Result<Vec<Symbol>, ElfError> {
        const PART: &str = "symbol table";
        let count = usize::from(self.half("section header count", 60)?);
        let mut table = None;
        for index in 0..count {
            let at = self.row("section header", 40, 58, index)?;
            if u32::from_be_bytes(self.take("section header", at.saturating_add(4))?) == SHT_SYMTAB
            {
                table = Some(at);
                break;
            }
        }
        let table = self.section(table.ok_or(ElfError::NoSymbols)?)?;
        let strings = self.row("section header", 40, 58, table.link)?;
        let names = self.section(strings)?.bytes;
        let (rows, _) = table.bytes.as_chunks::<24>();
        let mut symbols = Vec::with_capacity(rows.len());
        for row in rows.iter().skip(1) {
            let row = File(row);
            let name = u32::from_be_bytes(row.take(PART, 0)?);
            symbols.push(Symbol {
                name: text(names, name),
                start: row.word(PART, 8)?,
                size: row.word(PART, 16)?,
            });
        }
        symbols.sort_by_key(|it| it.start);
        if symbols.is_empty() { Err(ElfError::NoSymbols) } else { Ok(symbols) }
    }

    /// The section whose header stands at an offset.
    fn section(&self, at: u64) -> Result<Section<'a>, ElfError> {
        const PART: &str = "section header";
        let offset = self.word(PART, at.saturating_add(24))?;
        let bytes = self.word(PART, at.saturating_add(32))?;
        let link = u32::from_be_bytes(self.take(PART, at.saturating_add(40))?);
        let link = usize::try_from(link).unwrap_or(usize::MAX);
        Ok(Section { bytes: self.bytes("section", offset, bytes)?, link })
    }

    /// Offset of a row of a header table, whose place and row size stand at offsets of the file header.
    fn row(
        &self,
        part: &'static str,
        place: u64,
        size: u64,
        index: usize,
    ) -> Result<u64, ElfError> {
        let start = self.word(part, place)?;
        let row = u64::from(self.half(part, size)?).saturating_mul(index as u64);
        Ok(start.saturating_add(row))
    }

    fn bytes(&self, part: &'static str, offset: u64, length: u64) -> Result<&'a [u8], ElfError> {
        let range = || {
            let start = usize::try_from(offset).ok()?;
            let length = usize::try_from(length).ok()?;
            self.0.get(start..)?.get(..length)
        };
        range().ok_or(ElfError::Truncated { part, offset })
    }

    fn take<const N: usize>(&self, part: &'static str, offset: u64) -> Result<[u8; N], ElfError> {
        let bytes = self.bytes(part, offset, N as u64)?;
        bytes.first_chunk().copied().ok_or(ElfError::Truncated { part, offset })
    }

    fn half(&self, part: &'static str, offset: u64) -> Result<u16, ElfError> {
        self.take(part, offset).map(u16::from_be_bytes)
    }

    fn word(&self, part: &'static str, offset: u64) -> Result<u64, ElfError> {
        self.take(part, offset).map(u64::from_be_bytes)
    }
}

/// A section and the number of the one it refers to.
struct Section<'a> {
    bytes: &'a [u8],
    link: usize,
}

/// The string up to its NUL; empty if it lies outside the table.
fn text(names: &[u8], offset: u32) -> String {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let name = names.get(start..).unwrap_or_default();
    let name = name.split(|it| *it == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}
