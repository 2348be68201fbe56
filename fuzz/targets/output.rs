#![no_main]

libfuzzer_sys::fuzz_target!(init: tunelint_fuzz::begin(), |data: &[u8]| tunelint_fuzz::holds("output", data));
