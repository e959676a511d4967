//! What the program says, command by command: each file in `tests/cmd/` is one behaviour, and its name says which.
#![cfg(all(feature = "control", feature = "local"))]

#[test]
fn every_transcript_is_what_the_program_says() {
    trycmd::TestCases::new().case("tests/cmd/*.toml");
}
