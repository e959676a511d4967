//! What must hold for every input, as the fuzzer and the seeded driver in `tests/policy/mutated.rs` both ask it.

use iotctl::policy::decision::{Decision, Outcome};
use iotctl::policy::diff::diff;
use iotctl::policy::document::{Document, Statement};
use iotctl::policy::engine::{Attached, decide};
use iotctl::policy::lint::lint;
use iotctl::policy::request::{Connection, Request, ThingFacts};
use serde_json::{Value, json};

/// An input is five parts: action, resource, client id and thing name on a line each, then the document. Says whether
/// the document was one.
pub(crate) fn policy(input: &str) -> bool {
    let mut parts = input.splitn(5, '\n');
    let mut part = || parts.next().unwrap_or_default();
    let request = Request { action: part().to_owned(), resource: part().to_owned() };
    let connection = connection(part(), part());
    let text = part();
    let Ok(document) = Document::parse("fuzzed", text) else { return false };
    every_finding_has_a_place(&document, text);
    changes_by_what_it_loses(&document);
    comes_back_as_it_was(&document);
    let decision = under(&document, &connection, &request);
    assert!((1..=6).contains(&decision.explain().lines().count()), "{}", decision.explain());
    assert_eq!(decision.statements.is_empty(), decision.outcome == Outcome::ImplicitDeny);
    if let Some(suggestion) = &decision.suggestion {
        suggestion_allows(suggestion, &connection, &request);
    }
    true
}

fn connection(client_id: &str, thing: &str) -> Connection {
    let client_id = client_id.parse().ok();
    let thing = (!thing.is_empty()).then(|| ThingFacts { name: thing.to_owned(), ..ThingFacts::default() });
    Connection {
        is_attached: client_id.as_ref().map(|_| thing.is_some()),
        certificate: [("Subject.CommonName".to_owned(), thing.iter().map(|thing| thing.name.clone()).collect())].into(),
        client_id,
        thing,
        ..Connection::default()
    }
}

fn under(document: &Document, connection: &Connection, request: &Request) -> Decision {
    decide(&[Attached { name: "fuzzed", document, deny_only: false }], connection, request)
}

fn comes_back_as_it_was(document: &Document) {
    let statements: Vec<Value> = document.statements.iter().map(Statement::to_json).collect();
    let json = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    assert_eq!(Document::parse("again", &json).as_ref().ok(), Some(document), "{json}");
}

fn every_finding_has_a_place(document: &Document, text: &str) {
    for finding in lint(document, text) {
        let line = text.split('\n').nth(finding.place.line - 1);
        let begins = line.and_then(|line| line.chars().nth(finding.place.column - 1));
        assert!(begins.is_some_and(|c| !c.is_whitespace()), "{finding:?} in {text}");
    }
}

fn changes_by_what_it_loses(document: &Document) {
    assert!(diff(("a", document), ("b", document)).changes.is_empty());
    let mut less = document.clone();
    less.statements.pop();
    let (gone, back) = (diff(("a", document), ("b", &less)), diff(("b", &less), ("a", document)));
    assert_eq!(gone.changes.len(), back.changes.len(), "{:?} {:?}", gone.changes, back.changes);
    assert!(gone.changes.iter().all(|change| change.before != change.after));
}

fn suggestion_allows(suggestion: &Value, connection: &Connection, request: &Request) {
    let json = json!({"Version": "2012-10-17", "Statement": [suggestion]}).to_string();
    let Ok(alone) = Document::parse("suggestion", &json) else { panic!("{json} is no policy") };
    assert_eq!(under(&alone, connection, request).outcome, Outcome::Allowed, "{json}");
    let longer = Request { resource: format!("{}x", request.resource), ..request.clone() };
    let exact = request.resource != "*";
    assert_eq!(under(&alone, connection, &longer).outcome == Outcome::ImplicitDeny, exact, "{json}");
}
