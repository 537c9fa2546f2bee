//! The program that runs inside the VM: decides claims about output roots, or re-executes one block. On
//! the host it is an empty `main`.
//!
//! Start with `program::main`.
//!
//! **Invariant:** exit code 0 or 1 is a verdict; whatever prevents one ends in exit code 2 (row F6).

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
extern crate alloc;

#[cfg(target_os = "none")]
mod chain_set;
#[cfg(target_os = "none")]
mod program;

#[cfg(target_os = "none")]
opal_guest::entry!(program::main);

#[cfg(not(target_os = "none"))]
fn main() {}
