//! Two clients with one client id: `iotctl run` backs off, and says what it most likely is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "broker/raw.rs"]
#[allow(dead_code, reason = "a test of the broker needs more of it")]
mod raw;
#[path = "world/world.rs"]
mod world;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use raw::{Answer, Raw};
use serde_json::Value;
use world::{World, peers, sealed};

const SAYS: &str = "another client probably uses the client id `pump-7`";

/// A program that is stopped with the test.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The waits between its connections, up to where it says what it suspects.
    fn waits_until_it_says_so(&mut self) -> Vec<f64> {
        let lines = BufReader::new(self.0.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut waits = Vec::new();
        for line in lines {
            if line.contains(SAYS) {
                assert!(line.contains("the broker closed 3 connections in a row"), "{line}");
                return waits;
            }
            let wait = line.split_once("next attempt in ").map(|(_, wait)| wait.strip_suffix(" s").unwrap());
            waits.extend(wait.map(|wait| wait.parse::<f64>().unwrap()));
        }
        panic!("it ended and said nothing");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn feeder(world: &World, spool: &str) -> Command {
    let run =
        ["run", "--bundle", "certs/pump-7", "--sensor", "sim", "--interval", "200ms", "-o", "ndjson", "--spool", spool];
    sealed(world.path(), &run)
}

/// 1, 2, 4 s and jitter on top: a connection that did not live for 20 s does not end the back-off.
fn is_backed_off(waits: &[f64]) -> bool {
    waits.len() >= 3 && [1.0, 2.0, 4.0].iter().zip(waits).all(|(least, wait)| (*least..=least * 1.5).contains(wait))
}

fn world() -> World {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    world
}

#[test]
fn a_client_that_takes_the_id_again_and_again_is_backed_off_from_and_named() {
    let world = world();
    let (bundle, port) = (world.bundle("pump-7"), world.mqtt_port);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut feeder = Running::start(&mut feeder(&world, "spool"));
    let mut events = BufReader::new(feeder.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let other = {
        let is_over = is_over.clone();
        std::thread::spawn(move || {
            while !is_over.load(Ordering::SeqCst) {
                let mut rival = Raw::with_bundle(&bundle, port).connected(&raw::hello(4, "pump-7"));
                assert_eq!(rival.read(), Answer::Closed);
            }
        })
    };
    let waits = feeder.waits_until_it_says_so();
    assert!(is_backed_off(&waits), "{waits:?}");
    is_over.store(true, Ordering::SeqCst);
    let contested: Value =
        events.find(|line| line.contains("contested")).map(|l| serde_json::from_str(&l).unwrap()).unwrap();
    assert_eq!((&contested["client_id"], &contested["connections"]), (&"pump-7".into(), &3.into()));
    assert!(events.any(|line| line.contains("\"event\":\"published\"")), "when the other is gone it goes on");
    other.join().unwrap();
}

#[test]
fn a_foreign_client_with_the_same_id_is_named_too() {
    if !peers("duplicate_client::a_foreign_client_with_the_same_id_is_named_too") {
        return;
    }
    let world = world();
    let mut feeder = Running::start(&mut feeder(&world, "spool"));
    let (bundle, port) = (world.bundle("pump-7"), world.mqtt_port.to_string());
    // It comes back by itself whenever it is thrown out.
    let flags = ["-h", "localhost", "-p", &port, "-i", "pump-7", "-t", "$aws/things/pump-7/shadow/get/accepted"];
    let files = ["--cafile", "root-ca.pem", "--cert", "device.cert.pem", "--key", "device.key.pem"];
    let _rival = Running::start(Command::new("mosquitto_sub").args(flags).args(files).current_dir(bundle));
    assert!(is_backed_off(&feeder.waits_until_it_says_so()));
}

#[test]
fn two_feeders_with_one_identity_back_off_from_each_other_and_both_say_so() {
    let world = world();
    let mut both = ["one", "two"].map(|spool| Running::start(&mut feeder(&world, spool)));
    for feeder in &mut both {
        let waits = feeder.waits_until_it_says_so();
        assert!(is_backed_off(&waits), "{waits:?}");
    }
}
