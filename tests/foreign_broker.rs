//! `iotctl run`, `sub` and `pub` against mosquitto with `require_certificate`: nothing of ours at the other end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/mosquitto.rs"]
mod mosquitto;
#[path = "world/world.rs"]
mod world;

use mosquitto::Mosquitto;
use serde_json::Value;
use world::{peers, run};

#[test]
fn the_tutorials_flags_publish_to_a_foreign_broker() {
    if !peers("foreign_broker::the_tutorials_flags_publish_to_a_foreign_broker") {
        return;
    }
    let broker = Mosquitto::start();
    let topic = "bme680/temperature";
    let said = run(&mut broker.iotctl(
        "run",
        "simple-publishing",
        &["-t", topic, "--sensor", "sim", "--interval", "10ms", "--count", "20"],
    ));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let lines: Vec<_> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 20, "{}", said.stdout);
    for (number, line) in lines.iter().enumerate() {
        let json = line.strip_prefix(&format!("Published topic {topic}: ")).unwrap();
        let message: Value = serde_json::from_str(json).unwrap();
        assert_eq!((message["sequence"].as_u64(), &message["status"]), (Some(number as u64), &Value::from("success")));
    }
}

#[test]
fn what_pub_sends_sub_prints() {
    if !peers("foreign_broker::what_pub_sends_sub_prints") {
        return;
    }
    let broker = Mosquitto::start();
    let retained = run(&mut broker.iotctl("pub", "sender", &["--retain", "a/b", "{\"value\":1}"]));
    assert_eq!(retained.code, Some(0), "{}", retained.stderr);
    let said = run(&mut broker.iotctl("sub", "reader", &["a/#", "-C", "1", "-W", "20", "-o", "ndjson"]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let message: Value = serde_json::from_str(said.stdout.trim()).unwrap();
    assert_eq!((&message["topic"], &message["payload"]), (&Value::from("a/b"), &Value::from("{\"value\":1}")));
}

#[test]
fn sub_that_hears_nothing_is_exit_code_6() {
    if !peers("foreign_broker::sub_that_hears_nothing_is_exit_code_6") {
        return;
    }
    let broker = Mosquitto::start();
    let said = run(&mut broker.iotctl("sub", "reader", &["a/#", "-C", "1", "-W", "0.2"]));
    assert_eq!(said.code, Some(6), "{}", said.stderr);
}
