//! `iotctl policy push`: a policy that is in use gets a new version, with or without a device that tries it first.
#![cfg(all(feature = "control", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/world.rs"]
mod world;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use serde_json::{Value, json};
use world::{Said, World, run};

const POLICY: &str = "iotctl-sensor";

/// The sensor's template with one more statement, so that each number is another policy.
fn template(world: &World, number: u32) -> String {
    let extra = format!(
        "{{\"Sid\": \"Extra\", \"Effect\": \"Allow\", \"Action\": \"iot:Publish\", \"Resource\": \"{{{{ arn }}}}:topic/extra/{number}\"}},\n    {{\n      \"Sid\": \"Publish\""
    );
    let text = include_str!("../templates/sensor.json").replacen("{\n      \"Sid\": \"Publish\"", &extra, 1);
    write(world, "sensor.json", &text)
}

/// A template under which a sensor may connect and nothing else.
fn silent(world: &World) -> String {
    let statement = r#"{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}"#;
    write(world, "silent.json", &format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#))
}

fn write(world: &World, name: &str, text: &str) -> String {
    fs::write(world.path().join(name), text).unwrap();
    format!("./{name}")
}

fn push(world: &World, template: &str, more: &[&str]) -> Said {
    let arguments = ["policy", "push", "--policy-name", POLICY, "--template", template];
    run(&mut world.iotctl(&[&arguments[..], more].concat()))
}

fn default_version(world: &World) -> String {
    world.call("GET", &format!("/policies/{POLICY}"), "", "").1["defaultVersionId"].as_str().unwrap().to_owned()
}

fn policies_of(world: &World, certificate: &Value) -> Value {
    let path = format!("/attached-policies/{}", certificate.as_str().unwrap());
    let found = world.call("POST", &path, "", "").1;
    found["policies"].as_array().unwrap().iter().map(|policy| policy["policyName"].clone()).collect()
}

#[test]
fn a_new_version_is_the_default_and_the_same_again_is_no_change() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    let said = push(&world, &template(&world, 1), &["--yes"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("will make a new version of `iotctl-sensor`"), "{}", said.stderr);
    assert_eq!(default_version(&world), "2");
    let again = push(&world, &template(&world, 1), &["--yes", "-o", "json"]);
    let answer: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(answer, json!({"policy": POLICY, "changed": false}), "{}", again.stderr);
    assert_eq!(default_version(&world), "2");
}

#[test]
fn without_a_terminal_and_without_yes_nothing_happens() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    let said = push(&world, &template(&world, 1), &[]);
    assert_eq!(said.code, Some(64));
    assert!(said.stderr.contains("will make a new version") && said.stderr.contains("with --yes"), "{}", said.stderr);
    assert_eq!(default_version(&world), "1");
}

#[test]
fn the_oldest_of_five_versions_goes_and_an_old_content_is_taken_up_again() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    for number in 1..=4 {
        assert_eq!(push(&world, &template(&world, number), &["--yes"]).code, Some(0));
    }
    let sixth = push(&world, &template(&world, 5), &["--yes"]);
    assert!(sixth.stderr.contains("will delete version 1 of `iotctl-sensor`, the oldest"), "{}", sixth.stderr);
    assert!(sixth.stderr.contains("version 1 of policy iotctl-sensor deleted"), "{}", sixth.stderr);
    assert_eq!(default_version(&world), "6");
    let back = push(&world, &template(&world, 3), &["--yes"]);
    assert!(back.stderr.contains("will make version 4 of `iotctl-sensor`, which says this already"), "{}", back.stderr);
    assert_eq!(default_version(&world), "4");
}

#[test]
fn a_policy_that_is_not_there_and_a_template_that_is_none_change_nothing() {
    let world = World::start();
    let said = push(&world, &template(&world, 1), &["--yes"]);
    assert_eq!(said.code, Some(78));
    assert!(said.stderr.contains("there is no policy `iotctl-sensor`"), "{}", said.stderr);
    world.provision(&["--thing", "pump-7"]);
    let said = push(&world, &write(&world, "bad.json", "{\n \"Version\": 7}"), &["--yes"]);
    assert_eq!(said.code, Some(65));
    assert!(said.stderr.contains("policy `./bad.json`, line 2, column"), "{}", said.stderr);
    assert_eq!(default_version(&world), "1");
}

/// A feeder without an end, that publishes.
fn feeder(world: &World) -> Child {
    let mut child = world
        .iotctl(&["run", "--bundle", "certs/pump-7", "--sensor", "sim", "--interval", "50ms"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut first).unwrap();
    assert!(first.starts_with("Published topic"), "{first}");
    // The pipe must be read, or the feeder would stop at a full one.
    std::thread::spawn(move || lines.lines().for_each(drop));
    child
}

/// Pushes with a canary; calls `meanwhile` when the canary is waited for.
fn fly(world: &World, template: &str, wait: &str, meanwhile: impl FnOnce()) -> (Option<i32>, String) {
    let mut push = world
        .iotctl(&["policy", "push", "--policy-name", POLICY, "--template", template, "--yes"])
        .args(["--canary", "pump-7", "--wait", wait, "--settle", "500ms"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(push.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("waiting until it connects anew") {
        assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "{told}");
    }
    meanwhile();
    stderr.read_to_string(&mut told).unwrap();
    (push.wait().unwrap().code(), told)
}

fn stop(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_canary_that_comes_back_and_stays_lets_everybody_follow() {
    let world = World::start();
    let device = world.provision(&["--thing", "pump-7"]);
    let mut running = Some(feeder(&world));
    let (code, told) = fly(&world, &template(&world, 1), "60s", || {
        stop(running.take().unwrap());
        running = Some(feeder(&world));
    });
    stop(running.unwrap());
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("`pump-7` has connected under the new policy, and stays"), "{told}");
    assert_eq!(default_version(&world), "2");
    assert_eq!(policies_of(&world, &device["certificate_arn"]), json!([POLICY]));
    assert_eq!(world.call("GET", "/policies/iotctl-sensor-canary", "", "").0, 404);
}

#[test]
fn a_canary_that_its_policy_silences_is_rolled_back() {
    let world = World::start();
    let device = world.provision(&["--thing", "pump-7"]);
    let running = feeder(&world);
    let (code, told) = fly(&world, &silent(&world), "5s", || {});
    stop(running);
    assert_eq!(code, Some(6), "{told}");
    assert!(told.contains("rolled back: `pump-7` has policy iotctl-sensor again"), "{told}");
    assert_eq!(default_version(&world), "1");
    assert_eq!(policies_of(&world, &device["certificate_arn"]), json!([POLICY]));
    assert_eq!(world.call("GET", "/policies/iotctl-sensor-canary", "", "").0, 404);
}

#[test]
fn a_policy_that_somebody_else_changed_meanwhile_is_a_conflict() {
    let world = World::start();
    let device = world.provision(&["--thing", "pump-7"]);
    let mut running = Some(feeder(&world));
    let (code, told) = fly(&world, &template(&world, 1), "60s", || {
        let body =
            json!({"policyDocument": fs::read_to_string(world.path().join("certs/pump-7/policy.json")).unwrap()});
        let path = format!("/policies/{POLICY}/version?setAsDefault=true");
        assert_eq!(world.call("POST", &path, "", &body.to_string()).0, 200);
        stop(running.take().unwrap());
        running = Some(feeder(&world));
    });
    stop(running.unwrap());
    assert_eq!(code, Some(7), "{told}");
    assert!(told.contains("was changed meanwhile: its default version was 1, and is 2"), "{told}");
    assert_eq!(policies_of(&world, &device["certificate_arn"]), json!([POLICY]));
}

#[test]
fn a_thing_that_has_the_policy_nowhere_is_no_canary() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    assert_eq!(world.call("POST", "/things/other", "", "{}").0, 200);
    let said = push(&world, &template(&world, 1), &["--yes", "--canary", "other"]);
    assert_eq!(said.code, Some(78), "{}", said.stderr);
    assert!(said.stderr.contains("no certificate of `other` has the policy"), "{}", said.stderr);
    assert_eq!(default_version(&world), "1");
}
