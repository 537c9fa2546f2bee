//! Payload attributes: everything derivation decides about a block before it is executed (D15,
//! E13).

use crate::{BaseFeeParams, rlp::rlp_list};
use alloc::vec::Vec;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes};

/// What the next block must contain. Transactions are raw EIP-2718 bytes: decoding them is part of
/// the verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Block timestamp, seconds.
    pub timestamp: u64,
    /// `mixHash` of the L1 origin.
    pub prev_randao: B256,
    /// Receiver of priority fees.
    pub fee_recipient: Address,
    /// `Some` from Canyon; empty on L2.
    pub withdrawals: Option<Vec<Withdrawal>>,
    /// `Some` from Ecotone.
    pub parent_beacon_block_root: Option<B256>,
    /// EIP-2718 encoded transactions, deposits first.
    pub transactions: Vec<Bytes>,
    /// Block gas limit.
    pub gas_limit: u64,
    /// `Some` from Holocene; zeros = the chain's constants, written out in the header (E5).
    pub eip1559: Option<BaseFeeParams>,
    /// `Some` from Jovian, wei (E5).
    pub min_base_fee: Option<u64>,
}

impl Attributes {
    /// The canonical encoding.
    pub fn to_rlp(&self) -> Vec<u8> {
        alloy_rlp::encode(self)
    }

    /// Reads exactly the canonical encoding.
    pub fn from_rlp(bytes: &[u8]) -> Result<Self, alloy_rlp::Error> {
        alloy_rlp::decode_exact(bytes)
    }
}

rlp_list!(Attributes {
    timestamp,
    prev_randao,
    fee_recipient,
    withdrawals,
    parent_beacon_block_root,
    transactions,
    gas_limit,
    eip1559,
    min_base_fee,
});
