//! `iotctl policy test --against aws`: what the control plane decides for a device, beside what we decide.
#![cfg(all(feature = "control", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/world.rs"]
mod world;

use std::fs;

use serde_json::{Value, json};
use world::{Said, World, run};

const SUITE: &str = r#"
[[policy]]
template = "sensor"
var = { prefix = "sensors" }

[device]
thing = "pump-7"

[[case]]
name = "connects as itself"
packet = "CONNECT"
expect = "allow"

[[case]]
name = "publishes below its own name"
packet = "PUBLISH sensors/pump-7/temperature"
expect = "allow"

[[case]]
name = "not below another's"
packet = "PUBLISH sensors/pump-8/temperature"
expect = "deny"

[[case]]
name = "a thief does not connect"
packet = "CONNECT"
as = { attached = "no" }
expect = "deny"
"#;

fn against(world: &World, more: &[&str]) -> Said {
    fs::write(world.path().join("suite.toml"), SUITE).unwrap();
    let arguments = ["policy", "test", "suite.toml", "--against", "aws", "--bundle", "certs/pump-7"];
    run(&mut world.iotctl(&[&arguments[..], more].concat()))
}

#[test]
fn the_same_policy_is_decided_likewise() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    let said = against(&world, &[]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    assert!(said.stderr.contains("AWS decides 3 requests likewise"), "{}", said.stderr);
    assert!(said.stderr.contains("AWS cannot be asked about 1 cases"), "{}", said.stderr);
}

#[test]
fn a_live_policy_that_was_changed_is_a_difference_and_exit_code_2() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    let wide = json!({"policyDocument": r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}"#});
    let path = "/policies/iotctl-sensor/version?setAsDefault=true";
    assert_eq!(world.call("POST", path, "", &wide.to_string()).0, 200);
    let said = against(&world, &["-o", "json"]);
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    let answer: Value = serde_json::from_str(&said.stdout).unwrap();
    let difference = &answer["aws"]["differences"][0];
    assert_eq!((&difference["ours"], &difference["aws"]), (&json!("IMPLICIT_DENY"), &json!("ALLOWED")));
    assert!(said.stderr.contains("DIFF not below another's"), "{}", said.stderr);
}

#[test]
fn the_policies_that_a_device_has_are_tested_those_of_its_groups_too() {
    let world = World::start();
    world.provision(&["--thing", "pump-7", "--group", "line22"]);
    let live = |more: &[&str]| {
        fs::write(world.path().join("suite.toml"), SUITE).unwrap();
        let arguments = ["policy", "test", "suite.toml", "--live", "--bundle", "certs/pump-7"];
        run(&mut world.iotctl(&[&arguments[..], more].concat()))
    };
    let said = live(&["--against", "aws"]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iot:Publish","Resource":"*"}]}"#;
    let body = json!({"policyDocument": deny}).to_string();
    assert_eq!(world.call("POST", "/policies/stop", "", &body).0, 200);
    let target = json!({"target": "arn:aws:iot:us-east-1:123456789012:thinggroup/line22"}).to_string();
    assert_eq!(world.call("PUT", "/target-policies/stop", "", &target).0, 200);
    let said = live(&[]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stdout.contains("FAIL publishes below its own name"), "{}", said.stdout);
    assert!(said.stdout.contains("statement 0 of policy `stop`"), "{}", said.stdout);
}

#[test]
fn the_bundle_of_another_device_is_refused() {
    let world = World::start();
    world.provision(&["--thing", "pump-8"]);
    fs::rename(world.path().join("certs/pump-8"), world.path().join("certs/pump-7")).unwrap();
    let said = against(&world, &[]);
    assert_eq!(said.code, Some(64));
    assert!(said.stderr.contains("the suite is about `pump-7`, and the bundle is of `pump-8`"), "{}", said.stderr);
}
