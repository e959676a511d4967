//! Lines that other programs write to the feeder's UNIX socket: unchanged, in order, and none lost that was taken.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/broker.rs"]
mod broker;
#[path = "world/world.rs"]
mod world;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use broker::{Broker, TOPIC};
use serde_json::{Value, json};
use world::{Said, run};

/// A feeder at work, and the socket that it listens to.
struct Feeder {
    child: Child,
    path: PathBuf,
}

impl Feeder {
    /// Starts it and waits until somebody can connect.
    fn start(command: &mut Command, path: &Path) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let feeder = Self { child, path: path.to_owned() };
        let since = Instant::now();
        while UnixStream::connect(path).is_err() {
            assert!(since.elapsed() < Duration::from_secs(30), "nobody listens");
            std::thread::sleep(Duration::from_millis(5));
        }
        feeder
    }

    fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).unwrap()
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// Tells it to end; what it said.
    fn end(self) -> Said {
        self.signal("-TERM");
        let output = self.child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Flags of a feeder that has nothing but a socket and a queue in `folder`.
fn flags(folder: &Path) -> Vec<String> {
    let (socket, spool) = (folder.join("lines"), folder.join("spool"));
    let flags = ["--sensor", "none", "-t", TOPIC, "--sync", "20", "--socket", socket.to_str().unwrap()];
    let spool = ["--spool", spool.to_str().unwrap()];
    flags.iter().chain(&spool).map(|flag| (*flag).to_owned()).collect()
}

fn start(broker: &Broker, port: u16, folder: &Path, more: &[&str]) -> Feeder {
    let flags = flags(folder);
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(more.iter().copied()).collect();
    Feeder::start(&mut broker.device(port, &flags), &folder.join("lines"))
}

fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn line(client: u64, number: u64) -> String {
    format!("{{\"client\":{client},\"n\":{number}}}\n")
}

/// The numbers of one client, in the order of their arrival.
fn numbers(messages: &[Value], client: u64) -> Vec<u64> {
    messages.iter().filter(|m| m["client"] == client).map(|m| m["n"].as_u64().unwrap()).collect()
}

#[test]
fn many_clients_write_at_once_and_each_keeps_its_order() {
    let Some(broker) = Broker::start("socket: many_clients") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    let feeder = start(&broker, broker.port(), folder.path(), &[]);
    let file = fs::metadata(folder.path().join("lines")).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o660);
    std::thread::scope(|scope| {
        for client in 0..8 {
            let mut stream = feeder.connect();
            scope.spawn(move || (0..25).for_each(|n| stream.write_all(line(client, n).as_bytes()).unwrap()));
        }
    });
    let messages = witness.messages(|messages| messages.len() == 200);
    (0..8).for_each(|client| assert_eq!(numbers(&messages, client), (0..25).collect::<Vec<_>>()));
    let said = feeder.end();
    assert_eq!(said.code, Some(143), "{}", said.stderr);
    assert!(!folder.path().join("lines").exists(), "it is removed at the end");
    assert!(said.stdout.contains(&format!("Published topic {TOPIC}: {{\"client\":0,\"n\":0}}")), "{}", said.stdout);
}

#[test]
fn what_clients_wrote_before_the_end_is_taken_in_and_half_a_line_is_not() {
    let Some(broker) = Broker::start("socket: what_clients_wrote") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    let feeder = start(&broker, broker.port(), folder.path(), &[]);
    let mut torn = Command::new("sh");
    let script = "exec python3 -c 'import socket,os,time\ns=socket.socket(socket.AF_UNIX);s.connect(\"lines\")\n\
                  s.sendall(b\"1\\n{\\\"half\\\":\");print(flush=True);time.sleep(600)'";
    let mut torn = torn.args(["-c", script]).current_dir(folder.path()).stdout(Stdio::piped()).spawn().unwrap();
    torn.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    torn.kill().unwrap();
    torn.wait().unwrap();
    // Without a connection it would end at once, and keep the lines for the next start.
    witness.messages(|messages| messages.len() == 1);
    let mut stream = feeder.connect();
    (2..100).for_each(|n| writeln!(stream, "{n}").unwrap());
    // The stream stays open: that it is told to end is enough.
    let said = feeder.end();
    assert_eq!(said.code, Some(143), "{}", said.stderr);
    assert!(said.stderr.contains("in the middle of a line, which is not published"), "{}", said.stderr);
    let messages = witness.messages(|messages| messages.len() == 99);
    let mut numbers: Vec<_> = messages.iter().map(|message| message.as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..100).collect::<Vec<_>>());
    drop(stream);
}

#[test]
fn a_feeder_that_was_killed_leaves_a_socket_that_the_next_one_replaces_and_no_line_is_lost() {
    let Some(broker) = Broker::start("socket: a_feeder_that_was_killed") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    let feeder = start(&broker, nobody(), folder.path(), &[]);
    let mut stream = feeder.connect();
    (0..50).for_each(|n| stream.write_all(line(1, n).as_bytes()).unwrap());
    let spool = folder.path().join("spool");
    let since = Instant::now();
    while !holds(&spool, line(1, 49).trim().as_bytes()) {
        assert!(since.elapsed() < Duration::from_secs(30), "the last line does not reach the disk");
        std::thread::sleep(Duration::from_millis(5));
    }
    // What stands in the file may not be safe before the next sync, but kill is no power cut.
    feeder.kill();
    assert!(fs::symlink_metadata(folder.path().join("lines")).is_ok(), "a killed feeder removes nothing");
    assert!(stream.write_all(line(1, 50).as_bytes()).is_err(), "whoever writes is told");
    let feeder = start(&broker, broker.port(), folder.path(), &[]);
    feeder.connect().write_all(line(1, 50).as_bytes()).unwrap();
    let messages = witness.messages(|messages| messages.last() == Some(&json!({"client": 1, "n": 50})));
    assert_eq!(numbers(&messages, 1), (0..=50).collect::<Vec<_>>());
    assert_eq!(feeder.end().code, Some(143));
}

/// Whether a file below `folder` holds these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    let Ok(files) = fs::read_dir(folder) else { return false };
    files
        .flatten()
        .any(|file| fs::read(file.path()).is_ok_and(|all| all.windows(bytes.len()).any(|part| part == bytes)))
}

#[test]
fn a_path_at_which_something_lives_is_left_alone() {
    let Some(broker) = Broker::start("socket: a_path_at_which_something_lives") else { return };
    let folder = tempfile::tempdir().unwrap();
    let flags = flags(folder.path());
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let path = folder.path().join("lines");
    let living = UnixListener::bind(&path).unwrap();
    let said = run(&mut broker.device(broker.port(), &flags));
    assert_eq!(said.code, Some(7), "{}", said.stderr);
    assert!(said.stderr.contains("somebody listens at"), "{}", said.stderr);
    drop(living);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "precious").unwrap();
    let said = run(&mut broker.device(broker.port(), &flags));
    assert_eq!(said.code, Some(73), "{}", said.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    let long = folder.path().join("x".repeat(120)).display().to_string();
    let said = run(&mut broker.device(broker.port(), &["--sensor", "none", "-t", TOPIC, "--socket", &long]));
    assert_eq!(said.code, Some(78), "{}", said.stderr);
}

#[test]
fn while_the_queue_has_no_room_writers_wait_and_what_was_taken_in_is_kept() {
    let Some(broker) = Broker::start("socket: while_the_queue_has_no_room") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    let feeder = start(&broker, nobody(), folder.path(), &["--max-count", "20", "--when-full", "block"]);
    let mut stream = feeder.connect();
    stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let long = "x".repeat(20_000);
    let mut written = 0_u64;
    let stopped = loop {
        match stream.write_all(format!("{{\"client\":1,\"n\":{written},\"x\":\"{long}\"}}\n").as_bytes()) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1000, "nobody makes the writer wait");
    };
    assert_eq!(stopped.kind(), ErrorKind::WouldBlock);
    feeder.kill();
    let feeder = start(&broker, broker.port(), folder.path(), &[]);
    let messages = witness.messages(|messages| messages.len() == 20);
    assert_eq!(numbers(&messages, 1), (0..20).collect::<Vec<_>>(), "what was taken in is there, in order");
    assert!(written > 20, "{written}");
    drop(feeder.end());
}

#[test]
fn a_line_that_aws_would_not_take_is_left_out_and_the_next_one_is_not() {
    let Some(broker) = Broker::start("socket: a_line_that_aws_would_not_take") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    let feeder = start(&broker, broker.port(), folder.path(), &[]);
    let mut stream = feeder.connect();
    stream.write_all(format!("{}\n7\n", "x".repeat(128 * 1024 + 1)).as_bytes()).unwrap();
    assert_eq!(witness.messages(|messages| messages.len() == 1), [json!(7)]);
    let said = feeder.end();
    assert!(said.stderr.contains("a line of 131073 bytes was left out"), "{}", said.stderr);
}

#[test]
fn the_socket_of_feeder_toml_runs_beside_the_sources_with_a_topic_of_its_own() {
    let Some(broker) = Broker::start("socket: the_socket_of_feeder_toml") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    let (path, file) = (folder.path().join("lines"), folder.path().join("feeder.toml"));
    let settings = format!(
        "topic = \"sensors/pump-7/{{{{ stream }}}}\"\ninterval = \"20ms\"\n[input]\nsocket = {path:?}\n\
         [source.air]\nkind = \"sim\"\n[stream.temperature]\n"
    );
    fs::write(&file, &settings).unwrap();
    let config = ["--config", file.to_str().unwrap()];
    let said = run(&mut broker.device(nobody(), &[&config[..], &["--check"]].concat()));
    assert!(said.stdout.contains("lines -> sensors/pump-7/socket"), "{}{}", said.stdout, said.stderr);
    let feeder = Feeder::start(&mut broker.device(broker.port(), &config), &path);
    feeder.connect().write_all(b"\"hello\"\n").unwrap();
    let done = |messages: &[Value]| {
        messages.iter().filter(|m| m.is_object()).count() > 2 && messages.contains(&json!("hello"))
    };
    assert!(!witness.messages(done).is_empty());
    assert_eq!(feeder.end().code, Some(143));
    let said = run(&mut broker.device(nobody(), &[&config[..], &["--count", "1"]].concat()));
    assert_eq!(said.code, Some(64), "{}", said.stderr);
    fs::write(&file, settings.replace("{{ stream }}", "temperature")).unwrap();
    let said = run(&mut broker.device(nobody(), &config));
    assert_eq!(said.code, Some(65), "{}", said.stderr);
    assert!(said.stderr.contains("the topic of stream `temperature`"), "{}", said.stderr);
}
