//! keccak256 for `alloy_primitives::keccak256`, around the assembly permutation of `keccak.s`.
//!
//! **Invariant:** the state is kept as the permutation wants it, with six lanes inverted, from first to last.

use core::{arch::asm, mem::MaybeUninit, ptr};

/// Bytes absorbed by one permutation.
const RATE: usize = 136;

#[expect(unsafe_code, reason = "the functions are assembly")]
unsafe extern "C" {
    fn keccak_empty(lanes: *mut [u64; 25]);
    fn keccak_f1600(lanes: &mut [u64; 25]);
    fn keccak_f1600_last(lanes: &mut [u64; 25]);
}

/// The state before any input.
#[inline(always)]
#[expect(unsafe_code, reason = "the function is assembly")]
fn empty() -> [u64; 25] {
    let mut lanes = MaybeUninit::uninit();
    // SAFETY: it writes all 25 lanes.
    unsafe {
        keccak_empty(lanes.as_mut_ptr());
        lanes.assume_init()
    }
}

/// A word with its bytes in reverse order, in 13 steps; the compiler's own way takes 21.
#[inline(always)]
#[expect(unsafe_code, reason = "the compiler would know plain Rust again and do it its way")]
fn swapped(word: u64) -> u64 {
    let mut lane = word;
    // SAFETY: works on registers only.
    unsafe {
        asm!(
            ".set push",
            ".set noat",
            "dsrl {other}, {lane}, 8",
            "and {other}, {other}, {bytes}",
            "and {lane}, {lane}, {bytes}",
            "dsll {lane}, {lane}, 8",
            "or {lane}, {lane}, {other}",
            "dsrl {other}, {lane}, 16",
            "and {other}, {other}, {halves}",
            "and {lane}, {lane}, {halves}",
            "dsll {lane}, {lane}, 16",
            "or {lane}, {lane}, {other}",
            "dsrl32 {other}, {lane}, 0",
            "dsll32 {lane}, {lane}, 0",
            "or {lane}, {lane}, {other}",
            ".set pop",
            lane = inout(reg) lane, other = out(reg) _,
            bytes = in(reg) 0x00ff_00ff_00ff_00ff_u64, halves = in(reg) 0x0000_ffff_0000_ffff_u64,
            options(pure, nomem, nostack),
        );
    }
    lane
}

#[inline(always)]
#[expect(unsafe_code, reason = "the permutation is assembly")]
fn permute(lanes: &mut [u64; 25]) {
    // SAFETY: it reads and writes these 25 lanes, and keeps the registers the ABI says it keeps.
    unsafe { keccak_f1600(lanes) }
}

/// The digest of a message that is absorbed up to its padding's first bit.
#[inline(always)]
#[expect(unsafe_code, reason = "the permutation is assembly")]
fn digest(lanes: &mut [u64; 25]) -> [u64; 4] {
    lanes[RATE / 8 - 1] ^= 1 << 63;
    // SAFETY: as `permute`.
    unsafe { keccak_f1600_last(lanes) };
    [lanes[0], !lanes[1], !lanes[2], lanes[3]].map(swapped)
}

/// Adds `count` whole lanes; a macro-free loop that the compiler unrolls when the count is constant.
///
/// # Safety
/// `input` points to `8 * count` readable bytes, and `count` is at most 17.
#[inline(always)]
#[expect(unsafe_code, reason = "reads words through a pointer, without bounds checks")]
unsafe fn absorb(lanes: &mut [u64; 25], input: *const u8, count: usize) {
    for (index, lane) in lanes.iter_mut().take(count).enumerate() {
        // SAFETY: the caller's promise.
        let word = unsafe { input.cast::<u64>().add(index).read_unaligned() };
        *lane ^= swapped(word);
    }
}

/// keccak256 of these bytes, one after the other: what a field element's key is made of (row F1).
#[inline(always)]
pub fn keccak256_of_two(left: &[u8; 48], right: &[u8; 32]) -> [u8; 32] {
    let mut lanes = empty();
    let (first, then) = (left.as_chunks().0, right.as_chunks().0);
    for (lane, word) in lanes.iter_mut().zip(first) {
        *lane ^= swapped(u64::from_be_bytes(*word));
    }
    for (lane, word) in lanes.iter_mut().skip(first.len()).zip(then) {
        *lane ^= swapped(u64::from_be_bytes(*word));
    }
    lanes[(48 + 32) / 8] ^= 1;
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(digest(&mut lanes)) {
        *bytes = word.to_be_bytes();
    }
    hash
}

/// keccak256 of `length` bytes at `bytes`, written to the 32 bytes at `output`.
///
/// # Safety
/// The pointers are valid for that many bytes.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "the name and signature that alloy-primitives' native-keccak calls")]
unsafe extern "C" fn native_keccak256(bytes: *const u8, length: usize, output: *mut u8) {
    let mut lanes = empty();
    let (mut input, mut left) = (bytes, length);
    while let Some(rest) = left.checked_sub(RATE) {
        // SAFETY: `left` bytes are readable at `input`, and it is at least RATE.
        unsafe { absorb(&mut lanes, input, RATE / 8) };
        permute(&mut lanes);
        // SAFETY: the same.
        input = unsafe { input.add(RATE) };
        left = rest;
    }
    // The last block: whole lanes, then one lane of what is left and the padding (0x01 .. 0x80).
    let count = left / 8;
    // SAFETY: `8 * count <= left`.
    unsafe { absorb(&mut lanes, input, count) };
    let mut tail = [0_u8; 8];
    // SAFETY: fewer than eight bytes are left behind the whole lanes.
    unsafe {
        ptr::copy_nonoverlapping(input.add(count.wrapping_mul(8)), tail.as_mut_ptr(), left % 8)
    };
    if let Some(byte) = tail.get_mut(left % 8) {
        *byte = 1;
    }
    if let Some(lane) = lanes.get_mut(count) {
        *lane ^= swapped(u64::from_be_bytes(tail));
    }
    // SAFETY: `output` has room for 32 bytes.
    unsafe { output.cast::<[u64; 4]>().write_unaligned(digest(&mut lanes)) };
}
