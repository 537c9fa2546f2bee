//! What a server is started with.
//!
//! **Invariant:** every limit is finite.

use super::DevHooks;
use crate::faults::Faults;
use alloy_primitives::{Address, B256, Signature};
use opal_client::JwtSecret;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

/// What [`super::serve`] takes.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where http and ws are served; port 0 takes a free one.
    pub http: SocketAddr,
    /// The Engine API, if it is served.
    pub auth: Option<AuthOptions>,
    /// Which web pages may call.
    pub cors: Cors,
    /// Bounds.
    pub limits: Limits,
    /// Faults in front of the public port.
    pub faults: Option<Faults>,
    /// Accounts that this node signs for.
    pub unlocked: Unlocked,
    /// Helpers for developers.
    pub hooks: DevHooks,
}

/// Where the Engine API is served, and for whom.
#[derive(Clone, Debug)]
pub struct AuthOptions {
    /// Port 0 takes a free one.
    pub address: SocketAddr,
    /// Shared with the callers.
    pub secret: JwtSecret,
}

/// Web pages that a browser lets call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cors {
    /// Those served by this machine.
    Localhost,
    /// All.
    Any,
}

/// Bounds of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at a time.
    pub connections: u32,
    /// Calls in one batch.
    pub batch: u32,
    /// Bytes of a request.
    pub request_bytes: u32,
    /// Bytes of an answer.
    pub response_bytes: u32,
    /// Subscriptions of one connection.
    pub subscriptions: u32,
    /// Calls that run the EVM at a time.
    pub runs: usize,
    /// Gas of a call, whatever it asks for.
    pub call_gas: u64,
    /// Blocks that one question about logs may span.
    pub log_blocks: u64,
    /// Logs in one answer.
    pub logs: usize,
    /// Filters at a time.
    pub filters: usize,
    /// A filter that nobody asks about is forgotten after this time.
    pub filter_idle_s: u64,
    /// Blocks in one fee history.
    pub fee_history: u64,
    /// Bytes of memory and steps that one trace may record, counted in steps.
    pub trace_steps: usize,
}

impl Limits {
    /// What fits a developer's machine and hostile clients alike.
    pub const STANDARD: Self = Self {
        connections: 512,
        batch: 1_000,
        request_bytes: 16 << 20,
        response_bytes: 160 << 20,
        subscriptions: 256,
        runs: 4,
        call_gas: 50_000_000,
        log_blocks: 100_000,
        logs: 20_000,
        filters: 1_024,
        filter_idle_s: 300,
        fee_history: 1_024,
        trace_steps: 2_000_000,
    };
}

/// Signs a hash for one of the unlocked accounts.
pub type SignHash = Arc<dyn Fn(Address, B256) -> Option<Signature> + Send + Sync>;

/// Accounts that the node signs for, as development networks do.
#[derive(Clone, Default)]
pub struct Unlocked {
    /// Their addresses.
    pub addresses: Vec<Address>,
    /// Signs for them.
    pub sign: Option<SignHash>,
}

impl fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unlocked").field(&self.addresses).finish()
    }
}
