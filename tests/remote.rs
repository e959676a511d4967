//! A feeder that is steered while it runs: the real one, against the real stand-in, by the real operator's verbs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/gate.rs"]
mod gate;
#[path = "world/world.rs"]
mod world;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use gate::Gate;
use serde_json::{Value, json};
use world::{Said, World, run};

/// Longer than anything here takes; nothing is asserted about speed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A feeder at work, and what it says.
struct Feeder {
    child: Child,
    events: Receiver<Value>,
}

impl Feeder {
    /// The streams of a simulated sensor, one every hour unless somebody steers.
    fn start(world: &World, flags: &[&str]) -> Self {
        Self::of(world, &[&["--bundle", "certs/pump-7"], flags].concat())
    }

    fn of(world: &World, flags: &[&str]) -> Self {
        fs::write(world.path().join("feeder.toml"), FEEDER).unwrap();
        let all = [&["run", "--config", "feeder.toml", "-o", "ndjson"], flags].concat();
        let stderr = fs::File::create(world.path().join("stderr")).unwrap();
        let mut child = world.iotctl(&all).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let (sender, events) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok()).for_each(|event| {
                // The test may have seen enough.
                let _ = sender.send(event);
            });
        });
        Self { child, events }
    }

    /// The next event that `is` it.
    fn next(&self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.events.recv_timeout(PATIENCE).expect("the feeder says nothing of it");
            if is(&event) {
                return event;
            }
        }
    }

    fn steered(&self) -> Value {
        self.next(|event| event["event"] == "steered")
    }

    fn published(&self, stream: &str) -> Value {
        self.next(|event| event["topic"] == format!("sensors/pump-7/{stream}"))
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const FEEDER: &str = "topic = \"sensors/pump-7/{{ stream }}\"\ninterval = \"1h\"\n[source.air]\nkind = \"sim\"\n\
                      [stream.temperature]\nsource = \"air\"\n[stream.humidity]\nsource = \"air\"\nenabled = false\n\
                      [stream.pressure]\nsource = \"air\"\nenabled = false\n\
                      [source.tank]\nkind = \"file\"\npath = \"level\"\nmeasures = [\"level\"]\n\
                      [stream.level]\nsource = \"tank\"\nenabled = false\n";

fn world() -> World {
    let world = World::start();
    world.provision(&["--thing", "pump-7", "--template", "sensor-remote"]);
    world
}

fn shadow(world: &World, verb: &str, arguments: &[&str]) -> Said {
    run(&mut world.iotctl(&[&["shadow", verb, "--thing", "pump-7", "-o", "json"], arguments].concat()))
}

fn set(world: &World, fields: &[&str]) -> Value {
    let said = shadow(world, "set", &[&["--name", "iotctl", "--wait", "30s"], fields].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).unwrap()
}

/// The reported section, once `is` is true of it.
fn reported(world: &World, which: &[&str], is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..300 {
        let said = shadow(world, "get", which);
        let document: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
        let reported = document["state"]["reported"].clone();
        if is(&reported) {
            return reported;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the shadow is never as it should be: {}", shadow(world, "get", which).stdout)
}

#[test]
fn a_shadow_changes_interval_and_streams_of_a_running_feeder() {
    let world = world();
    let feeder = Feeder::start(&world, &["--remote-config"]);
    assert_eq!(feeder.published("temperature")["message"]["sequence"], 0);
    let first = reported(&world, &["--name", "iotctl"], Value::is_object);
    assert_eq!((&first["interval"], &first["streams"]["humidity"]["enabled"]), (&json!("3600s"), &json!(false)));

    let document =
        set(&world, &["interval=50ms", "streams.temperature.enabled=false", "streams.humidity.enabled=true"]);
    assert_eq!(feeder.steered()["refused"], Value::Null);
    assert_eq!(document["state"]["reported"]["interval"], "50ms");
    for _ in 0..3 {
        assert_eq!(feeder.published("humidity")["message"]["unit"], "%RH");
    }

    // What is not desired any more is again as the file has it.
    set(&world, &["--desired", "null"]);
    assert_eq!(feeder.steered()["refused"], Value::Null);
    let back = reported(&world, &["--name", "iotctl"], |reported| reported["interval"] == "3600s");
    feeder.published("temperature");
    assert_eq!(back, first);
}

#[test]
fn a_wrong_document_changes_nothing_and_the_shadow_says_why() {
    let world = world();
    let feeder = Feeder::start(&world, &["--remote-config"]);
    feeder.published("temperature");
    let wrong = ["interval=1s", "streams.humidity.enabled=true", "streams.colour.enabled=true"];
    let said = shadow(&world, "set", &[&["--name", "iotctl"], &wrong[..]].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let refused = feeder.steered();
    assert!(refused["refused"].as_str().unwrap().contains("`streams.colour`: there is no such stream"), "{refused}");
    let told = reported(&world, &["--name", "iotctl"], |reported| reported["config_error"].is_string());
    assert_eq!((&told["interval"], &told["streams"]["humidity"]["enabled"]), (&json!("3600s"), &json!(false)));
    assert!(told["streams"].get("colour").is_none(), "{told}");

    let said = shadow(&world, "set", &["--name", "iotctl", "endpoint=evil.example", "--wait", "1ms"]);
    assert_eq!(said.code, Some(6), "{}", said.stderr);
    assert!(feeder.steered()["refused"].as_str().unwrap().contains("`endpoint`: cannot be changed from afar"));

    set(&world, &["endpoint=null", "streams.colour=null"]);
    assert_eq!(feeder.steered()["refused"], Value::Null);
    assert!(
        reported(&world, &["--name", "iotctl"], |reported| reported["interval"] == "1s").get("config_error").is_none()
    );
}

#[test]
fn the_level_of_the_log_changes_while_it_runs() {
    let world = world();
    let feeder = Feeder::start(&world, &["--remote-config"]);
    feeder.published("temperature");
    let said = |what: &str| fs::read_to_string(world.path().join("stderr")).unwrap().contains(what);
    let blink = |interval: &str| {
        // The file is not there, and then it is: the second is worth a line of the level `info`.
        let _ = fs::remove_file(world.path().join("level"));
        set(&world, &[&format!("streams.level.interval={interval}"), "streams.level.enabled=true"]);
        feeder.next(|event| event["message"]["status"] == "fail");
        fs::write(world.path().join("level"), "7").unwrap();
        feeder.next(|event| event["message"]["value"] == 7.0);
    };
    blink("20ms");
    assert!(said("cannot read the sensor") && !said("the sensor answers again"));
    set(&world, &["log_level=info"]);
    blink("30ms");
    assert!(said("the sensor answers again"));
}

#[test]
fn settings_of_a_night_offline_are_taken_at_the_next_start() {
    let world = world();
    let set = shadow(&world, "set", &["--name", "settings", "streams.pressure.enabled=true", "log_level=debug"]);
    assert_eq!(set.code, Some(0), "{}", set.stderr);
    // The template is for the shadow with the default name; this one is for another.
    let policy = include_str!("../templates/sensor-remote.json").replace("/name/iotctl", "/name/settings");
    fs::write(world.path().join("mine.json"), policy).unwrap();
    let other = ["--thing", "pump-7", "--template", "mine.json", "--policy-name", "mine"];
    fs::remove_dir_all(world.bundle("pump-7")).unwrap();
    world.provision(&other);
    let feeder = Feeder::start(&world, &["--remote-config=settings"]);
    feeder.published("pressure");
    reported(&world, &["--name", "settings"], |reported| reported["log_level"] == "debug");
}

#[test]
fn what_was_desired_while_the_line_was_down_is_asked_for_when_it_stands_again() {
    let world = world();
    let gate = Gate::before(world.mqtt_port);
    let [ca, cert, key] = ["root-ca", "device.cert", "device.key"].map(|name| format!("certs/pump-7/{name}.pem"));
    let endpoint = format!("localhost:{}", gate.port);
    let loose = ["-e", &endpoint, "-r", &ca, "-c", &cert, "-k", &key, "--client-id", "pump-7", "--remote-config"];
    let feeder = Feeder::of(&world, &loose);
    feeder.published("temperature");
    reported(&world, &["--name", "iotctl"], Value::is_object);
    gate.stall();
    gate.cut();
    let said = shadow(&world, "set", &["--name", "iotctl", "streams.humidity.enabled=true"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    gate.open();
    feeder.published("humidity");
    reported(&world, &["--name", "iotctl"], |reported| reported["streams"]["humidity"]["enabled"] == true);
}

#[test]
fn an_action_switches_to_one_stream_and_readings_go_to_the_classic_shadow() {
    let world = world();
    let room =
        ["--thing", "room", "--template", "tutorial-publisher", "--policy-name", "room", "--topic", "actions/pump-7"];
    world.provision(&room);
    let feeder = Feeder::start(&world, &["--action-topic", "actions/pump-7", "--report-to-shadow"]);
    feeder.published("temperature");
    reported(&world, &[], |reported| reported["temperature"].is_f64());
    let act = |action: &str| {
        let payload = json!({"action": action}).to_string();
        let publish = ["pub", "--bundle", "certs/room", "actions/pump-7", &payload];
        assert_eq!(run(&mut world.iotctl(&publish)).code, Some(0));
        feeder.steered()
    };
    assert_eq!(act("pressure")["refused"], Value::Null);
    feeder.published("pressure");
    let both = reported(&world, &[], |reported| reported["pressure"].is_f64());
    assert!(both["temperature"].is_f64(), "{both}");
    assert!(act("presure")["refused"].as_str().unwrap().contains("there is no action"));
    assert_eq!(act("off")["refused"], Value::Null);
    assert_eq!(act("humidity")["refused"], Value::Null);
    feeder.published("humidity");
}

#[test]
fn a_report_that_policy_forbids_costs_the_reports_and_not_the_readings() {
    let world = World::start();
    let forbids = "\"{{ arn }}:topic/{{ settings }}/update\"\n";
    let policy = include_str!("../templates/sensor-remote.json");
    assert!(policy.contains(forbids));
    fs::write(world.path().join("mine.json"), policy.replace(forbids, "\"{{ arn }}:topic/nothing\"\n")).unwrap();
    world.provision(&["--thing", "pump-7", "--template", "mine.json"]);
    let feeder = Feeder::start(&world, &["--remote-config", "--interval", "50ms"]);
    let said = || fs::read_to_string(world.path().join("stderr")).unwrap();
    // The denial, and then a connection without shadow, on which everything arrives.
    while !said().contains("readings go on without shadow") {
        feeder.published("temperature");
    }
    for _ in 0..20 {
        feeder.published("temperature");
    }
    assert_eq!(said().matches("connected to localhost").count(), 2, "{}", said());
    assert!(!world.bundle("pump-7").join("spool/dead-letters.ndjson").exists(), "{}", said());
}

#[test]
fn a_policy_that_knows_no_shadows_costs_the_settings_and_not_the_readings() {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    let feeder = Feeder::start(&world, &["--remote-config"]);
    feeder.published("temperature");
    let said = fs::read_to_string(world.path().join("stderr")).unwrap();
    assert!(said.contains("name/iotctl/get/accepted") && said.contains("readings go on without shadow"), "{said}");
}
