//! Why a devnet cannot start.
//!
//! **Invariant:** says whether the asker or the machine is at fault.

use crate::{
    chain::ChainError,
    foreign::ForeignError,
    genesis::{ExportError, GenesisError},
    l1::L1Error,
    options::OptionsError,
    state::StateError,
};
use opal_client::RpcSetupError;
use opal_engine::{L1RulesError, OpenError, beacon::BeaconError, rpc::ServeError};
use opal_submit::SetupError;
use opal_types::read::ReadError;
use std::{io, net::SocketAddr};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// They do not fit together.
    #[error(transparent)]
    Options(#[from] OptionsError),
    /// The folder of `--state`.
    #[error(transparent)]
    State(#[from] StateError),
    /// The first blocks.
    #[error("genesis: {0}")]
    Genesis(#[from] GenesisError),
    /// Opal cannot read what it wrote: a fault in opal.
    #[error("genesis files: {0}")]
    Files(#[from] ReadError),
    /// The same for the L1.
    #[error("genesis files: {0}")]
    L1Rules(#[from] L1RulesError),
    /// Another program's L1.
    #[error(transparent)]
    Foreign(#[from] ForeignError),
    /// A store.
    #[error("{part}: {error}")]
    Open {
        /// Whose.
        part: String,
        /// What happened.
        error: OpenError,
    },
    /// L1 cannot go on.
    #[error(transparent)]
    L1(#[from] L1Error),
    /// A chain.
    #[error("chain {chain_id}: {error}")]
    Chain {
        /// Which one.
        chain_id: u64,
        /// What happened.
        error: ChainError,
    },
    /// L1's JSON-RPC.
    #[error("L1 JSON-RPC: {0}")]
    Serve(#[from] ServeError),
    /// The beacon API.
    #[error("beacon API: {0}")]
    Beacon(#[from] BeaconError),
    /// A port.
    #[error("{server} cannot listen on {address}: {error}")]
    Listen {
        /// Whose.
        server: &'static str,
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// A batcher.
    #[error("batcher: {0}")]
    Batcher(#[from] SetupError),
    /// A URL.
    #[error(transparent)]
    Rpc(#[from] RpcSetupError),
    /// A URL.
    #[error("`{url}` is no URL: {error}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        error: url::ParseError,
    },
    /// The folder of `--export`.
    #[error(transparent)]
    GenesisFiles(#[from] ExportError),
    /// The same.
    #[error("{path}: {error}")]
    Export {
        /// Which file.
        path: String,
        /// What happened.
        error: io::Error,
    },
}

impl DevnetError {
    /// Whether other options are the remedy.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Options(_) | Self::State(StateError::Other { .. }) | Self::Url { .. })
    }
}
