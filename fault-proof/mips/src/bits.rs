//! Halves, signs and unaligned parts of registers, for the meanings of the instruction table.
//!
//! **Invariant:** pure functions without a branch that depends on the guest, but for the one that lwr has.

/// The lower half.
#[inline(always)]
pub(crate) const fn low(value: u64) -> u32 {
    (value & 0xffff_ffff) as u32
}

/// A 32-bit result in a 64-bit register.
#[inline(always)]
pub(crate) const fn word(value: u32) -> u64 {
    (value.cast_signed() as i64).cast_unsigned()
}

#[inline(always)]
pub(crate) const fn signed(value: u64) -> i64 {
    value.cast_signed()
}

#[inline(always)]
pub(crate) const fn signed_low(value: u64) -> i32 {
    low(value).cast_signed()
}

/// Bits by which an address lies inside its `bytes` (4 or 8), counted from the most significant byte.
#[inline(always)]
pub(crate) const fn offset_bits(address: u64, bytes: u64) -> u32 {
    low((address & bytes.wrapping_sub(1)) << 3)
}

/// `new` where `mask` is set, else `old`.
#[inline(always)]
pub(crate) const fn merge32(old: u32, new: u32, mask: u32) -> u32 {
    (old & !mask) | (new & mask)
}

#[inline(always)]
pub(crate) const fn merge64(old: u64, new: u64, mask: u64) -> u64 {
    (old & !mask) | (new & mask)
}

/// C9, peers.md section 6: the upper half stays unless bit 31 was loaded.
#[inline(always)]
pub(crate) fn load_word_right(memory: u32, address: u64, old: u64) -> u64 {
    let shift = 24 ^ offset_bits(address, 4);
    let merged = merge32(low(old), memory >> shift, u32::MAX >> shift);
    if shift == 0 { word(merged) } else { old & !0xffff_ffff | u64::from(merged) }
}
