//! `opal cannon load-elf`: a guest's ELF file to its first state.
//!
//! **Invariant:** the state is the one the Go cannon would write, page for page.

use super::{Failure, output, path_or_none};
use clap::Args;
use opal_mips::{elf, file};
use serde::Serialize;
use std::{fs, path::PathBuf};

/// Turns a guest's ELF file into the state before its first step.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  opal cannon load-elf --path guest.elf --out state.bin.gz --meta ''"
)]
pub(crate) struct Options {
    /// State version; multithreaded64-5 is the only one that is made.
    #[arg(long = "type", default_value = "multithreaded64-5", value_parser = ["multithreaded64-5"])]
    state_type: String,
    /// 64-bit big-endian MIPS ELF file.
    #[arg(long, value_name = "ELF")]
    path: PathBuf,
    /// State file to write; the suffix says whether it is compressed (.bin or .bin.gz).
    #[arg(long, default_value = "state.bin.gz", value_name = "STATE")]
    out: PathBuf,
    /// JSON file for the guest's symbols; empty for none.
    #[arg(long, default_value = "meta.json", value_name = "JSON", value_parser = path_or_none())]
    meta: PathBuf,
}

#[derive(Serialize)]
struct Meta<'a> {
    symbols: Vec<MetaSymbol<'a>>,
}

#[derive(Serialize)]
struct MetaSymbol<'a> {
    name: &'a str,
    start: u64,
    size: u64,
}

/// Loads and writes.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let path = options.path.display();
    let bytes = fs::read(&options.path)
        .map_err(|error| Failure::Io(format!("cannot read ELF file {path}: {error}")))?;
    let program = elf::load(&bytes).map_err(|error| Failure::Io(format!("{path}: {error}")))?;
    if !options.meta.as_os_str().is_empty() {
        let symbols = program.symbols.iter().map(|it| MetaSymbol {
            name: &it.name,
            start: it.start,
            size: it.size,
        });
        output::json_file(&options.meta, &Meta { symbols: symbols.collect() })?;
    }
    file::save(&program.state, &options.out).map_err(|error| Failure::Io(error.to_string()))
}
