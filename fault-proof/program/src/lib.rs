//! What the fault-proof programs decide, and how they ask for what they do not know.
//!
//! Start with [`Oracle`], then [`BlockTask`].
//!
//! **Invariant:** a program sees nothing but its oracle; the same code runs natively and inside the VM.

#![no_std]
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
        clippy::std_instead_of_core,
        clippy::too_many_lines
    )
)]

extern crate alloc;

mod block;
mod hint;
mod key;
mod oracle;
mod task;
pub mod wire;

pub use block::{BlockFacts, BlockVerdict, Undetermined, decide};
pub use hint::{Hint, HintError, HintKind};
pub use key::{KeyKind, PreimageKey, precompile_request};
pub use oracle::{Oracle, OracleError, verify};
pub use task::BlockTask;
