//! The whole batcher against nodes that speak JSON-RPC: an L1 with a pool, an L2 of real blocks,
//! and a rollup node that reads the inbox.
//!
//! **Invariant:** time is a number that the test turns; nothing sleeps.

#![allow(clippy::unwrap_used, reason = "a test may fail where its input is wrong")]

#[path = "service/bench.rs"]
mod bench;
#[path = "service/inbox.rs"]
mod inbox;
#[path = "service/nodes.rs"]
mod nodes;
#[path = "service/scenes.rs"]
mod scenes;
