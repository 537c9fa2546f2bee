//! What the guests share: a way to print a result.
//!
//! **Invariant:** a guest's output and step count depend on nothing but its source and its parameter.

#![no_std]

use core::fmt::Write;
pub use opal_guest::syscall::Stdout;

/// A number that can be given at build time, so that a workload can be made longer or shorter.
pub const fn parameter(given: Option<&str>, default: u64) -> u64 {
    let Some(text) = given else { return default };
    match u64::from_str_radix(text, 10) {
        Ok(value) => value,
        Err(_) => default,
    }
}

/// Prints the value that shows that the work was done; returns the exit code for it.
pub fn report(value: u64) -> u8 {
    u8::from(writeln!(Stdout, "{value:016x}").is_err())
}
