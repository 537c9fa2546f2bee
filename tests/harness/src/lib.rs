//! What the tests and benchmarks of all crates share: the conformance vectors, peers, and the account of what ran.
//!
//! Start with [`Vectors`].
//!
//! **Invariant:** no crate of the product depends on this one except for its tests, and it depends
//! on none of them.

pub mod clients;
mod conformance;
pub mod devnet;
pub mod go_stack;
mod guest;
pub mod measure;
pub mod peer;
pub mod process;
mod report;
pub mod rpc;
mod steps;
mod vectors;
pub mod wallet;

pub use conformance::{Conformance, Set};
pub use guest::guest_image;
pub use report::{ran, skipped};
pub use steps::StepsTable;
pub use vectors::{Vectors, files_below, vectors_root, workspace_root};
