//! Batcher: L2 blocks to batches in L1 transactions.
//!
//! Start with [`Batcher`], the loop, then [`Machine`], which decides everything.
//!
//! **Invariant:** only the machine decides what is sent and in which order; the loop around it
//! carries questions and answers.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod admin;
mod batcher;
mod block;
mod channel;
mod content;
mod handle;
mod heads;
mod machine;
mod options;
mod price;
mod rules;
mod sequencer_limits;
mod throttle;

pub use admin::serve_admin;
pub use batcher::{Batcher, BatcherOptions, SetupError, Tick};
pub use block::{BatchBlock, PlaceError};
pub use channel::{Carrier, ClosedChannel, Payload};
pub use content::BlockError;
pub use handle::{Activity, BatcherHandle, BatcherStatus, Throttling};
pub use machine::{Figures, L1Tip, Machine, MachineOptions, NodeStatus, Phase, PostingId, Restart};
pub use options::{BatchKind, ChannelOptions, DataAvailability, OptionsError, PendingOptions};
pub use price::Fees;
pub use rules::Rules;
pub use throttle::{DaLimits, ThrottleCurve, ThrottleOptions};
