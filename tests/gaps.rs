//! `iotctl sub --check-gaps`: what the numbers of the readings show; and a subscription in the wrong letters.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/world.rs"]
mod world;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Stdio};

use serde_json::Value;
use world::{Said, World, run};

const TOPIC: &str = "sensors/pump-7/temperature";

fn world() -> World {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    world.provision(&["--thing", "control-room", "--template", "observer"]);
    world
}

/// Subscribes, and returns when the broker has agreed.
fn listening(world: &World, more: &[&str]) -> Child {
    let arguments = [&["sub", "--bundle", "certs/control-room"], more].concat();
    let mut command = world.iotctl(&arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    talk.read_line(&mut first).unwrap();
    assert!(first.contains("subscribed to"), "{first}");
    std::thread::spawn(move || talk.lines().for_each(drop));
    child
}

fn heard(child: Child) -> Said {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn publish(world: &World, sequences: &[u64]) {
    for sequence in sequences {
        let payload = format!("{{\"sequence\":{sequence}}}");
        let said = run(&mut world.iotctl(&["pub", "--bundle", "certs/pump-7", TOPIC, &payload]));
        assert_eq!(said.code, Some(0), "{}", said.stderr);
    }
}

#[test]
fn what_is_missing_late_or_came_again_is_shown_and_summed_up() {
    let world = world();
    let sub = listening(&world, &["sensors/#", "--check-gaps", "-C", "6"]);
    publish(&world, &[3, 4, 9, 7, 4, 10]);
    let said = heard(sub);
    let wanted =
        ["5 to 8 are missing", "7 came late", "4 came again", "5 readings; 3 missing, 1 came again, 1 came late"];
    let lines: Vec<_> = said.stdout.lines().map(|line| line.strip_prefix(&format!("{TOPIC}: ")).unwrap()).collect();
    assert_eq!((lines, said.code), (wanted.to_vec(), Some(2)));
}

#[test]
fn a_feeder_without_a_loss_has_no_gaps_and_exit_code_0() {
    let world = world();
    let sub = listening(&world, &["sensors/#", "--check-gaps", "-C", "20", "-o", "ndjson"]);
    let flags = ["run", "--bundle", "certs/pump-7", "--sensor", "sim", "--interval", "5ms", "--count", "20"];
    assert_eq!(run(&mut world.iotctl(&flags)).code, Some(0));
    let said = heard(sub);
    let summary: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!((said.code, &summary["readings"], &summary["missing"]), (Some(0), &20.into(), &0.into()));
}

#[test]
fn readings_that_a_feeder_has_given_up_are_announced_and_not_missing() {
    let world = world();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bundle = world.bundle("pump-7");
    let file = |name: &str| bundle.join(name).display().to_string();
    let spool = world.path().join("spool").display().to_string();
    let common = |port: u16, more: &[&str]| {
        let endpoint = format!("localhost:{port}");
        let (root, cert, key) = (file("root-ca.pem"), file("device.cert.pem"), file("device.key.pem"));
        let identity = ["run", "-e", &endpoint, "-r", &root, "-c", &cert, "-k", &key, "--client-id", "pump-7"];
        let feed = ["-t", TOPIC, "--sensor", "sim", "--interval", "5ms", "--spool", &spool, "--max-count", "5"];
        world.iotctl(&[&identity[..], &feed, more].concat())
    };
    let mut offline = common(nobody, &[]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut talk = BufReader::new(offline.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(talk.any(|line| line.contains("readings were lost (count")));
    offline.kill().unwrap();
    offline.wait().unwrap();

    let sub = listening(&world, &["sensors/#", "--check-gaps", "-W", "5"]);
    let said = run(&mut common(world.mqtt_port, &["--count", "3"]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let said = heard(sub);
    assert!(said.stdout.contains("its sender has lost "), "{}", said.stdout);
    assert!(said.stdout.contains(" lost and announced") && !said.stdout.contains("missing"), "{}", said.stdout);
    assert_eq!(said.code, Some(2), "{}", said.stdout);
}

#[test]
fn a_subscription_in_the_wrong_letters_is_told_the_right_ones() {
    let world = world();
    let flags = ["run", "--bundle", "certs/pump-7", "--sensor", "sim", "--interval", "50ms"];
    let mut feeder = world.iotctl(&flags).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let ask = |more: &[&str]| {
        let filter = "sensors/Pump-7/temperature";
        run(&mut world.iotctl(&[&["sub", "--bundle", "certs/control-room", filter, "-W", "1"], more].concat()))
    };
    let twin =
        "no message on `sensors/Pump-7/temperature`, but `sensors/pump-7/temperature` differs only in letter case";
    let counted = ask(&["-C", "1"]);
    assert!(counted.code == Some(6) && counted.stderr.contains(&format!("hint: {twin}")), "{}", counted.stderr);
    let open = ask(&[]);
    assert!(open.code == Some(0) && open.stderr.contains(&format!("warning: {twin}")), "{}", open.stderr);
    feeder.kill().unwrap();
    feeder.wait().unwrap();
    let silent = ask(&["-C", "1"]);
    assert!(silent.code == Some(6) && !silent.stderr.contains("differs only"), "{}", silent.stderr);
}
