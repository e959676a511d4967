//! Damaged files of a spool, and lies with right checksums.
#![no_main]

#[allow(dead_code, reason = "each target asks for one thing")]
mod device;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    device::spool(input);
});
