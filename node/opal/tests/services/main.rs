//! The long-running commands as their users meet them: processes with ports.
//!
//! **Invariant:** nothing is waited for without a bound.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod devnet;
mod killed;
mod process;
