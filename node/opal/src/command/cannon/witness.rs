//! `opal cannon witness`: what the chain sees of a state.
//!
//! **Invariant:** standard output is one JSON object with the original's fields.

use super::{Failure, output};
use crate::command::answer;
use clap::Args;
use opal_mips::{Scalar, VERSION, file};
use serde::Serialize;
use std::path::PathBuf;

/// Prints the witness and hash of a state file.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  opal cannon witness --input state.bin.gz")]
pub(crate) struct Options {
    /// State file.
    #[arg(long, default_value = "state.bin.gz", value_name = "STATE")]
    input: PathBuf,
    /// File for the raw witness.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    state_version: u8,
    witness_hash: String,
    witness: String,
    step: u64,
    exited: bool,
    #[serde(rename = "exitCode")]
    exit_code: u8,
}

/// Reads, hashes, prints.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    let mut state = file::load(&options.input).map_err(|error| Failure::Io(error.to_string()))?;
    let witness = state.witness(&Scalar);
    if let Some(path) = &options.output {
        output::raw_file(path, &witness.0)?;
    }
    let text = output::json(&Answer {
        state_version: VERSION,
        witness_hash: alloy_primitives::hex::encode_prefixed(witness.hash()),
        witness: alloy_primitives::hex::encode_prefixed(witness.0),
        step: state.scalars.step,
        exited: state.scalars.exited,
        exit_code: state.scalars.exit_code,
    })?;
    answer(text.trim_end());
    Ok(())
}
