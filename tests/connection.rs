//! How `iotctl run`, `sub` and `pub` make their connection: at what pace, with what in the first packets, through what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/listener.rs"]
mod listener;
#[path = "world/world.rs"]
mod world;

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
