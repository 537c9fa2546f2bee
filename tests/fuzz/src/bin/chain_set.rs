//! Gives the target `chain_set` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opal_fuzz::chain_set(data));
