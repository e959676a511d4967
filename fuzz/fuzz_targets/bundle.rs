//! Manifests of bundles.
#![no_main]

#[allow(dead_code, reason = "each target asks for one thing")]
mod device;

libfuzzer_sys::fuzz_target!(|input: &str| {
    device::bundle(input);
});
