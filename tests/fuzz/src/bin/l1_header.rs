//! Gives the target `l1_header` to libFuzzer.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| opal_fuzz::l1_header(data));
