//! Exit statuses, the same for every subcommand that is not a drop-in for another program.
//!
//! **Invariant:** wrong usage has a status of its own, so that it is never taken for a verdict.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Valid, or done.
    Done,
    /// The command line is wrong.
    Usage,
    /// As the program says that opal stands in for.
    Original(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Usage => 64,
            Exit::Original(code) => code,
        })
    }
}
