//! Whole devnets on a virtual clock: sequencing, batches, derivation, followers, faults.
//!
//! **Invariant:** a follower that sees only L1 agrees with the sequencer on every safe block.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod chaos;
mod follows;
mod long_run;
mod world;
