//! Who is measured: ours in their variants, the client crate alone, and what others use.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use super::contender::{PAYLOAD, TOPIC};
use super::mosquitto::Mosquitto;

pub(crate) const GROUPED: &str = "iotctl, disk, groups of 200 ms";
pub(crate) const EVERY: &str = "iotctl, disk, a sync each";
/// As AWS takes it: 100 unacknowledged publishes a connection.
pub(crate) const AWSIOTSDK: &str = "awsiotsdk, 100 unacknowledged";
const AWSIOTSDK_UNBOUND: &str = "awsiotsdk, all at once";

const MANY: u64 = 20_000;
/// With a sync each the disk is what is measured, and takes its time.
const SYNCED: u64 = 1_000;

/// A program that publishes so many messages.
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) messages: u64,
    /// So many messages, with a folder for its files.
    pub(crate) command: MakeCommand,
}

type MakeCommand = Box<dyn Fn(u64, &Path) -> Command>;

/// One of ours: this program again, told what to be.
fn ours(name: &'static str, mode: &'static str, messages: u64, broker: &Mosquitto) -> Contender {
    let (port, certificates) = (broker.port.to_string(), broker.folder.path().to_owned());
    let command = Box::new(move |messages: u64, folder: &Path| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["contender", mode, &port, &messages.to_string()]).arg(&certificates).arg(folder);
        command
    });
    Contender { name, messages, command }
}

fn awsiotsdk(name: &'static str, most: u64, broker: &Mosquitto) -> Contender {
    let (port, certificates) = (broker.port.to_string(), broker.folder.path().to_owned());
    let command = Box::new(move |messages: u64, _: &Path| {
        let mut command = Command::new("python3");
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/feeder/awsiotsdk_publish.py"));
        command.args([&port, &messages.to_string(), &PAYLOAD.to_string(), TOPIC]).arg(&certificates);
        command.arg(most.to_string());
        command
    });
    Contender { name, messages: MANY, command }
}

fn mosquitto_pub(broker: &Mosquitto) -> Contender {
    let (port, certificates) = (broker.port.to_string(), broker.folder.path().to_owned());
    let command = Box::new(move |messages: u64, folder: &Path| {
        let lines = folder.join("lines");
        std::fs::write(&lines, format!("{}\n", "x".repeat(PAYLOAD)).repeat(messages.try_into().unwrap())).unwrap();
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "localhost", "-p", &port, "-i", "pump-7", "-q", "1", "-M", "100", "-t", TOPIC, "-l"]);
        command.args(["--cafile", "ca.pem", "--cert", "device.pem", "--key", "device.key"]);
        command.current_dir(&certificates).stdin(File::open(lines).unwrap());
        command
    });
    Contender { name: "mosquitto_pub -l -M 100", messages: MANY, command }
}

pub(crate) fn contenders(broker: &Mosquitto) -> Vec<Contender> {
    let mut all = vec![
        ours(GROUPED, "grouped", MANY, broker),
        ours(EVERY, "every", SYNCED, broker),
        ours("iotctl, memory", "memory", MANY, broker),
        ours("rumqttc (v4-next 0.34) alone", "rumqttc", MANY, broker),
        mosquitto_pub(broker),
    ];
    let there = Command::new("python3").args(["-c", "import awsiot"]).stderr(Stdio::null()).status();
    match there.is_ok_and(|status| status.success()) {
        true => all.extend([awsiotsdk(AWSIOTSDK, 100, broker), awsiotsdk(AWSIOTSDK_UNBOUND, MANY, broker)]),
        false => println!("*** SKIPPED {AWSIOTSDK}: python3 does not have it; ./test puts it into target/peers/bin\n"),
    }
    all
}
