//! Drives one OP Stack chain: derivation, sequencing, safety labels and the rollup RPC.
//!
//! Start with [`Driver::tick`]: a bounded piece of work at a given time, so that a task on the real clock and a
//! conductor on a virtual one drive it alike. [`DriverHandle`] is what others hold of it; [`serve_rollup_rpc`]
//! serves that. The machines inside are [`sync::SyncMachine`] and [`sequencer::Sequencer`].
//!
//! **Invariant:** blocks become safe by derivation alone. What is missing is waited for; a fault is shown and
//! leaves everything readable.

mod driver;
mod handle;
mod l1_view;
mod labels;
mod options;
mod rollup_config;
mod rpc;
mod safe_db;
pub mod sequencer;
mod status;
pub mod sync;

pub use driver::{Driver, DriverError, Tick};
pub use handle::{CommandError, DriverHandle, ReadError, Snapshot};
pub use l1_view::L1View;
pub use labels::{LabelHashes, Labels};
pub use options::{DriverOptions, FinalitySource, SequencerOptions};
pub use rollup_config::{rollup_config_json, system_config_json};
pub use rpc::{RollupRpc, RollupRpcError, rollup_methods, serve_rollup_rpc};
pub use safe_db::{SafeDb, SafeDbError, SafeDbLocation, SafeEntry};
pub use status::{BlockIdJson, L1BlockRef, L2BlockRef, OutputAtBlock, SafeHeadAtL1, SyncStatus};
