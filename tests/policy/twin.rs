//! The engine against its naive twin, on cases that nearly match. The seed is fixed; `IOTCTL_PAIRS` sets how many pairs
//! of policies and request there are (a night: 10000000, in release).

use std::cell::RefCell;
use std::collections::BTreeMap;

use iotctl::policy::engine::decide;
use iotctl::policy::fit::Fit;
use iotctl::policy::pattern::Pattern;
use iotctl::policy::request::{Connection, Request, ThingFacts};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::naive;
use super::world::{Policy, attached, read};

/// As many requests are asked of the same policies.
const REQUESTS: u32 = 8;

fn pairs() -> u32 {
    std::env::var("IOTCTL_PAIRS").map_or(16_000, |n| n.parse().unwrap())
}

pub(crate) fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// Pieces of patterns; a short alphabet makes texts meet.
fn piece() -> impl Strategy<Value = &'static str> {
    select(vec![
        "a",
        "b",
        "A",
        "ü",
        "/",
        "+",
        "#",
        "$",
        "*",
        "*",
        "?",
        "${*}",
        "${?}",
        "${$}",
        "${iot:ClientId}",
        "${iot:Connection.Thing.ThingName}",
        "${iot:Connection.Thing.Attributes[n]}",
        "${iot:Certificate.Subject.CommonName}",
        "${iot:Certificate.Subject.CommonName.1}",
        "${iot:Certificate.Subject.CommonName.List}",
        "${iot:ConnectAttributes}",
        "${iot:Unknown}",
    ])
}

fn pattern() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat())
}

/// Turns a pattern into a text that it matches, or nearly: each character is kept 7 times in 8.
fn near(pattern: &str, connection: &Connection, dice: &[u8]) -> String {
    let runs = ["", "a", "/", "b/ü", "*"];
    let mut dice = dice.iter().copied().cycle();
    let mut roll = move || dice.next().map_or(0, usize::from);
    let mut text = String::new();
    let client_id = connection.client_id.as_ref().map_or("x", |id| id.as_str());
    let thing = connection.thing.as_ref().map_or("x", |thing| thing.name.as_str());
    let names = connection.certificate.get("Subject.CommonName");
    let common_name = |at: usize| names.and_then(|all| all.get(at)).map_or("x", String::as_str);
    let filled = pattern
        .replace("${iot:ClientId}", client_id)
        .replace("${iot:Connection.Thing.ThingName}", thing)
        .replace("${iot:Certificate.Subject.CommonName}", common_name(0))
        .replace("${iot:Certificate.Subject.CommonName.1}", common_name(1));
    for c in filled.chars() {
        match (c, roll() % 8) {
            (_, 0) => {}
            ('*', n) => text.push_str(runs[n % runs.len()]),
            ('?', n) => text.push(['a', '/', 'ü', '?'][n % 4]),
            (c, _) => text.push(c),
        }
    }
    text.replace("${", "").replace('}', "")
}

fn connection() -> impl Strategy<Value = Connection> {
    let id = prop::option::of(select(vec!["a", "b", "+", "a*", "?", "7"]));
    let thing = prop::option::of((select(vec!["a", "b"]), prop::option::of(select(vec!["7", "12", "ab", "AB"]))));
    let names = prop::collection::vec(select(vec!["a", "b", "a,b", "a+", "7"]), 0..3);
    let address = prop::option::of(select(vec!["10.1.2.3", "10.1.2.4", "192.0.2.1"]));
    let facts = (id, thing, names, address, any::<bool>(), any::<bool>());
    facts.prop_map(|(id, thing, names, address, persistent, will)| Connection {
        client_id: id.map(|id| id.parse().unwrap()),
        is_attached: id.map(|_| thing.is_some()),
        thing: thing.map(|(name, n)| ThingFacts {
            name: name.into(),
            type_name: None,
            attributes: n.map(|n| ("n".to_owned(), n.to_owned())).into_iter().collect(),
        }),
        persistent,
        certificate: [("Subject.CommonName".to_owned(), names.into_iter().map(str::to_owned).collect())].into(),
        source_ip: address.map(|address| address.parse().unwrap()),
        last_will: will.then(|| "arn:aws:iot:us-east-1:123456789012:topic/w".parse().unwrap()),
        ..Connection::default()
    })
}

fn condition() -> impl Strategy<Value = Value> {
    let texts = (
        select(vec!["", "ForAllValues:", "ForAnyValue:"]),
        select(vec![
            "StringEquals",
            "StringNotEquals",
            "StringEqualsIgnoreCase",
            "StringNotEqualsIgnoreCase",
            "StringLike",
            "StringNotLike",
        ]),
        prop::collection::vec(
            prop_oneof![pattern(), select(vec!["PersistentConnect", "LastWill", "a", "ab"]).prop_map(str::to_owned)],
            0..3,
        ),
    );
    let numbers = (
        Just(""),
        select(vec!["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericGreaterThanEquals"]),
        prop::collection::vec(select(vec!["7", "10", "-3"]).prop_map(str::to_owned), 1..3),
    );
    let booleans =
        (Just(""), Just("Bool"), prop::collection::vec(select(vec!["true", "false"]).prop_map(str::to_owned), 1..2));
    let networks = select(vec!["10.0.0.0/8", "10.1.2.3", "10.1.2.2/31", "0.0.0.0/0"]).prop_map(str::to_owned);
    let addresses = (Just(""), select(vec!["IpAddress", "NotIpAddress"]), prop::collection::vec(networks, 1..3))
        .prop_map(|case| (case, "aws:SourceIp"));
    let operator = prop_oneof![3 => texts.boxed(), 1 => numbers.boxed(), 1 => booleans.boxed()];
    let key = select(vec![
        "iot:ClientId",
        "iot:ConnectAttributes",
        "iot:Connection.Thing.Attributes[n]",
        "iot:Connection.Thing.IsAttached",
        "iot:Certificate.Subject.CommonName",
        "iot:Certificate.Subject.CommonName.1",
        "iot:Certificate.Subject.CommonName.List",
        "iot:Unknown",
    ]);
    let null = (key.clone(), any::<bool>()).prop_map(|(key, absent)| json!({"Null": {key: absent.to_string()}}));
    let keyed = prop_oneof![4 => (operator, key), 1 => addresses];
    let compared = (keyed, select(vec!["", "IfExists"]))
        .prop_map(|(((prefix, name, values), key), suffix)| json!({format!("{prefix}{name}{suffix}"): {key: values}}));
    prop_oneof![6 => compared, 1 => null]
}

fn statement() -> impl Strategy<Value = Value> {
    (
        select(vec!["Allow", "Allow", "Deny"]),
        prop::collection::vec(
            select(vec!["iot:Publish", "iot:*", "iot:Pub*", "iot:publish", "*", "iot:????ish"]),
            1..3,
        ),
        prop::bool::weighted(0.2),
        prop::collection::vec(pattern(), 1..3),
        prop::option::of(condition()),
    )
        .prop_map(|(effect, actions, except, resources, condition)| {
            let member = if except { "NotResource" } else { "Resource" };
            let mut statement = json!({"Effect": effect, "Action": actions, member: resources});
            if let Some(condition) = condition {
                statement["Condition"] = condition;
            }
            statement
        })
}

#[test]
fn the_matcher_agrees_with_its_recursive_definition() {
    let cases = (pattern(), connection(), prop::collection::vec(any::<u8>(), 1..12));
    let result = runner(pairs() / REQUESTS).run(&cases, |(pattern, connection, dice)| {
        let text = near(&pattern, &connection, &dice);
        let expected = match naive::fill(&pattern, &connection, true) {
            None => Fit::No,
            Some((symbols, doubtful)) => {
                match (naive::matches(&symbols, &text.chars().collect::<Vec<_>>()), doubtful) {
                    (false, _) => Fit::No,
                    (true, true) => Fit::Unsure,
                    (true, false) => Fit::Yes,
                }
            }
        };
        prop_assert_eq!(Pattern::wildcard(&pattern).unwrap().fit(&connection, &text), expected, "{}", text);
        Ok(())
    });
    result.unwrap();
}

#[test]
fn the_engine_agrees_with_its_naive_twin() {
    let dice = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..12), REQUESTS as usize);
    let cases = (prop::collection::vec(statement(), 1..4), any::<bool>(), connection(), dice);
    let seen = RefCell::new(BTreeMap::new());
    let result = runner(pairs() / REQUESTS).run(&cases, |(statements, deny_only, connection, dice)| {
        let document = |statements: &[Value]| json!({"Version": "2012-10-17", "Statement": statements});
        let policies = [
            Policy { name: "whole".into(), document: document(&statements[1..]), deny_only: false },
            Policy { name: "group".into(), document: document(&statements[..1]), deny_only },
        ];
        let documents = read(&policies);
        for dice in dice {
            let statement = &statements[usize::from(dice[0]) % statements.len()];
            let pattern = statement.get("Resource").or(statement.get("NotResource")).unwrap()[0].as_str().unwrap();
            let resource = near(pattern, &connection, &dice);
            let request = Request { action: "iot:Publish".into(), resource };
            let decision = decide(&attached(&policies, &documents), &connection, &request);
            prop_assert_eq!(decision.outcome, naive::decide(&policies, &connection, &request), "{:?}", request);
            prop_assert!(!decision.explain().is_empty());
            *seen.borrow_mut().entry(format!("{:?}", decision.outcome)).or_insert(0_u32) += 1;
        }
        Ok(())
    });
    result.unwrap();
    assert_eq!(seen.borrow().len(), 3, "the cases must reach every outcome: {seen:?}");
    assert_eq!(seen.borrow().values().sum::<u32>(), pairs() / REQUESTS * REQUESTS);
    println!("{seen:?}");
}
