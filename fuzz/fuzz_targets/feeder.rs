//! feeder.toml that nobody would write.
#![no_main]

#[allow(dead_code, reason = "each target asks for one thing")]
mod device;

libfuzzer_sys::fuzz_target!(|input: &str| {
    device::feeder(input);
});
