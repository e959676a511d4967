//! A disk that is really full: a small tmpfs under the spool, in a mount namespace of the test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/broker.rs"]
mod broker;
#[path = "world/world.rs"]
mod world;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use broker::Broker;
use world::run;

/// Set for the run that is in a namespace of its own.
const INSIDE: &str = "FULL_DISK_IN_OWN_MOUNTS";

/// Runs this test again as root of a user namespace, where it can mount; says whether it is that run.
fn in_own_mounts(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let unshare = |program: &std::ffi::OsStr| {
        let mut command = Command::new("unshare");
        command.arg("-rm").arg(program);
        command
    };
    if !unshare("true".as_ref()).status().is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("IOTCTL_PEERS").is_none(), "./test needs user namespaces for a disk that is full");
        let line = format!("\n*** SKIPPED full_disk::{test}: no user namespaces here, so nothing can be mounted\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return false;
    }
    let this = std::env::current_exe().unwrap();
    let said = run(unshare(this.as_os_str()).args([test, "--exact", "--nocapture"]).env(INSIDE, "1"));
    assert!(said.code == Some(0) && said.stdout.contains("1 passed"), "{}\n{}", said.stdout, said.stderr);
    false
}

/// Large lines fill a small disk with few messages.
const LINE: usize = 20_000;
const OFFERED: usize = 400;

#[test]
fn a_disk_that_is_full_keeps_what_it_took_and_what_it_did_not_take_is_announced() {
    if !in_own_mounts("a_disk_that_is_full_keeps_what_it_took_and_what_it_did_not_take_is_announced") {
        return;
    }
    let Some(broker) = Broker::start("full_disk::a_disk_that_is_full") else { return };
    let disk = tempfile::tempdir().unwrap();
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=4m", "full"]).arg(disk.path());
    assert!(mount.status().unwrap().success());
    let spool = disk.path().join("spool").display().to_string();
    let lost = fill(&broker, &spool);
    let witness = broker.witness();
    // Nothing new: it sends what it owes, and ends.
    let said = run(&mut broker.device(broker.port(), &["--stdin", "-t", broker::TOPIC, "--spool", &spool]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let messages = witness.messages(|seen| seen.last().is_some_and(|last| last["status"] == "gap"));
    let (gap, kept) = messages.split_last().unwrap();
    let numbers: Vec<u64> = kept.iter().map(|message| message["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "what was accepted is there, in order");
    assert!(numbers.len() > 40 && lost > 40, "{} kept, {lost} lost", numbers.len());
    assert_eq!(gap["gap"]["lost"], lost, "{gap}");
    assert_eq!(gap["gap"]["first"], numbers.len() as u64, "{gap}");
    assert_eq!(gap["gap"]["reasons"]["disk_full"], lost, "{gap}");
}

/// Gives a feeder without a line more than its disk holds; how many lines it says that it lost.
fn fill(broker: &Broker, spool: &str) -> u64 {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut feeder = broker
        .device(nobody, &["--stdin", "-t", broker::TOPIC, "--spool", spool, "-v"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = feeder.stdin.take().unwrap();
    for number in 0..OFFERED {
        let line = serde_json::json!({"number": number, "filler": "x".repeat(LINE)});
        writeln!(input, "{line}").unwrap();
    }
    assert!(Command::new("kill").args(["-TERM", &feeder.id().to_string()]).status().unwrap().success());
    let talk: Vec<String> = BufReader::new(feeder.stderr.take().unwrap()).lines().map_while(Result::ok).collect();
    assert_eq!(feeder.wait().unwrap().code(), Some(143), "a full disk ends nobody: {talk:#?}");
    let said = talk.iter().find_map(|line| line.strip_suffix(" readings lost"));
    said.and_then(|line| line.rsplit(' ').next()).unwrap_or_else(|| panic!("{talk:#?}")).parse().unwrap()
}
