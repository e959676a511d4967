//! The Device Shadow service of `iotctl local`: what MQTT clients hear of it, and what policies say of its topics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "broker/raw.rs"]
mod raw;
#[path = "world/world.rs"]
mod world;

use raw::{Answer, Raw, hello, publish, subscribe};
use serde_json::{Value, json};
use world::World;

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
