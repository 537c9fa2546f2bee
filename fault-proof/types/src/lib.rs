//! What OP Stack chains are made of: forks, chain configs, payload attributes and roots.
//!
//! Start with [`Fork`], then [`ChainConfig`] and [`Attributes`].
//!
//! **Invariant:** plain data and codecs only. Nothing here reads state, executes or does I/O.

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
// The parsers behind the feature want it; the core proper does not.
#[cfg(feature = "serde")]
extern crate std;

mod attributes;
mod base_fee;
mod config;
mod deposit;
mod fork;
#[cfg(feature = "serde")]
pub mod read;
mod rlp;
mod root;

pub use attributes::Attributes;
pub use base_fee::{BaseFeeError, ExtraData};
pub use config::{
    AltDa, AltDaCommitment, BaseFeeParams, BlockId, ChainConfig, Genesis, SystemConfig,
};
pub use deposit::{DEPOSIT_EVENT, DepositLogError, DepositSource, alias, deposit_from_log};
pub use fork::{Fork, ForkTimes};
pub use root::{ChainOutput, OutputRoot, OutputRootError, SuperRoot, SuperRootError};
