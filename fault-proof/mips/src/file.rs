//! State files: the layout of peers.md section 3, plain or gzip by suffix.
//!
//! Start with [`load`] and [`save`]; [`State::read`] and [`State::write`] are the layout alone.
//!
//! **Invariant:** a load never takes more memory than the file has content, and a file is there whole or not at all.

use crate::{
    codec::Encoder,
    memory::{Full, MAX_PAGES, Memory, PAGE_BITS, PAGE_BYTES},
    state::{Reservation, Scalars, State, VERSION},
    thread::{THREAD_BYTES, Thread},
};
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use std::{
    ffi::OsString,
    fs,
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

/// Why a state cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The content ends too early.
    #[error("{field} at offset {offset} is cut off")]
    Truncated {
        /// What should be there.
        field: &'static str,
        /// Where in the uncompressed content.
        offset: u64,
    },
    /// A state of another version.
    #[error("state version {found}, this VM runs version {}", VERSION)]
    Version {
        /// What the first byte says.
        found: u8,
    },
    /// Neither yes nor no.
    #[error("{field} at offset {offset} is {found}, not 0 or 1")]
    Flag {
        /// What should be 0 or 1.
        field: &'static str,
        /// Where in the uncompressed content.
        offset: u64,
        /// What is there.
        found: u8,
    },
    /// A page beyond the address space.
    #[error("page number {number:#x} at offset {offset} is beyond the address space")]
    PageNumber {
        /// The number.
        number: u64,
        /// Where it stands.
        offset: u64,
    },
    /// The same page again.
    #[error("page {number:#x} at offset {offset} is there twice")]
    DuplicatePage {
        /// The number.
        number: u64,
        /// Where it stands.
        offset: u64,
    },
    /// More pages than this VM holds.
    #[error("{pages} pages are over the limit of {limit}")]
    TooManyPages {
        /// What the file says.
        pages: u64,
        /// Most pages.
        limit: u64,
    },
    /// The source fails.
    #[error("read at offset {offset}: {source}")]
    Io {
        /// Where in the uncompressed content.
        offset: u64,
        /// The source's own error.
        source: io::Error,
    },
}

/// Why a state file cannot be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The suffix is neither .bin nor .bin.gz.
    #[error("{path}: only .bin and .bin.gz hold states", path = .path.display())]
    Suffix {
        /// The file.
        path: PathBuf,
    },
    /// The file system fails.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Its own error.
        source: io::Error,
    },
    /// The content is no state.
    #[error("{path}: {source}", path = .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReadError,
    },
}

/// Loads a state, unzipping by suffix.
pub fn load(path: &Path) -> Result<State, FileError> {
    let zipped = is_zipped(path)?;
    let wrap = |source| FileError::Io { path: path.to_owned(), source };
    let file = BufReader::new(fs::File::open(path).map_err(wrap)?);
    let state = if zipped {
        State::read(&mut BufReader::new(MultiGzDecoder::new(file)))
    } else {
        State::read(&mut { file })
    };
    state.map_err(|source| FileError::Content { path: path.to_owned(), source })
}

/// Saves a state, zipping by suffix: under a temporary name first, then renamed.
pub fn save(state: &State, path: &Path) -> Result<(), FileError> {
    let zipped = is_zipped(path)?;
    write_whole(path, |file| {
        if !zipped {
            return state.write(file);
        }
        let mut encoder = GzEncoder::new(file, Compression::fast());
        state.write(&mut encoder)?;
        encoder.finish().map(drop)
    })
    .map_err(|source| FileError::Io { path: path.to_owned(), source })
}

/// Writes a file under a temporary name beside its place, then renames it.
pub fn write_whole(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut name = path.file_name().map_or_else(OsString::new, ToOwned::to_owned);
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = (|| {
        let mut file = BufWriter::new(fs::File::create(&temporary)?);
        fill(&mut file)?;
        file.into_inner()?;
        fs::rename(&temporary, path)
    })();
    if written.is_err() {
        // Best effort: the error of the write is the one to tell.
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn is_zipped(path: &Path) -> Result<bool, FileError> {
    let name = path.as_os_str().as_encoded_bytes();
    if name.ends_with(b".bin.gz") {
        return Ok(true);
    }
    if name.ends_with(b".bin") {
        return Ok(false);
    }
    Err(FileError::Suffix { path: path.to_owned() })
}

impl State {
    /// Writes the uncompressed content of a state file.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let pages = self.memory.pages();
        out.write_all(&[VERSION])?;
        out.write_all(&(pages.len() as u64).to_be_bytes())?;
        for (number, page) in pages {
            out.write_all(&number.to_be_bytes())?;
            out.write_all(page)?;
        }
        let mut fields = [0; SCALAR_BYTES];
        self.encode_scalars(Encoder(&mut fields));
        out.write_all(&fields)?;
        for stack in [&self.left, &self.right] {
            out.write_all(&(stack.len() as u64).to_be_bytes())?;
            for thread in stack {
                out.write_all(&thread.encode())?;
            }
        }
        // Four bytes, not eight as peers.md section 3 has it: so the Go peer writes and reads it.
        let length = u32::try_from(self.last_hint.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(&self.last_hint)
    }

    fn encode_scalars(&self, mut out: Encoder<'_>) {
        let scalars = &self.scalars;
        out.put(scalars.preimage_key);
        out.word(scalars.preimage_offset);
        out.word(scalars.heap);
        out.byte(self.reservation.status);
        out.word(self.reservation.address);
        out.word(self.reservation.owner);
        out.byte(scalars.exit_code);
        out.byte(u8::from(scalars.exited));
        out.word(scalars.step);
        out.word(scalars.steps_since_switch);
        out.byte(u8::from(scalars.traverse_right));
        out.word(scalars.next_thread_id);
        debug_assert!(out.0.is_empty(), "the layout is filled");
    }

    /// Reads the uncompressed content of a state file. What follows it is left alone.
    pub fn read(source: &mut dyn Read) -> Result<Self, ReadError> {
        let mut input = Input { source, offset: 0 };
        let found = input.byte("version")?;
        if found != VERSION {
            return Err(ReadError::Version { found });
        }
        let memory = read_memory(&mut input)?;
        let mut scalars = Scalars {
            preimage_key: input.take("preimage key")?,
            preimage_offset: input.word("preimage offset")?,
            heap: input.word("heap")?,
            ..Scalars::default()
        };
        let reservation = Reservation {
            status: input.byte("ll status")?,
            address: input.word("ll address")?,
            owner: input.word("ll owner")?,
        };
        scalars.exit_code = input.byte("exit code")?;
        scalars.exited = input.flag("exited")?;
        scalars.step = input.word("step")?;
        scalars.steps_since_switch = input.word("steps since last context switch")?;
        scalars.traverse_right = input.flag("traverse right")?;
        scalars.next_thread_id = input.word("next thread id")?;
        let left = read_stack(&mut input, "left thread stack")?;
        let right = read_stack(&mut input, "right thread stack")?;
        let last_hint = input.bytes("last hint")?;
        Ok(Self { memory, scalars, reservation, left, right, last_hint })
    }
}

/// Bytes between the pages and the threads.
const SCALAR_BYTES: usize = 32 + 8 + 8 + (1 + 8 + 8) + 2 + 8 + 8 + 1 + 8;

fn read_memory(input: &mut Input<'_>) -> Result<Memory, ReadError> {
    let limit = MAX_PAGES;
    let pages = input.word("page count")?;
    if pages > limit {
        return Err(ReadError::TooManyPages { pages, limit });
    }
    let mut memory = Memory::new();
    for _ in 0..pages {
        let offset = input.offset;
        let number = input.word("page number")?;
        if number > u64::MAX >> PAGE_BITS {
            return Err(ReadError::PageNumber { number, offset });
        }
        let page: [u8; PAGE_BYTES] = input.take("page")?;
        match memory.insert_page(number, &page) {
            Ok(Some(())) => {}
            Ok(None) => return Err(ReadError::DuplicatePage { number, offset }),
            Err(Full { .. }) => return Err(ReadError::TooManyPages { pages, limit }),
        }
    }
    Ok(memory)
}

fn read_stack(input: &mut Input<'_>, field: &'static str) -> Result<Vec<Thread>, ReadError> {
    let count = input.word(field)?;
    let mut threads = Vec::new();
    for _ in 0..count {
        let offset = input.offset;
        let bytes = input.take::<THREAD_BYTES>(field)?;
        threads.push(Thread::decode(&bytes).ok_or(ReadError::Truncated { field, offset })?);
    }
    Ok(threads)
}

/// A source that knows how far it was read.
struct Input<'a> {
    source: &'a mut dyn Read,
    offset: u64,
}

impl Input<'_> {
    fn take<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], ReadError> {
        let offset = self.offset;
        let mut bytes = [0; N];
        self.source.read_exact(&mut bytes).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => ReadError::Truncated { field, offset },
            _ => ReadError::Io { offset, source },
        })?;
        self.offset = offset.saturating_add(N as u64);
        Ok(bytes)
    }

    fn byte(&mut self, field: &'static str) -> Result<u8, ReadError> {
        self.take(field).map(u8::from_be_bytes)
    }

    fn word(&mut self, field: &'static str) -> Result<u64, ReadError> {
        self.take(field).map(u64::from_be_bytes)
    }

    /// A byte that is 0 or 1.
    fn flag(&mut self, field: &'static str) -> Result<bool, ReadError> {
        let offset = self.offset;
        match self.byte(field)? {
            found @ 0..=1 => Ok(found == 1),
            found => Err(ReadError::Flag { field, offset, found }),
        }
    }

    /// A length and as many bytes.
    fn bytes(&mut self, field: &'static str) -> Result<Vec<u8>, ReadError> {
        let length = u64::from(u32::from_be_bytes(self.take(field)?));
        let offset = self.offset;
        let mut bytes = Vec::new();
        let read = self.source.take(length).read_to_end(&mut bytes);
        read.map_err(|source| ReadError::Io { offset, source })?;
        if bytes.len() as u64 != length {
            return Err(ReadError::Truncated { field, offset });
        }
        Ok(bytes)
    }
}
