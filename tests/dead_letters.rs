//! `iotctl run` with a topic that policy forbids: the others go on, and what is forbidden is kept aside, each message once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/broker.rs"]
mod broker;
#[path = "world/world.rs"]
mod world;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use broker::Broker;
use serde_json::Value;
use world::run;

/// Two streams, of which the policy of `pump-7` forbids the second; the run ends with the file.
const ENDS: &str = r#"
topic = "sensors/pump-7/temperature"
interval = "5ms"
[source.log]
kind = "csv"
path = "log.csv"
[source.log.column.temperature]
unit = "Cel"
[source.log.column.humidity]
unit = "%RH"
[stream.temperature]
[stream.humidity]
topic = "not/mine"
"#;

/// The same of a sensor, without an end.
const GOES_ON: &str = r#"
topic = "sensors/pump-7/temperature"
interval = "150ms"
[source.air]
kind = "sim"
[stream.temperature]
[stream.humidity]
topic = "not/mine"
"#;

const LINES: usize = 30;

/// The feeder with one of the files, and its queue in `spool`.
fn feeder(broker: &Broker, file: &str, more: &[&str]) -> Command {
    let mut command = broker.device(broker.port(), &["--config", "streams.toml", "-o", "ndjson"]);
    let folder = command.get_current_dir().unwrap().to_owned();
    fs::write(folder.join("streams.toml"), file).unwrap();
    let lines = (0..LINES).map(|line| format!("{line}.5,{line}.5\n")).collect::<String>();
    fs::write(folder.join("log.csv"), format!("temperature,humidity\n{lines}")).unwrap();
    command.args(more);
    command
}

fn sequence(message: &Value) -> u64 {
    message["sequence"].as_u64().unwrap()
}

/// The sequences of the dead letters, in their order.
fn dead(command: &Command) -> Vec<u64> {
    let text = fs::read_to_string(command.get_current_dir().unwrap().join("spool/dead-letters.ndjson")).unwrap();
    let letters = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let checked = letters.inspect(|letter| {
        let message: Value = serde_json::from_str(letter["payload"].as_str().unwrap()).unwrap();
        assert_eq!((&letter["topic"], &letter["reason"]), (&"not/mine".into(), &"denied".into()));
        assert_eq!(message["sequence"], letter["sequence"]);
    });
    checked.map(|letter| sequence(&letter)).collect()
}

/// Whether these are all numbers from 0 on, each once.
fn is_whole(numbers: &[u64]) -> bool {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    numbers == (0..numbers.len() as u64).collect::<Vec<_>>()
}

/// Nothing that was accepted is missing: in what arrived, where QoS 1 allows duplicates, and in the dead letters, where
/// nothing does. Each topic has numbers of its own.
fn check(arrived: &[Value], dead: &[u64]) {
    let mut arrived: Vec<_> = arrived.iter().map(sequence).collect();
    arrived.sort_unstable();
    arrived.dedup();
    assert!(is_whole(&arrived) && is_whole(dead), "{arrived:?}\n{dead:?}");
}

#[test]
fn one_forbidden_topic_does_not_hold_up_the_other() {
    let broker = Broker::start("").unwrap();
    let witness = broker.witness();
    let mut command = feeder(&broker, ENDS, &["--spool", "spool"]);
    let said = run(&mut command);
    assert_eq!(said.code, Some(5), "{}", said.stderr);
    let arrived = witness.messages(|seen| seen.iter().any(|message| message["value"] == 29.5));
    let mut values: Vec<_> = arrived.iter().map(|message| message["value"].as_f64().unwrap()).collect();
    values.dedup();
    assert_eq!(values, (0..LINES).map(|line| line as f64 + 0.5).collect::<Vec<_>>(), "whole and in order");
    let dead = dead(&command);
    assert_eq!(dead.len(), LINES);
    check(&arrived, &dead);
    let loud = "policy forbids `not/mine`: after 3 denials its message is now in `spool/dead-letters.ndjson`";
    assert_eq!(said.stderr.matches(loud).count(), 1, "{}", said.stderr);
    assert!(said.stderr.contains("hint: why: iotctl policy explain publish not/mine --bundle DIR"), "{}", said.stderr);
    assert!(said.stderr.contains("30 messages were not published, because policy forbids"), "{}", said.stderr);
    assert_eq!(said.stdout.matches("\"event\":\"parked\"").count(), LINES);
    // The queue is empty, and the next run knows nothing of denials.
    let again = run(broker
        .device(broker.port(), &["-t", broker::TOPIC, "--sensor", "sim", "--spool", "spool"])
        .args(["--count", "1"]));
    assert_eq!(again.code, Some(0), "{}", again.stderr);
}

#[test]
fn a_queue_in_memory_says_that_what_is_forbidden_is_dropped() {
    let broker = Broker::start("").unwrap();
    let said = run(&mut feeder(&broker, ENDS, &[]));
    assert_eq!(said.code, Some(5), "{}", said.stderr);
    assert_eq!(said.stdout.matches("\"event\":\"parked\"").count(), LINES);
    assert!(said.stderr.contains("is dropped, because the queue is in memory"), "{}", said.stderr);
}

#[test]
fn a_run_with_a_count_gives_up_although_its_other_topic_is_allowed() {
    let broker = Broker::start("").unwrap();
    let mut command = feeder(&broker, GOES_ON, &["--spool", "spool", "--count", "3"]);
    let said = run(&mut command);
    assert_eq!(said.code, Some(5), "{}", said.stderr);
    assert!(said.stderr.contains("instead of acknowledging a publish to `not/mine`"), "{}", said.stderr);
    assert!(!command.get_current_dir().unwrap().join("spool/dead-letters.ndjson").exists(), "they stay in the queue");
}

/// Lets a feeder set `parked` messages aside, and kills it at once.
fn killed(command: &mut Command, parked: usize) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let seen = lines.filter(|line| line.contains("\"event\":\"parked\"")).take(parked).count();
    child.kill().unwrap();
    assert_eq!((child.wait().unwrap().signal(), seen), (Some(9), parked));
}

#[test]
fn a_kill_in_between_loses_no_dead_letter_and_doubles_none() {
    let broker = Broker::start("").unwrap();
    let witness = broker.witness();
    for parked in [1, 7, 2, 11] {
        killed(&mut feeder(&broker, GOES_ON, &["--spool", "spool"]), parked);
    }
    let mut command = feeder(&broker, ENDS, &["--spool", "spool"]);
    let said = run(&mut command);
    assert_eq!(said.code, Some(5), "{}", said.stderr);
    let arrived = witness.messages(|seen| seen.iter().any(|message| message["value"] == 29.5));
    let dead = dead(&command);
    assert!(dead.len() > LINES + 20, "{} dead letters", dead.len());
    check(&arrived, &dead);
}
