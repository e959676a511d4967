//! `iotctl provision` against a control plane that we did not write: moto, looked at through boto3.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(feature = "control")]

#[path = "world/world.rs"]
mod world;

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use world::{Said, peers, run, sealed};

/// A moto server of its own; it ends when its stdin does.
struct Moto {
    folder: tempfile::TempDir,
    server: Child,
    answers: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Moto {
    /// `None` where there are no peers.
    fn start(test: &str) -> Option<Self> {
        if !peers(&format!("foreign_cloud::{test}")) {
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/moto_cloud.py");
        let mut server = Command::new("python3")
            .arg(script)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(server.stdout.take().unwrap()).lines();
        let address = answers.next().expect("moto does not start").unwrap();
        Some(Self { folder: tempfile::tempdir().unwrap(), server, answers, address })
    }

    fn provision(&self, arguments: &[&str]) -> Said {
        let all = [&["provision", "-o", "json"], arguments].concat();
        let mut command = sealed(self.folder.path(), &all);
        command.env("AWS_ENDPOINT_URL_IOT", &self.address).env("AWS_REGION", "eu-central-1");
        run(command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test"))
    }

    /// What moto holds, as boto3 sees it.
    fn objects(&mut self, thing: &str) -> Value {
        writeln!(self.server.stdin.as_mut().unwrap(), "{thing}").unwrap();
        serde_json::from_str(&self.answers.next().unwrap().unwrap()).unwrap()
    }

    fn file(&self, thing: &str, name: &str) -> String {
        fs::read_to_string(self.folder.path().join("certs").join(thing).join(name)).unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn answer(said: &Said) -> Value {
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

const PUMP: [&str; 8] =
    ["--thing", "pump-7", "--thing-type", "pump", "--attribute", "site=plant1", "--group", "line22"];

#[test]
fn a_certificate_of_another_key_is_refused_and_deleted_again() {
    let Some(mut moto) = Moto::start("refusal") else { return };
    let said = moto.provision(&PUMP);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let error: Value = serde_json::from_str(said.stderr.lines().last().unwrap()).unwrap();
    assert!(error["error"]["message"].as_str().unwrap().contains("of another key than ours"), "{error}");
    assert_eq!(error["error"]["causes"], json!(["it was deleted again"]));
    let objects = moto.objects("pump-7");
    assert_eq!((&objects["certificates"], &objects["thing"]), (&json!({}), &Value::Null));
    assert!(moto.file("pump-7", "bundle.json").contains("\"state\": \"pending\""));
}

#[test]
fn accepted_it_makes_what_boto3_then_finds_and_says_that_it_cannot_connect() {
    let Some(mut moto) = Moto::start("acceptance") else { return };
    // The first run is refused: the second goes on with its key.
    assert_eq!(moto.provision(&PUMP).code, Some(1));
    let key = moto.file("pump-7", "device.key.pem");
    let accept = [&PUMP[..], &["--accept-foreign-key"]].concat();
    let answer = answer(&moto.provision(&accept));
    assert_eq!(
        (&answer["state"], &answer["changed"], &answer["foreign_key"]),
        (&json!("ready"), &json!(true), &json!(true))
    );
    assert_eq!(moto.file("pump-7", "device.key.pem"), key);

    let objects = moto.objects("pump-7");
    let id = answer["certificate_id"].as_str().unwrap();
    assert_eq!(objects["certificates"], json!({id: "ACTIVE"}));
    assert_eq!((&objects["types"], &objects["groups"]), (&json!(["pump"]), &json!(["line22"])));
    let thing = json!({
        "attributes": {"site": "plant1"}, "type": "pump", "groups": ["line22"],
        "principals": [answer["certificate_arn"]], "policies": ["iotctl-sensor"],
    });
    assert_eq!(objects["thing"], thing);
    let policy: Value = serde_json::from_str(&moto.file("pump-7", "policy.json")).unwrap();
    assert_eq!(objects["policies"], json!({"iotctl-sensor": policy}));
    assert!(policy.to_string().contains("arn:aws:iot:eu-central-1:123456789012:topic/sensors/"), "{policy}");
}

#[test]
fn a_second_run_changes_nothing_and_another_prefix_is_a_conflict() {
    let Some(mut moto) = Moto::start("second run") else { return };
    let aws = [&PUMP[..], &["--key-from", "aws"]].concat();
    let first = answer(&moto.provision(&aws));
    let objects = moto.objects("pump-7");
    let second = answer(&moto.provision(&aws));
    assert_eq!((&first["changed"], &second["changed"]), (&json!(true), &json!(false)));
    assert_eq!((&first["foreign_key"], &second["foreign_key"]), (&json!(false), &json!(false)));
    assert_eq!(moto.objects("pump-7"), objects);

    let other = moto.provision(&["--thing", "pump-8", "--var", "prefix=elsewhere"]);
    assert_eq!(other.code, Some(7), "{}", other.stderr);
    assert!(other.stderr.contains("policy `iotctl-sensor` exists with another document"), "{}", other.stderr);
    assert_eq!(moto.objects("pump-7"), objects);
}

#[test]
fn the_key_that_aws_made_is_in_the_bundle_alone() {
    let Some(moto) = Moto::start("key by AWS") else { return };
    let said = moto.provision(&["--thing", "pump-7", "--key-from", "aws", "-vv"]);
    assert_eq!(answer(&said)["key"], "aws");
    let secret = moto.file("pump-7", "device.key.pem").lines().nth(1).unwrap().to_owned();
    assert!(!said.stdout.contains(&secret) && !said.stderr.contains(&secret));
    let verified = run(&mut sealed(moto.folder.path(), &["bundle", "verify"]));
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);
}
