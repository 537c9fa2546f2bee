//! `opal cannon`: the command line of the Go `cannon`, for any guest (peers.md section 4).
//!
//! Start with [`Choice`]; exit statuses follow the original, not the rest of opal.
//!
//! **Invariant:** a VM exception ends the process with status 2 and never writes a state.

mod guest_log;
mod load_elf;
mod output;
mod pattern;
mod run;
mod witness;

use super::complain;
use crate::exit::Exit;
use clap::{
    Args, Subcommand,
    builder::{OsStringValueParser, TypedValueParser},
};
use std::path::PathBuf;

/// Drop-in for the Go cannon: load a guest, run it to any step, print witnesses and step proofs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    choice: Choice,
}

#[derive(Debug, Subcommand)]
enum Choice {
    LoadElf(load_elf::Options),
    Run(run::Options),
    Witness(witness::Options),
}

/// Why a command failed, as the original sorts it.
#[derive(Debug)]
enum Failure {
    /// Status 1: usage, input or output.
    Io(String),
    /// Status 2: the VM stopped on an exception.
    VmPanic(String),
}

/// A path that may be empty, for no file; clap's own parser of paths refuses that.
fn path_or_none() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// Runs the subcommand.
pub(crate) fn run(options: &Options) -> Exit {
    let result = match &options.choice {
        Choice::LoadElf(options) => load_elf::run(options),
        Choice::Run(options) => run::run(options),
        Choice::Witness(options) => witness::run(options),
    };
    match result {
        Ok(()) => Exit::Done,
        Err(Failure::Io(text)) => {
            complain(&text);
            Exit::Original(1)
        }
        Err(Failure::VmPanic(text)) => {
            complain(&text);
            Exit::Original(2)
        }
    }
}
