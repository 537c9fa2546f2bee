//! keccak256 for `alloy_primitives::keccak256`, around the assembly permutation of `keccak.s`.
//!
//! **Invariant:** the state is kept with the lanes of [`COMPLEMENTED`] inverted, from first to last.

use core::ptr;

/// Bytes absorbed by one permutation.
const RATE: usize = 136;
/// The lanes that the permutation keeps inverted.
const COMPLEMENTED: [usize; 6] = [1, 2, 8, 12, 17, 20];
/// The state before any input.
const EMPTY: [u64; 25] = {
    let mut lanes = [0; 25];
    let mut index = 0;
    while index < COMPLEMENTED.len() {
        lanes[COMPLEMENTED[index]] = !0;
        index += 1;
    }
    lanes
};

#[expect(unsafe_code, reason = "the permutation is assembly")]
unsafe extern "C" {
    fn keccak_f1600(lanes: &mut [u64; 25]);
}

#[inline(always)]
#[expect(unsafe_code, reason = "the permutation is assembly")]
fn permute(lanes: &mut [u64; 25]) {
    // SAFETY: it reads and writes these 25 lanes, and keeps the registers the ABI says it keeps.
    unsafe { keccak_f1600(lanes) }
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
        *lane ^= u64::from_le(word);
    }
}

/// keccak256 of `length` bytes at `bytes`, written to the 32 bytes at `output`.
///
/// # Safety
/// The pointers are valid for that many bytes.
#[unsafe(no_mangle)]
#[expect(unsafe_code, reason = "the name and signature that alloy-primitives' native-keccak calls")]
unsafe extern "C" fn native_keccak256(bytes: *const u8, length: usize, output: *mut u8) {
    let mut lanes = EMPTY;
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
        *lane ^= u64::from_le_bytes(tail);
    }
    lanes[RATE / 8 - 1] ^= 1 << 63;
    permute(&mut lanes);
    let digest = [lanes[0], !lanes[1], !lanes[2], lanes[3]].map(u64::to_le);
    // SAFETY: `output` has room for 32 bytes.
    unsafe { output.cast::<[u64; 4]>().write_unaligned(digest) };
}
