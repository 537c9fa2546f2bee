//! The recorded L2 blocks, executed into an archive: what a host serves about a chain without deriving it.
//!
//! Start with [`archive_recorded`].
//!
//! **Invariant:** each block executes to its recorded hash, or the recording is refused.

use crate::{Archive, ArchiveError, RecordedBlock, Recording, ReplayError, ReplayOptions, replay};
use alloy_primitives::B256;
use opal_execute::{Error, RevmCrypto};
use opal_types::{Attributes, ChainConfig, ExtraData};

/// Why the recorded chain has no states.
#[derive(Debug, thiserror::Error)]
pub enum RecordedChainError {
    /// The chain cannot begin.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// No blocks are recorded, and they cannot be derived.
    #[error(transparent)]
    Replay(Box<ReplayError>),
    /// A recorded block is none of this chain.
    #[error("recorded L2 block {number} cannot be executed: {error}")]
    Execution {
        /// Height of the block.
        number: u64,
        /// Why.
        error: Error,
    },
    /// A recorded block is not what its transactions give.
    #[error("recorded L2 block {number} is {recorded}, executed it is {executed}")]
    OtherBlock {
        /// Height of the block.
        number: u64,
        /// Its recorded hash.
        recorded: B256,
        /// Hash of the executed block.
        executed: B256,
    },
}

/// Executes the recorded blocks; derives them where none are recorded.
pub fn archive_recorded(recording: &Recording) -> Result<Archive, RecordedChainError> {
    if recording.l2.is_empty() {
        let options = ReplayOptions { explain: false, finality_depth: u64::MAX };
        let replayed = replay(recording, options, &mut |_| {});
        return Ok(replayed.map_err(|error| RecordedChainError::Replay(error.into()))?.archive);
    }
    let mut archive = Archive::new(recording.config.clone(), &recording.genesis)?;
    let first = archive.head().number;
    for (number, block) in recording.l2.range(first.saturating_add(1)..) {
        let number = *number;
        let attributes = attributes(&recording.config, block);
        let executed = archive
            .execute(&attributes, &mut RevmCrypto)
            .map_err(|error| RecordedChainError::Execution { number, error })?;
        let (recorded, executed) = (block.header.hash(), executed.header.hash());
        if recorded != executed {
            return Err(RecordedChainError::OtherBlock { number, recorded, executed });
        }
    }
    Ok(archive)
}

/// The attributes that make this block.
fn attributes(config: &ChainConfig, block: &RecordedBlock) -> Attributes {
    let header = &block.header;
    let extra = ExtraData::decode(&config.forks, header.timestamp, &header.extra_data);
    let extra = extra.ok().flatten();
    Attributes {
        timestamp: header.timestamp,
        prev_randao: header.mix_hash,
        fee_recipient: header.beneficiary,
        withdrawals: header.withdrawals_root.map(|_| Vec::new()),
        parent_beacon_block_root: header.parent_beacon_block_root,
        transactions: block.transactions.clone(),
        gas_limit: header.gas_limit,
        eip1559: extra.map(|it| it.params),
        min_base_fee: extra.and_then(|it| it.min_base_fee),
    }
}
