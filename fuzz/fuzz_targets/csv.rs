//! CSV files to replay, of any bytes.
#![no_main]

#[allow(dead_code, reason = "each target asks for one thing")]
mod device;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    device::csv(input);
});
