//! The MIPS64 runtime of programs that run inside the VM: entry, heap, system calls, pre-image oracle,
//! memory functions and keccak.
//!
//! Start with [`entry!`], then `oracle` and `syscall`; `allocator` is the only part that also exists on
//! the host, where its tests run. `memory.s` and `keccak.s` are assembly because steps are the currency
//! here: the compiler's versions take two to three times as many.
//!
//! **Invariant:** single-threaded, no I/O but the six file descriptors the VM gives (row C7), and an exit
//! code is always one of row F6: 0 valid, 1 invalid, 2 no verdict.

#![no_std]
#![warn(missing_docs)]
#![cfg_attr(target_os = "none", feature(asm_experimental_arch))]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::std_instead_of_core,
        clippy::too_many_lines
    )
)]

extern crate alloc;

pub mod allocator;
#[cfg(target_os = "none")]
mod assembly;
#[cfg(target_os = "none")]
pub mod keccak;
#[cfg(target_os = "none")]
pub mod oracle;
#[cfg(target_os = "none")]
mod start;
#[cfg(target_os = "none")]
pub mod syscall;

/// Names the function `fn() -> u8` that the program consists of; its result is the exit code.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[cfg(target_os = "none")]
        #[expect(
            unsafe_code,
            reason = "the runtime calls this symbol, and nothing else has its name"
        )]
        #[unsafe(no_mangle)]
        fn opal_main() -> u8 {
            $main()
        }
    };
}
