//! What a transaction pays besides its gas: the L1 fee and the operator fee (E2, E3, E4), and the size
//! estimate behind the data-availability footprint (E6).
//!
//! Start with [`L1Fees`]. op-revm charges these amounts; it is told them rather than left to compute them,
//! because the choice of formula follows the Go node: by L1Block's slots, before the fork is looked at.
//!
//! **Invariant:** sums saturate; the slots hold at most 32-bit and 64-bit scalars where these are used.

use crate::Rules;
use alloc::vec::Vec;
use alloy_primitives::{U256, uint};
use opal_types::Fork;

/// Slots of L1Block (E3).
pub(crate) const BASE_FEE: U256 = uint!(1_U256);
pub(crate) const SCALARS: U256 = uint!(3_U256);
pub(crate) const OVERHEAD: U256 = uint!(5_U256);
pub(crate) const LEGACY_SCALAR: U256 = uint!(6_U256);
pub(crate) const BLOB_BASE_FEE: U256 = uint!(7_U256);
pub(crate) const OPERATOR: U256 = uint!(8_U256);

const MILLION: U256 = uint!(1_000_000_U256);
/// Bytes added to the size of a transaction before Regolith, for the signature.
const SIGNATURE_BYTES: u64 = 68;

/// A formula for the L1 fee with its parameters, fixed for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum L1Fees {
    /// Bedrock's, also in the first Ecotone block.
    Bedrock {
        /// L1 base fee, wei.
        base_fee: U256,
        /// Gas added to each transaction.
        overhead: U256,
        /// Millionths.
        scalar: U256,
        /// Transactions count 68 bytes longer than they are.
        before_regolith: bool,
    },
    /// Ecotone's, over zero and non-zero bytes.
    Ecotone {
        /// 16 * base fee * scalar + blob base fee * scalar.
        per_byte: U256,
    },
    /// Fjord's, over an estimate of the compressed size.
    Fjord {
        /// 16 * base fee * scalar + blob base fee * scalar.
        per_byte: U256,
    },
}

impl L1Fees {
    /// From the slots of L1Block as they are before the first transaction that pays.
    pub fn read<E>(
        rules: &Rules,
        mut slot: impl FnMut(U256) -> Result<U256, E>,
    ) -> Result<Self, E> {
        let base_fee = slot(BASE_FEE)?;
        if rules.has(Fork::Ecotone) {
            let blob_base_fee = slot(BLOB_BASE_FEE)?;
            let scalars = slot(SCALARS)?;
            // The low 12 bytes are the sequence number; above it two scalars of 32 bits.
            let blob_scalar: U256 = scalars.wrapping_shr(64) & U256::from(u32::MAX);
            let scalar: U256 = scalars.wrapping_shr(96) & U256::from(u32::MAX);
            let is_first_block =
                blob_base_fee.is_zero() && blob_scalar.is_zero() && scalar.is_zero();
            if !is_first_block {
                let per_byte = base_fee
                    .saturating_mul(U256::from(16))
                    .saturating_mul(scalar)
                    .saturating_add(blob_base_fee.saturating_mul(blob_scalar));
                return Ok(if rules.has(Fork::Fjord) {
                    Self::Fjord { per_byte }
                } else {
                    Self::Ecotone { per_byte }
                });
            }
        }
        Ok(Self::Bedrock {
            base_fee,
            overhead: slot(OVERHEAD)?,
            scalar: slot(LEGACY_SCALAR)?,
            before_regolith: !rules.has(Fork::Regolith),
        })
    }

    /// The fee of a transaction with these bytes; the FastLZ size counts from Fjord only.
    pub fn fee(&self, raw: &[u8], fastlz: u32) -> U256 {
        match *self {
            Self::Bedrock { base_fee, overhead, scalar, before_regolith } => {
                let extra = if before_regolith { SIGNATURE_BYTES } else { 0 };
                U256::from(data_gas(raw).saturating_add(extra.saturating_mul(16)))
                    .saturating_add(overhead)
                    .saturating_mul(base_fee)
                    .saturating_mul(scalar)
                    .wrapping_div(MILLION)
            }
            Self::Ecotone { per_byte } => U256::from(data_gas(raw))
                .saturating_mul(per_byte)
                .wrapping_div(uint!(16_000_000_U256)),
            Self::Fjord { per_byte } => U256::from(estimated_size(fastlz))
                .saturating_mul(per_byte)
                .wrapping_div(uint!(1_000_000_000_000_U256)),
        }
    }
}

/// Gas of call data with these bytes before compression was estimated.
fn data_gas(raw: &[u8]) -> u64 {
    raw.iter().map(|byte| if *byte == 0 { 4 } else { 16 }).fold(0, u64::saturating_add)
}

/// Estimated compressed size in millionths of a byte, from the FastLZ size.
pub fn estimated_size(fastlz: u32) -> u64 {
    u64::from(fastlz).saturating_mul(836_500).saturating_sub(42_585_600).max(100_000_000)
}

/// Bytes that a transaction is estimated to take on L1, for the footprint (E6).
pub fn da_size(fastlz: u32) -> u64 {
    estimated_size(fastlz).wrapping_div(1_000_000)
}

/// Parameters of the operator fee (E4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OperatorFee {
    /// Per gas: millionths before Jovian, hundreds from it.
    pub scalar: u32,
    /// Per transaction, wei.
    pub constant: u64,
}

impl OperatorFee {
    /// From slot 8 of L1Block: 8 bytes of constant, above them 4 of scalar, counted from the low end.
    pub fn from_slot(slot: U256) -> Self {
        let [constant, scalar, ..] = *slot.as_limbs();
        Self { scalar: (scalar & u64::from(u32::MAX)).try_into().unwrap_or_default(), constant }
    }

    /// The fee for this much gas.
    pub fn fee(&self, gas: u64, is_jovian: bool) -> U256 {
        let product = U256::from(gas).saturating_mul(U256::from(self.scalar));
        let variable = if is_jovian {
            product.saturating_mul(U256::from(100))
        } else {
            product.wrapping_div(MILLION)
        };
        variable.saturating_add(U256::from(self.constant))
    }
}

/// The part of FastLZ that tells the compressed size. Keeps its table from one transaction to the next.
#[derive(Debug, Default)]
pub struct FastLz {
    /// Last position of each hash, counted on from transaction to transaction.
    table: Vec<u32>,
    /// Where this transaction starts in that count: older entries are void.
    base: u32,
}

/// Entries of the table.
const HASHES: usize = 8192;
/// Farthest back a match may lie.
const WINDOW: usize = 8191;
/// The last bytes are never searched.
const TAIL: usize = 13;
/// Bytes before the limit that a match may still cover.
const REACH: usize = 9;

impl FastLz {
    /// Compressed size of these bytes.
    pub fn size(&mut self, bytes: &[u8]) -> u32 {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let Some(next_base) = self.base.checked_add(length).filter(|_| !self.table.is_empty())
        else {
            self.table = alloc::vec![0; HASHES];
            self.base = 0;
            return if length == u32::MAX { length } else { self.size(bytes) };
        };
        let size = self.compress(bytes);
        self.base = next_base;
        u32::try_from(size).unwrap_or(u32::MAX)
    }

    fn compress(&mut self, bytes: &[u8]) -> usize {
        let limit = bytes.len().saturating_sub(TAIL);
        let mut size = 0_usize;
        let mut anchor = 0_usize;
        let mut at = 2_usize;
        while at < limit {
            let Some((start, from)) = self.search(bytes, at, limit) else { break };
            size = size.saturating_add(literals(start.saturating_sub(anchor)));
            let end = limit.saturating_add(REACH);
            let length = run(bytes, from.saturating_add(3), start.saturating_add(3), end);
            size = size.saturating_add(matched(length));
            at = start.saturating_add(length);
            for _ in 0..2 {
                self.place(word(bytes, at), at);
                at = at.saturating_add(1);
            }
            anchor = at;
        }
        size.saturating_add(literals(bytes.len().saturating_sub(anchor)))
    }

    /// The next position from `at` with three bytes that were seen before, and where.
    fn search(&mut self, bytes: &[u8], mut at: usize, limit: usize) -> Option<(usize, usize)> {
        loop {
            let here = word(bytes, at);
            let seen = self.place(here, at);
            if at >= limit {
                return None;
            }
            let near = at.saturating_sub(seen) <= WINDOW;
            if near && here == word(bytes, seen) {
                // The match must start before the limit even if counted one further.
                return (at.saturating_add(1) < limit).then_some((at, seen));
            }
            at = at.saturating_add(1);
        }
    }

    /// Notes that `word` stands at `at`; tells where its hash stood before, 0 at first.
    fn place(&mut self, word: u32, at: usize) -> usize {
        let hash = (word.wrapping_mul(2_654_435_769) >> 19) as usize % HASHES;
        let Some(entry) = self.table.get_mut(hash) else { return 0 };
        let seen = entry.saturating_sub(self.base);
        *entry = self.base.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
        seen as usize
    }
}

/// Three bytes from `at`, the first one lowest.
fn word(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..) {
        Some([a, b, c, ..]) => u32::from_le_bytes([*a, *b, *c, 0]),
        _ => 0,
    }
}

/// How far the bytes from `from` repeat at `to`: one more than are equal, up to `end`.
fn run(bytes: &[u8], from: usize, to: usize, end: usize) -> usize {
    let old = bytes.get(from..).unwrap_or_default();
    let new = bytes.get(to..end).unwrap_or_default();
    let equal = new.iter().zip(old).take_while(|(a, b)| a == b).count();
    equal.saturating_add(1).min(new.len())
}

/// Size of a run of literals.
const fn literals(count: usize) -> usize {
    let full = (count / 32).saturating_mul(33);
    match count % 32 {
        0 => full,
        rest => full.saturating_add(rest).saturating_add(1),
    }
}

/// Size of a match.
const fn matched(length: usize) -> usize {
    let length = length.saturating_sub(1);
    let full = (length / 262).saturating_mul(3);
    full.saturating_add(if length % 262 >= 6 { 3 } else { 2 })
}
