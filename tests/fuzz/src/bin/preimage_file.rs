//! Gives the target `preimage_file` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opal_fuzz::preimage_file(data));
