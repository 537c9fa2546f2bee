//! The multithreaded 64-bit Cannon VM, state version 8 ("multithreaded64-5"), to the bit.
//!
//! Start with [`Vm`]: it runs a [`State`], which comes from [`elf::load`] or [`State::read`]. One step is one function
//! (`step`) over several buses: the memory itself, a recorder that collects the proof of the step, and a
//! replay that has nothing but witness and proof ([`StepProof::verify`]), as the contract has on chain. The fast loop
//! ([`Vm::run`]) shares the instruction table (`isa`) with it.
//!
//! **Invariant:** no input makes this crate panic, and no failure becomes a VM state: an exception, a silent oracle or
//! a full machine is an error, and the state stays what it was before the step.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::too_many_lines
    )
)]

mod bits;
mod bus;
mod code;
mod codec;
mod cpu;
pub mod elf;
mod error;
mod fast;
pub mod file;
mod hash;
mod isa;
mod memory;
mod proof;
mod register;
mod state;
mod stats;
mod step;
mod syscall;
mod thread;
mod vm;

pub use error::{Cause, Exception, OracleError, VmError};
pub use hash::{Digest, PairHasher, Scalar, keccak256};
pub use memory::{Memory, PAGE_BYTES};
pub use proof::{Preimage, StepProof, Unproven, VerifyError, replay};
pub use state::{Reservation, Scalars, State, VERSION, Witness};
pub use stats::Stats;
pub use syscall::name as syscall_name;
pub use thread::Thread;
pub use vm::{Io, Output, PreimageOracle, Silent, Stop, Stream, Until, Vm};
