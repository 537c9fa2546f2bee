//! The guest images that `scripts/guest.sh` built beside the test programs.
//!
//! **Invariant:** an image that is not there is a notice in the closing table, and a failure when `CI` is set.

use crate::skipped;
use std::{env, fs, path::PathBuf};

/// The image `NAME.elf`; `None` after noting why `test` is skipped.
#[track_caller]
pub fn guest_image(name: &str, test: &str) -> Option<Vec<u8>> {
    let path = folder().join(format!("{name}.elf"));
    match fs::read(&path) {
        Ok(image) => Some(image),
        Err(error) => {
            let why = format!("no guest image {}: {error}; run make guest", path.display());
            assert!(env::var_os("CI").is_none(), "{test}: {why}");
            skipped(test, &why);
            None
        }
    }
}

/// `$OPAL_GUEST_DIR`, or `guest` in the target directory: a test program lies in its `PROFILE/deps`.
fn folder() -> PathBuf {
    env::var_os("OPAL_GUEST_DIR").map_or_else(
        || {
            let program = env::current_exe().expect("a running program has a path");
            program.ancestors().nth(3).expect("below a target directory").join("guest")
        },
        PathBuf::from,
    )
}
