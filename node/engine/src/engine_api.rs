//! The Engine API over HTTP: server and client.
//!
//! The server's methods are listed in `server`; [`RemoteEngine`] is the client. `versions` knows which version of
//! a method is for which fork, `payload` how blocks look on the wire, `auth` who may call.
//!
//! **Invariant:** an L2 payload from Isthmus on always carries its withdrawals root.

mod auth;
mod client;
mod payload;
mod server;
mod versions;

pub(crate) use auth::AuthLayer;
pub use client::{RemoteEngine, RemoteEngineOptions};
pub(crate) use server::methods;
