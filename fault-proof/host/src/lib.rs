//! Serves pre-images to the programs, in the VM or outside of it, and derives recorded chains.
//!
//! Start with [`execute`] and [`execute_in_vm`], which decide a block over a file of pre-images, or [`HostProcess`].
//! [`Recording`] reads what was recorded of an L1 and a chain on it, [`replay`] derives the chain into an [`Archive`].
//! [`ClaimServer`] serves claims about it, which [`decide_claim`] and [`decide_claim_in_vm`] decide.
//!
//! **Invariant:** a value that cannot be had is an error of the host, never an answer and never a verdict.

mod archive;
mod claim_report;
mod claim_run;
mod claim_server;
mod difference;
mod host_process;
mod native;
mod precompile;
mod preimage_file;
mod preimage_folder;
pub mod prestate;
mod recorded_chain;
mod recording;
mod replay;
mod report;
mod serve;
mod vm;
mod vm_run;

pub use archive::{Archive, ArchiveError, ArchivedBlock};
pub use claim_report::ClaimReport;
pub use claim_run::{decide_claim, decide_claim_in_vm};
pub use claim_server::ClaimServer;
pub use difference::{Difference, first_difference};
pub use host_process::{HostProcess, HostProcessError};
pub use native::execute;
pub use precompile::{PrecompileError, answer as answer_precompile};
pub use preimage_file::{PreimageFile, PreimageFileError};
pub use preimage_folder::PreimageFolder;
pub use recorded_chain::{RecordedChainError, archive_recorded};
pub use recording::{
    BlockRlp, L1Block, LineFault, RecordedBlock, RecordedSafeHead, Recording, RecordingError,
    block_rlp, split_block,
};
pub use replay::{Replay, ReplayError, ReplayOptions, ReplayProgress, replay};
pub use report::{Report, Verdict, VmFigures};
pub use serve::{Pipes, ServeError, serve};
pub use vm::execute_in_vm;
