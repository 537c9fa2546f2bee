//! What the batcher makes is read by derivation: on an L1 and an L2 that are made up for the test.
//!
//! **Invariant:** seeded; whatever is lost, taken back or started again, derivation gives exactly
//! the sequencer's blocks.

#![allow(clippy::unwrap_used, reason = "a test may fail where its input is wrong")]

#[path = "batches/chains.rs"]
mod chains;
#[path = "batches/histories.rs"]
mod histories;
#[path = "batches/limits.rs"]
mod limits;
#[path = "batches/machine.rs"]
mod machine;
#[path = "batches/made_up.rs"]
mod made_up;
#[path = "batches/network.rs"]
mod network;
#[path = "batches/transactions.rs"]
mod transactions;
