//! The program that runs inside the VM: executes one block and decides about its hash. On the host it is an
//! empty `main`.
//!
//! Start with `program::main`.
//!
//! **Invariant:** exit code 0 or 1 is a verdict; whatever prevents one ends in exit code 2 (row F6).

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod program;

#[cfg(target_os = "none")]
opal_guest::entry!(program::main);

#[cfg(not(target_os = "none"))]
fn main() {}
