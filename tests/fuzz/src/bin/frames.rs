//! Gives the target `frames` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opal_fuzz::frames(data));
