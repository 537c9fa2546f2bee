//! The guest image: the one in this binary, or a file.
//!
//! **Invariant:** an opal that was built without an image says how to get one.

use std::{borrow::Cow, fs, path::Path};

/// The program that `scripts/guest.sh` built when this binary was built; empty if it had not.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/opal-guest.elf"));

/// The image to run.
pub(super) fn image(file: Option<&Path>) -> Result<Cow<'static, [u8]>, String> {
    match file {
        Some(path) => bytes(path).map(Cow::Owned),
        None if EMBEDDED.is_empty() => {
            Err("no guest image is in this opal: run `make guest` and build opal again, or pass --guest FILE".into())
        }
        None => Ok(Cow::Borrowed(EMBEDDED)),
    }
}

/// The content of a file, or why it cannot be read.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
