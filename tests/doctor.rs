//! `iotctl doctor` in good health, and with every disease that it knows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]
#![cfg(all(feature = "control", feature = "local"))]

#[path = "world/tunnel.rs"]
mod tunnel;
#[path = "world/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use iotctl::bundle::folder::Folder;
use iotctl::pki::key::PrivateKey;
use serde_json::Value;
use world::{Said, World, run};

/// A stand-in, and a device whose sensor is simulated.
fn world() -> World {
    let world = World::start();
    world.provision(&["--thing", "pump-7"]);
    edit(&world, "sensor = \"bme680\"", "sensor = \"sim\"");
    world
}

/// Changes feeder.toml.
fn edit(world: &World, from: &str, to: &str) {
    let path = world.bundle("pump-7").join("feeder.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&path, text.replace(from, to)).unwrap();
}

fn doctor(world: &World, more: &[&str]) -> (Said, BTreeMap<String, Value>) {
    let arguments = [&["doctor", "--bundle", "certs/pump-7", "-o", "json"], more].concat();
    let said = run(&mut world.iotctl(&arguments));
    let value: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{}{}", said.stdout, said.stderr));
    let checks = value["checks"].as_array().unwrap().iter();
    let checks = checks.map(|check| (check["name"].as_str().unwrap().to_owned(), check.clone())).collect();
    (said, checks)
}

fn level<'a>(checks: &'a BTreeMap<String, Value>, name: &str) -> &'a str {
    checks.get(name).unwrap_or_else(|| panic!("{checks:#?}"))["level"].as_str().unwrap()
}

/// That `name` failed in these words and with this cure, that these were skipped, and the exit code.
#[track_caller]
fn ill((said, checks): &(Said, BTreeMap<String, Value>), name: &str, words: [&str; 2], skipped: &[&str], code: i32) {
    let check = checks.get(name).unwrap_or_else(|| panic!("{checks:#?}"));
    assert_eq!(check["level"], "fail", "{checks:#?}");
    let [found, cure] = words;
    assert!(check["found"].as_str().unwrap().contains(found), "{check:#}");
    let mut cures = check["cures"].as_array().unwrap().iter();
    assert!(cures.any(|said| said.as_str().unwrap().contains(cure)), "{check:#}");
    let passed_over: Vec<_> = checks.iter().filter(|(_, c)| c["level"] == "skipped").map(|(name, _)| name).collect();
    assert_eq!(passed_over, skipped, "{checks:#?}");
    assert_eq!(said.code, Some(code), "{}", said.stderr);
}

#[test]
fn a_device_in_good_health_has_every_check_and_exit_code_0() {
    let world = world();
    let (said, checks) = doctor(&world, &[]);
    assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    for name in ["bundle", "settings", "dns", "tcp", "tls", "connect", "policy", "sensor", "disk"] {
        assert_eq!(level(&checks, name), "ok", "{checks:#?}");
    }
    assert_ne!(level(&checks, "clock"), "fail");
    assert!(checks["tls"]["found"].as_str().unwrap().starts_with("TLS 1.3"), "{checks:#?}");
    assert!(checks["sensor"]["found"].as_str().unwrap().contains("temperature "), "{checks:#?}");
    let text = run(&mut world.iotctl(&["doctor"]));
    assert!(
        text.code == Some(0) && text.stdout.contains("\nok   connect      accepted as `pump-7`\n"),
        "{}",
        text.stdout
    );
}

#[test]
fn nothing_is_published_unless_asked_for_and_then_it_is_no_reading() {
    let world = world();
    world.provision(&["--thing", "control-room", "--template", "observer"]);
    let mut witness = world
        .iotctl(&["sub", "--bundle", "certs/control-room", "sensors/#", "-C", "1", "-W", "60"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut talk = std::io::BufReader::new(witness.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut talk, &mut String::new()).unwrap();
    let (said, _) = doctor(&world, &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let (said, checks) = doctor(&world, &["--publish"]);
    assert_eq!((said.code, level(&checks, "policy")), (Some(0), "ok"), "{}", said.stderr);
    let output = witness.wait_with_output().unwrap();
    let heard = String::from_utf8(output.stdout).unwrap();
    assert!(heard.contains("\"origin\":\"iotctl doctor\",\"status\":\"probe\"}"), "{heard}");
    assert!(!heard.contains("sequence") && heard.lines().count() == 1, "{heard}");
}

#[test]
fn a_bundle_that_is_spoiled_is_named_with_its_cure() {
    let world = world();
    fs::remove_file(world.bundle("pump-7").join("root-ca.pem")).unwrap();
    let skipped = ["connect", "dns", "policy", "tcp", "tls"];
    ill(&doctor(&world, &[]), "bundle", ["`root-ca.pem` is missing", "restore `root-ca.pem`"], &skipped, 65);
}

#[test]
fn an_expired_certificate_is_seen_before_the_broker_sees_it() {
    let world = world();
    let folder = Folder::new(world.bundle("pump-7"));
    let key = PrivateKey::from_pem("key", &fs::read_to_string(folder.file("device.key.pem")).unwrap()).unwrap();
    let pair = rcgen::KeyPair::from_pem(key.pem()).unwrap();
    let mut certificate = rcgen::CertificateParams::new(vec![]).unwrap();
    certificate.not_before = rcgen::date_time_ymd(2020, 1, 1);
    certificate.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let pem = certificate.self_signed(&pair).unwrap().pem();
    let mut manifest = folder.manifest().unwrap();
    folder.write_file(&mut manifest, "device.cert.pem", &pem).unwrap();
    folder.write_manifest(&manifest).unwrap();
    let words = ["the certificate expired on 2021-01-01", "iotctl provision --thing pump-7"];
    ill(&doctor(&world, &[]), "clock", words, &["connect", "tls"], 78);
}

#[test]
fn a_wrong_port_and_an_unknown_name_are_told_apart() {
    let world = world();
    let folder = Folder::new(world.bundle("pump-7"));
    let mut manifest = folder.manifest().unwrap();
    manifest.port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    folder.write_manifest(&manifest).unwrap();
    ill(&doctor(&world, &[]), "tcp", ["nobody answers at 127.0.0.1:", "8883"], &["connect", "tls"], 6);
    manifest.endpoint = Some("no-such-host.invalid".into());
    folder.write_manifest(&manifest).unwrap();
    let words = ["`no-such-host.invalid`", "getent hosts"];
    ill(&doctor(&world, &[]), "dns", words, &["connect", "tcp", "tls"], 6);
}

#[test]
fn a_root_that_did_not_sign_the_broker_is_a_fault_of_tls() {
    let world = world();
    let folder = Folder::new(world.bundle("pump-7"));
    let mut manifest = folder.manifest().unwrap();
    folder.write_file(&mut manifest, "root-ca.pem", &iotctl::pki::roots::amazon_roots()).unwrap();
    folder.write_manifest(&manifest).unwrap();
    let words = ["is not signed by a root that this bundle trusts", "root-ca.pem must hold the root"];
    ill(&doctor(&world, &[]), "tls", words, &["connect"], 6);
}

#[test]
fn a_policy_that_is_not_attached_any_more_shows_when_the_broker_is_asked() {
    let world = world();
    let manifest = Folder::new(world.bundle("pump-7")).manifest().unwrap();
    let policy = manifest.policy.as_ref().unwrap();
    let body = format!("{{\"target\":\"{}\"}}", manifest.certificate_arn.as_ref().unwrap());
    let (status, answer) = world.call("POST", &format!("/target-policies/{policy}"), "", &body);
    assert_eq!(status, 200, "{answer}");
    let words = [
        "closed the connection instead of accepting client id `pump-7`",
        "policy.json of the bundle allows `pump-7` to",
    ];
    ill(&doctor(&world, &[]), "connect", words, &[], 5);
}

#[test]
fn a_topic_that_the_policy_does_not_allow_is_explained_and_its_twin_in_other_letters_named() {
    let world = world();
    edit(&world, "sensors/pump-7/temperature", "Sensors/pump-7/temperature");
    let words = ["no statement allows `iot:Publish`", "`sensors/pump-7/temperature` differs only in letter case"];
    let seen = doctor(&world, &[]);
    ill(&seen, "policy", words, &[], 5);
    assert!(seen.1["policy"]["cures"].to_string().contains("this statement would allow exactly it"), "{:#?}", seen.1);
}

#[test]
fn a_bus_that_is_missing_and_a_folder_that_cannot_be_written_are_found_both() {
    let world = world();
    edit(&world, "sensor = \"sim\"", "sensor = \"bme680\"");
    edit(&world, "/dev/i2c-1", "/dev/no-such-bus");
    fs::write(world.path().join("file"), "").unwrap();
    let seen = doctor(&world, &["--spool", "file/spool"]);
    ill(&seen, "sensor", ["there is no I2C bus `/dev/no-such-bus`", "do_i2c 0"], &[], 1);
    ill(&seen, "disk", ["cannot write in `file`", "--spool DIR"], &[], 1);
    assert!(seen.0.stderr.contains("sensor, disk"), "{}", seen.0.stderr);
}

#[test]
fn settings_that_cannot_be_read_are_named_with_file_and_line() {
    let world = world();
    edit(&world, "interval = \"5s\"", "interval = \"soon\"");
    let words = ["`interval`: `soon` is not a duration", "docs/feeder.md"];
    ill(&doctor(&world, &[]), "settings", words, &["disk", "policy", "sensor"], 65);
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that is skipped must be heard of")]
fn a_disk_that_is_full_is_found() {
    let world = world();
    let full = world.path().join("full");
    fs::create_dir(&full).unwrap();
    let program = env!("CARGO_BIN_EXE_iotctl");
    let script = format!(
        "mount -t tmpfs -o size=64k none {0} || exit 99; {program} doctor --bundle certs/pump-7 --spool {0} -o json",
        full.display()
    );
    let said = run(Command::new("unshare").args(["-r", "-m", "sh", "-c", &script]).current_dir(world.path()));
    if said.code == Some(99) || said.stdout.is_empty() {
        eprintln!("\n*** SKIPPED a_disk_that_is_full_is_found: no small disk can be mounted here: {}\n", said.stderr);
        return;
    }
    let value: Value = serde_json::from_str(&said.stdout).unwrap();
    let disk = value["checks"].as_array().unwrap().iter().find(|check| check["name"] == "disk").unwrap();
    assert_eq!(disk["level"], "fail", "{disk:#}");
    assert!(disk["found"].as_str().unwrap().contains("bytes left, and readings need 2097152"), "{disk:#}");
    assert_eq!(said.code, Some(78), "{}", said.stderr);
}

#[test]
fn a_feeder_at_work_keeps_its_connection_and_says_itself_how_its_sensor_is() {
    let world = world();
    let run_it = ["run", "--bundle", "certs/pump-7", "--interval", "50ms", "-o", "ndjson"];
    let mut feeder = world.iotctl(&run_it).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(feeder.stdout.take().unwrap()));
    assert!(lines.by_ref().take(5).all(|line| line.is_ok()));
    std::thread::spawn(move || lines.for_each(drop));
    let seen = (0..500)
        .map(|_| doctor(&world, &[]))
        .find(|(_, checks)| checks["connect"]["found"].as_str().unwrap().starts_with("the feeder at work (process "));
    let (said, checks) = seen.expect("the feeder says that it is connected");
    assert_eq!((said.code, level(&checks, "sensor")), (Some(0), "ok"), "{checks:#?}");
    assert!(checks["sensor"]["found"].as_str().unwrap().contains(" samples, 0 failed"), "{checks:#?}");
    feeder.kill().unwrap();
    let talk = std::io::read_to_string(feeder.stderr.take().unwrap()).unwrap();
    feeder.wait().unwrap();
    assert!(!talk.contains("next attempt in") && talk.matches("connected to").count() == 1, "{talk}");
}

#[test]
fn behind_a_proxy_it_goes_the_way_of_the_feeder() {
    let world = world();
    let tunnel = tunnel::Tunnel::to(world.mqtt_port, None);
    edit(&world, "qos = 1", &format!("qos = 1\nproxy = \"{}\"", tunnel.url("")));
    let (said, checks) = doctor(&world, &["--port", "443"]);
    assert_eq!(said.code, Some(0), "{checks:#?}");
    let levels = ["dns", "tcp", "tls", "connect", "policy"].map(|name| level(&checks, name));
    assert_eq!(levels, ["skipped", "ok", "ok", "ok", "ok"], "{checks:#?}");
    assert!(checks["tcp"]["found"].as_str().unwrap().ends_with(" leads to `localhost:443`"), "{checks:#?}");
}

#[test]
fn a_proxy_that_lets_nobody_through_is_what_is_wrong() {
    let world = world();
    let tunnel = tunnel::Tunnel::to(world.mqtt_port, Some("Proxy-Authorization: Basic eDp5"));
    edit(&world, "qos = 1", &format!("qos = 1\nproxy = \"{}\"", tunnel.url("")));
    let found = doctor(&world, &[]);
    let words = ["through the proxy", "http://USER:PASSWORD@HOST:PORT"];
    ill(&found, "tcp", words, &["connect", "dns", "tls"], 6);
}
