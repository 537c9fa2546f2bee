//! Gives the target `recording` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opal_fuzz::recording(data));
