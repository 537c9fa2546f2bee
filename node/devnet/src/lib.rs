//! An L1 and OP Stack chains in one process, every block of which follows from that L1.
//!
//! Start with [`Devnet::start`]: it composes a dev L1, and per chain an engine, a driver and a batcher. Each is a
//! machine that is ticked; with a real clock each by a task of its own, with a virtual one all by the conductor.
//! [`Node`] is a chain without a devnet around it, [`genesis`] the first blocks.
//!
//! **Invariant:** the chains read L1 as any outside program would, so a follower that sees only L1 must agree with
//! them.

pub mod accounts;
mod admin;
mod batcher;
mod chain;
mod chaos;
mod cheats;
mod clock;
mod conductor;
mod devnet;
mod endpoints;
mod engine_service;
mod files;
mod foreign;
mod gate;
pub mod genesis;
mod l1;
mod machine;
mod node;
mod options;
mod state;
mod status;
mod time;

pub use chain::ChainError;
pub use chaos::{Chaos, ChaosError, Endpoint, Fault};
pub use clock::{Clock, ClockMode};
pub use conductor::Stuck;
pub use devnet::{Devnet, DevnetError};
pub use endpoints::{ChainEndpoints, Endpoints, L1Endpoints};
pub use engine_service::{
    EngineService, EngineServiceEndpoints, EngineServiceError, EngineServiceOptions,
};
pub use files::{ChainFile, ChainFiles, FilesError, read_chains};
pub use foreign::{DeployError, ForeignError};
pub use l1::{L1, L1Error, Orphans};
pub use node::{EngineChoice, Node, NodeChain, NodeEndpoints, NodeError, NodeOptions, NodeServers};
pub use options::{DevnetOptions, L1Choice, OptionsError, Ports, Servers};
pub use state::StateError;
pub use status::{ChainStatus, NodeStatus, Status};
pub use time::{Time, TimeError};
