//! Workload a: a chain of keccak256 with the library's portable code: registers, shifts, spills, no calls.

#![no_std]
#![no_main]

use alloy_primitives::{B256, keccak256};

const LENGTH: u64 = guests::parameter(option_env!("OPAL_KECCAK_CHAIN"), 20_000);

opal_guest::entry!(run);

fn run() -> u8 {
    let last = (0..LENGTH).fold(B256::ZERO, |hash, _| keccak256(hash));
    guests::report(last.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)))
}
