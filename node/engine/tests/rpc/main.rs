//! The servers from outside: over real sockets on free ports, against engines in memory.
//!
//! **Invariant:** no test waits on a clock; each waits for an answer or an event, with a bound.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod beacon;
mod blobs;
mod blocks;
mod calls;
mod client;
mod engine_api;
mod filters;
#[path = "../engine/keys.rs"]
mod keys;
mod limits;
mod op_geth;
mod proofs;
mod sending;
mod simulate;
mod traces;
#[path = "../engine/world.rs"]
#[allow(dead_code, reason = "made for the tests of the engine, which use all of it")]
mod world;
