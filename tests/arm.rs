//! The programs that `.cargo/arm` built, under qemu: an ARM device against an x86 broker, offline and on again.
//!
//! `IOTCTL_ARM` names them, each as `QEMU PROGRAM`, with a semicolon in between; `./test` builds them and sets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/broker.rs"]
mod broker;
#[path = "world/world.rs"]
mod world;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use broker::{Broker, TOPIC};
use serde_json::Value;
use world::{Said, run};

/// An emulator and a program for it.
#[derive(Debug)]
struct Device {
    qemu: String,
    program: String,
}

fn devices(test: &str) -> Vec<Device> {
    let Ok(named) = std::env::var("IOTCTL_ARM") else {
        let line =
            format!("\n*** SKIPPED arm::{test}: it needs ARM programs and qemu; `./test` builds and installs them\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return Vec::new();
    };
    let pairs = named.split(';').map(|pair| pair.trim().split_once(' ').expect("QEMU PROGRAM"));
    pairs.map(|(qemu, program)| Device { qemu: qemu.to_owned(), program: program.to_owned() }).collect()
}

impl Device {
    /// What `command` would run on this machine, on the device.
    fn instead_of(&self, command: &Command) -> Command {
        let mut on_arm = Command::new(&self.qemu);
        on_arm.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(&self.program)).args(command.get_args()).env_clear();
        on_arm.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
        on_arm.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        on_arm
    }
}

#[test]
fn each_program_runs_and_says_its_version() {
    for device in devices("each_program_runs") {
        let command = world::sealed(Path::new("."), &["--version"]);
        let said = run(&mut device.instead_of(&command));
        assert_eq!(said.stdout.trim(), concat!("iotctl ", env!("CARGO_PKG_VERSION")), "{device:?}: {}", said.stderr);
    }
}

fn sequences(said: &Said) -> Vec<u64> {
    let number = |line: &str| {
        let json = line.strip_prefix(&format!("Published topic {TOPIC}: "))?;
        serde_json::from_str::<Value>(json).unwrap()["sequence"].as_u64()
    };
    said.stdout.lines().map(|line| number(line).unwrap()).collect()
}

#[test]
fn an_arm_device_keeps_its_readings_offline_and_sends_them_when_the_line_is_back() {
    for device in devices("an_arm_device_keeps_its_readings") {
        let Some(broker) = Broker::start("arm::an_arm_device") else { return };
        let spool = tempfile::tempdir().unwrap();
        let spool = spool.path().join("spool").display().to_string();
        let flags = ["--interval", "20ms", "--spool", &spool];
        let offline = killed_offline(&mut device.instead_of(&broker.feeder(nobody(), &flags)));
        let again = broker.feeder(broker.port(), &[&flags[..], &["--count", "5"]].concat());
        let said = run(&mut device.instead_of(&again));
        assert_eq!(said.code, Some(0), "{device:?}: {}", said.stderr);
        let found = sequences(&said);
        assert_eq!(found, (0..found.len() as u64).collect::<Vec<_>>(), "{device:?}: from the first one on");
        assert!(found.len() as u64 >= offline + 5, "{device:?}: {offline} waited, {} came", found.len());
    }
}

/// A port that nobody listens on.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Runs until some readings wait, and kills; how many are known to wait.
fn killed_offline(command: &mut Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let talk = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut waiting =
        talk.filter_map(|line| Some(line.split_once(" waiting, next")?.0.rsplit(' ').next()?.parse().unwrap()));
    let some = waiting.find(|waiting| *waiting > 10).expect("it says how many wait");
    child.kill().unwrap();
    child.wait().unwrap();
    some
}
