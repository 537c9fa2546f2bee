//! The recording that ships with opal is what its generator writes.
//!
//! **Invariant:** not a byte of it is made by hand.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../examples/first_recording/chain.rs"]
mod chain;
#[path = "../examples/first_recording/derived.rs"]
mod derived;
#[path = "../examples/first_recording/keys.rs"]
mod keys;
#[path = "../examples/first_recording/story.rs"]
mod story;

use opal_harness::{files_below, workspace_root};
use std::fs;

#[test]
fn the_first_recording_is_what_its_generator_writes() {
    let folder = tempfile::TempDir::new().unwrap();
    story::write(folder.path());
    let shipped = workspace_root().join("tests/recordings/first");
    let files = files_below(&shipped, &[]);
    assert_eq!(files, files_below(folder.path(), &[]));
    for file in files {
        let [shipped, written] =
            [&shipped, folder.path()].map(|it| fs::read(it.join(&file)).unwrap());
        assert!(
            shipped == written,
            "{file} differs: write it anew by the example `first_recording`"
        );
    }
}
