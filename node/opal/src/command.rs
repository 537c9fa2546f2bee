//! The subcommands and what they share: the answer on standard output, complaints on standard error.
//!
//! **Invariant:** with `--json` exactly one JSON object is printed, also when there is no verdict.

mod batcher;
mod cannon;
mod derive;
mod devnet;
mod doctor;
mod engine;
mod execute;
mod guest;
mod host;
mod node;
mod prestate;
mod progress;
mod prove;
mod service;

use crate::exit::Exit;
use clap::{Parser, Subcommand};
use std::{io::Write, path::PathBuf};

/// Derives, executes, checks, proves and relays OP Stack chains.
#[derive(Debug, Parser)]
#[command(name = "opal", version, arg_required_else_help = true, after_help = STATUSES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Choice,
    /// Read options from a TOML file with one table per subcommand (flags and OPAL_* variables win).
    #[arg(long, global = true, env = "OPAL_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

const STATUSES: &str = "Exit status: 0 valid or done, 1 invalid, 2 could not be determined, 64 wrong usage, \
70 internal fault, 74 input or output failed where no verdict was asked.";

#[derive(Debug, Subcommand)]
enum Choice {
    Batcher(Box<batcher::Options>),
    Devnet(Box<devnet::Options>),
    Doctor(doctor::Options),
    Engine(engine::Options),
    Execute(execute::Options),
    Derive(derive::Options),
    Prove(prove::Options),
    Prestate(prestate::Options),
    Host(host::Options),
    Node(Box<node::Options>),
    Cannon(cannon::Options),
}

/// Runs what was asked for.
pub(crate) fn run(cli: Cli) -> Exit {
    match cli.command {
        Choice::Batcher(options) => batcher::run(&options),
        Choice::Devnet(options) => devnet::run(&options),
        Choice::Doctor(options) => doctor::run(&options),
        Choice::Engine(options) => engine::run(&options),
        Choice::Execute(options) => execute::run(&options),
        Choice::Derive(options) => derive::run(&options),
        Choice::Prove(options) => prove::run(&options),
        Choice::Prestate(options) => prestate::run(&options),
        Choice::Host(options) => host::run(&options),
        Choice::Node(options) => node::run(&options),
        Choice::Cannon(options) => cannon::run(&options),
    }
}

/// One line for the user about what went wrong.
pub(crate) fn complain(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "opal: {text}");
}

/// Prints the answer. A closed pipe is the reader's choice, not an error.
fn answer(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
