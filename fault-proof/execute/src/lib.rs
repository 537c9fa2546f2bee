//! Block execution: attributes + parent + state -> block.
//!
//! Start with [`execute`]. It reads state through [`StateRead`], which [`TrieState`] answers from trie nodes
//! by hash, and asks a [`Crypto`] back end for signatures and the expensive precompiles.
//!
//! **Invariant:** no I/O, no clock, no randomness: the same inputs give the same block everywhere.

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::std_instead_of_core,
        clippy::too_many_lines
    )
)]

extern crate alloc;

mod block;
mod crypto;
mod error;
mod fees;
mod header;
mod overlay;
mod precompiles;
pub mod predeploys;
mod receipt;
mod rules;
mod state;
mod transaction;
mod trie;
mod trie_state;

pub use block::{
    Block, CREATE2_DEPLOYER_CODE, Executed, Outcome, execute, execute_or_deposits_only,
};
pub use crypto::{Call, Crypto, Function, RevmCrypto, Signature};
pub use error::{Error, Invalid, ParentFault, TransactionFault};
pub use fees::{FastLz, L1Fees, OperatorFee, da_size, estimated_size};
pub use header::next_base_fee;
pub use overlay::Overlay;
pub use precompiles::{Precompiles, precompile_addresses};
pub use receipt::Receipt;
pub use rules::Rules;
pub use state::{Account, AccountChange, Key, StateError, StateRead};
pub use trie::{EMPTY_ROOT, NoNodes, Nodes, Trie, ordered_root, ordered_root_into};
pub use trie_state::{Preimages, TrieState};
