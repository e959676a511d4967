//! The commands of the README and of `docs/`, run in the order of the page, in one shell, inside one `iotctl local`.
//!
//! A block runs if the line above it is `<!-- run -->`, or `<!-- run: N -->` when it must exit with N.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/world.rs"]
mod world;

use std::path::Path;

use world::{Said, run, sealed};

/// Each marked block: the exit code it must have, and its commands.
fn blocks(page: &str) -> Vec<(u8, &str)> {
    let mut found = Vec::new();
    for part in page.split("<!-- run").skip(1) {
        let (mark, rest) = part.split_once("-->").unwrap();
        let code = mark.trim_matches([':', ' ']).parse().unwrap_or(0);
        let commands = rest.trim_start().strip_prefix("```sh\n").expect("a `sh` block below the mark");
        found.push((code, commands.split("```").next().unwrap()));
    }
    found
}

/// Runs the marked blocks of a page in one shell, inside one stand-in, in a folder of their own.
fn run_blocks(page: &str, least: usize) -> Said {
    let blocks = blocks(page);
    assert!(blocks.len() >= least, "the marks are gone");
    let mut script = String::from("set -u\n");
    for (code, commands) in &blocks {
        script += &format!(
            "set +e; (set -e\n{commands}); rc=$?; set -e\n[ $rc = {code} ] || {{ echo \"exit $rc, wanted {code}:\n$(cat <<'END'\n{commands}END\n)\" >&2; exit 1; }}\n"
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_iotctl")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut local =
        sealed(folder.path(), &["local", "--http-port", "0", "--mqtt-port", "0", "--", "bash", "-c", &script]);
    let said = run(local.env("PATH", path));
    assert_eq!(said.code, Some(0), "{}\n{}", said.stdout, said.stderr);
    said
}

#[test]
fn every_marked_block_of_the_readme_does_what_it_says() {
    let said = run_blocks(include_str!("../README.md"), 6);
    for shown in ["Published topic sensors/pump-7/temperature: {\"sequence\":0,", "\"status\":\"success\"}"] {
        assert!(said.stdout.contains(shown), "{}", said.stdout);
    }
}

#[test]
fn every_marked_block_of_the_page_on_policies_does_what_it_says() {
    let said = run_blocks(include_str!("../docs/policies.md"), 8);
    assert!(said.stdout.contains("deny-filter-bypass") && said.stdout.contains("broad-connect"), "{}", said.stdout);
}

#[test]
fn every_marked_block_of_the_page_on_the_feeder_does_what_it_says() {
    let said = run_blocks(include_str!("../docs/feeder.md"), 8);
    for shown in [
        "humidity: humidity every 30s -> factoryA/line22/humidity",
        "Published topic sensors/pump-7/cabinet: {\"sequence\":0,",
        "\"value\":21.037,\"unit\":\"Cel\",\"origin\":\"sht3x temperature\"",
        "\"value\":20.75,\"unit\":\"Cel\",\"origin\":\"log.csv temperature\"",
        "\"utc_timestamp\":1",
        "\"value\":12.5,\"unit\":\"m\"",
    ] {
        assert!(said.stdout.contains(shown), "{shown}\n{}", said.stdout);
    }
}

#[test]
fn every_marked_block_of_the_page_on_steering_does_what_it_says() {
    let said = run_blocks(include_str!("../docs/remote.md"), 5);
    for shown in [
        "Published topic sensors/pump-7/humidity: {",
        "\"interval\": \"200ms\"",
        "the feeder ended with 143",
        "\nsensors/pump-7/humidity {",
        "\"temperature\": 2",
    ] {
        assert!(said.stdout.contains(shown), "{shown}\n{}", said.stdout);
    }
    assert!(said.stderr.contains("it says: `endpoint`: cannot be changed from afar"), "{}", said.stderr);
}

#[test]
fn every_marked_block_of_the_page_on_the_service_does_what_it_says() {
    let said = run_blocks(include_str!("../docs/service.md"), 4);
    for shown in ["LoadCredential=device.key.pem:", "DeviceAllow=/dev/i2c-1 rw", "ok   reading ", "the feeder ended "] {
        assert!((said.stdout.clone() + &said.stderr).contains(shown), "{shown}\n{}\n{}", said.stdout, said.stderr);
    }
}

#[test]
fn the_first_command_of_the_page_is_the_demo() {
    let first = include_str!("../README.md").split("```sh\n").nth(1).unwrap();
    assert!(first.starts_with("cargo run --release -- demo --count 20\n"), "`./test` runs that one");
}
