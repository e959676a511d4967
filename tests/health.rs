//! How a feeder says that it is well: `iotctl health`, and what Prometheus gets.
//!
//! The broker is `iotctl local` where this build has it, and mosquitto in a device build.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/broker.rs"]
mod broker;
#[path = "world/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use broker::Broker;
use serde_json::Value;
use world::{Said, run, sealed};

/// A feeder at work, stopped when it is dropped.
struct Feeder(Child);

impl Feeder {
    fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Waits until it has shown so many acknowledged readings.
    fn published(&mut self, count: usize) {
        let mut lines = BufReader::new(self.0.stdout.take().unwrap()).lines();
        assert_eq!(lines.by_ref().take(count).count(), count, "{}", self.talk());
        std::thread::spawn(move || lines.for_each(drop));
    }

    /// Waits for a line of its talk.
    fn said(&mut self, wanted: &str) -> String {
        let mut lines = BufReader::new(self.0.stderr.take().unwrap()).lines().map_while(Result::ok);
        let found = lines.find(|line| line.contains(wanted)).unwrap_or_else(|| panic!("never said {wanted}"));
        std::thread::spawn(move || lines.for_each(drop));
        found
    }

    fn talk(&mut self) -> String {
        let mut talk = String::new();
        self.0.stderr.take().map(|mut stderr| stderr.read_to_string(&mut talk));
        talk
    }

    fn signal(&mut self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
        self.0.wait().unwrap();
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn health(folder: &Path, arguments: &[&str]) -> Said {
    run(&mut sealed(folder, &[&["health"], arguments].concat()))
}

/// Asks until the answer is what was waited for: the feeder writes when it has time.
fn until(ask: impl Fn() -> Said, wanted: impl Fn(&Said) -> bool) -> Said {
    for _ in 0..6000 {
        let said = ask();
        if wanted(&said) {
            return said;
        }
        std::thread::yield_now();
    }
    let last = ask();
    panic!("{:?}\n{}\n{}", last.code, last.stdout, last.stderr);
}

#[test]
fn a_feeder_at_work_is_well_and_one_that_ended_is_not_there() {
    let Some(broker) = Broker::start("a_feeder_at_work_is_well") else { return };
    let folder = tempfile::tempdir().unwrap();
    let nothing = health(folder.path(), &["--spool", "spool"]);
    assert_eq!(nothing.code, Some(6), "{}", nothing.stderr);
    assert!(nothing.stderr.contains("no feeder says how it is in `spool/health.json`"), "{}", nothing.stderr);

    let spool = folder.path().join("spool");
    let flags = ["--spool", spool.to_str().unwrap(), "--interval", "20ms"];
    let mut feeder = Feeder::start(&mut broker.feeder(broker.port(), &flags));
    feeder.published(3);
    let ask = || health(folder.path(), &["--spool", "spool"]);
    let well = until(ask, |said| said.stdout.contains("ok   connection") && said.stdout.contains("ok   reading"));
    assert_eq!(well.code, Some(0), "{}\n{}", well.stdout, well.stderr);
    assert!(well.stdout.contains("as `pump-7` for"), "{}", well.stdout);
    let kept: Value = serde_json::from_str(&fs::read_to_string(spool.join("health.json")).unwrap()).unwrap();
    assert_eq!((&kept["state"], &kept["kept"], &kept["connections"]), (&"online".into(), &true.into(), &1.into()));

    feeder.signal("-TERM");
    let ended = health(folder.path(), &["--spool", "spool"]);
    assert_eq!(ended.code, Some(6), "{}", ended.stdout);
    assert!(ended.stderr.contains("the feeder ended "), "{}", ended.stderr);
}

#[test]
fn where_the_machine_has_memory_for_it_the_card_is_not_written_and_the_spool_leads_there() {
    let Some(broker) = Broker::start("where_the_machine_has_memory") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (spool, runtime) = (folder.path().join("spool"), folder.path().join("run"));
    fs::create_dir(&runtime).unwrap();
    let flags = ["--spool", spool.to_str().unwrap(), "--interval", "20ms"];
    let mut command = broker.feeder(broker.port(), &flags);
    let mut feeder = Feeder::start(command.env("RUNTIME_DIRECTORY", &runtime));
    feeder.published(1);
    let _ = until(|| health(folder.path(), &["--spool", "spool"]), |said| said.code == Some(0));
    assert_eq!(fs::read_link(spool.join("health.json")).unwrap(), runtime.join("health.json"));
}

#[test]
fn readings_that_fail_and_readings_that_do_not_arrive_are_exit_code_1() {
    let Some(broker) = Broker::start("readings_that_fail") else { return };
    let folder = tempfile::tempdir().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = folder.path().join("health.json");
    let flags = ["--sensor", "bme680", "--bus", "/dev/no-such-bus", "--interval", "20ms", "-e"];
    let endpoint = format!("localhost:{nobody}");
    let mut command = broker.device(nobody, &["--health", file.to_str().unwrap(), "-t", "sensors/pump-7/temperature"]);
    let _feeder = Feeder::start(command.args(&flags[..flags.len() - 1]));
    let ask = || health(folder.path(), &["--file", "health.json", "--max-age", "1ms"]);
    let said = until(ask, |said| said.stdout.contains("none for") && said.stdout.contains("FAIL puback"));
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    assert!(said.stdout.contains(&format!("cannot reach `{endpoint}`")), "{}", said.stdout);
    assert!(said.stdout.contains("FAIL reading      none since the start"), "{}", said.stdout);
    assert!(said.stderr.contains("checks failed for `pump-7`: reading, puback"), "{}", said.stderr);
    let json = health(folder.path(), &["--file", "health.json", "--max-age", "1ms", "-o", "json"]);
    let value: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.code, &value["current"], &value["status"]["state"]), (Some(1), &true.into(), &"waiting".into()));

    // What a feeder that was killed leaves behind: nobody writes any more.
    let old = fs::read_to_string(&file).unwrap().replace("\"written_utc\": \"20", "\"written_utc\": \"19");
    fs::write(folder.path().join("old.json"), old).unwrap();
    let killed = health(folder.path(), &["--file", "old.json"]);
    assert_eq!(killed.code, Some(6), "{}", killed.stdout);
    assert!(killed.stderr.contains("has not said how it is for"), "{}", killed.stderr);
}

#[test]
fn a_file_that_is_no_status_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.json"), "{}").unwrap();
    let said = health(folder.path(), &["--file", "x.json"]);
    assert!(said.code == Some(65) && said.stderr.contains("`x.json` is no status of a feeder"), "{}", said.stderr);
}

/// One request, as it is, and all of the answer.
fn exchange(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The samples of a text in the format 0.0.4, read strictly: every line, in the order that the format wants.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let is_name = |name: &str| {
        name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') && name.starts_with("iotctl_")
    };
    assert!(text.ends_with('\n') && !text.contains("\n\n"));
    let (mut found, mut seen, mut family) = (BTreeMap::new(), BTreeSet::new(), (String::new(), String::new()));
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, says) = help.split_once(' ').unwrap();
            assert!(is_name(name) && says.ends_with('.') && seen.insert(name.to_owned()), "{line}");
            let kind = lines.next().unwrap().strip_prefix(&format!("# TYPE {name} ")).unwrap();
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            family = (name.to_owned(), kind.to_owned());
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        assert_eq!(name, family.0, "{line}");
        let labels = labels.strip_suffix('}').unwrap();
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (key, value) = label.split_once('=').unwrap();
            assert!(["reason", "version"].contains(&key) && value.starts_with('"') && value.ends_with('"'), "{line}");
        }
        assert!(found.insert(series.to_owned(), value.parse().unwrap()).is_none(), "twice: {line}");
    }
    found
}

fn metrics_of(feeder: &mut Feeder) -> String {
    let said = feeder.said("metrics at http://");
    said.split("http://").nth(1).unwrap().trim_end_matches("/metrics").to_owned()
}

const GET: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[test]
fn prometheus_gets_every_count_in_its_own_format() {
    let Some(broker) = Broker::start("prometheus_gets_every_count") else { return };
    let flags = ["--metrics", "127.0.0.1:0", "--interval", "20ms"];
    let mut feeder = Feeder::start(&mut broker.feeder(broker.port(), &flags));
    let address = metrics_of(&mut feeder);
    feeder.published(3);
    let answer = exchange(&address, GET);
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", text.len())), "{head}");
    let found = samples(text);
    assert!(found["iotctl_published_messages_total"] >= 3.0 && found["iotctl_samples_total"] >= 3.0, "{text}");
    assert_eq!((found["iotctl_connected"], found["iotctl_moving"]), (1.0, 1.0));
    assert_eq!(found["iotctl_lost_readings_total{reason=\"disk_full\"}"], 0.0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    let puback = found["iotctl_last_puback_timestamp_seconds"];
    assert!(puback <= now && puback >= found["iotctl_start_time_seconds"], "{text}");

    for (request, wanted) in [
        ("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200 OK"),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404"),
        ("DELETE /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 405"),
        ("GET /metrics HTTP/1.1\r\nHost: pump.example\r\n\r\n", "HTTP/1.1 421"),
        (&format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(5000)), "HTTP/1.1 431"),
    ] {
        assert!(exchange(&address, request).starts_with(wanted), "{request}");
    }
    let silent: Vec<_> = (0..4).map(|_| TcpStream::connect(&address).unwrap()).collect();
    drop(silent);
    assert!(exchange(&address, GET).starts_with("HTTP/1.1 200"), "who says nothing and goes, takes no place");
}

#[test]
fn the_reference_client_of_prometheus_understands_it() {
    if !world::peers("the_reference_client_of_prometheus") {
        return;
    }
    let Some(broker) = Broker::start("the_reference_client") else { return };
    let flags = ["--metrics", "127.0.0.1:0", "--interval", "20ms"];
    let mut feeder = Feeder::start(&mut broker.feeder(broker.port(), &flags));
    let address = metrics_of(&mut feeder);
    feeder.published(2);
    let script = "import sys, urllib.request\nfrom prometheus_client.parser import text_string_to_metric_families as parse\n\
        answer = urllib.request.urlopen(sys.argv[1], timeout=20)\nassert answer.headers['Content-Type'].startswith('text/plain; version=0.0.4')\n\
        families = {f.name: f for f in parse(answer.read().decode())}\nprint(families['iotctl_published_messages'].type, len(families))\n\
        assert all(f.documentation and f.samples for f in families.values())\n";
    let said = run(Command::new("python3").args(["-c", script, &format!("http://{address}/metrics")]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.starts_with("counter 1"), "{}", said.stdout);
}

#[test]
fn metrics_are_for_this_machine_only() {
    let Some(broker) = Broker::start("metrics_are_for_this_machine_only") else { return };
    for address in ["0.0.0.0:9464", "192.0.2.1:9464", "[::]:9464"] {
        let said = run(&mut broker.feeder(broker.port(), &["--metrics", address, "--count", "1"]));
        assert_eq!(said.code, Some(64), "{}", said.stderr);
        assert!(said.stderr.contains("can be reached from outside"), "{}", said.stderr);
    }
}
