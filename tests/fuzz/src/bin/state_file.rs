//! Gives the target `state_file` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opal_fuzz::state_file(data));
