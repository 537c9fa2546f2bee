//! The driver with an engine in memory, on an L1 that is served over HTTP.
//!
//! **Invariant:** time is what the tests say; waiting is bounded by ticks, never by the clock.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "driver/batches.rs"]
mod batches;
#[path = "driver/l1.rs"]
mod l1;
#[path = "driver/node.rs"]
mod node;
#[path = "driver/recorded.rs"]
mod recorded;
#[path = "driver/restart.rs"]
mod restart;
#[path = "driver/rollup_rpc.rs"]
mod rollup_rpc;
#[path = "driver/sequencing.rs"]
mod sequencing;
#[path = "driver/traps.rs"]
mod traps;
