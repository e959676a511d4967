//! Messages of the shadow with the settings: hear, check, put in force, report.
#![no_main]

mod steering;

libfuzzer_sys::fuzz_target!(|input: &str| {
    steering::remote(input);
});
