//! What the tests and benchmarks of all crates share: the conformance vectors, peers, and the account of what ran.
//!
//! Start with [`Vectors`].
//!
//! **Invariant:** no crate of the product depends on this one except for its tests, and it depends
//! on none of them.

mod conformance;
mod guest;
pub mod measure;
pub mod peer;
mod report;
mod steps;
mod vectors;

pub use conformance::{Conformance, Set};
pub use guest::guest_image;
pub use report::{ran, skipped};
pub use steps::StepsTable;
pub use vectors::{Vectors, files_below, vectors_root, workspace_root};
