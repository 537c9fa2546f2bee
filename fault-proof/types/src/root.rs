//! Output roots and super roots: what claims commit to (B2, I10).
//!
//! **Invariant:** one root, one encoding. Decoding takes exactly what encoding writes.

use alloc::vec::Vec;
use alloy_primitives::{B256, U256, keccak256};

/// Version byte of the only super root format.
const SUPER_VERSION: u8 = 1;

/// The state of one chain after a block, version 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputRoot {
    /// State root of the block.
    pub state_root: B256,
    /// Storage root of the L2-to-L1 message passer after the block.
    pub message_passer_root: B256,
    /// Hash of the block.
    pub block_hash: B256,
}

/// Why bytes are no output root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputRootError {
    /// The only format has a fixed length.
    #[error("output root is {length} bytes long, not 128")]
    WrongLength {
        /// Length found.
        length: usize,
    },
    /// The only version is zero.
    #[error("output root has version {version}, not 0")]
    UnknownVersion {
        /// Version found.
        version: B256,
    },
}

impl OutputRoot {
    /// `version ++ state root ++ message passer root ++ block hash`.
    pub fn encode(&self) -> Vec<u8> {
        [B256::ZERO, self.state_root, self.message_passer_root, self.block_hash].concat()
    }

    /// Reads the encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, OutputRootError> {
        let (words, []) = bytes.as_chunks::<32>() else {
            return Err(OutputRootError::WrongLength { length: bytes.len() });
        };
        let [version, state_root, message_passer_root, block_hash] = *words else {
            return Err(OutputRootError::WrongLength { length: bytes.len() });
        };
        if version != [0; 32] {
            return Err(OutputRootError::UnknownVersion { version: version.into() });
        }
        Ok(Self {
            state_root: state_root.into(),
            message_passer_root: message_passer_root.into(),
            block_hash: block_hash.into(),
        })
    }

    /// The hash that claims carry.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

/// One chain's part of a super root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainOutput {
    /// Chain id; the format has room for 256 bits.
    pub chain_id: U256,
    /// Hash of the chain's output root.
    pub output_root: B256,
}

/// The state of a set of chains at one timestamp.
///
/// [`SuperRoot::new`] makes the one honest form: each chain once, in ascending order of id.
/// Decoding keeps what it is given, as the Go node does: a claim's pre-image is judged by
/// comparison, and must encode to its own hash again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuperRoot {
    timestamp: u64,
    chains: Vec<ChainOutput>,
}

/// Why chains or bytes are no super root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SuperRootError {
    /// Nothing to decode.
    #[error("super root is empty")]
    Empty,
    /// The only version is 1.
    #[error("super root has version {version}, not 1")]
    UnknownVersion {
        /// Version found.
        version: u8,
    },
    /// The length is not 9 + 64 n with n at least 1.
    #[error("super root is {length} bytes long, not 9 + 64 for each of at least one chain")]
    WrongLength {
        /// Length found.
        length: usize,
    },
    /// A super root has at least one chain.
    #[error("super root has no chain")]
    NoChain,
    /// A chain has one output.
    #[error("chain {chain_id} appears twice in the super root")]
    RepeatedChain {
        /// The chain.
        chain_id: U256,
    },
}

impl SuperRoot {
    /// Makes the root of these chains, given in any order.
    pub fn new(timestamp: u64, mut chains: Vec<ChainOutput>) -> Result<Self, SuperRootError> {
        chains.sort_by_key(|chain| chain.chain_id);
        if chains.is_empty() {
            return Err(SuperRootError::NoChain);
        }
        for (chain, next) in chains.iter().zip(chains.iter().skip(1)) {
            if chain.chain_id == next.chain_id {
                return Err(SuperRootError::RepeatedChain { chain_id: chain.chain_id });
            }
        }
        Ok(Self { timestamp, chains })
    }

    /// Seconds at which this is the state.
    pub const fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// The chains, at least one.
    pub fn chains(&self) -> &[ChainOutput] {
        &self.chains
    }

    /// Whether each chain stands here once and in ascending order of id, as [`SuperRoot::new`]
    /// writes them.
    pub fn is_sorted(&self) -> bool {
        self.chains.is_sorted_by(|chain, next| chain.chain_id < next.chain_id)
    }

    /// `1 ++ timestamp ++ (chain id ++ output root) for each chain`.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = alloc::vec![SUPER_VERSION];
        bytes.extend(self.timestamp.to_be_bytes());
        for chain in &self.chains {
            bytes.extend(chain.chain_id.to_be_bytes::<32>());
            bytes.extend(chain.output_root);
        }
        bytes
    }

    /// Reads the encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self, SuperRootError> {
        let wrong_length = SuperRootError::WrongLength { length: bytes.len() };
        let (version, rest) = bytes.split_first().ok_or(SuperRootError::Empty)?;
        if *version != SUPER_VERSION {
            return Err(SuperRootError::UnknownVersion { version: *version });
        }
        let (timestamp, rest) = rest.split_first_chunk::<8>().ok_or(wrong_length)?;
        let (words, []) = rest.as_chunks::<32>() else { return Err(wrong_length) };
        let (pairs @ [_, ..], []) = words.as_chunks::<2>() else { return Err(wrong_length) };
        let chains: Vec<_> = pairs
            .iter()
            .map(|[chain_id, output_root]| ChainOutput {
                chain_id: U256::from_be_bytes(*chain_id),
                output_root: output_root.into(),
            })
            .collect();
        Ok(Self { timestamp: u64::from_be_bytes(*timestamp), chains })
    }

    /// The hash that claims carry.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}
