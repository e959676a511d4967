//! `iotctl provision` on what is there already: it mends what is missing, and never undoes a decision.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/world.rs"]
mod world;

use std::fs;

use iotctl::pki::key::PrivateKey;
use serde_json::{Value, json};
use world::{Said, World, run};

fn again(world: &World, more: &[&str]) -> Said {
    run(&mut world.iotctl(&[&["provision", "--thing", "pump-7"], more].concat()))
}

/// Expects exit code 7 with this sentence and this hint, and a bundle as it was.
fn conflict(world: &World, more: &[&str], sentence: &str, hint: &str) {
    let before = fs::read(world.bundle("pump-7").join("bundle.json")).unwrap();
    let said = again(world, more);
    assert_eq!(said.code, Some(7), "{}", said.stderr);
    assert!(said.stderr.starts_with("error: ") && said.stderr.contains(sentence), "{}", said.stderr);
    assert!(said.stderr.contains(&format!("hint: {hint}")), "{}", said.stderr);
    assert_eq!(fs::read(world.bundle("pump-7").join("bundle.json")).unwrap(), before);
}

fn call(world: &World, method: &str, path: &str, headers: &str, body: &str) {
    let (status, answer) = world.call(method, path, headers, body);
    assert_eq!(status, 200, "{method} {path}: {answer}");
}

fn detach_policy(world: &World, answer: &Value) {
    let body = json!({"target": answer["certificate_arn"]}).to_string();
    call(world, "POST", &format!("/target-policies/{}", answer["policy"].as_str().unwrap()), "", &body);
}

fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer[member].as_str().unwrap()
}

#[test]
fn a_policy_that_was_detached_is_attached_again() {
    let world = World::start();
    let first = world.provision(&["--thing", "pump-7"]);
    detach_policy(&world, &first);
    let second = world.provision(&["--thing", "pump-7"]);
    assert_eq!((&second["changed"], &second["certificate_id"]), (&json!(true), &first["certificate_id"]));
    let (_, policies) = world.call("POST", &format!("/attached-policies/{}", text(&first, "certificate_arn")), "", "");
    assert_eq!(policies["policies"][0]["policyName"], "iotctl-sensor");
    assert_eq!(world.provision(&["--thing", "pump-7"])["changed"], false);
}

#[test]
fn a_group_that_is_asked_for_later_is_joined() {
    let world = World::start();
    world.provision(&["--thing", "pump-7", "--group", "line22"]);
    let second = world.provision(&["--thing", "pump-7", "--group", "line22", "--group", "plant1"]);
    assert_eq!(second["changed"], true);
    let (_, groups) = world.call("GET", "/things/pump-7/thing-groups", "", "");
    assert_eq!(groups["thingGroups"].as_array().unwrap().len(), 2);
}

#[test]
fn attributes_that_were_not_asked_for_may_be_there() {
    let world = World::start();
    world.provision(&["--thing", "pump-7", "--attribute", "site=plant1", "--attribute", "line=22"]);
    assert_eq!(world.provision(&["--thing", "pump-7"])["changed"], false);
    conflict(&world, &["--attribute", "site=plant2"], "thing `pump-7` exists", "look at it: aws iot describe-thing");
}

#[test]
fn a_certificate_that_was_switched_off_stays_off() {
    let world = World::start();
    let first = world.provision(&["--thing", "pump-7"]);
    let id = text(&first, "certificate_id");
    call(&world, "PUT", &format!("/certificates/{id}?newStatus=INACTIVE"), "", "");
    conflict(&world, &[], "was switched off: it is INACTIVE", "if that was a mistake: aws iot update-certificate");
    let (_, certificate) = world.call("GET", &format!("/certificates/{id}"), "", "");
    assert_eq!(certificate["certificateDescription"]["status"], "INACTIVE");
}

#[test]
fn a_certificate_that_was_deleted_is_not_replaced_in_silence() {
    let world = World::start();
    let first = world.provision(&["--thing", "pump-7"]);
    let (id, arn) = (text(&first, "certificate_id"), text(&first, "certificate_arn"));
    call(&world, "PUT", &format!("/certificates/{id}?newStatus=INACTIVE"), "", "");
    detach_policy(&world, &first);
    call(&world, "DELETE", "/things/pump-7/principals", &format!("x-amzn-principal: {arn}\r\n"), "");
    call(&world, "DELETE", &format!("/certificates/{id}"), "", "");
    conflict(
        &world,
        &[],
        "the certificate of `pump-7` does not exist (any more)",
        "if it was deleted, move the bundle",
    );
}

#[test]
fn a_thing_with_another_certificate_says_so_and_gets_its_own() {
    let world = World::start();
    let first = world.provision(&["--thing", "pump-7"]);
    let said = again(&world, &["--out", "elsewhere"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let warning = format!("warning: thing pump-7 has other certificates, too: {}", text(&first, "certificate_arn"));
    assert!(said.stderr.contains(&warning), "{}", said.stderr);
}

#[test]
fn a_bundle_of_something_else_is_a_conflict_that_says_what_differs() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    let cases: [(&[&str], &str); 5] = [
        (&["--topic", "sensors/pump-7/pressure"], "it publishes to `sensors/pump-7/temperature`, not to"),
        (&["--policy-name", "mine"], "its policy is `iotctl-sensor`, not `mine`"),
        (&["--region", "eu-west-1"], "it is of region `us-east-1`, and this run is for `eu-west-1`"),
        (&["--key-from", "aws"], "its private key was made here"),
        (&["--data-endpoint", "elsewhere.example"], "not to `elsewhere.example:8883`"),
    ];
    for (more, difference) in cases {
        conflict(&world, more, difference, "what it is: iotctl bundle show certs/pump-7");
    }
}

#[test]
fn another_signing_request_is_another_device() {
    let world = World::start();
    for name in ["one.csr", "two.csr"] {
        let csr = PrivateKey::generate().unwrap().csr("pump-7").unwrap();
        fs::write(world.path().join(name), csr).unwrap();
    }
    world.provision(&["--thing", "pump-7", "--csr", "one.csr"]);
    assert_eq!(world.provision(&["--thing", "pump-7", "--csr", "one.csr"])["changed"], false);
    conflict(
        &world,
        &["--csr", "two.csr"],
        "its certificate is of another key than the signing request",
        "make this one",
    );
}

#[test]
fn a_damaged_bundle_is_not_called_ready() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    fs::write(world.bundle("pump-7").join("root-ca.pem"), "gone").unwrap();
    let said = again(&world, &[]);
    assert_eq!(said.code, Some(65), "{}", said.stderr);
    assert!(said.stderr.contains("`root-ca.pem` was changed since the bundle was made"), "{}", said.stderr);
}
