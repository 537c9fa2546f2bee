//! Serves pre-images to the programs, in the VM or outside of it.
//!
//! Start with [`HostProcess`].
//!
//! **Invariant:** a value that cannot be had is an error of the host, never an answer and never a verdict.

mod host_process;

pub use host_process::{HostProcess, HostProcessError};
