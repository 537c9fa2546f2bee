//! How opal talks to other people's nodes: the JSON-RPC transport, keys, and sending transactions.
//!
//! Start with [`Rpc`]. [`Rest`] is its sibling for beacon nodes, [`Signer`] holds a key, [`Transactions`] sends
//! what batcher, proposer, challenger and relayer want on L1.
//!
//! **Invariant:** whatever an endpoint answers, nothing here panics or grows without bound, and a fault is never
//! an answer. Keys, tokens and passwords stay out of texts.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod endpoint;
mod error;
mod http;
mod jwt;
pub mod kzg;
mod pace;
mod rest;
mod rpc;
mod signer;
mod status;
mod transactions;
mod websocket;
mod wire;

pub use error::{ErrorObject, Remedy, RpcCause, RpcError, RpcSetupError};
pub use jwt::{JwtSecret, JwtSecretError};
pub use rest::{Rest, RestOptions};
pub use rpc::{Call, Rpc, RpcOptions};
pub use signer::{DEV_PHRASE, Signer, SignerError};
pub use status::{RpcCounters, RpcStatus, RpcWait};
pub use transactions::{
    Candidate, CandidateId, CellProofs, FeeLimits, Inclusion, QueueFull, TransactionError,
    TransactionEvent, TransactionOptions, Transactions,
};
