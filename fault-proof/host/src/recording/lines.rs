//! Files of a recording: whole JSON files, and JSON lines, plain or packed with xz.
//!
//! **Invariant:** one line at a time, bounded in length and in number of bytes; a packed file needs bounded
//! memory whatever it says of itself.

use super::{LineFault, RecordingError};
use lzma_rust2::XzReader;
use opal_types::read::ReadError;
use serde::de::DeserializeOwned;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

/// Most bytes of a config or genesis file.
const MAX_CONFIG: u64 = 256 << 20;
/// Most bytes of all lines of a file, unpacked.
const MAX_LINES: u64 = 16 << 30;
/// Most bytes of a line: a full block, its receipts as well, written as hexadecimal digits.
const MAX_LINE: u64 = 1 << 30;
/// Most memory of the unpacker, KiB. The largest preset of xz takes 65 MiB.
const UNPACK_MEMORY_KIB: u32 = 128 << 10;

/// The folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// A line with its place.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) file: &'a str,
    pub(super) number: u64,
    text: &'a [u8],
}

impl Line<'_> {
    /// An error about a field of this line.
    pub(super) fn fault(&self, field: &str, fault: LineFault) -> RecordingError {
        let (file, line, field) = (self.file.to_owned(), self.number, field.to_owned());
        RecordingError::Line { file, line, field, fault: fault.into() }
    }

    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, RecordingError> {
        let mut parser = serde_json::Deserializer::from_slice(self.text);
        let value = serde_path_to_error::deserialize(&mut parser).map_err(|error| {
            let field = error.path().to_string();
            self.fault(&field, LineFault::Json(error.into_inner()))
        })?;
        parser.end().map_err(|error| self.fault(".", LineFault::Json(error)))?;
        Ok(value)
    }
}

impl Folder {
    /// The folder, which must be there.
    pub(super) fn new(path: &Path) -> Result<Self, RecordingError> {
        let folder = Self { path: path.to_owned() };
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => Ok(folder),
            Ok(_) => {
                Err(io_error(&path.display().to_string(), io::ErrorKind::NotADirectory.into()))
            }
            Err(error) => Err(io_error(&path.display().to_string(), error)),
        }
    }

    /// Reads a whole file.
    pub(super) fn parse<T>(
        &self,
        file: &str,
        read: impl FnOnce(&[u8]) -> Result<T, ReadError>,
    ) -> Result<T, RecordingError> {
        let mut text = Vec::new();
        let opened = File::open(self.path.join(file)).map_err(|error| io_error(file, error))?;
        opened
            .take(MAX_CONFIG.saturating_add(1))
            .read_to_end(&mut text)
            .map_err(|error| io_error(file, error))?;
        if text.len() as u64 > MAX_CONFIG {
            return Err(RecordingError::TooLarge { file: file.to_owned(), limit: MAX_CONFIG });
        }
        read(&text)
            .map_err(|error| RecordingError::Config { file: file.to_owned(), error: error.into() })
    }

    /// Hands over the lines of a file in order; false if there is no such file.
    pub(super) fn each(
        &self,
        file: &str,
        mut take: impl FnMut(&Line<'_>) -> Result<(), RecordingError>,
    ) -> Result<bool, RecordingError> {
        let packed = format!("{file}.xz");
        if let Some(opened) = self.open(file)? {
            read_lines(file, opened, &mut take)?;
        } else if let Some(opened) = self.open(&packed)? {
            let unpacked = XzReader::new_mem_limit(opened, true, UNPACK_MEMORY_KIB);
            read_lines(&packed, BufReader::new(unpacked), &mut take)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn open(&self, file: &str) -> Result<Option<BufReader<File>>, RecordingError> {
        match File::open(self.path.join(file)) {
            Ok(opened) => Ok(Some(BufReader::new(opened))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error(file, error)),
        }
    }

    /// The error for a recording without L1 blocks.
    pub(super) fn no_blocks(&self, file: &str, is_there: bool) -> RecordingError {
        RecordingError::NoBlocks { file: self.path.join(file).display().to_string(), is_there }
    }
}

fn io_error(file: &str, error: io::Error) -> RecordingError {
    RecordingError::Io { file: file.to_owned(), error }
}

fn read_lines(
    file: &str,
    mut source: impl BufRead,
    take: &mut impl FnMut(&Line<'_>) -> Result<(), RecordingError>,
) -> Result<(), RecordingError> {
    let mut text = Vec::new();
    let (mut number, mut total) = (0_u64, 0_u64);
    loop {
        text.clear();
        let mut limited = source.by_ref().take(MAX_LINE.saturating_add(1));
        let length = limited.read_until(b'\n', &mut text).map_err(|it| io_error(file, it))? as u64;
        if length == 0 {
            return Ok(());
        }
        total = total.saturating_add(length);
        for (size, limit) in [(length, MAX_LINE), (total, MAX_LINES)] {
            if size > limit {
                return Err(RecordingError::TooLarge { file: file.to_owned(), limit });
            }
        }
        number = number.saturating_add(1);
        if !text.trim_ascii().is_empty() {
            take(&Line { file, number, text: &text })?;
        }
    }
}
