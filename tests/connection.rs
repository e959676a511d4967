//! How `iotctl run`, `sub` and `pub` make their connection: at what pace, with what in the first packets, through what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/listener.rs"]
mod listener;
#[path = "world/world.rs"]
mod world;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use listener::{Heard, Listener};
use world::run;

const FEEDER: &[&str] = &["-t", "a/b", "--sensor", "sim", "--interval", "1ms", "--count"];

fn connect(keep_alive: u16) -> Heard {
    Heard::Connect { client_id: "pump-7".into(), keep_alive }
}

#[test]
fn a_drain_of_2_a_second_takes_a_second_for_3_readings() {
    let listener = Listener::start();
    let started = Instant::now();
    let said = run(&mut listener.iotctl("run", listener.port, &[FEEDER, &["3", "--drain", "2"]].concat()));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(started.elapsed() >= Duration::from_secs(1), "two half seconds lie between three readings");
    let published = listener.heard.try_iter().filter(|heard| *heard == Heard::Publish("a/b".into())).count();
    assert_eq!(published, 3);
}

#[test]
fn the_keep_alive_of_a_flag_wins_over_that_of_the_file_and_that_over_the_default() {
    let listener = Listener::start();
    std::fs::write(listener.folder.path().join("feeder.toml"), "keep_alive = \"2m\"\n").unwrap();
    for (flags, wanted) in [
        (&[][..], 30),
        (&["--config", "feeder.toml"], 120),
        (&["--config", "feeder.toml", "--keep-alive", "1200"], 1200),
    ] {
        let said = run(&mut listener.iotctl("run", listener.port, &[FEEDER, &["1"], flags].concat()));
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert!(listener.heard.try_iter().any(|heard| heard == connect(wanted)), "{flags:?}");
    }
}

/// What an endless run says first, and then it is killed.
fn first_words(command: &mut Command) -> String {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let first = BufReader::new(child.stderr.take().unwrap()).lines().next().unwrap().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    first
}

#[test]
fn a_service_of_systemd_waits_with_its_first_connection_and_nobody_else_does_without_being_told() {
    let listener = Listener::start();
    let waits = "the first connection waits for ";
    let run = |more: &[&str]| listener.iotctl("run", listener.port, &[&FEEDER[..4], more].concat());
    assert!(first_words(run(&[]).env("NOTIFY_SOCKET", "/nobody/listens")).starts_with(waits));
    assert!(first_words(&mut run(&["--start-jitter", "1h"])).starts_with(waits));
    assert!(first_words(&mut run(&[])).starts_with("connected to "));
    let mut at_once = run(&["--start-jitter", "0"]);
    assert!(first_words(at_once.env("NOTIFY_SOCKET", "/nobody/listens")).starts_with("connected to "));
}

#[test]
fn a_run_with_a_count_waits_for_nobody() {
    let listener = Listener::start();
    std::fs::write(listener.folder.path().join("feeder.toml"), "start_jitter = \"1h\"\n").unwrap();
    let arguments = [FEEDER, &["1", "--config", "feeder.toml"]].concat();
    let said = run(listener.iotctl("run", listener.port, &arguments).env("NOTIFY_SOCKET", "/nobody/listens"));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(!said.stderr.contains("the first connection waits"), "{}", said.stderr);
}
