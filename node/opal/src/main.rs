//! The `opal` binary: reads the command line, runs one subcommand, turns its answer into text and an exit status.
//!
//! Start with [`command`]; each subcommand is a module there.
//!
//! **Invariant:** standard output carries only the answer; progress and errors go to standard error.

mod command;
mod exit;
mod settings;

use std::process::ExitCode;

fn main() -> ExitCode {
    match settings::parse(std::env::args_os().collect()) {
        Ok(cli) => command::run(cli).into(),
        Err(refusal) => refusal.report().into(),
    }
}
