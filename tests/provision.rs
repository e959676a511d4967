//! `iotctl provision` against `iotctl local`: what it makes, and what it refuses before anything is written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/world.rs"]
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use world::{Said, World, run, sealed};

fn provision(world: &World, arguments: &[&str]) -> Said {
    run(&mut world.iotctl(&[&["provision"], arguments].concat()))
}

/// Expects a refusal with this exit code, sentence and hint, and that nothing was made anywhere.
fn refused(world: &World, said: &Said, code: i32, sentence: &str, hint: &str) {
    assert_eq!(said.code, Some(code), "{}", said.stderr);
    assert!(said.stderr.contains(sentence), "{}", said.stderr);
    assert!(said.stderr.contains(hint), "{}", said.stderr);
    assert!(!world.path().join("certs").exists(), "a folder was written");
    let (_, answer) = world.call("GET", "/certificates", "", "");
    assert_eq!(answer["certificates"], json!([]), "a certificate was made");
}

#[test]
fn it_makes_everything_and_the_bundle_says_so() {
    let world = World::start();
    let answer = world.provision(&[
        "--thing",
        "pump-7",
        "--thing-type",
        "pump",
        "--attribute",
        "site=plant1",
        "--attribute",
        "line=22",
        "--group",
        "line22",
        "--var",
        "prefix=factoryA",
    ]);
    assert_eq!(answer["state"], "ready");
    assert_eq!(answer["topics"], json!(["factoryA/pump-7/temperature"]));
    assert_eq!((&answer["endpoint"], answer["port"].as_u64()), (&json!("localhost"), Some(world.mqtt_port.into())));
    let (_, thing) = world.call("GET", "/things/pump-7", "", "");
    assert_eq!(thing["attributes"], json!({"site": "plant1", "line": "22"}));
    assert_eq!(thing["thingTypeName"], "pump");
    let (_, groups) = world.call("GET", "/things/pump-7/thing-groups", "", "");
    assert_eq!(groups["thingGroups"][0]["groupName"], "line22");
    let (_, certificate) =
        world.call("GET", &format!("/certificates/{}", answer["certificate_id"].as_str().unwrap()), "", "");
    assert_eq!(certificate["certificateDescription"]["status"], "ACTIVE");
    let (_, policies) =
        world.call("POST", &format!("/attached-policies/{}", answer["certificate_arn"].as_str().unwrap()), "", "");
    assert_eq!(policies["policies"][0]["policyName"], "iotctl-sensor");
    let verified = run(&mut world.iotctl(&["bundle", "verify"]));
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);
}

#[test]
fn the_private_key_is_private_and_nowhere_else() {
    let world = World::start();
    let said = provision(&world, &["--thing", "pump-7", "-vv", "-o", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let path = world.bundle("pump-7").join("device.key.pem");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(world.bundle("pump-7")).unwrap().permissions().mode() & 0o777, 0o700);
    let secret = fs::read_to_string(path).unwrap().lines().nth(1).unwrap().to_owned();
    assert!(!said.stdout.contains(&secret) && !said.stderr.contains(&secret));
}

#[test]
fn the_tutorials_policy_is_attached_as_the_tutorial_has_it() {
    let world = World::start();
    world.provision(&[
        "--thing",
        "simple-publishing",
        "--template",
        "tutorial-publisher",
        "--topic",
        "bme680/temperature",
    ]);
    let (_, policy) = world.call("GET", "/policies/tutorial-publisher-simple-publishing", "", "");
    let document: Value = serde_json::from_str(policy["policyDocument"].as_str().unwrap()).unwrap();
    let arn = |rest: &str| format!("arn:aws:iot:us-east-1:123456789012:{rest}");
    let wanted = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": [arn("topic/bme680/temperature")]},
        {"Effect": "Allow", "Action": ["iot:Connect"], "Resource": [arn("client/simple-publishing")]},
    ]});
    assert_eq!(document, wanted);
}

#[test]
fn one_policy_serves_two_things() {
    let world = World::start();
    let (one, two) = (world.provision(&["--thing", "pump-1"]), world.provision(&["--thing", "pump-2"]));
    assert_eq!(one["policy"], two["policy"]);
    let (_, policies) = world.call("GET", "/policies", "", "");
    assert_eq!(policies["policies"].as_array().unwrap().len(), 1);
}

#[test]
fn a_key_by_aws_is_written_once_and_works() {
    let world = World::start();
    let answer = world.provision(&["--thing", "pump-7", "--key-from", "aws"]);
    assert_eq!(answer["key"], "aws");
    assert_eq!(run(&mut world.iotctl(&["bundle", "verify"])).code, Some(0));
}

#[test]
fn a_csr_of_a_key_kept_elsewhere_makes_a_bundle_without_a_key() {
    let world = World::start();
    let key = iotctl::pki::key::PrivateKey::generate().unwrap();
    fs::write(world.path().join("pump.csr"), key.csr("pump-7").unwrap()).unwrap();
    let answer = world.provision(&["--thing", "pump-7", "--csr", "pump.csr"]);
    assert_eq!(answer["key"], "external");
    assert!(!world.bundle("pump-7").join("device.key.pem").exists());
    assert_eq!(run(&mut world.iotctl(&["bundle", "verify"])).code, Some(0));
}

#[test]
fn settings_that_were_edited_survive_a_second_run() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    let path = world.bundle("pump-7").join("feeder.toml");
    let edited = fs::read_to_string(&path).unwrap() + "# mine\n";
    fs::write(&path, &edited).unwrap();
    assert_eq!(world.provision(&["--thing", "pump-7"])["changed"], false);
    assert_eq!(fs::read_to_string(&path).unwrap(), edited);
}

#[test]
fn a_thing_with_other_attributes_is_a_conflict_and_shows_the_difference() {
    let world = World::start();
    let (status, _) =
        world.call("POST", "/things/pump-7", "", r#"{"attributePayload":{"attributes":{"site":"plant2"}}}"#);
    assert_eq!(status, 200);
    let said = provision(&world, &["--thing", "pump-7", "--attribute", "site=plant1"]);
    refused(&world, &said, 7, "thing `pump-7` exists", "plant2");
}

#[test]
fn a_policy_with_another_document_is_a_conflict() {
    let world = World::start();
    let document = r#"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\",\"Resource\":\"*\"}]}"#;
    let (status, _) =
        world.call("POST", "/policies/iotctl-sensor", "", &format!(r#"{{"policyDocument":"{document}"}}"#));
    assert_eq!(status, 200);
    let said = provision(&world, &["--thing", "pump-7"]);
    refused(&world, &said, 7, "policy `iotctl-sensor` exists", "--policy-name");
}

#[test]
fn the_wrong_account_is_refused() {
    let world = World::start();
    let (status, _) = world.call("POST", "/things/pump-7", "", "{}");
    assert_eq!(status, 200);
    let said = provision(&world, &["--thing", "pump-7", "--account", "999999999999"]);
    refused(&world, &said, 7, "123456789012", "--account");
}

#[test]
fn a_policy_that_would_not_let_it_publish_is_refused_before_anything_is_made() {
    let world = World::start();
    let said = provision(&world, &["--thing", "pump-7", "--topic", "elsewhere/temperature"]);
    refused(&world, &said, 5, "elsewhere/temperature", "hint:");
}

#[test]
fn a_name_with_forbidden_characters_is_refused_by_the_parser() {
    let world = World::start();
    for name in ["my pump", "../escape", "pump/7", ""] {
        let said = provision(&world, &["--thing", name]);
        refused(&world, &said, 64, "thing name", "");
    }
}

#[test]
fn four_attributes_need_a_thing_type() {
    let world = World::start();
    let attributes = ["--attribute", "a=1", "--attribute", "b=1", "--attribute", "c=1", "--attribute", "d=1"];
    let said = provision(&world, &[&["--thing", "pump-7"], &attributes[..]].concat());
    refused(&world, &said, 64, "4 attributes", "--thing-type");
}

#[test]
fn the_consoles_address_is_not_an_endpoint() {
    let world = World::start();
    let said =
        provision(&world, &["--thing", "pump-7", "--data-endpoint", "https://eu-west-1.console.aws.amazon.com/iot"]);
    refused(&world, &said, 64, "is the AWS console, not a device endpoint", "");
}

#[test]
fn a_key_without_a_manifest_is_in_the_way() {
    let world = World::start();
    fs::create_dir_all(world.bundle("pump-7")).unwrap();
    fs::write(world.bundle("pump-7").join("device.key.pem"), "precious").unwrap();
    let said = provision(&world, &["--thing", "pump-7"]);
    assert_eq!(said.code, Some(73), "{}", said.stderr);
    assert_eq!(fs::read_to_string(world.bundle("pump-7").join("device.key.pem")).unwrap(), "precious");
}

#[test]
fn without_credentials_it_says_what_to_set() {
    let world = World::start();
    let mut command = world.iotctl(&["provision", "--thing", "pump-7"]);
    let said = run(command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY"));
    refused(&world, &said, 4, "credentials", "aws configure");
}

#[test]
fn without_a_region_it_says_what_to_set() {
    let world = World::start();
    let said = run(world.iotctl(&["provision", "--thing", "pump-7"]).env_remove("AWS_REGION"));
    refused(&world, &said, 78, "region", "AWS_REGION");
}

#[test]
fn an_endpoint_that_does_not_answer_is_exit_code_6() {
    let world = World::start();
    // A port that was free a moment ago: nothing listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = run(&mut world.iotctl_at(&format!("http://127.0.0.1:{port}"), &["provision", "--thing", "pump-7"]));
    refused(&world, &said, 6, &format!("127.0.0.1:{port}"), "hint:");
}

#[test]
fn an_error_is_an_object_for_programs() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(&mut sealed(folder.path(), &["bundle", "show", "-o", "json"]));
    let error: Value = serde_json::from_str(&said.stderr).unwrap();
    assert_eq!((&error["error"]["kind"], &error["error"]["exit_code"]), (&json!("configuration"), &json!(78)));
}
