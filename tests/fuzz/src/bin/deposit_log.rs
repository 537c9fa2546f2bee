//! Gives the target `deposit_log` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opal_fuzz::deposit_log(data));
