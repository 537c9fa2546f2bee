//! The parts of a payload that have any length: extra data, transactions, withdrawals.
//!
//! **Invariant:** the limits are those of the consensus specification, in both directions.

use super::{
    PayloadError,
    wire::{Measure, Part, Reader, Wire, Writer, cut, offset_bytes, read_offset},
};
use alloc::vec::Vec;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::Bytes;

/// `MAX_EXTRA_DATA_BYTES`.
const MAX_EXTRA_DATA: usize = 32;
/// `MAX_TRANSACTIONS_PER_PAYLOAD`.
const MAX_TRANSACTIONS: usize = 1 << 20;
/// `MAX_WITHDRAWALS_PER_PAYLOAD`.
const MAX_WITHDRAWALS: usize = 16;
/// Bytes of an offset in the list of transactions.
const OFFSET: usize = 4;
/// Bytes of a withdrawal.
const WITHDRAWAL: usize = 44;

/// Refuses what the format has no room for.
const fn check(field: &'static str, length: usize, limit: usize) -> Result<(), PayloadError> {
    if length > limit { Err(PayloadError::TooLong { field, length }) } else { Ok(()) }
}

/// Extra data.
impl Part for Bytes {
    fn encode(&self) -> Result<Vec<u8>, PayloadError> {
        check("extra data", self.len(), MAX_EXTRA_DATA)?;
        Ok(self.to_vec())
    }

    fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        check("extra data", bytes.len(), MAX_EXTRA_DATA)?;
        Ok(Self::copy_from_slice(bytes))
    }
}

/// Transactions: an offset for each, then all of them.
impl Part for Vec<Bytes> {
    fn encode(&self) -> Result<Vec<u8>, PayloadError> {
        check("transactions", self.len(), MAX_TRANSACTIONS)?;
        let mut bytes = Vec::new();
        let mut offset = self.len().saturating_mul(OFFSET);
        for transaction in self {
            bytes.extend(offset_bytes(offset)?);
            offset = offset.saturating_add(transaction.len());
        }
        bytes.extend(self.iter().flatten());
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        if bytes.is_empty() {
            return Ok(Self::new());
        }
        let length = bytes.len();
        let first = read_offset(bytes).ok_or(PayloadError::TooShort { length, fixed: OFFSET })?;
        let too_short = PayloadError::TooShort { length, fixed: first };
        let (offsets, gap) = bytes.get(..first).ok_or(too_short)?.as_chunks::<OFFSET>();
        // A list with bytes and without offsets would be a second form of the empty one.
        if offsets.is_empty() || !gap.is_empty() {
            let wanted = first.next_multiple_of(OFFSET).max(OFFSET);
            return Err(PayloadError::FirstOffset { offset: first, wanted });
        }
        check("transactions", offsets.len(), MAX_TRANSACTIONS)?;
        let offsets: Vec<_> = offsets.iter().filter_map(|it| read_offset(it)).collect();
        let parts = cut(bytes, first, &offsets)?;
        Ok(parts.into_iter().map(Bytes::copy_from_slice).collect())
    }
}

/// Withdrawals: containers of fixed length, one after the other.
impl Part for Vec<Withdrawal> {
    fn encode(&self) -> Result<Vec<u8>, PayloadError> {
        check("withdrawals", self.len(), MAX_WITHDRAWALS)?;
        let mut writer = Writer::new(self.len().saturating_mul(WITHDRAWAL));
        for withdrawal in self {
            walk(&mut withdrawal.clone(), &mut writer)?;
        }
        Ok(writer.finish())
    }

    fn decode(bytes: &[u8]) -> Result<Self, PayloadError> {
        let (each, []) = bytes.as_chunks::<WITHDRAWAL>() else {
            return Err(PayloadError::WithdrawalsLength { length: bytes.len() });
        };
        check("withdrawals", each.len(), MAX_WITHDRAWALS)?;
        let mut measure = Measure::default();
        walk(&mut Withdrawal::default(), &mut measure)?;
        debug_assert_eq!(measure.fixed, WITHDRAWAL);
        let read = |bytes: &[u8; WITHDRAWAL]| {
            let mut withdrawal = Withdrawal::default();
            walk(&mut withdrawal, &mut Reader::new(&measure, bytes)?)?;
            Ok(withdrawal)
        };
        each.iter().map(read).collect()
    }
}

/// A withdrawal's fields in their order on the wire.
fn walk(withdrawal: &mut Withdrawal, wire: &mut impl Wire) -> Result<(), PayloadError> {
    wire.u64(&mut withdrawal.index)?;
    wire.u64(&mut withdrawal.validator_index)?;
    wire.fixed(&mut withdrawal.address.0.0)?;
    wire.u64(&mut withdrawal.amount)
}
