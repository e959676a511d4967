//! Policy documents and requests that nobody would write: parse, decide, explain, suggest.
#![no_main]

mod check;

libfuzzer_sys::fuzz_target!(|input: &str| {
    check::policy(input);
});
