//! Blocks of an L1: Ethereum's rules since the merge, up to Osaka and its blob-parameter forks.
//!
//! Start with [`execute`]; [`L1Rules`] says which rules when.
//!
//! **Invariant:** the header is a function of rules, parent, attributes, transactions and state.
//! Where geth and the specification differ in strictness, geth decides.

mod block;
mod header;
mod requests;
mod rules;

pub(crate) use block::{Error, Invalid, block_environment, execute};
pub(crate) use header::{L1Attributes, check, gas_limit, next_base_fee, prices};
pub(crate) use rules::L1Fork;
pub use rules::{BlobSchedule, L1Rules, L1RulesError};
