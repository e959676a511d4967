//! The Device Shadow service of `iotctl local`: what MQTT clients hear of it, and what policies say of its topics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "broker/raw.rs"]
mod raw;
#[path = "world/world.rs"]
mod world;

use raw::{Answer, Raw, hello, publish, subscribe};
use serde_json::{Value, json};
use world::{Said, World, run};

const CLASSIC: &str = "$aws/things/lab-1/shadow";

/// A stand-in with `lab-1`, which may do everything with its shadows but publish to the one named `secret`.
fn lab() -> World {
    let world = World::start();
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/shadow.json");
    world.provision(&["--thing", "lab-1", "--template", template, "--policy-name", "lab", "--topic", "lab/lab-1/up"]);
    world
}

fn client(world: &World) -> Raw {
    Raw::with_bundle(&world.bundle("lab-1"), world.mqtt_port).connected(&hello(4, "lab-1"))
}

/// The next message, with its topic; a PUBACK or SUBACK on the way is passed over.
fn next(raw: &mut Raw) -> (String, Value) {
    loop {
        match raw.read() {
            Answer::Packet(first, body) if first >> 4 == 3 => {
                let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
                let topic = String::from_utf8(body[2..2 + length].to_vec()).unwrap();
                let payload = &body[2 + length + if first & 6 == 0 { 0 } else { 2 }..];
                return (topic, serde_json::from_slice(payload).unwrap());
            }
            Answer::Packet(..) => {}
            Answer::Closed => panic!("closed"),
        }
    }
}

fn update(raw: &mut Raw, prefix: &str, state: Value) {
    let payload = json!({"state": state, "clientToken": "mine"}).to_string();
    raw.send(&publish(4, &format!("{prefix}/update"), payload.as_bytes(), &[]));
}

#[test]
fn an_update_is_answered_and_its_difference_told() {
    let world = lab();
    let mut raw = client(&world);
    for prefix in [CLASSIC.to_owned(), format!("{CLASSIC}/name/cfg")] {
        raw.send(&subscribe(4, &[(&format!("{prefix}/update/+"), 0)]));
        update(&mut raw, &prefix, json!({"desired": {"a": 1}}));
        let (topic, accepted) = next(&mut raw);
        assert_eq!((topic, &accepted["version"]), (format!("{prefix}/update/accepted"), &json!(1)));
        let (topic, delta) = next(&mut raw);
        assert_eq!((topic, &delta["state"]), (format!("{prefix}/update/delta"), &json!({"a": 1})));
        let (topic, documents) = next(&mut raw);
        assert_eq!((topic, &documents["clientToken"]), (format!("{prefix}/update/documents"), &json!("mine")));
        update(&mut raw, &prefix, json!({"foo": 1}));
        let (topic, rejected) = next(&mut raw);
        assert_eq!((topic, &rejected["code"]), (format!("{prefix}/update/rejected"), &json!(400)));
    }
}

#[test]
fn what_changes_over_http_is_told_over_mqtt_and_what_is_refused_there_is_not() {
    let world = lab();
    let mut raw = client(&world);
    raw.send(&subscribe(4, &[(&format!("{CLASSIC}/+/+"), 1)]));
    let path = "/things/lab-1/shadow";
    assert_eq!(world.call("GET", path, "", "").0, 404);
    assert_eq!(world.call("POST", path, "", r#"{"state":{},"version":9}"#).0, 409);
    let (status, echo) = world.call("POST", path, "", r#"{"state":{"reported":{"a":null,"b":1}}}"#);
    assert_eq!((status, &echo["state"]), (200, &json!({"reported": {"a": null, "b": 1}})));
    assert_eq!(next(&mut raw), (format!("{CLASSIC}/update/accepted"), echo));
    assert_eq!(next(&mut raw).0, format!("{CLASSIC}/update/documents"));
    assert_eq!(world.call("DELETE", path, "", "").0, 200);
    let (topic, deleted) = next(&mut raw);
    assert_eq!((topic, &deleted["version"]), (format!("{CLASSIC}/delete/accepted"), &json!(2)));
}

#[test]
fn policy_decides_and_only_requests_are_taken() {
    let world = lab();
    for topic in ["$aws/things/lab-2/shadow/update", "$aws/things/lab-1/shadow/name/secret/update"] {
        let mut raw = client(&world);
        assert_eq!(raw.send(&publish(4, topic, b"{}", &[])).read(), Answer::Closed, "{topic}");
    }
    // What clients listen to is the service's to publish.
    for suffix in ["update/accepted", "update/delta", "nothing"] {
        let mut raw = client(&world);
        assert_eq!(
            raw.send(&publish(4, &format!("{CLASSIC}/{suffix}"), b"{}", &[])).read(),
            Answer::Closed,
            "{suffix}"
        );
    }
    assert_eq!(world.call("GET", "/things/lab-2/shadow", "", "").0, 404);
}

fn shadow(world: &World, arguments: &[&str]) -> Said {
    run(&mut world.iotctl(&[&["shadow"], arguments].concat()))
}

fn json(said: &Said) -> Value {
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

#[test]
fn the_operator_sets_fields_and_reads_them_back() {
    let world = World::start();
    let who = ["--thing", "pump-7", "--name", "iotctl", "-o", "json"];
    let set = |more: &[&str]| shadow(&world, &[&["set"], &who[..], more].concat());
    let fields = ["interval=2s", "streams.humidity.enabled=false"];
    assert_eq!(json(&set(&fields))["version"], 1);
    assert_eq!(json(&set(&["--reported", r#"{"interval":"2s"}"#, "interval=null", "--version", "1"]))["version"], 2);
    std::fs::write(world.path().join("d.json"), r#"{"level":"debug"}"#).unwrap();
    assert_eq!(json(&set(&["--desired", "d.json"]))["version"], 3);
    let state = &json(&shadow(&world, &[&["get"], &who[..]].concat()))["state"];
    let wanted = json!({"streams": {"humidity": {"enabled": false}}, "level": "debug"});
    assert_eq!((&state["desired"], &state["delta"]), (&wanted, &wanted));
    assert_eq!(state["reported"], json!({"interval": "2s"}));
}

#[test]
fn a_version_that_is_not_there_is_a_conflict_that_says_which_is() {
    let world = World::start();
    assert_eq!(shadow(&world, &["set", "--thing", "pump-7", "a=1"]).code, Some(0));
    let said = shadow(&world, &["set", "--thing", "pump-7", "a=2", "--version", "7"]);
    assert_eq!(said.code, Some(7), "{}", said.stderr);
    for part in ["cannot change the classic shadow of `pump-7`", "Version conflict", "it is at version 1 now"] {
        assert!(said.stderr.contains(part), "{part}: {}", said.stderr);
    }
}

#[test]
fn a_shadow_that_is_not_there_names_those_that_are() {
    let world = World::start();
    assert_eq!(shadow(&world, &["set", "--thing", "pump-7", "--name", "cfg", "a=1"]).code, Some(0));
    let said = shadow(&world, &["get", "--thing", "pump-7", "--name", "cgf"]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    assert!(said.stderr.contains("named shadows of this thing: cfg"), "{}", said.stderr);
    let said = shadow(&world, &["set", "--thing", "pump-7", "--desired", r#"{"a":[null]}"#]);
    assert_eq!(said.code, Some(65), "{}", said.stderr);
    assert!(said.stderr.contains("null in an array"), "{}", said.stderr);
}

#[test]
fn a_watcher_sees_what_changes() {
    let world = World::start();
    assert_eq!(shadow(&world, &["set", "--thing", "pump-7", "a=1"]).code, Some(0));
    let watch = ["shadow", "watch", "--thing", "pump-7", "--every", "50ms", "-C", "2", "-o", "ndjson"];
    let watcher = world.iotctl(&watch).stdout(std::process::Stdio::piped()).spawn().unwrap();
    // Whichever comes first, it ends with the second version that it sees.
    let (mut watcher, mut version) = (watcher, 1);
    while watcher.try_wait().unwrap().is_none() {
        version += 1;
        assert_eq!(shadow(&world, &["set", "--thing", "pump-7", &format!("a={version}")]).code, Some(0));
    }
    let seen = String::from_utf8(watcher.wait_with_output().unwrap().stdout).unwrap();
    let versions: Vec<Value> = seen.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(versions.len(), 2, "{seen}");
    assert!(versions[0]["version"].as_u64() < versions[1]["version"].as_u64(), "{seen}");
}

#[test]
fn a_device_that_does_not_answer_is_not_waited_for_for_ever() {
    let world = World::start();
    let said = shadow(&world, &["set", "--thing", "pump-7", "a=1", "--wait", "1ms"]);
    assert_eq!(said.code, Some(6), "{}", said.stderr);
    assert!(said.stderr.contains(r#"does not report what is desired: {"a":1}"#), "{}", said.stderr);
}
