//! Messages as a transaction announces them: entries of its access list under the inbox (I3).
//!
//! A message is a lookup entry, for a chain id above 64 bits a second one, and the checksum. Start
//! with [`read_access_list`]; [`Access::entries`] is the way back.
//!
//! **Invariant:** only the checksum is enforced on chain, by the warmth of its slot. So the other
//! entries prove nothing: whoever admits a transaction looks the message up and compares.

use crate::{CROSS_L2_INBOX, Checksum, Message};
use alloc::vec::Vec;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{B256, U256};
use core::fmt;

/// Width of the part of a chain id that the lookup entry has.
const LOW_CHAIN_ID_BITS: usize = 64;

// Where the fields of a lookup entry end, counted from its last bit; the log index is the last.
const TIMESTAMP_BIT: usize = 32;
const BLOCK_BIT: usize = 96;
const CHAIN_ID_BIT: usize = 160;

/// The first byte of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// `1 ++ 0(3) ++ chain id(8) ++ block(8) ++ timestamp(8) ++ log index(4)`.
    Lookup = 1,
    /// `2 ++ 0(7) ++ chain id(24)`: what the lookup has no room for.
    ChainId = 2,
    /// `3 ++ hash(31)`.
    Checksum = 3,
}

/// One announced message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Number of the block that the log is in.
    pub block_number: u64,
    /// Timestamp of that block.
    pub timestamp: u64,
    /// Place of the log among all of the block.
    pub log_index: u32,
    /// The log's chain.
    pub chain_id: U256,
    /// Hash of all of this and of the log.
    pub checksum: Checksum,
}

/// Why entries announce no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The entries end inside a message.
    #[error("entries end where a {expected} entry should be")]
    Ended {
        /// What should follow.
        expected: EntryKind,
    },
    /// Entries of a message have one order.
    #[error("entry has type {found}, not that of a {expected} entry")]
    WrongKind {
        /// What should be here.
        expected: EntryKind,
        /// First byte found.
        found: u8,
    },
    /// The bytes between type and value are zero.
    #[error("{kind} entry is padded with other bytes than zeros: {entry}")]
    Padding {
        /// What the entry is.
        kind: EntryKind,
        /// The entry.
        entry: B256,
    },
}

/// All messages that a transaction announces. Tuples of other contracts are passed over; a message
/// may be split over several tuples of the inbox.
pub fn read_access_list(list: &AccessList) -> Result<Vec<Access>, AccessError> {
    let ours = list.0.iter().filter(|item| item.address == CROSS_L2_INBOX);
    let entries: Vec<B256> = ours.flat_map(|item| &item.storage_keys).copied().collect();
    let mut rest = entries.as_slice();
    let mut accesses = Vec::new();
    while !rest.is_empty() {
        accesses.push(Access::take(&mut rest)?);
    }
    Ok(accesses)
}

impl Access {
    /// Takes the next message off the front; on an error nothing is taken.
    pub fn take(entries: &mut &[B256]) -> Result<Self, AccessError> {
        let mut rest = *entries;
        let lookup = take_entry(&mut rest, EntryKind::Lookup)?;
        let [_, 0, 0, 0, ..] = lookup.0 else {
            return Err(AccessError::Padding { kind: EntryKind::Lookup, entry: lookup });
        };
        let high = take_high_chain_id(&mut rest)?;
        let checksum = Checksum(take_entry(&mut rest, EntryKind::Checksum)?);
        *entries = rest;
        let from_bit = |bit: usize| U256::from_be_bytes(lookup.0).wrapping_shr(bit);
        Ok(Self {
            block_number: from_bit(BLOCK_BIT).wrapping_to(),
            timestamp: from_bit(TIMESTAMP_BIT).wrapping_to(),
            log_index: from_bit(0).wrapping_to(),
            chain_id: high | U256::from(from_bit(CHAIN_ID_BIT).wrapping_to::<u64>()),
            checksum,
        })
    }

    /// The entries that announce it: two, or three for a chain id above 64 bits.
    pub fn entries(&self) -> Vec<B256> {
        let low = self.chain_id.wrapping_to::<u64>();
        let mut lookup = alloc::vec![EntryKind::Lookup.byte(), 0, 0, 0];
        lookup.extend(low.to_be_bytes());
        lookup.extend(self.block_number.to_be_bytes());
        lookup.extend(self.timestamp.to_be_bytes());
        lookup.extend(self.log_index.to_be_bytes());
        let mut entries = alloc::vec![B256::from_slice(&lookup)];
        let high = self.chain_id.wrapping_shr(LOW_CHAIN_ID_BITS);
        if !high.is_zero() {
            let mut entry = B256::from(high);
            if let Some(first) = entry.0.first_mut() {
                *first = EntryKind::ChainId.byte();
            }
            entries.push(entry);
        }
        entries.push(self.checksum.word());
        entries
    }
}

impl From<&Message> for Access {
    fn from(message: &Message) -> Self {
        let at = message.identifier;
        Self {
            block_number: at.block_number,
            timestamp: at.timestamp,
            log_index: at.log_index,
            chain_id: at.chain_id,
            checksum: message.checksum(),
        }
    }
}

/// The next entry, which must be of this kind.
fn take_entry(rest: &mut &[B256], expected: EntryKind) -> Result<B256, AccessError> {
    let (entry, behind) = rest.split_first().ok_or(AccessError::Ended { expected })?;
    let [found, ..] = entry.0;
    if found != expected.byte() {
        return Err(AccessError::WrongKind { expected, found });
    }
    *rest = behind;
    Ok(*entry)
}

/// The upper 24 bytes of the chain id, in their place. Zero where the entry is left out.
fn take_high_chain_id(rest: &mut &[B256]) -> Result<U256, AccessError> {
    let kind = EntryKind::ChainId;
    let Ok(entry) = take_entry(rest, kind) else { return Ok(U256::ZERO) };
    let [_, 0, 0, 0, 0, 0, 0, 0, ..] = entry.0 else {
        return Err(AccessError::Padding { kind, entry });
    };
    // The shift takes type and padding out at the top.
    Ok(U256::from_be_bytes(entry.0).wrapping_shl(LOW_CHAIN_ID_BITS))
}

impl EntryKind {
    /// The first byte of its entries.
    pub const fn byte(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for EntryKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lookup => "lookup",
            Self::ChainId => "chain id",
            Self::Checksum => "checksum",
        })
    }
}
