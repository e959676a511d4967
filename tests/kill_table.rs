//! Who still has what was queued offline after a `kill -9`: the feeder, and the clients that others use.
//!
//! Each client publishes the lines of its standard input to mosquitto. The broker dies, 1,000 lines are handed over, the
//! client is killed, the broker comes back, the client is started again with one more line. The table goes to stderr.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/mosquitto.rs"]
mod mosquitto;
#[path = "world/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use mosquitto::Mosquitto;
use serde_json::Value;
use world::peers;

const TOPIC: &str = "sensors/pump-7/line";
const QUEUED: u64 = 1_000;
/// After so long without a word a client is taken to have all lines that it ever takes.
const QUIET: Duration = Duration::from_secs(8);

/// How each client is started, and what it says when it has all lines.
struct Client {
    name: &'static str,
    command: fn(&Mosquitto) -> Command,
    has_all: fn(&str) -> bool,
}

const CLIENTS: [Client; 5] = [
    Client { name: "iotctl run --stdin", command: feeder, has_all: spooled_all },
    Client { name: "AWSIoTPythonSDK 1.6", command: |broker| python(broker, "tutorial"), has_all: took_all },
    Client { name: "awsiotsdk 1.31", command: |broker| python(broker, "awsiotsdk"), has_all: took_all },
    Client { name: "paho-mqtt 2.2", command: |broker| python(broker, "paho"), has_all: took_all },
    // It says nothing about the lines that it has read.
    Client { name: "mosquitto_pub -l", command: mosquitto_pub, has_all: |_| false },
];

fn took_all(said: &str) -> bool {
    // One line went before, to see that it is online.
    said == format!("taken {}", QUEUED + 1)
}

fn spooled_all(said: &str) -> bool {
    // The one before may still be owed: the broker died when it had it.
    [QUEUED, QUEUED + 1].iter().any(|waiting| said.contains(&format!("; {waiting} waiting")))
}

fn feeder(broker: &Mosquitto) -> Command {
    broker.iotctl("run", "pump-7", &["--stdin", "-t", TOPIC, "--spool", "spool"])
}

fn python(broker: &Mosquitto, name: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/lines.py"));
    command.args([name, &broker.port.to_string()]).arg(broker.folder.path()).arg(TOPIC);
    command
}

fn mosquitto_pub(broker: &Mosquitto) -> Command {
    let mut command = Command::new("mosquitto_pub");
    command.args([
        "-h",
        "localhost",
        "-p",
        &broker.port.to_string(),
        "-i",
        "pump-7",
        "-c",
        "-q",
        "1",
        "-l",
        "-t",
        TOPIC,
    ]);
    command.args(["--cafile", "ca.pem", "--cert", "device.pem", "--key", "device.key"]);
    command.current_dir(broker.folder.path());
    command
}

/// A client at work; what it says on either stream comes line by line.
fn start(command: &mut Command) -> (Child, Receiver<String>) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is installed");
    let (sender, said) = channel();
    let streams: [Box<dyn Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    for stream in streams {
        let sender = sender.clone();
        std::thread::spawn(move || {
            BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
    }
    (child, said)
}

/// A subscriber; the numbers in the order of their arrival.
fn witness(broker: &Mosquitto) -> (Child, Receiver<u64>) {
    let mut command = broker.iotctl("sub", "control-room", &["sensors/#", "-o", "ndjson"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(talk.next().unwrap().unwrap().contains("subscribed to"));
    let (sender, numbers) = channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::spawn(move || {
        lines.map_while(Result::ok).try_for_each(|line| {
            let event: Value = serde_json::from_str(&line).unwrap();
            sender.send(event["payload"].as_str().unwrap().parse().unwrap())
        })
    });
    (child, numbers)
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Whether the client said that it has all lines, and what arrived after the restart, in its order.
fn killed_and_restarted(client: &Client) -> (bool, Vec<u64>) {
    let mut broker = Mosquitto::start();
    let (seeing, seen) = witness(&broker);
    let (mut child, said) = start(&mut (client.command)(&broker));
    let mut input = child.stdin.take().unwrap();
    let probe = QUEUED + 7;
    writeln!(input, "{probe}").unwrap();
    assert_eq!(seen.recv_timeout(Duration::from_secs(30)), Ok(probe), "{} is online", client.name);
    end(seeing);
    broker.kill();
    // A peer that says so has noticed before the first line comes.
    while said.recv_timeout(Duration::from_secs(2)).is_ok_and(|said| said != "offline") {}
    let lines: String = (0..QUEUED).map(|number| format!("{number}\n")).collect();
    // A client that is gone takes none.
    let _ = input.write_all(lines.as_bytes());
    let mut has_all = false;
    while !has_all
        && said.recv_timeout(QUIET).is_ok_and(|said| {
            has_all = (client.has_all)(&said);
            true
        })
    {}
    end(child);
    broker.restart();
    let (seeing, seen) = witness(&broker);
    let (mut child, _said) = start(&mut (client.command)(&broker));
    writeln!(child.stdin.take().unwrap(), "{QUEUED}").unwrap();
    let mut arrived = Vec::new();
    while let Ok(number) = seen.recv_timeout(Duration::from_secs(30)) {
        arrived.push(number);
        if number == QUEUED {
            break;
        }
    }
    child.wait().unwrap();
    arrived.extend(seen.try_iter());
    end(seeing);
    assert!(arrived.contains(&QUEUED), "{} works after its restart", client.name);
    arrived.retain(|number| *number < QUEUED);
    (has_all, arrived)
}

#[test]
fn what_was_queued_offline_outlives_a_kill_in_the_feeder_alone() {
    if !peers("kill_table::what_was_queued_offline") {
        return;
    }
    let mut table = format!("\n{QUEUED} messages queued offline, kill -9, restart\n");
    table += &format!("{:<22}{:>9}{:>9}{:>9}{:>12}  order\n", "", "took", "arrived", "lost", "duplicates");
    // Each has a broker of its own, so they need not wait for one another.
    let all: Vec<(bool, Vec<u64>)> = std::thread::scope(|scope| {
        let running: Vec<_> = CLIENTS.iter().map(|client| scope.spawn(|| killed_and_restarted(client))).collect();
        running.into_iter().map(|client| client.join().unwrap()).collect()
    });
    for (client, (has_all, arrived)) in CLIENTS.iter().zip(all) {
        assert!(has_all || client.name.starts_with("mosquitto_pub"), "{} did not take all lines", client.name);
        let different: BTreeSet<u64> = arrived.iter().copied().collect();
        let (lost, duplicates) = (QUEUED as usize - different.len(), arrived.len() - different.len());
        let order = match arrived.is_sorted() {
            _ if arrived.is_empty() => "-",
            true => "kept",
            false => "not kept",
        };
        let (name, took) = (client.name, if has_all { "all" } else { "unknown" });
        table += &format!("{name:<22}{took:>9}{:>9}{lost:>9}{duplicates:>12}  {order}\n", different.len());
        if client.name.starts_with("iotctl") {
            assert_eq!(arrived, (0..QUEUED).collect::<Vec<_>>(), "all of them, once, in order");
        }
    }
    // Past the test runner, which would keep it to itself.
    std::io::stderr().write_all(table.as_bytes()).unwrap();
}
