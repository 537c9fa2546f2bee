//! Serves pre-images to the programs, in the VM or outside of it.
//!
//! Start with [`execute`] and [`execute_in_vm`], which decide a block over a file of pre-images, or [`HostProcess`].
//!
//! **Invariant:** a value that cannot be had is an error of the host, never an answer and never a verdict.

mod host_process;
mod native;
mod precompile;
mod preimage_file;
mod report;
mod vm;

pub use host_process::{HostProcess, HostProcessError};
pub use native::execute;
pub use precompile::{PrecompileError, answer as answer_precompile};
pub use preimage_file::{PreimageFile, PreimageFileError};
pub use report::{Report, Verdict, VmFigures};
pub use vm::execute_in_vm;
