//! The official Go stack joins opal's devnet, unmodified: each pair of programs is a test.
//!
//! Start with `scene.rs`; `follow.rs`, `batch.rs`, `engine.rs` and `sequence.rs` each give the Go side another role.
//!
//! **Invariant:** the programs share nothing but L1, an Engine API or a rollup RPC: what they agree on was derived twice.

mod batch;
mod differ;
mod engine;
mod follow;
mod join;
mod scene;
mod sequence;
