//! Execution payloads as nodes gossip them: SSZ in four versions (N2, N3).
//!
//! Start with [`PayloadEnvelope`]. The order of the fields on the wire is written down once, in
//! `PayloadEnvelope::walk`; `wire` reads, writes and measures by it.
//!
//! **Invariant:** one payload, one encoding. Decoding takes exactly what encoding writes, never
//! panics and never reserves more memory than a small multiple of its input. Nothing is judged
//! here: block hash, times and signature are the receiver's to check.

mod parts;
mod wire;

use crate::{Fork, ForkTimes};
use alloc::vec::Vec;
use alloy_consensus::{
    EMPTY_OMMER_ROOT_HASH, Header,
    proofs::{calculate_withdrawals_root, ordered_trie_root_encoded},
};
use alloy_eips::{eip4895::Withdrawal, eip7685::EMPTY_REQUESTS_HASH};
use alloy_primitives::{Address, B256, Bloom, Bytes, U256, keccak256};
use wire::{Measure, Reader, Wire, Writer};

/// Which fields there are. Each version has a topic of its own, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PayloadVersion {
    /// Before Canyon.
    V1,
    /// Canyon: withdrawals.
    V2,
    /// Ecotone: blob gas, and the parent beacon block root in front.
    V3,
    /// Isthmus: withdrawals root.
    V4,
}

/// A block as it is passed on, its transactions raw. What a version lacks is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayloadEnvelope {
    /// Hash of the parent.
    pub parent_hash: B256,
    /// Receiver of priority fees.
    pub fee_recipient: Address,
    /// State root.
    pub state_root: B256,
    /// Root of the receipts.
    pub receipts_root: B256,
    /// Bloom filter over the logs.
    pub logs_bloom: Bloom,
    /// `mixHash` of the L1 origin.
    pub prev_randao: B256,
    /// Number of the block.
    pub number: u64,
    /// Block gas limit.
    pub gas_limit: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Block timestamp, seconds.
    pub timestamp: u64,
    /// Extra data, at most 32 bytes.
    pub extra_data: Bytes,
    /// Base fee; the format has room for 256 bits.
    pub base_fee_per_gas: U256,
    /// What the sender says the block's hash is.
    pub block_hash: B256,
    /// EIP-2718 encoded transactions.
    pub transactions: Vec<Bytes>,
    /// `Some` from V2; empty on L2.
    pub withdrawals: Option<Vec<Withdrawal>>,
    /// `Some` from V3.
    pub blob_gas_used: Option<u64>,
    /// `Some` from V3.
    pub excess_blob_gas: Option<u64>,
    /// `Some` from V3; travels in front of the payload.
    pub parent_beacon_block_root: Option<B256>,
    /// `Some` from V4.
    pub withdrawals_root: Option<B256>,
}

/// Why bytes are no payload, or a payload has no encoding or header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The bytes end inside the fields of fixed length.
    #[error("payload is {length} bytes long, its fixed part alone has {fixed}")]
    TooShort {
        /// Length found.
        length: usize,
        /// Length of the fixed part.
        fixed: usize,
    },
    /// A part does not start where the one before it can end.
    #[error("a part of {length} bytes has an offset of {offset}, below {least} or beyond the end")]
    Offset {
        /// Offset found.
        offset: usize,
        /// End of the fixed part, or offset of the part before.
        least: usize,
        /// Length of what the offset points into.
        length: usize,
    },
    /// The first part starts behind the fixed part or the list of offsets.
    #[error("first offset is {offset}, not {wanted}")]
    FirstOffset {
        /// Offset found.
        offset: usize,
        /// The only one that leaves no gap.
        wanted: usize,
    },
    /// A list or text is longer than the format allows, or than an offset can tell.
    #[error("{field}: {length} is too long")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Length found.
        length: usize,
    },
    /// Withdrawals have 44 bytes each.
    #[error("withdrawals have {length} bytes, not 44 each")]
    WithdrawalsLength {
        /// Length found.
        length: usize,
    },
    /// A field of a later version without one of an earlier version.
    #[error("the fields are those of no version")]
    NoVersion,
    /// A header has room for 64 bits.
    #[error("base fee {base_fee} has no room in a header")]
    BaseFee {
        /// Base fee found.
        base_fee: U256,
    },
}

impl PayloadVersion {
    /// The version in which a block of this timestamp is passed on.
    pub fn at(forks: &ForkTimes, timestamp: u64) -> Self {
        let versions = [(Fork::Isthmus, Self::V4), (Fork::Ecotone, Self::V3)];
        let newer = versions.into_iter().find(|(fork, _)| forks.active(*fork, timestamp));
        let older = if forks.active(Fork::Canyon, timestamp) { Self::V2 } else { Self::V1 };
        newer.map_or(older, |(_, version)| version)
    }
}

impl PayloadEnvelope {
    /// The version that has exactly these fields.
    pub fn version(&self) -> Result<PayloadVersion, PayloadError> {
        let v2 = self.withdrawals.is_some();
        let v3 = [
            self.blob_gas_used.is_some(),
            self.excess_blob_gas.is_some(),
            self.parent_beacon_block_root.is_some(),
        ];
        match (v2, v3, self.withdrawals_root.is_some()) {
            (false, [false, false, false], false) => Ok(PayloadVersion::V1),
            (true, [false, false, false], false) => Ok(PayloadVersion::V2),
            (true, [true, true, true], false) => Ok(PayloadVersion::V3),
            (true, [true, true, true], true) => Ok(PayloadVersion::V4),
            _ => Err(PayloadError::NoVersion),
        }
    }

    /// The bytes behind the signature: from V3 the parent beacon block root, then the payload.
    pub fn encode(&self) -> Result<Vec<u8>, PayloadError> {
        let version = self.version()?;
        let mut writer = Writer::new(Self::measure(version)?.fixed);
        self.clone().walk(version, &mut writer)?;
        let front = self.parent_beacon_block_root.map_or(Vec::new(), |root| root.to_vec());
        Ok([front, writer.finish()].concat())
    }

    /// Reads the encoding of this version.
    pub fn decode(version: PayloadVersion, bytes: &[u8]) -> Result<Self, PayloadError> {
        let mut envelope = Self::default();
        let mut rest = bytes;
        if version >= PayloadVersion::V3 {
            let too_short =
                PayloadError::TooShort { length: bytes.len(), fixed: B256::len_bytes() };
            let (root, behind) = bytes.split_first_chunk().ok_or(too_short)?;
            envelope.parent_beacon_block_root = Some(B256::new(*root));
            rest = behind;
        }
        let mut reader = Reader::new(&Self::measure(version)?, rest)?;
        envelope.walk(version, &mut reader)?;
        Ok(envelope)
    }

    /// The hash that the sender signs, together with the chain id.
    pub fn payload_hash(&self) -> Result<B256, PayloadError> {
        self.encode().map(keccak256)
    }

    /// The payload of a block whose withdrawals are empty, as all are on L2.
    pub fn of_block(header: &Header, block_hash: B256, transactions: Vec<Bytes>) -> Self {
        // Only from Isthmus does the header's root say what the empty list does not.
        let is_isthmus = header.requests_hash.is_some();
        Self {
            parent_hash: header.parent_hash,
            fee_recipient: header.beneficiary,
            state_root: header.state_root,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom,
            prev_randao: header.mix_hash,
            number: header.number,
            gas_limit: header.gas_limit,
            gas_used: header.gas_used,
            timestamp: header.timestamp,
            extra_data: header.extra_data.clone(),
            base_fee_per_gas: U256::from(header.base_fee_per_gas.unwrap_or_default()),
            block_hash,
            transactions,
            withdrawals: header.withdrawals_root.map(|_| Vec::new()),
            blob_gas_used: header.blob_gas_used,
            excess_blob_gas: header.excess_blob_gas,
            parent_beacon_block_root: header.parent_beacon_block_root,
            withdrawals_root: header.withdrawals_root.filter(|_| is_isthmus),
        }
    }

    /// The header that follows from the payload. Its hash must be `block_hash` (N3).
    pub fn header(&self) -> Result<Header, PayloadError> {
        let version = self.version()?;
        let base_fee = self.base_fee_per_gas;
        let base_fee_per_gas = u64::try_from(base_fee);
        let listed = self.withdrawals.as_deref().map(calculate_withdrawals_root);
        Ok(Header {
            parent_hash: self.parent_hash,
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: self.fee_recipient,
            state_root: self.state_root,
            transactions_root: ordered_trie_root_encoded(&self.transactions),
            receipts_root: self.receipts_root,
            logs_bloom: self.logs_bloom,
            number: self.number,
            gas_limit: self.gas_limit,
            gas_used: self.gas_used,
            timestamp: self.timestamp,
            extra_data: self.extra_data.clone(),
            mix_hash: self.prev_randao,
            base_fee_per_gas: Some(
                base_fee_per_gas.map_err(|_| PayloadError::BaseFee { base_fee })?,
            ),
            withdrawals_root: self.withdrawals_root.or(listed),
            blob_gas_used: self.blob_gas_used,
            excess_blob_gas: self.excess_blob_gas,
            parent_beacon_block_root: self.parent_beacon_block_root,
            requests_hash: (version == PayloadVersion::V4).then_some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        })
    }

    /// How long the fixed part of a version is.
    fn measure(version: PayloadVersion) -> Result<Measure, PayloadError> {
        let mut measure = Measure::default();
        Self::default().walk(version, &mut measure)?;
        Ok(measure)
    }

    /// The payload's fields in their order on the wire.
    fn walk(&mut self, version: PayloadVersion, wire: &mut impl Wire) -> Result<(), PayloadError> {
        wire.fixed(&mut self.parent_hash.0)?;
        wire.fixed(&mut self.fee_recipient.0.0)?;
        wire.fixed(&mut self.state_root.0)?;
        wire.fixed(&mut self.receipts_root.0)?;
        wire.fixed(&mut self.logs_bloom.0.0)?;
        wire.fixed(&mut self.prev_randao.0)?;
        wire.u64(&mut self.number)?;
        wire.u64(&mut self.gas_limit)?;
        wire.u64(&mut self.gas_used)?;
        wire.u64(&mut self.timestamp)?;
        wire.part(&mut self.extra_data)?;
        wire.u256(&mut self.base_fee_per_gas)?;
        wire.fixed(&mut self.block_hash.0)?;
        wire.part(&mut self.transactions)?;
        if version >= PayloadVersion::V2 {
            wire.part(self.withdrawals.get_or_insert_default())?;
        }
        if version >= PayloadVersion::V3 {
            wire.u64(self.blob_gas_used.get_or_insert_default())?;
            wire.u64(self.excess_blob_gas.get_or_insert_default())?;
        }
        if version >= PayloadVersion::V4 {
            wire.fixed(&mut self.withdrawals_root.get_or_insert_default().0)?;
        }
        Ok(())
    }
}
