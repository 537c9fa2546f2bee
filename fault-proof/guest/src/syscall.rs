//! System calls of the n64 ABI (row C6).
//!
//! **Invariant:** the VM changes only v0 and a3 in a system call, but the assembly states the wider clobber
//! set of the n64 ABI, except in `oracle`, where the loop's cost is the cost of every pre-image.

use core::{arch::asm, fmt};

const READ: usize = 5000;
const WRITE: usize = 5001;
const MMAP: usize = 5009;
const EXIT_GROUP: usize = 5205;

/// Where results go.
const STDOUT: usize = 1;
/// Where messages go.
const STDERR: usize = 2;

#[expect(unsafe_code, reason = "a system call is assembly")]
fn call(number: usize, arguments: [usize; 3]) -> usize {
    let [a0, a1, a2] = arguments;
    let mut result = number;
    // SAFETY: each caller passes a live buffer of the length it states, or no buffer at all.
    unsafe {
        asm!(
            "syscall",
            inout("$2") result, in("$4") a0, in("$5") a1, in("$6") a2, out("$7") _,
            out("$3") _, out("$8") _, out("$9") _, out("$10") _, out("$11") _, out("$12") _,
            out("$13") _, out("$14") _, out("$15") _, out("$24") _, out("$25") _,
            options(nostack),
        );
    }
    result
}

/// Ends the run.
pub fn exit(code: u8) -> ! {
    loop {
        call(EXIT_GROUP, [code.into(), 0, 0]);
    }
}

/// Writes what the VM takes in one go; all of it for descriptors 1, 2 and 4 (row C7).
pub fn write(descriptor: usize, bytes: &[u8]) -> usize {
    call(WRITE, [descriptor, bytes.as_ptr().expose_provenance(), bytes.len()])
}

/// Writes the eight bytes of a word, in memory order of the VM (big-endian), from an aligned address.
pub fn write_word(descriptor: usize, word: u64) {
    call(WRITE, [descriptor, (&raw const word).expose_provenance(), 8]);
}

/// Reads at most the buffer's length.
pub fn read(descriptor: usize, buffer: &mut [u8]) -> usize {
    call(READ, [descriptor, buffer.as_mut_ptr().expose_provenance(), buffer.len()])
}

/// Zeroed memory of this many bytes, a multiple of the page size. The VM allocates a page at its first store,
/// so asking for much costs nothing.
#[expect(unsafe_code, reason = "a system call is assembly")]
pub fn map(length: usize) -> *mut u8 {
    let mut result = MMAP;
    // SAFETY: a fresh private anonymous mapping touches no memory in use. The VM looks at a0 and a1 only;
    // the others are what Linux wants, so that the image also runs under a user-mode emulator.
    unsafe {
        asm!(
            "syscall",
            inout("$2") result, in("$4") 0, in("$5") length, in("$6") 3, inout("$7") 0x802 => _,
            inout("$8") usize::MAX => _, inout("$9") 0 => _,
            out("$3") _, out("$10") _, out("$11") _, out("$12") _, out("$13") _, out("$14") _,
            out("$15") _, out("$24") _, out("$25") _,
            options(nostack),
        );
    }
    core::ptr::with_exposed_provenance_mut(result)
}

/// Standard output as a formatter's target.
#[derive(Debug)]
pub struct Stdout;

impl fmt::Write for Stdout {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write(STDOUT, text.as_bytes());
        Ok(())
    }
}

/// Standard error as a formatter's target.
#[derive(Debug)]
pub struct Stderr;

impl fmt::Write for Stderr {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        write(STDERR, text.as_bytes());
        Ok(())
    }
}
