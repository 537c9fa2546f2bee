//! The assembly files: `memory.s` has memcpy, memmove, memset, memcmp and bcmp, `keccak.s` the permutation.
//!
//! **Invariant:** their functions follow the n64 ABI. `tests/guests` compares each with plain Rust in the VM.

#![expect(unsafe_code, reason = "assembly has no checker but the tests")]

use core::arch::global_asm;

// The VM starts with sp set (16-byte aligned) and every other register zero.
global_asm!(
    ".globl _start",
    ".type _start, @function",
    "_start:",
    "jal {main}",
    "nop",
    main = sym crate::start::main,
);
global_asm!(include_str!("memory.s"), options(raw));
global_asm!(include_str!("keccak.s"), options(raw));
