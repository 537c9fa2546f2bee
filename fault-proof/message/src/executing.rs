//! The event of a transaction that relied on a message (I4).
//!
//! **Invariant:** a log of the inbox with this event is a message or an error; every other log is
//! neither, whatever is in it.

use crate::{CROSS_L2_INBOX, Identifier, Message};
use alloy_primitives::{Address, B256, Log, U256, b256};

/// `keccak256("ExecutingMessage(bytes32,(address,uint256,uint256,uint256,uint256))")`.
pub const EXECUTING_MESSAGE_EVENT: B256 =
    b256!("5c37832d2e8d10e346e55ad62071a6a2f9fa5130614ef2ec6617555c6f467ba7");

/// Why the inbox's event names no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecutingMessageError {
    /// The identifier has five words.
    #[error("identifier is {length} bytes long, not 160")]
    WrongLength {
        /// Length found.
        length: usize,
    },
    /// A field is wider than its type.
    #[error("{field} of the identifier is too wide: {word}")]
    TooWide {
        /// The field.
        field: &'static str,
        /// Its word.
        word: B256,
    },
}

impl Message {
    /// Reads the message that a log executes; `None` if it is another log.
    pub fn from_log(log: &Log) -> Result<Option<Self>, ExecutingMessageError> {
        match *log.topics() {
            [EXECUTING_MESSAGE_EVENT, payload_hash] if log.address == CROSS_L2_INBOX => {
                let identifier = read_identifier(&log.data.data)?;
                Ok(Some(Self { identifier, payload_hash }))
            }
            _ => Ok(None),
        }
    }
}

/// Five words, checked in their order.
fn read_identifier(data: &[u8]) -> Result<Identifier, ExecutingMessageError> {
    let wrong_length = ExecutingMessageError::WrongLength { length: data.len() };
    let (words, []) = data.as_chunks::<32>() else { return Err(wrong_length) };
    let [origin, block_number, log_index, timestamp, chain_id] = words else {
        return Err(wrong_length);
    };
    Ok(Identifier {
        origin: Address::new(low_bytes("origin", origin)?),
        block_number: u64::from_be_bytes(low_bytes("block number", block_number)?),
        log_index: u32::from_be_bytes(low_bytes("log index", log_index)?),
        timestamp: u64::from_be_bytes(low_bytes("timestamp", timestamp)?),
        chain_id: U256::from_be_bytes(*chain_id),
    })
}

/// The last `N` bytes of a word that has nothing else.
fn low_bytes<const N: usize>(
    field: &'static str,
    word: &[u8; 32],
) -> Result<[u8; N], ExecutingMessageError> {
    let low = word.split_last_chunk().filter(|(high, _)| high.iter().all(|byte| *byte == 0));
    let too_wide = ExecutingMessageError::TooWide { field, word: B256::new(*word) };
    low.map(|(_, low)| *low).ok_or(too_wide)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;

    #[test]
    fn the_event_is_the_hash_of_its_signature() {
        let signature = "ExecutingMessage(bytes32,(address,uint256,uint256,uint256,uint256))";
        assert_eq!(keccak256(signature), EXECUTING_MESSAGE_EVENT);
    }
}
