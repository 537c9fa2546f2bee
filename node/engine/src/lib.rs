//! The execution engine: store, state, mempool, payload building, and the servers in front of them.
//!
//! Start with [`Engine`]: [`Engine::open`], then [`Engine::insert`] and [`Engine::forkchoice`] for
//! blocks that others made, [`Engine::build`] and [`Engine::payload`] for new ones. It runs an OP
//! Stack chain or an L1 ([`Rules`]). [`EngineHandle`] is the same behind async methods, here or
//! behind an HTTP Engine API.
//!
//! **Invariant:** a block that was called valid was executed here, and whatever its state needs can
//! be read before it is called so. No clock is read: blocks bring their own time.

pub mod beacon;
mod block;
mod call;
mod engine;
pub mod engine_api;
mod error;
mod event;
pub mod faults;
mod genesis;
mod handle;
mod heads;
mod l1;
mod l2;
mod live;
mod made;
mod options;
mod pool;
mod proof;
mod receipt;
pub mod rpc;
mod store;
mod transaction;
mod view;

pub use block::{Block, BlockData, TransactionLocation};
pub use engine::Engine;
pub use error::{EngineError, OpenError, StoreError};
pub use event::ChainEvent;
pub use genesis::genesis_header;
pub use handle::{EngineHandle, HandleError, L2BlockBody, Label};
pub use heads::{
    BuildAttributes, BuiltBlock, Forkchoice, ForkchoiceStatus, Heads, InsertStatus, PayloadId,
};
pub use l1::{BlobSchedule, L1Rules, L1RulesError};
pub use options::{EngineOptions, Rules, StoreLocation};
pub use pool::{
    DaLimits, Pool, PoolContent, PoolError, PoolLimits, PoolStatus, PoolTransaction, StoredBlob,
};
pub use proof::{AccountProof, StorageProof};
pub use receipt::StoredReceipt;
pub use view::StateView;
