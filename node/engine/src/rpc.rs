//! JSON-RPC: `eth`, `net`, `web3`, `txpool`, `debug` and helpers for developers, over http and ws.
//!
//! Start with [`serve`]. Each namespace is a module with a table of its methods; `Api` is what they share.
//!
//! **Invariant:** every list, body, batch and range that a client names has a bound ([`Limits`]). Answers have
//! geth's shape, errors geth's codes and words.

mod api;
mod arguments;
mod cursor;
mod debug;
mod dev;
mod error;
mod eth;
mod filters;
mod logs;
mod net;
mod options;
mod server;
pub(crate) mod shape;
mod simulate;
mod subscriptions;
mod txpool;

pub(crate) use api::Api;
pub(crate) use arguments::{Anything, Table};
pub use dev::{DevHooks, Hook, MineRequest};
pub use error::RpcError;
pub use options::{AuthOptions, Cors, Limits, ServeOptions, SignHash, Unlocked};
pub use server::{ServeError, ServerHandle, serve};
