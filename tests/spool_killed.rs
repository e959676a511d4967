//! `iotctl run` with its spool, killed at random points again and again, on a line that breaks and stalls.
//!
//! `IOTCTL_KILLS` says how often it is killed (30 times if it does not; `./test` 200, `./test --long` 1,000). Each kill has a seed of its own, so a number that
//! is wrong can be looked into with the same random choices, if not with the same timing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/broker.rs"]
mod broker;
#[path = "world/gate.rs"]
mod gate;
#[path = "world/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use broker::Broker;
use gate::Gate;
use serde_json::Value;
use world::run;

/// Random numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % most
    }
}

fn kills() -> u64 {
    std::env::var("IOTCTL_KILLS").map_or(30, |kills| kills.parse().expect("IOTCTL_KILLS is a number"))
}

fn sequence(message: &Value) -> u64 {
    message["sequence"].as_u64().unwrap()
}

/// A port that nobody listens on.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs a feeder until the dice say that it dies. Gives the numbers whose acknowledgement it showed.
fn killed(command: &mut Command, dice: &mut Dice, gate: &Gate) -> Vec<u64> {
    let mut child = command.args(["-o", "ndjson"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pid = child.id().to_string();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    if dice.below(4) > 0 {
        // It has opened its spool, and works; the others die whenever it comes, on the way there too.
        lines.next();
    }
    let shown = std::thread::spawn(move || {
        let events = lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        events.filter(|event| event["event"] == "published").map(|event| sequence(&event["message"])).collect()
    });
    std::thread::sleep(Duration::from_micros(dice.below(400_000)));
    match dice.below(6) {
        0 => gate.cut(),
        1 => gate.stall(),
        _ => {}
    }
    std::thread::sleep(Duration::from_micros(dice.below(100_000)));
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().signal(), Some(9), "it was still running");
    gate.open();
    shown.join().unwrap()
}

/// Every number from 0 on arrived; none before the one below it; and one number is always the same message.
fn check(messages: &[Value], shown: &[u64]) -> u64 {
    let (mut next, mut known, mut duplicates) = (0, BTreeMap::new(), 0);
    for message in messages {
        let number = sequence(message);
        assert!(number <= next, "{number} came before {next}");
        assert_eq!(*known.entry(number).or_insert(message), message, "number {number} is two messages");
        duplicates += u64::from(number < next);
        next = next.max(number + 1);
    }
    assert!(shown.iter().all(|number| known.contains_key(number)), "what was acknowledged is there");
    duplicates
}

#[test]
fn killed_at_random_points_it_loses_nothing_and_keeps_the_order() {
    let Some(broker) = Broker::start("spool_killed::killed_at_random_points") else { return };
    let (witness, gate) = (broker.witness(), Gate::before(broker.port()));
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool").display().to_string();
    let mut shown = Vec::new();
    for seed in 0..kills() {
        let mut dice = Dice(seed);
        let port = if dice.below(5) == 0 { nobody() } else { gate.port };
        let sync = if dice.below(2) == 0 { "every" } else { "50" };
        let mut command = broker.feeder(port, &["--interval", "10ms", "--spool", &spool, "--sync", sync]);
        shown.extend(killed(&mut command, &mut dice, &gate));
    }
    let said = run(&mut broker.feeder(gate.port, &["--count", "1", "--spool", &spool, "-o", "ndjson"]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let events: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = events.iter().filter(|event| event["event"] == "published").map(|e| sequence(&e["message"])).max();
    let last = last.expect("its own reading at least");
    let messages = witness.messages(|seen| seen.iter().any(|message| sequence(message) == last));
    let duplicates = check(&messages, &shown);
    assert!(last > kills(), "{last} readings are too few to prove anything");
    assert!(duplicates < messages.len() as u64, "{duplicates} duplicates");
    assert!(events[0]["lost"].as_object().unwrap().is_empty(), "{}", events[0]);
}

#[test]
fn a_broker_that_stalls_costs_time_and_no_reading() {
    let Some(broker) = Broker::start("spool_killed::a_broker_that_stalls") else { return };
    let (witness, gate) = (broker.witness(), Gate::before(broker.port()));
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool").display().to_string();
    let mut child = broker
        .feeder(gate.port, &["--interval", "20ms", "--count", "100", "--spool", &spool])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.by_ref().take(5).for_each(|line| drop(line.unwrap()));
    gate.stall();
    let mut talk = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let noticed = talk.find(|line| line.contains("next attempt in"));
    assert!(noticed.is_some_and(|line| line.contains("no PUBACK for")), "the feeder notices by itself");
    gate.cut();
    gate.open();
    std::thread::spawn(move || talk.for_each(drop));
    lines.for_each(|line| drop(line.unwrap()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let messages = witness.messages(|seen| seen.iter().any(|message| sequence(message) == 99));
    check(&messages, &(0..100).collect::<Vec<_>>());
}

#[test]
fn what_waits_when_it_is_stopped_is_sent_first_by_the_next_run() {
    let Some(broker) = Broker::start("spool_killed::what_waits_when_it_is_stopped") else { return };
    let witness = broker.witness();
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool").display().to_string();
    let mut child = broker
        .feeder(nobody(), &["--interval", "5ms", "--spool", &spool])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(talk.any(|line| line.contains("next attempt in")));
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let last_words: Vec<String> = talk.collect();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let kept = last_words.iter().find_map(|line| line.split_once(" readings wait on the disk"));
    let kept: u64 = kept.unwrap_or_else(|| panic!("{last_words:?}")).0.parse().unwrap();
    let said = run(&mut broker.feeder(broker.port(), &["--count", "1", "--spool", &spool]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains(&format!("{kept} readings wait on the disk, and are sent first")), "{}", said.stderr);
    let messages = witness.messages(|seen| seen.iter().any(|message| sequence(message) == kept));
    assert_eq!(messages.iter().map(sequence).collect::<Vec<_>>(), (0..=kept).collect::<Vec<_>>());
}

#[test]
fn a_spool_is_fed_by_one_process_at_a_time() {
    let Some(broker) = Broker::start("spool_killed::a_spool_is_fed_by_one_process") else { return };
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let held = iotctl::device::spool::files::Disk::take(&spool).unwrap();
    let shown = spool.display().to_string();
    let said = run(&mut broker.feeder(broker.port(), &["--count", "1", "--spool", &shown]));
    drop(held);
    assert_eq!(said.code, Some(7), "{}", said.stderr);
    assert!(said.stderr.contains(&format!("`{shown}` is in use by another process")), "{}", said.stderr);
}

#[test]
fn the_queue_flags_that_make_no_sense_together_are_refused() {
    let Some(broker) = Broker::start("spool_killed::the_queue_flags") else { return };
    for (flags, wanted) in [
        (&["--queue", "memory", "--sync", "every"][..], "the queue in memory has neither folder nor bounds"),
        (&["--queue", "disk"], "no folder for the queue"),
        (&["--sync", "often"], "neither `every` nor a time"),
        (&["--max-bytes", "1KiB"], "at least two"),
    ] {
        let said = run(&mut broker.feeder(nobody(), &[flags, &["--count", "1"]].concat()));
        assert_eq!(said.code, Some(64), "{flags:?}: {}", said.stderr);
        assert!(said.stderr.contains(wanted), "{flags:?}: {}", said.stderr);
    }
}
