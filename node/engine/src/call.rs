//! The EVM for questions: calls, estimates, traces and simulations on a state that exists.
//!
//! Start with [`Environment`], then [`run`] or [`watch`]. Both chains go through here: the L1 with revm as it
//! is, an OP Stack chain with op-revm and opal's own precompiles, as blocks are executed.
//!
//! **Invariant:** nothing here reaches the store. What a call changes stays in its [`CallDb`].

mod database;
mod environment;
mod evm;
mod fault;
mod overrides;
mod precompiles;
mod replay;

pub(crate) use database::{CallDb, ViewDb};
pub(crate) use environment::{Environment, Kind};
pub(crate) use evm::{CallTx, Checks, Outcome, Setting, run, watch};
pub(crate) use fault::{CallFault, Refusal, halt_text};
pub(crate) use overrides::{override_block, override_state};
pub(crate) use precompiles::{Moves, addresses};
pub(crate) use replay::{Replay, system_calls};
