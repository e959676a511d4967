//! Messages on the action topic.
#![no_main]

mod steering;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    steering::action(input);
});
