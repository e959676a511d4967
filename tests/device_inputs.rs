//! The fuzz targets of the feeder's files (`fuzz/`) without a fuzzer: good inputs, then seeded mutations of them.
//!
//! `IOTCTL_MUTANTS` sets how many; `IOTCTL_CORPUS=DIR` writes the good ones to `DIR/TARGET/`, for the fuzzer to start
//! from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "../fuzz/fuzz_targets/device.rs"]
mod device;

use iotctl::bundle::manifest::{KeyOrigin, Manifest};
use iotctl::config::feeder::FeederSettings;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};

/// The examples of the page on feeder.toml, and the file of a new bundle.
fn feeder_inputs() -> Vec<Vec<u8>> {
    let page = include_str!("../docs/feeder.md");
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().as_bytes().to_vec());
    blocks.chain([FeederSettings::file_for(&"a/b".parse().unwrap()).into_bytes()]).collect()
}

fn bundle_inputs() -> Vec<Vec<u8>> {
    let manifest = Manifest::pending("pump-7".parse().unwrap(), KeyOrigin::Local);
    let ready = manifest.to_json().unwrap().replace("\"region\": null", "\"region\": \"eu-central-1\"");
    [manifest.to_json().unwrap(), ready].map(String::into_bytes).to_vec()
}

fn csv_inputs() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 3] = [
        b"time,t,humidity\n1,21.5,40\n2,,41\n3,22,\n",
        b"\xef\xbb\xbf\"t\",\"humidity\"\r\n\"1.5\",\"2\"\r\n\r\n\"a\"\"b\",3\r\n",
        b"humidity,t\n1e400,2\n-0,1e-400\nNaN,inf\n",
    ];
    texts.map(<[u8]>::to_vec).to_vec()
}

/// Nothing changed; a byte of each of the first files; a file cut; a lie with right checksums.
fn spool_inputs() -> Vec<Vec<u8>> {
    let changes: [&[u8]; 4] =
        [&[0], &[0, 0, 40, 0, 9, 1, 60, 0, 9], &[0, 1, 255, 255, 0], &[1, 1, 24, 0, 7, 2, 32, 0, 1]];
    changes.map(<[u8]>::to_vec).to_vec()
}

/// One to four edits: bytes put in, taken out, or changed.
fn mutate(inputs: &[Vec<u8>], rng: &mut TestRng) -> Vec<u8> {
    let mut roll = |sides: usize| rng.next_u32() as usize % sides.max(1);
    let mut bytes = inputs[roll(inputs.len())].clone();
    for _ in 0..=roll(4) {
        let at = roll(bytes.len());
        let until = (at + roll(12)).min(bytes.len());
        match roll(4) {
            0 => drop(bytes.splice(at..at, [roll(256) as u8; 3])),
            1 => drop(bytes.drain(at..until)),
            2 if at < bytes.len() => bytes[at] = roll(256) as u8,
            _ => {
                let other = &inputs[roll(inputs.len())];
                let from = roll(other.len());
                drop(bytes.splice(at..until, other[from..(from + roll(40)).min(other.len())].iter().copied()));
            }
        }
    }
    bytes
}

/// Asks for each input and for its mutants; most of the inputs and some of the mutants must be good ones.
fn ask(target: &str, inputs: &[Vec<u8>], check: impl Fn(&[u8]) -> bool + std::panic::RefUnwindSafe) {
    if let Some(folder) = std::env::var_os("IOTCTL_CORPUS") {
        let folder = std::path::Path::new(&folder).join(target);
        std::fs::create_dir_all(&folder).unwrap();
        for (number, input) in inputs.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), input).unwrap();
        }
    }
    assert!(inputs.iter().filter(|input| check(input)).count() * 2 > inputs.len(), "{target}: good inputs are refused");
    let mutants = std::env::var("IOTCTL_MUTANTS").map_or(2_000, |n| n.parse().unwrap());
    let mut rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let good = (0..mutants).filter(|_| {
        let mutant = mutate(inputs, &mut rng);
        let read = std::panic::catch_unwind(|| check(&mutant));
        read.unwrap_or_else(|_| panic!("{target}: the input was {:?}", String::from_utf8_lossy(&mutant)))
    });
    let good = good.count();
    assert!(good > mutants / 50, "{target}: {good} of {mutants} were good: the mutations are too wild");
}

/// Bytes that are no text are refused before anything reads them.
fn text(check: impl Fn(&str) -> bool) -> impl Fn(&[u8]) -> bool {
    move |bytes| std::str::from_utf8(bytes).is_ok_and(&check)
}

#[test]
fn feeder_toml_is_refused_with_its_line_or_can_be_started() {
    ask("feeder", &feeder_inputs(), text(device::feeder));
}

#[test]
fn a_manifest_that_is_read_is_written_as_it_was() {
    ask("bundle", &bundle_inputs(), text(device::bundle));
}

#[test]
fn a_replay_of_any_bytes_comes_to_its_end() {
    ask("csv", &csv_inputs(), device::csv);
}

#[test]
fn a_spool_of_any_bytes_opens_and_goes_on() {
    ask("spool", &spool_inputs(), device::spool);
}
