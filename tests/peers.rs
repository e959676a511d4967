//! Foreign peers against `iotctl local`: AWS CLI, boto3, the AWS device SDKs, paho, mosquitto.
//!
//! Each script stands in `tests/peers/`, runs below `iotctl local -- SCRIPT`, and prints a line per check.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/world.rs"]
mod world;

use std::path::Path;

use world::{peers, run, sealed};

/// Runs a script, with arguments behind it, inside a stand-in of its own, and expects it to say that everything passed.
fn passes(call: &str) {
    let (script, arguments) = call.split_once(' ').unwrap_or((call, ""));
    if !peers(&format!("peers::{script}")) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(script);
    let interpreter = if script.ends_with(".py") { "python3" } else { "bash" };
    let mut command = sealed(
        folder.path(),
        &["local", "--http-port", "0", "--mqtt-port", "0", "--", interpreter, path.to_str().unwrap()],
    );
    command.args(arguments.split_whitespace());
    let said = run(command.env("IOTCTL", env!("CARGO_BIN_EXE_iotctl")).env("PYTHONDONTWRITEBYTECODE", "1"));
    let checks = said.stdout.lines().filter(|line| line.starts_with("PASS ")).count();
    assert!(said.code == Some(0) && checks > 0, "{script}: exit {:?}\n{}\n{}", said.code, said.stdout, said.stderr);
}

#[test]
fn the_table_of_operations_is_what_botocore_says() {
    passes("model.py --check");
}

#[test]
fn boto3_drives_the_control_plane() {
    passes("control_plane.py");
}

#[test]
fn the_aws_cli_drives_the_control_plane() {
    passes("aws_cli.sh");
}

#[test]
fn the_tutorials_sdk_connects_with_the_tutorials_settings() {
    passes("tutorial_sdk.py");
}

#[test]
fn the_device_sdk_v2_connects_over_3_and_5() {
    passes("device_sdk_v2.py");
}

#[test]
fn boto3_and_the_tutorials_sdk_share_shadows() {
    passes("shadows.py");
}

#[test]
fn paho_is_refused_as_aws_refuses() {
    passes("paho_client.py");
}

#[test]
fn mosquitto_clients_are_served_and_refused() {
    passes("mosquitto.sh");
}
