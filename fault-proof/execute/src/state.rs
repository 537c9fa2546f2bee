//! What execution asks of the state before a block, and what it hands back after one.
//!
//! Start with [`StateRead`]. The implementation over trie nodes is [`crate::TrieState`].
//!
//! **Invariant:** until the changes of a block are applied, every answer is about the state before it.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, U256};

/// Something the state source was asked for, named by its keccak hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// RLP of a trie node.
    Node(B256),
    /// Contract code.
    Code(B256),
    /// RLP of a block header, an ancestor that BLOCKHASH asked for.
    Header(B256),
    /// Answer of a precompile: keccak of the call as the oracle counts it (F2).
    Precompile(B256),
}

impl Key {
    /// The hash that names the bytes.
    pub const fn hash(&self) -> &B256 {
        match self {
            Self::Node(hash) | Self::Code(hash) | Self::Header(hash) | Self::Precompile(hash) => {
                hash
            }
        }
    }
}

impl core::fmt::Display for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let kind = match self {
            Self::Node(_) => "trie node",
            Self::Code(_) => "code",
            Self::Header(_) => "header",
            Self::Precompile(_) => "precompile answer",
        };
        write!(f, "{kind} {}", self.hash())
    }
}

/// Why a look-up failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The source does not have it.
    #[error("{0} is absent")]
    Absent(Key),
    /// The bytes have the right hash but are not what the name promises.
    #[error("{0} is malformed")]
    Malformed(Key),
    /// A block that the source cannot reach was asked for.
    #[error("block {0} is out of reach")]
    UnknownBlock(u64),
}

impl revm::database_interface::DBErrorMarker for StateError {}

/// An account without its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// keccak of the code; of nothing when there is none.
    pub code_hash: B256,
}

/// What a block did to one account. Only accounts and slots that really differ are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountChange {
    /// Whose account.
    pub address: Address,
    /// The account after the block; `None` = it does not exist any more.
    pub account: Option<Account>,
    /// Code created by the block.
    pub code: Option<Bytes>,
    /// All storage from before the block is gone (destroyed before Ecotone).
    pub storage_cleared: bool,
    /// Slots with their values after the block, in ascending order; zero = deleted.
    pub slots: Vec<(U256, U256)>,
}

/// Reads the state before a block.
pub trait StateRead {
    /// The account, or `None` where there is none.
    fn account(&mut self, address: Address) -> Result<Option<Account>, StateError>;

    /// The value of a storage slot; zero where there is none.
    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, StateError>;

    /// Code by its hash, which is never that of empty code.
    fn code(&mut self, code_hash: B256) -> Result<Bytes, StateError>;

    /// Hash of one of the 256 blocks before the one being executed.
    fn block_hash(&mut self, number: u64) -> Result<B256, StateError>;

    /// Applies `changes` and gives the state root after them. Called once, at the end.
    fn state_root(&mut self, changes: &[AccountChange]) -> Result<B256, StateError>;

    /// The storage root of an account, after the changes if they were applied.
    fn storage_root(&mut self, address: Address) -> Result<B256, StateError>;
}
