//! `policy::diff` against the engine: where no change is found, no request may be decided differently.

use std::cell::Cell;

use iotctl::policy::decision::Outcome;
use iotctl::policy::diff::diff;
use iotctl::policy::document::Document;
use iotctl::policy::engine::{Attached, decide};
use iotctl::policy::request::{Connection, Request, ThingFacts};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::twin::runner;

const ARN: &str = "arn:aws:iot:us-east-1:123456789012:topic/";

fn device() -> Connection {
    Connection {
        client_id: "device-1".parse().ok(),
        thing: Some(ThingFacts { name: "device-1".into(), ..ThingFacts::default() }),
        is_attached: Some(true),
        ..Connection::default()
    }
}

fn pattern() -> impl Strategy<Value = String> {
    let pieces = vec!["a", "b", "/", "*", "?", "${iot:ClientId}", "+", "ab"];
    prop::collection::vec(select(pieces), 1..5).prop_map(|pieces| format!("{ARN}{}", pieces.concat()))
}

fn statement() -> impl Strategy<Value = Value> {
    let effect = select(vec!["Allow", "Allow", "Deny"]);
    (effect, prop::bool::weighted(0.2), prop::collection::vec(pattern(), 1..3)).prop_map(
        |(effect, except, patterns)| {
            let member = if except { "NotResource" } else { "Resource" };
            json!({"Effect": effect, "Action": "iot:Publish", member: patterns})
        },
    )
}

fn document(statements: &[Value]) -> Document {
    Document::parse("p", &json!({"Version": "2012-10-17", "Statement": statements}).to_string()).unwrap()
}

fn outcome(document: &Document, topic: &str) -> Outcome {
    let request = Request { action: "iot:Publish".into(), resource: format!("{ARN}{topic}") };
    decide(&[Attached { name: "p", document, deny_only: false }], &device(), &request).outcome
}

/// Every topic of up to `length` of these characters, and some of them around the client id.
fn topics(length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    for _ in 0..length {
        let longer = all.iter().flat_map(|topic| ["a", "b", "/", "x"].iter().map(move |c| format!("{topic}{c}")));
        let longer: Vec<String> = longer.collect();
        all.extend(longer);
        all.sort_unstable();
        all.dedup();
    }
    let named: Vec<String> =
        all.iter().filter(|t| t.len() < 3).flat_map(|t| [format!("device-1{t}"), format!("{t}device-1")]).collect();
    all.extend(named);
    all.retain(|topic| !topic.is_empty());
    all
}

#[test]
fn where_no_change_is_found_every_topic_is_decided_alike() {
    let topics = topics(4);
    let cases = (
        prop::collection::vec(statement(), 1..4),
        prop::collection::vec(statement(), 0..2),
        any::<prop::sample::Index>(),
    );
    let (same, changed) = (Cell::new(0), Cell::new(0));
    let result = runner(200).run(&cases, |(statements, more, at)| {
        // The new document: another order, one statement replaced or added.
        let mut other = statements.clone();
        other.rotate_left(at.index(statements.len()));
        match more.first() {
            Some(statement) if statements.len() > 1 => other[0] = statement.clone(),
            Some(statement) => other.push(statement.clone()),
            None => other.push(statements[at.index(statements.len())].clone()),
        }
        let (old, new) = (document(&statements), document(&other));
        let diff = diff(("old", &old), ("new", &new));
        prop_assert!(diff.complete);
        let differs = topics.iter().find(|topic| outcome(&old, topic) != outcome(&new, topic));
        if diff.changes.is_empty() {
            prop_assert_eq!(differs, None);
            same.set(same.get() + 1);
        } else {
            for change in &diff.changes {
                prop_assert_ne!(change.before, change.after);
            }
            changed.set(changed.get() + 1);
        }
        Ok(())
    });
    result.unwrap();
    assert!(same.get() > 40 && changed.get() > 40, "{} alike, {} changed", same.get(), changed.get());
}
