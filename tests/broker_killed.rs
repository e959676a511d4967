//! A broker that is killed again and again under a feeder at work, and started anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/mosquitto.rs"]
mod mosquitto;
#[path = "world/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::Duration;

use mosquitto::Mosquitto;
use world::peers;

/// Line number N has N bytes, so a broker's log tells which one it got.
const LINES: usize = 1_500;
const DEATHS: usize = 3;

#[test]
fn a_broker_that_is_killed_again_and_again_gets_every_line_in_order() {
    if !peers("broker_killed::a_broker_that_is_killed") {
        return;
    }
    let mut broker = Mosquitto::start_with_log();
    let feed = &["--stdin", "-t", "sensors/pump-7/line", "--spool", "spool", "--sync", "50"];
    let mut feeder = broker.iotctl("run", "pump-7", feed).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = feeder.stdin.take().unwrap();
    let mut shown = BufReader::new(feeder.stdout.take().unwrap()).lines();
    std::thread::spawn(move || {
        (1..=LINES).try_for_each(|bytes| {
            std::thread::sleep(Duration::from_millis(4));
            writeln!(input, "{}", "x".repeat(bytes))
        })
    });
    for _ in 0..DEATHS {
        // Right after an acknowledgement there are others under way.
        shown.by_ref().take(100).for_each(|line| drop(line.unwrap()));
        broker.kill();
        broker.restart();
    }
    shown.for_each(|line| drop(line.unwrap()));
    assert_eq!(feeder.wait().unwrap().code(), Some(0));
    let got = lengths(&broker.log());
    let mut first_times = BTreeSet::new();
    let order: Vec<usize> = got.iter().copied().filter(|bytes| first_times.insert(*bytes)).collect();
    assert_eq!(order, (1..=LINES).collect::<Vec<_>>(), "every line, in order, {} times in all", got.len());
    assert!(got.len() < LINES + DEATHS * 100, "{} duplicates", got.len() - LINES);
}

/// The lengths of the messages that the broker got, from its log: `Received PUBLISH from pump-7 (..., ... (17 bytes))`.
fn lengths(log: &str) -> Vec<usize> {
    let publishes = log.lines().filter(|line| line.contains("Received PUBLISH from pump-7"));
    publishes.map(|line| line.rsplit_once("(").unwrap().1.split(' ').next().unwrap().parse().unwrap()).collect()
}
