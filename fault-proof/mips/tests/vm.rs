//! The VM from outside: against the vectors of the Go peer, against itself, against hostile files.
//!
//! **Invariant:** seeded, without network; a vectors folder that is absent is reported, one that is there is used whole.

#![allow(clippy::unwrap_used, reason = "a test may fail where its input is wrong")]

#[path = "vm/common.rs"]
mod common;
#[path = "vm/hostile.rs"]
mod hostile;
#[path = "vm/properties.rs"]
mod properties;
#[path = "vm/vectors.rs"]
mod vectors;
