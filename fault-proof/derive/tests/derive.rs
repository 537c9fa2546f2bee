//! Derivation from outside: on an L1 and an L2 that are made up for the test.
//!
//! **Invariant:** seeded; the worlds are pure data, and every fact is what a real source would say of them.

#![allow(clippy::unwrap_used, reason = "a test may fail where its input is wrong")]

#[path = "derive/batcher.rs"]
mod batcher;
#[path = "derive/bugs.rs"]
mod bugs;
#[path = "derive/histories.rs"]
mod histories;
#[path = "derive/world.rs"]
mod world;
