//! Writes the recording that ships with opal: `cargo run -p opal-host --example first_recording -- FOLDER`.
//!
//! Start with `story.rs`, which says what happens in each L1 block. The blocks, signatures, batches and blobs are made
//! by opal's own encoders, and the L2 blocks by deriving what was written so far.
//!
//! **Invariant:** no clock and no randomness: the same bytes on every machine.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed run")]

mod chain;
mod derived;
mod keys;
mod story;

fn main() {
    let folder = std::env::args_os().nth(1).expect("a folder to write to");
    story::write(std::path::Path::new(&folder));
}
