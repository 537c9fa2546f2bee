//! The engine from outside, on real chains and on small ones made here.
//!
//! **Invariant:** no test waits on a clock or opens a socket; every one is a function of its
//! inputs.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod building;
mod handle;
mod keys;
mod l1;
mod pool;
mod proofs;
mod recorded;
mod recordings;
mod reorgs;
mod store;
mod world;
