//! `iotctl run` end to end: what arrives, what happens when the line breaks, how it stops, what it refuses.
//!
//! The broker is `iotctl local` where this build has it, and mosquitto in a device build.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/broker.rs"]
mod broker;
#[path = "world/world.rs"]
mod world;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use world::{Said, run};

use broker::{Broker, TOPIC};

/// The messages that were acknowledged, in their order.
fn messages(stdout: &str) -> Vec<Value> {
    let json = |line: &str| serde_json::from_str(line.strip_prefix(&format!("Published topic {TOPIC}: ")).unwrap());
    stdout.lines().map(|line| json(line).unwrap()).collect()
}

fn sequences(stdout: &str) -> Vec<u64> {
    messages(stdout).iter().map(|message| message["sequence"].as_u64().unwrap()).collect()
}

/// Passes TCP on; the first connection is cut when the client has sent `cut` bytes.
fn cutting_proxy(upstream: u16, cut: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, client) in listener.incoming().flatten().enumerate() {
            let cloud = TcpStream::connect(("127.0.0.1", upstream)).unwrap();
            let left = Arc::new(AtomicUsize::new(if number == 0 { cut } else { usize::MAX }));
            let (back_from, back_to) = (cloud.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || pass(client, cloud, &left));
            std::thread::spawn(move || pass(back_from, back_to, &AtomicUsize::new(usize::MAX)));
        }
    });
    port
}

fn pass(mut from: TcpStream, mut to: TcpStream, left: &AtomicUsize) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if left.load(Ordering::SeqCst) < count || to.write_all(&buffer[..count]).is_err() {
            break;
        }
        left.fetch_sub(count, Ordering::SeqCst);
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

#[test]
fn every_reading_is_shown_when_it_is_acknowledged_as_the_tutorial_shows_it() {
    let Some(broker) = Broker::start("every_reading_is_shown") else { return };
    let said = run(&mut broker.feeder(broker.port(), &["--interval", "5ms", "--count", "50"]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(sequences(&said.stdout), (0..50).collect::<Vec<_>>());
    let keys: Vec<_> = messages(&said.stdout)[0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["sequence", "timestamp_utc", "value", "unit", "origin", "status"]);
}

#[test]
fn a_line_that_breaks_is_made_again_and_no_reading_is_lost() {
    let Some(broker) = Broker::start("a_line_that_breaks") else { return };
    let port = cutting_proxy(broker.port(), 6_000);
    let said = run(&mut broker.feeder(port, &["--interval", "5ms", "--count", "80"]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let mut found = sequences(&said.stdout);
    // QoS 1: what was sent before the cut may be acknowledged after it, and then again.
    found.sort_unstable();
    found.dedup();
    assert_eq!(found, (0..80).collect::<Vec<_>>());
    assert!(said.stderr.contains("next attempt in 1."), "1 s and jitter on top: {}", said.stderr);
    assert_eq!(said.stderr.matches("connected to localhost").count(), 2, "{}", said.stderr);
}

#[test]
fn without_qos_1_nothing_is_acknowledged_and_everything_is_sent() {
    let Some(broker) = Broker::start("without_qos_1") else { return };
    let said = run(&mut broker.feeder(broker.port(), &["--interval", "5ms", "--count", "20", "--qos", "0"]));
    assert_eq!((said.code, sequences(&said.stdout).len()), (Some(0), 20), "{}", said.stderr);
}

/// Starts a feeder without an end, waits for three readings, sends a signal.
fn stopped_by(broker: &Broker, signal: &str) -> (Option<i32>, Vec<u64>, String) {
    let mut child = broker
        .feeder(broker.port(), &["--interval", "20ms"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut stdout = String::new();
    for line in lines.by_ref().take(3) {
        stdout += &(line.unwrap() + "\n");
    }
    let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    lines.for_each(|line| stdout += &(line.unwrap() + "\n"));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.signal(), None, "it ends by itself");
    (output.status.code(), sequences(&stdout), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_signal_ends_it_after_the_last_acknowledgement() {
    let Some(broker) = Broker::start("a_signal_ends_it") else { return };
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let (found, sequences, stderr) = stopped_by(&broker, signal);
        assert_eq!(found, Some(code), "{stderr}");
        assert_eq!(sequences, (0..sequences.len() as u64).collect::<Vec<_>>());
        assert!(!stderr.contains("not acknowledged"), "{stderr}");
    }
}

#[test]
fn a_sensor_that_is_not_there_is_reported_and_the_feeder_goes_on() {
    let Some(broker) = Broker::start("a_sensor_that_is_not_there") else { return };
    let arguments = ["--sensor", "bme680", "--bus", "/dev/no-such-bus", "--interval", "5ms", "--count", "3"];
    let mut command = broker.feeder(broker.port(), &[]);
    let all: Vec<_> = command.get_args().map(|a| a.to_str().unwrap().to_owned()).collect();
    let without: Vec<&str> = all.iter().map(String::as_str).filter(|a| !["--sensor", "sim"].contains(a)).collect();
    let folder = command.get_current_dir().unwrap().to_owned();
    command = world::sealed(&folder, &[&without[..], &arguments].concat());
    let said = run(&mut command);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    for message in messages(&said.stdout) {
        assert!(message["value"].is_null() && message["status"] == "fail", "{message}");
    }
    assert_eq!(messages(&said.stdout).len(), 3);
    assert!(said.stderr.contains("there is no I2C bus `/dev/no-such-bus`"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: sudo raspi-config nonint do_i2c 0"), "{}", said.stderr);
}

/// Runs a feeder whose folder was changed by `change`.
fn spoiled(broker: &Broker, change: impl FnOnce(&Path)) -> Said {
    let mut command = broker.feeder(broker.port(), &["--count", "1"]);
    change(command.get_current_dir().unwrap());
    run(&mut command)
}

fn file(folder: &Path, name: &str) -> std::path::PathBuf {
    let other = match name {
        "key" => ["device.key.pem", "device.key"],
        _ => ["device.cert.pem", "device.pem"],
    };
    other.iter().map(|name| folder.join(name)).find(|path| path.exists()).unwrap()
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_chmod_to_type() {
    use std::os::unix::fs::PermissionsExt;
    let Some(broker) = Broker::start("a_key_that_others_can_read") else { return };
    let said = spoiled(&broker, |folder| {
        std::fs::set_permissions(file(folder, "key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    });
    assert_eq!(said.code, Some(78));
    assert!(said.stderr.contains("can be read by others (mode 0644)"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: chmod 600 device.key"), "{}", said.stderr);
}

#[test]
fn a_key_of_another_certificate_is_refused_before_anything_is_sent() {
    let Some(broker) = Broker::start("a_key_of_another_certificate") else { return };
    let said = spoiled(&broker, |folder| {
        let other = iotctl::pki::key::PrivateKey::generate().unwrap();
        let path = file(folder, "key");
        iotctl::bundle::atomic::replace(&path, other.pem().as_bytes(), 0o600).unwrap();
    });
    assert_eq!(said.code, Some(65));
    assert!(said.stderr.contains("the private key is not the key of"), "{}", said.stderr);
}

#[test]
fn an_x509_v1_certificate_is_called_that() {
    let Some(broker) = Broker::start("an_x509_v1_certificate") else { return };
    let said = spoiled(&broker, |folder| {
        std::fs::write(file(folder, "certificate"), include_str!("data/x509-v1.pem")).unwrap();
    });
    assert_eq!(said.code, Some(65));
    assert!(said.stderr.contains("is X.509 v1; TLS needs v3"), "{}", said.stderr);
}

#[test]
fn a_broker_that_nobody_answers_for_ends_a_script_and_not_a_service() {
    let Some(broker) = Broker::start("a_broker_that_nobody_answers_for") else { return };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = run(&mut broker.feeder(port, &["--count", "1"]));
    assert_eq!(said.code, Some(6), "{}", said.stderr);
    assert!(said.stderr.contains(&format!("cannot reach `localhost:{port}`")), "{}", said.stderr);
}

#[test]
fn a_broker_of_another_root_is_not_trusted() {
    let Some(broker) = Broker::start("a_broker_of_another_root") else { return };
    let said = spoiled(&broker, |folder| {
        let root = ["root-ca.pem", "ca.pem"].iter().map(|name| folder.join(name)).find(|path| path.exists()).unwrap();
        std::fs::write(root, iotctl::pki::roots::amazon_roots()).unwrap();
    });
    assert_eq!(said.code, Some(6));
    assert!(said.stderr.contains("is not signed by a root that this bundle trusts"), "{}", said.stderr);
}

#[test]
fn programs_get_an_object_a_reading() {
    let Some(broker) = Broker::start("programs_get_an_object_a_reading") else { return };
    let said = run(&mut broker.feeder(broker.port(), &["--interval", "5ms", "--count", "2", "-o", "ndjson"]));
    let lines: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[1]["event"], &lines[1]["topic"]), (2, &"published".into(), &TOPIC.into()));
    assert_eq!(lines[1]["message"]["sequence"], 1);
}

#[cfg(all(feature = "control", feature = "local"))]
#[test]
fn a_script_whose_topic_policy_forbids_ends_with_the_reason_and_keeps_its_readings() {
    let world = world::World::start();
    world.provision(&["--thing", "pump-7"]);
    let arguments = ["run", "--bundle", "certs/pump-7", "--sensor", "sim", "--interval", "5ms", "--count", "3"];
    let said = run(&mut world.iotctl(&[&arguments[..], &["-t", "not/mine"]].concat()));
    assert_eq!((said.code, said.stdout.as_str()), (Some(5), ""), "{}", said.stderr);
    assert!(said.stderr.contains("allow iot:Publish on topic/not/mine"), "{}", said.stderr);
    let kept = "hint: 3 readings wait in `certs/pump-7/spool` and are tried first next time; to give them up: rm -r";
    assert!(said.stderr.contains(kept), "{}", said.stderr);
}
