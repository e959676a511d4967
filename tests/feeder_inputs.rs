//! What `iotctl run` takes in besides the one sensor: lines of standard input, and many streams by feeder.toml.
//!
//! The broker is `iotctl local` where this build has it, and mosquitto in a device build.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/broker.rs"]
mod broker;
#[path = "world/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use broker::{Broker, TOPIC};
use serde_json::Value;
use world::{Said, run};

/// Numbered lines, as JSON numbers.
fn lines(numbers: std::ops::Range<u64>) -> String {
    numbers.map(|number| format!("{number}\n")).collect()
}

fn numbers(messages: &[Value]) -> Vec<u64> {
    messages.iter().map(|message| message.as_u64().unwrap()).collect()
}

/// Runs a command that reads `input` to its end.
fn fed(command: &mut Command, input: &str) -> Said {
    let mut child = started(command);
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn started(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn signal(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

/// A port that nobody listens on.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn each_line_is_published_unchanged_and_the_end_of_the_input_is_the_end() {
    let Some(broker) = Broker::start("each_line_is_published_unchanged") else { return };
    let witness = broker.witness();
    let said = fed(&mut broker.device(broker.port(), &["--stdin", "-t", TOPIC]), &lines(0..500));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.stdout.lines().count(), 500);
    assert_eq!(said.stdout.lines().next(), Some("Published topic sensors/pump-7/temperature: 0"));
    let messages = witness.messages(|messages| messages.len() == 500);
    assert_eq!(numbers(&messages), (0..500).collect::<Vec<_>>());
}

#[test]
fn without_a_broker_lines_go_to_the_disk_and_the_next_run_sends_them_first() {
    let Some(broker) = Broker::start("without_a_broker_lines_go_to_the_disk") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    let spool = folder.path().join("spool").display().to_string();
    let flags = ["--stdin", "-t", TOPIC, "--spool", &spool];
    let mut child = started(&mut broker.device(nobody(), &flags));
    child.stdin.as_mut().unwrap().write_all(lines(0..300).as_bytes()).unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    talk.read_line(&mut first).unwrap();
    assert!(first.contains("next attempt in"), "it goes on without a broker: {first}");
    drop(child.stdin.take());
    signal(&child, "-TERM");
    let rest = std::io::read_to_string(talk).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143), "{rest}");
    let kept = rest.split(" readings wait on the disk").next().and_then(|text| text.rsplit('\n').next());
    let kept: u64 = kept.unwrap().trim().parse().unwrap_or_else(|_| panic!("{rest}"));
    let said = fed(&mut broker.device(broker.port(), &flags), &lines(kept..kept + 20));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let messages = witness.messages(|messages| messages.len() as u64 == kept + 20);
    assert_eq!(numbers(&messages), (0..kept + 20).collect::<Vec<_>>());
}

#[test]
fn killed_in_the_middle_it_has_lost_no_line_that_it_had_accepted() {
    let Some(broker) = Broker::start("killed_in_the_middle") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    let spool = folder.path().join("spool").display().to_string();
    let flags = ["--stdin", "-t", TOPIC, "--spool", &spool, "--sync", "20"];
    let mut child = started(&mut broker.device(broker.port(), &flags));
    let mut pipe = child.stdin.take().unwrap();
    // No more than the rate of a session sends in a few seconds; the pipe stays open, so it does not end by itself.
    pipe.write_all(lines(0..300).as_bytes()).unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let acknowledged: Vec<_> = shown.by_ref().take(60).collect();
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert_eq!(acknowledged.last().unwrap(), &format!("Published topic {TOPIC}: 59"));
    let said = fed(&mut broker.device(broker.port(), &flags), "\"end\"\n");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let mut messages = witness.messages(|messages| messages.last().is_some_and(Value::is_string));
    messages.pop();
    let mut next = 0;
    for number in numbers(&messages) {
        assert!(number <= next, "{number} came before {next}");
        next = next.max(number + 1);
    }
    assert!(next >= 60, "{next}");
}

#[test]
fn a_line_that_aws_would_not_take_is_left_out_and_said() {
    let Some(broker) = Broker::start("a_line_that_aws_would_not_take") else { return };
    let input = format!("1\n{}\n2\n", "x".repeat(128 * 1024 + 1));
    let said = fed(&mut broker.device(broker.port(), &["--stdin", "-t", TOPIC]), &input);
    assert_eq!((said.code, said.stdout.lines().count()), (Some(65), 2), "{}", said.stderr);
    assert!(said.stderr.contains("a line of 131073 bytes was left out"), "{}", said.stderr);
    assert!(said.stderr.contains("1 lines were longer than 131072 bytes"), "{}", said.stderr);
}

const FOUR_STREAMS: &str = r#"
topic = "sensors/{{ thing }}/{{ stream }}"
interval = "20ms"
epoch = true

[source.air]
kind = "sim"
offset = { temperature = -1.5 }
altitude_m = 120

[stream.temperature]
[stream.humidity]
interval = "40ms"
[stream.dew_point]
window = "100ms"
[stream.sea_level_pressure]
deadband_percent = 50
"#;

#[test]
fn many_streams_have_topics_intervals_and_rules_of_their_own() {
    let Some(broker) = Broker::start("many_streams") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    let file = folder.path().join("feeder.toml");
    fs::write(&file, FOUR_STREAMS).unwrap();
    let flags = ["--config", file.to_str().unwrap(), "--count", "10", "-o", "ndjson"];
    let said = run(&mut broker.device(broker.port(), &flags));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let events: Vec<Value> = said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut by_topic: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["event"] == "published") {
        by_topic.entry(event["topic"].as_str().unwrap()).or_default().push(&event["message"]);
    }
    let counts: Vec<_> = by_topic.iter().map(|(topic, messages)| (*topic, messages.len())).collect();
    assert_eq!(
        counts,
        [
            ("sensors/pump-7/dew_point", 2),
            ("sensors/pump-7/humidity", 10),
            ("sensors/pump-7/sea_level_pressure", 1),
            ("sensors/pump-7/temperature", 10)
        ]
    );
    for messages in by_topic.values() {
        let numbers: Vec<_> = messages.iter().map(|message| message["sequence"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..messages.len() as u64).collect::<Vec<_>>(), "each topic has its own numbers");
    }
    let window = by_topic["sensors/pump-7/dew_point"][0];
    assert_eq!((window["samples"].as_u64(), window["unit"].as_str()), (Some(5), Some("Cel")), "{window}");
    assert!(window["min"].as_f64() <= window["value"].as_f64(), "{window}");
    assert_eq!(witness.messages(|messages| messages.len() >= 23).len(), 23);
}

#[test]
fn each_topic_is_told_of_its_own_gap_and_its_numbers_go_on_after_a_kill() {
    let Some(broker) = Broker::start("each_topic_is_told_of_its_own_gap") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (file, spool) = (folder.path().join("feeder.toml"), folder.path().join("spool").display().to_string());
    let settings = "topic = \"sensors/{{ thing }}/{{ stream }}\"\ninterval = \"10ms\"\nepoch = true\n\
                    [source.air]\nkind = \"sim\"\n[stream.temperature]\n[stream.humidity]\ninterval = \"20ms\"\n";
    fs::write(&file, settings).unwrap();
    let flags = ["--config", file.to_str().unwrap(), "--spool", &spool, "--max-count", "10", "-o", "ndjson"];
    let mut child = started(&mut broker.device(nobody(), &flags));
    let mut talk = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(talk.any(|line| line.contains("readings were lost")), "the bound is ten");
    signal(&child, "-KILL");
    child.wait().unwrap();
    let said = run(broker.device(broker.port(), &flags).args(["--count", "3"]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let events = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let published: Vec<Value> = events.filter(|event| event["event"] == "published").collect();
    let number = |value: &Value| value.as_u64().unwrap();
    for topic in ["sensors/pump-7/temperature", "sensors/pump-7/humidity"] {
        let messages: Vec<&Value> = published.iter().filter(|e| e["topic"] == topic).map(|e| &e["message"]).collect();
        let mut known: Vec<u64> = messages.iter().map(|message| number(&message["sequence"])).collect();
        let gaps: Vec<&Value> = messages.iter().map(|message| &message["gap"]).filter(|gap| gap.is_object()).collect();
        assert!(!gaps.is_empty(), "{topic}: {messages:?}");
        known.extend(gaps.iter().flat_map(|gap| number(&gap["first"])..=number(&gap["last"])));
        known.sort_unstable();
        assert_eq!(known, (0..known.len() as u64).collect::<Vec<_>>(), "{topic}: each number came or was announced");
        assert!(messages.iter().all(|message| message["epoch"] == messages[0]["epoch"]), "{messages:?}");
        assert!(messages[0]["epoch"].is_string(), "{messages:?}");
    }
}

#[test]
fn files_of_the_kernel_are_published_and_a_missing_one_does_not_end_the_others() {
    let Some(broker) = Broker::start("files_of_the_kernel") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join("hwmon3")).unwrap();
    fs::write(folder.path().join("hwmon3/name"), "sht3x\n").unwrap();
    fs::write(folder.path().join("hwmon3/temp1_input"), "21437\n").unwrap();
    let settings = format!(
        "topic = \"sensors/pump-7/{{{{ stream }}}}\"\ninterval = \"20ms\"\n\
         [source.cabinet]\nkind = \"hwmon\"\npath = {path:?}\ndevice = \"sht3x\"\noffset = {{ temperature = -0.4 }}\n\
         [source.gone]\nkind = \"w1\"\npath = {path:?}\ndevice = \"28-0\"\n\
         [stream.temperature]\nsource = \"cabinet\"\n[stream.gone]\nsource = \"gone\"\nquantity = \"temperature\"\n",
        path = folder.path().display().to_string(),
    );
    let file = folder.path().join("feeder.toml");
    fs::write(&file, settings).unwrap();
    let flags = ["--config", file.to_str().unwrap(), "--count", "3"];
    let said = run(&mut broker.device(broker.port(), &flags));
    let messages = witness.messages(|messages| messages.len() == 6);
    let (good, failed): (Vec<_>, Vec<_>) = messages.iter().partition(|message| message["value"] == 21.037);
    assert!(good.len() == 3 && good.iter().all(|message| message["unit"] == "Cel"), "{messages:?}");
    assert!(failed.len() == 3 && failed.iter().all(|message| message["status"] == "fail"), "{messages:?}");
    assert!(said.stderr.contains("no device `28-0` below"), "{:?} {}", said.code, said.stderr);
}

#[test]
fn a_csv_is_replayed_line_by_line_and_its_end_is_the_end() {
    let Some(broker) = Broker::start("a_csv_is_replayed") else { return };
    let (witness, folder) = (broker.witness(), tempfile::tempdir().unwrap());
    let (file, log) = (folder.path().join("feeder.toml"), folder.path().join("log.csv"));
    fs::write(&log, "t,flow\n1,10.5\n2,none\n3,11\n").unwrap();
    let table = "kind = \"csv\"\ncolumn.flow = { unit = \"l/min\" }\n";
    let text = format!("interval = \"10ms\"\n[source.log]\npath = {:?}\n{table}", log.display().to_string());
    fs::write(&file, text).unwrap();
    let said = run(&mut broker.device(broker.port(), &["--config", file.to_str().unwrap(), "-t", TOPIC]));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("line 3: `flow`: `none` is no number"), "{}", said.stderr);
    let messages = witness.messages(|messages| messages.len() == 3);
    let values: Vec<_> = messages.iter().map(|message| message["value"].as_f64()).collect();
    assert_eq!((values, &messages[0]["unit"]), (vec![Some(10.5), None, Some(11.0)], &Value::from("l/min")));
}

#[test]
fn check_says_what_would_be_published_and_touches_nothing() {
    let Some(broker) = Broker::start("check_says") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("feeder.toml");
    fs::write(&file, FOUR_STREAMS).unwrap();
    let flags = ["--config", file.to_str().unwrap(), "--check"];
    let said = run(&mut broker.device(nobody(), &flags));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(said.stdout.lines().count(), 4);
    assert!(said.stdout.contains("humidity: humidity every 40ms -> sensors/pump-7/humidity"), "{}", said.stdout);
    fs::write(&file, FOUR_STREAMS.replace("[stream.humidity]", "[stream.hunidity]")).unwrap();
    let said = run(&mut broker.device(nobody(), &flags));
    assert_eq!(said.code, Some(65), "{}", said.stderr);
    assert!(
        said.stderr.contains("line 12, `stream.hunidity`: source `air` has no quantity `hunidity`"),
        "{}",
        said.stderr
    );
}
