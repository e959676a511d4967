//! Requests to the shadows of `iotctl local`, one a line, all to one shadow.
#![no_main]

mod shadow_check;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    shadow_check::requests(input);
});
