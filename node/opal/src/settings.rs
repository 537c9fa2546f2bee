//! The command line, `OPAL_*` variables and the TOML file, in that order of precedence.
//!
//! The TOML file has one table per subcommand, with the long option names as keys.
//!
//! **Invariant:** every value goes through clap, so the three ways accept and refuse the same values.

use crate::{command::Cli, exit::Exit};
use clap::{Command, CommandFactory, FromArgMatches};
use std::{
    ffi::{OsStr, OsString},
    fs,
    path::PathBuf,
};

/// Why there is nothing to run.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Wrong usage, or a request for help or the version.
    Clap { error: clap::Error, usage: Exit },
    /// The file of `--config` cannot be used.
    Config { path: PathBuf, reason: String },
}

impl Refusal {
    /// Says why on the right stream.
    pub(crate) fn report(self) -> Exit {
        match self {
            Self::Clap { error, usage } => {
                let exit = if error.use_stderr() { usage } else { Exit::Done };
                // A closed output is no reason to fail louder than the usage error itself.
                let _ = error.print();
                exit
            }
            Self::Config { path, reason } => {
                let path = path.display();
                crate::command::complain(&format!("config file {path} cannot be used: {reason}"));
                Exit::Usage
            }
        }
    }
}

/// Reads all three sources.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Cli, Refusal> {
    let mut command = Cli::command();
    if let Some(path) = config_path(&arguments) {
        let refuse = |reason: String| Refusal::Config { path: path.clone(), reason };
        let text = fs::read_to_string(&path).map_err(|error| refuse(error.to_string()))?;
        let table = text.parse::<toml::Table>().map_err(|error| refuse(error.to_string()))?;
        command = with_defaults(command, &table).map_err(refuse)?;
    }
    // A drop-in keeps the status of its original, which is 1 for wrong usage.
    let drop_in = arguments.get(1).is_some_and(|it| it == "cannon");
    let usage = if drop_in { Exit::Original(1) } else { Exit::Usage };
    let refuse = |error| Refusal::Clap { error, usage };
    let matches = command.try_get_matches_from(arguments).map_err(refuse)?;
    Cli::from_arg_matches(&matches).map_err(refuse)
}

/// `--config` must be known before the other options are read.
fn config_path(arguments: &[OsString]) -> Option<PathBuf> {
    let mut rest = arguments.iter().skip(1).take_while(|it| *it != "--");
    while let Some(argument) = rest.next() {
        if argument == "--config" {
            return rest.next().map(PathBuf::from);
        }
        if let Some(path) = argument.to_str().and_then(|it| it.strip_prefix("--config=")) {
            return Some(path.into());
        }
    }
    std::env::var_os("OPAL_CONFIG").filter(|it| it != OsStr::new("")).map(PathBuf::from)
}

fn with_defaults(mut command: Command, table: &toml::Table) -> Result<Command, String> {
    for (name, options) in table {
        let known = command.get_subcommands().any(|it| it.get_name() == name);
        let options = options.as_table().filter(|_| known);
        let options = options.ok_or_else(|| format!("`{name}` is not a subcommand's table"))?;
        for (option, value) in options {
            let text = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(yes) => yes.to_string(),
                _ => return Err(format!("`{name}.{option}` must be a string, number or boolean")),
            };
            command = command.mut_subcommand(name, |it| default_of(it, option, &text));
            let found = command.find_subcommand(name).and_then(|it| argument(it, option));
            found.ok_or_else(|| format!("`{name}` has no option `{option}`"))?;
        }
    }
    Ok(command)
}

fn argument(command: &Command, option: &str) -> Option<clap::Id> {
    let mut arguments = command.get_arguments();
    let found = arguments.find(|it| it.get_long() == Some(option) || it.get_id() == option);
    found.map(|it| it.get_id().clone())
}

fn default_of(command: Command, option: &str, value: &str) -> Command {
    match argument(&command, option) {
        Some(id) => {
            let value = value.to_owned();
            command.mut_arg(id, |it| it.default_value(value).required(false))
        }
        None => command,
    }
}
