//! Why a step did not happen.
//!
//! **Invariant:** whatever is reported here left the state as it was before the step (op-stack C8).

use crate::isa::Op;

/// What the owner of the pre-images says when it cannot answer; its own type comes back by downcast.
pub type OracleError = Box<dyn std::error::Error + Send + Sync>;

/// What the guest did that no state can express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// No such instruction in this VM.
    #[error("invalid instruction")]
    InvalidInstruction,
    /// No such system call in this VM.
    #[error("unsupported system call {number}")]
    UnsupportedSyscall {
        /// The number in r2.
        number: u64,
    },
    /// A branch or jump where the next instruction does not follow the current one.
    #[error("branch in a delay slot, next pc {next_pc:#x}")]
    BranchInDelaySlot {
        /// Where the first branch leads.
        next_pc: u64,
    },
    /// A division by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// An instruction fetch off the word grid.
    #[error("unaligned pc")]
    UnalignedPc,
    /// No thread is left on the active stack.
    #[error("no thread on the active stack")]
    NoThread,
    /// A read at or past the end of a pre-image.
    #[error("read at offset {offset} of a pre-image of {length} bytes with prefix")]
    PreimageOffset {
        /// The state's pre-image offset.
        offset: u64,
        /// Length of the pre-image with its 8-byte prefix.
        length: u64,
    },
}

/// An exception: never a state, always the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cause} at step {step}, pc {pc:#x}, instruction {instruction:#010x}{}", Named(*instruction))]
pub struct Exception {
    /// Number of the step that could not be made.
    pub step: u64,
    /// Where the active thread stands.
    pub pc: u64,
    /// The instruction word there; 0 for an unaligned pc.
    pub instruction: u32,
    /// What is wrong with it.
    pub cause: Cause,
}

/// The mnemonic in brackets, if there is one.
struct Named(u32);

impl std::fmt::Display for Named {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Op::decode(self.0).code.name() {
            Some(name) => write!(out, " ({name})"),
            None => Ok(()),
        }
    }
}

/// Why a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum VmError {
    /// The guest did the impossible.
    #[error(transparent)]
    Exception(#[from] Exception),
    /// The pre-image oracle has no answer: says nothing about the guest.
    #[error("pre-image oracle at step {step}: {source}")]
    Oracle {
        /// Number of the step that asked.
        step: u64,
        /// The oracle's own error.
        source: OracleError,
    },
    /// No memory for another page: says nothing about the guest.
    #[error("no memory for a page beyond {pages} at step {step}")]
    OutOfMemory {
        /// Number of the step that needs the page.
        step: u64,
        /// Pages held.
        pages: usize,
    },
    /// One write of more bytes than this machine is ready to carry: says nothing about the guest.
    #[error("a write of {bytes} bytes at step {step} is over the limit of {limit}")]
    WriteTooLong {
        /// Number of the step that writes.
        step: u64,
        /// Bytes of the write, with what is buffered of an unfinished hint.
        bytes: u64,
        /// Most bytes of one write.
        limit: u64,
    },
}

/// Why a step cannot be finished here, as seen inside the step.
#[derive(Debug)]
pub(crate) enum Exit {
    /// The fast loop leaves this step to the full one.
    Leave,
    /// An exception.
    Trap(Cause),
    /// The oracle's own error.
    Oracle(OracleError),
    /// No memory for another page.
    OutOfMemory {
        pages: usize,
    },
    WriteTooLong {
        bytes: u64,
        limit: u64,
    },
    /// A proof that does not prove (replay only).
    Unproven(crate::proof::Unproven),
}
