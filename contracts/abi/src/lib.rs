//! Bindings of the contracts and their events.
//!
//! Start with [`l1`], the contracts that a chain has on its L1, then [`l2`], those that stand on the chain itself.
//!
//! **Invariant:** every item answers to the checked-in artifact of its contract (`contracts/artifacts`); a test compares
//! selectors and topics.

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

pub mod l1;
#[allow(clippy::too_many_arguments, reason = "calls have the arguments of their contract")]
pub mod l2;
