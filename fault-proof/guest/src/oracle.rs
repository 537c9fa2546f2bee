//! The pre-image oracle and the hint channel, over file descriptors 3 to 6 (row F3).
//!
//! **Invariant:** never reads past a pre-image's end, which the VM would answer with a panic of its own.

use crate::syscall;
use alloc::vec::Vec;
use core::arch::asm;

const HINT_READ: usize = 3;
const HINT_WRITE: usize = 4;
const PREIMAGE_READ: usize = 5;
const PREIMAGE_WRITE: usize = 6;

/// Tells the host what will be asked for, and waits for its acknowledgement.
pub fn hint(text: &[u8]) {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    syscall::write(HINT_WRITE, &length.to_be_bytes());
    syscall::write(HINT_WRITE, text);
    syscall::read(HINT_READ, &mut [0]);
}

/// The pre-image of this key. Whether the value is the right one is the VM's business: on chain the oracle
/// contract has checked it, off chain the host does.
#[expect(unsafe_code, reason = "reads into memory that is not initialised before")]
pub fn preimage(key: &[u8; 32]) -> Vec<u8> {
    let length = request(key);
    let mut value = Vec::with_capacity(length);
    // SAFETY: the capacity is there, and the length is set when all of it was written.
    unsafe {
        read_words(value.as_mut_ptr(), length);
        value.set_len(length);
    }
    value
}

/// Reads the pre-image of this key into `out`; `false` = it has another length, and nothing was read.
#[expect(unsafe_code, reason = "reads by system calls")]
pub fn preimage_into(key: &[u8; 32], out: &mut [u8]) -> bool {
    let fits = request(key) == out.len();
    if fits {
        // SAFETY: the slice is writable over its length.
        unsafe { read_words(out.as_mut_ptr(), out.len()) };
    }
    fits
}

/// Asks for a pre-image and gives its length.
#[expect(unsafe_code, reason = "reads by system calls")]
fn request(key: &[u8; 32]) -> usize {
    // By words, because a system call moves at most eight aligned bytes.
    for word in key.as_chunks::<8>().0 {
        syscall::write_word(PREIMAGE_WRITE, u64::from_be_bytes(*word));
    }
    let mut length = 0_u64;
    // SAFETY: eight writable bytes.
    unsafe { read_words((&raw mut length).cast(), 8) };
    usize::try_from(u64::from_be(length)).unwrap_or(usize::MAX)
}

/// Reads exactly `length` bytes of the current pre-image: four steps for eight of them.
///
/// # Safety
/// `to` is valid for writes of `length` bytes.
#[inline(always)]
#[expect(unsafe_code, reason = "a loop of system calls is assembly")]
unsafe fn read_words(to: *mut u8, length: usize) {
    if length == 0 {
        return;
    }
    // SAFETY: the VM stops at the end of an aligned word and of the pre-image, so asking for eight bytes each
    // time ends exactly at `to + length`. It changes no register but v0 and a3 (peers.md section 6).
    unsafe {
        asm!(
            ".set push",
            ".set noreorder",
            "1:",
            "syscall",
            "daddu $5, $5, $2",
            "bne $5, $8, 1b",
            "addiu $2, $0, 5000",
            ".set pop",
            inout("$2") 5000_usize => _, in("$4") PREIMAGE_READ, inout("$5") to => _, in("$6") 8,
            out("$7") _, in("$8") to.wrapping_add(length),
            options(nostack),
        );
    }
}
