//! L1, L2 and beacon endpoints as answers to requests.
//!
//! Start with [`Sources::answer`], which answers everything that derivation asks; [`Sources::l1_head`] and the reads of
//! L2 are beside it.
//!
//! **Invariant:** what has a hash is checked against it before anybody sees it. An endpoint that lacks something is
//! waited for, one that gives something else is named; neither is an answer.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod beacon;
mod block;
mod cache;
mod error;
mod header;
mod l1;
mod l2;
mod prefetch;
mod receipt;
mod sources;
mod transaction;

pub use beacon::{Addressing, BeaconOptions};
pub use cache::CacheCounters;
pub use error::{Fault, SourceError, SourceRemedy};
pub use l1::Label;
pub use sources::{SourceCounters, Sources, SourcesOptions};
