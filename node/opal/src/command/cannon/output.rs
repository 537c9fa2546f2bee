//! JSON and files as the original writes them: two-space indent, a newline at the end, gzip by suffix.
//!
//! **Invariant:** a file is complete or not there: it is written under a temporary name first.

use super::Failure;
use flate2::{Compression, write::GzEncoder};
use opal_mips::file::write_whole;
use serde::Serialize;
use std::{io::Write, path::Path};

/// The JSON text of a value.
pub(super) fn json(value: &impl Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value);
    text.map(|it| it + "\n").map_err(|error| Failure::Io(error.to_string()))
}

/// Writes a value as a JSON file.
pub(super) fn json_file(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    raw_file(path, json(value)?.as_bytes())
}

/// Writes bytes.
pub(super) fn raw_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let zipped = path.extension().is_some_and(|it| it == "gz");
    let written = write_whole(path, |file| {
        if !zipped {
            return file.write_all(bytes);
        }
        let mut encoder = GzEncoder::new(file, Compression::default());
        encoder.write_all(bytes)?;
        encoder.finish().map(drop)
    });
    written.map_err(|error| Failure::Io(format!("cannot write {}: {error}", path.display())))
}
