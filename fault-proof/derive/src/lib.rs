//! Derivation: L1 facts to the payload attributes of the next L2 block, for every fork (D1-D27).
//!
//! Start with [`Derivation`]: `step` says what is missing or what comes next, `supply` answers.
//! [`Request`] and [`Fact`] are the two sides of a question. Stages lie in three folders: `bedrock` and
//! `holocene` hold those that Holocene replaced, under the same names, `unforked` the others.
//!
//! **Invariant:** no I/O, no clock, no randomness. The blocks are a function of the facts; in which order
//! and how often facts arrive changes nothing.

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

mod bedrock;
mod consolidate;
mod context;
mod derivation;
mod fact;
mod head;
mod holocene;
mod limits;
mod note;
mod safe_heads;
mod sequencing;
mod start;
mod unforked;

pub use consolidate::{Difference, consolidate};
pub use derivation::{AcceptError, Derivation, Derived, Fault, SafeUpdate, Started, Step};
pub use fact::{Fact, FactError, L2Block, Request};
pub use head::{HeadError, L2Head};
pub use note::{Item, Note, Reason, ResetReason};
pub use safe_heads::SafeHeads;
pub use sequencing::{NextAttributes, max_sequencer_drift, next_attributes};
pub use start::{Begin, EngineHeads, StartError};
