//! What the fault-proof programs decide, and how they ask for what they do not know.
//!
//! Start with [`decide_output`], the question of dispute games, and [`Oracle`]; [`decide_block`] re-executes a single
//! block. [`derive_to`] is the part that claims about several chains share.
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
mod boot;
mod chain;
mod claim;
mod facts;
mod hint;
mod key;
mod oracle;
mod reader;
mod section;
mod task;
mod undetermined;
pub mod wire;

pub use block::{BlockFacts, BlockVerdict, decide_block};
pub use boot::{Boot, development_locals};
pub use chain::{ChainTask, Reached, SafeBlock, derive_to};
pub use claim::{ClaimFacts, ClaimVerdict, Wrong, decide_output};
pub use facts::blob_points;
pub use hint::{Hint, HintError, HintKind};
pub use key::{KeyKind, PreimageKey, precompile_request};
pub use oracle::{Oracle, OracleError, verify};
pub use section::{
    SECTION_BYTES, SECTION_HEAD_BYTES, SECTION_MAGIC, SECTION_NAME, SECTION_ROOM, SectionError,
    fill_section, read_section, section_length,
};
pub use task::BlockTask;
pub use undetermined::Undetermined;
