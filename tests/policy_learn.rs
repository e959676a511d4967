//! `iotctl policy learn`: from what devices did under a wide policy to the smallest one that still lets them do it.
#![cfg(all(feature = "control", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "world/world.rs"]
mod world;

use std::fs;
use std::path::Path;

use serde_json::Value;
use world::{Said, run, sealed};

/// What two devices do all day; `$TEMPLATE` is the policy they do it under.
const DAY: &str = r#"
set -e
for thing in pump-1 pump-2; do
    "$IOTCTL" provision --thing $thing --template "$TEMPLATE" --policy-name today --topic lab/$thing/temperature
    "$IOTCTL" run --bundle certs/$thing --sensor sim --interval 10ms --count 3
    "$IOTCTL" pub --bundle certs/$thing lab/$thing/note hello
    "$IOTCTL" sub --bundle certs/$thing "lab/$thing/+" -C 1 -W 20 > heard.$thing 2> ready.$thing &
    while kill -0 $! && ! grep -q subscribed ready.$thing; do read -rt 0.05 <> <(:) || :; done
    "$IOTCTL" provision --thing sender --template "$SENDER" --policy-name sender
    "$IOTCTL" pub --bundle certs/sender lab/$thing/set 21
    wait $!
done
"#;

/// Lets the day pass in a stand-in of its own, under a template; returns what was said.
fn day(folder: &Path, template: &str) -> Said {
    fs::write(folder.join("sender.json"), wide()).unwrap();
    let arguments =
        ["local", "--http-port", "0", "--mqtt-port", "0", "--decisions", "seen.ndjson", "--", "bash", "-c", DAY];
    let mut local = sealed(folder, &arguments);
    run(local.env("IOTCTL", env!("CARGO_BIN_EXE_iotctl")).env("TEMPLATE", template).env("SENDER", "./sender.json"))
}

fn wide() -> &'static str {
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:*","Resource":"*"}]}"#
}

/// Records of the pumps that were refused.
fn denials(folder: &Path) -> Vec<Value> {
    let log = fs::read_to_string(folder.join("seen.ndjson")).unwrap();
    let records = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.filter(|record| !record["decision"].is_null() && record["decision"]["outcome"] != "ALLOWED").collect()
}

fn learn(folder: &Path, more: &[&str]) -> Said {
    let pumps = ["policy", "learn", "seen.ndjson", "--client-id", "pump-1", "--client-id", "pump-2"];
    run(&mut sealed(folder, &[&pumps[..], more].concat()))
}

#[test]
fn under_what_was_learned_the_same_day_passes_and_without_any_statement_it_does_not() {
    let world = tempfile::tempdir().unwrap();
    let first = world.path().join("first");
    fs::create_dir(&first).unwrap();
    fs::write(first.join("wide.json"), wide()).unwrap();
    let said = day(&first, "./wide.json");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let learned = learn(&first, &[]);
    assert_eq!(learned.code, Some(0), "{}", learned.stderr);
    assert!(
        learned.stdout.contains("${iot:Connection.Thing.ThingName}") && !learned.stdout.contains("pump-"),
        "{}",
        learned.stdout
    );

    let again = world.path().join("again");
    fs::create_dir(&again).unwrap();
    fs::write(again.join("learned.json"), &learned.stdout).unwrap();
    let said = day(&again, "./learned.json");
    assert_eq!((said.code, denials(&again)), (Some(0), vec![]), "{}", said.stderr);

    let (head, body) = learned.stdout.split_once('\n').unwrap();
    let document: Value = serde_json::from_str(body).unwrap();
    let statements = document["Statement"].as_array().unwrap().len();
    assert!(statements >= 4, "{body}");
    for left_out in 0..statements {
        let folder = world.path().join(format!("without-{left_out}"));
        fs::create_dir(&folder).unwrap();
        let mut less = document.clone();
        less["Statement"].as_array_mut().unwrap().remove(left_out);
        fs::write(folder.join("less.json"), format!("{head}\n{less}")).unwrap();
        let said = day(&folder, "./less.json");
        assert!(said.code != Some(0) || !denials(&folder).is_empty(), "statement {left_out} is idle");
    }
}

#[test]
fn what_today_s_policy_grants_beyond_is_shown() {
    let world = tempfile::tempdir().unwrap();
    fs::write(world.path().join("wide.json"), wide()).unwrap();
    assert_eq!(day(world.path(), "./wide.json").code, Some(0));
    let said = learn(world.path(), &["--against", "certs/pump-1", "-o", "json"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let answer: Value = serde_json::from_str(&said.stdout).unwrap();
    let beyond = answer["beyond"].as_array().unwrap();
    assert!(
        beyond.iter().any(|change| change["actions"].as_array().unwrap().contains(&"iot:Publish".into())),
        "{beyond:?}"
    );
    assert!(said.stderr.contains("granted today, and never seen"), "{}", said.stderr);
}

#[test]
fn a_log_that_is_none_is_named_with_its_line() {
    let world = tempfile::tempdir().unwrap();
    fs::write(world.path().join("log"), "{\"event\":\"ready\"}\n\nhello\n").unwrap();
    let said = run(&mut sealed(world.path(), &["policy", "learn", "log"]));
    assert_eq!(said.code, Some(65));
    assert!(said.stderr.contains("`log`, line 3: this is no record of a decision log"), "{}", said.stderr);
    fs::write(world.path().join("log"), "{\"event\":\"ready\"}\n").unwrap();
    let said = run(&mut sealed(world.path(), &["policy", "learn", "log"]));
    assert_eq!(said.code, Some(65));
    assert!(said.stderr.contains("holds no decision to learn from"), "{}", said.stderr);
}
