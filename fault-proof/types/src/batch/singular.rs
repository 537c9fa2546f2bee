//! The batch of one L2 block (D6).
//!
//! **Invariant:** a list of exactly five fields; what follows the list is not looked at, as in the
//! Go node.

use crate::{
    BlockId,
    rlp::{end, header},
};
use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, Encodable, Error, Header};

/// What the batcher says about one L2 block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SingularBatch {
    /// The block before it.
    pub parent_hash: B256,
    /// Its L1 origin.
    pub epoch: BlockId,
    /// Its timestamp, seconds.
    pub timestamp: u64,
    /// Its transactions after the deposits, each in its EIP-2718 form.
    pub transactions: Vec<Bytes>,
}

impl SingularBatch {
    /// Reads the content, without the batch type.
    pub(super) fn decode(mut bytes: &[u8]) -> Result<Self, Error> {
        let fields = &mut Header::decode_bytes(&mut bytes, true)?;
        let batch = Self {
            parent_hash: Decodable::decode(fields)?,
            epoch: BlockId { number: Decodable::decode(fields)?, hash: Decodable::decode(fields)? },
            timestamp: Decodable::decode(fields)?,
            transactions: Decodable::decode(fields)?,
        };
        end(fields).map(|()| batch)
    }

    /// Appends the content, without the batch type.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let Self { parent_hash, epoch, timestamp, transactions } = self;
        let fields: [&dyn Encodable; 5] =
            [parent_hash, &epoch.number, &epoch.hash, timestamp, transactions];
        header(fields.iter().fold(0, |sum, field| sum.saturating_add(field.length()))).encode(out);
        fields.iter().for_each(|field| field.encode(out));
    }
}
