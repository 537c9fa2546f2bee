//! Puts the guest image that `scripts/guest.sh` built into the binary; without one, an empty file takes its place and
//! `opal execute --vm` says how to get it.
//!
//! **Invariant:** reads the image from $OPAL_GUEST_DIR or from `guest` in the target directory, as the script writes it.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-env-changed=OPAL_GUEST_DIR");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    // OUT_DIR is TARGET/PROFILE/build/opal-HASH/out.
    let target = out.ancestors().nth(4).map(|it| it.join("guest"));
    let folder = env::var_os("OPAL_GUEST_DIR").map(PathBuf::from).or(target).unwrap_or_default();
    let image = folder.join("opal-guest.elf");
    println!("cargo:rerun-if-changed={}", image.display());
    fs::write(out.join("opal-guest.elf"), fs::read(&image).unwrap_or_default())
}
