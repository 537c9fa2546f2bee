//! A recording of which one file is somebody else's.
//!
//! **Invariant:** the other files are those of the recording that ships with opal.

use super::input::Input;
use opal_host::Recording;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

const FILES: [&str; 7] = [
    "blobs.jsonl",
    "l1-genesis.json",
    "l1.jsonl",
    "l2-genesis.json",
    "l2.jsonl",
    "rollup.json",
    "safe.jsonl",
];

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../recordings/first")
}

/// A copy for this process.
fn copy() -> &'static Path {
    static COPY: OnceLock<PathBuf> = OnceLock::new();
    COPY.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("opal-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder can be made");
        for file in FILES {
            fs::copy(shipped().join(file), folder.join(file)).expect("files can be copied");
        }
        folder
    })
}

/// The first byte chooses the file, the rest is its content.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input(data);
    let file = FILES[usize::from(input.number()) % FILES.len()];
    let path = copy().join(file);
    fs::write(&path, input.0).expect("files can be written");
    if let Ok(recording) = Recording::open(copy()) {
        assert!(recording.l1_blocks() > 0, "a chain has a first block");
    }
    fs::copy(shipped().join(file), path).expect("files can be copied");
}
