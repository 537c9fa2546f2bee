//! Exit statuses, the same for every subcommand that is not a drop-in for another program.
//!
//! **Invariant:** "could not be determined" has a status of its own and is never 0 or 1; nor is wrong usage.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Valid, or done.
    Done,
    /// The claim is wrong.
    Invalid,
    /// No verdict: something needed is missing or unreadable.
    Undetermined,
    /// The command line is wrong.
    Usage,
    /// Input or output failed where no verdict was asked.
    Io,
    /// As the program says that opal stands in for.
    Original(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Invalid => 1,
            Exit::Undetermined => 2,
            Exit::Usage => 64,
            Exit::Io => 74,
            Exit::Original(code) => code,
        })
    }
}
