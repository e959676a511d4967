//! What changes between two documents, by meaning: requests that become allowed or denied, each found by construction
//! from the patterns of both and decided by the engine.
//!
//! For each made connection and each action, every combination of matching patterns that some resource has is looked
//! at, so "no change" is no guess. Connections are made from what the documents name: attached and not, exclusive,
//! over HTTP, and each value that a condition asks for.

use std::collections::HashSet;
use std::ops::ControlFlow;

use serde::Serialize;

use super::actions::{ACTIONS, Action};
use super::decision::{Decision, Outcome, StatementRef};
use super::document::Document;
use super::engine::{Attached, decide};
use super::request::{Connection, Request};
use super::sample;
use super::witness::{Form, Search};

mod connections;
mod rules;

use connections::Made;
use rules::Rules;

/// A request that the two documents decide differently.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// Who asks, in words.
    pub connection: String,
    /// Every action that changes so.
    pub actions: Vec<&'static str>,
    /// A resource that shows it.
    pub resource: String,
    /// What it was.
    pub before: Outcome,
    /// What it is.
    pub after: Outcome,
    /// The statements of the old document that decided.
    pub old: Vec<StatementRef>,
    /// The statements of the new document that decide.
    pub new: Vec<StatementRef>,
}

/// All that changes.
#[derive(Debug, Default, Serialize)]
pub struct Diff {
    /// One for each way that statements change a decision.
    pub changes: Vec<Change>,
    /// Whether every combination was looked at; without that, no change proves nothing.
    pub complete: bool,
}

/// Compares two documents, each under its name.
pub fn diff(old: (&str, &Document), new: (&str, &Document)) -> Diff {
    let documents = [old.1, new.1];
    let (scopes, made) = (sample::scopes(documents), connections::all(documents));
    let mut comparison =
        Comparison { old, new, seen: HashSet::new(), diff: Diff { changes: Vec::new(), complete: true } };
    for action in &ACTIONS {
        let resources: Vec<(String, &Made)> =
            made.iter().flat_map(|made| scopes.iter().map(move |scope| (scope.clone(), made))).collect();
        let mut compared = HashSet::new();
        for (scope, made) in resources {
            if action.http_only != made.is_http() && action.http_only {
                continue;
            }
            let rules = Rules::of(documents, action, made, &scope);
            // The same statements with the same texts: nothing new can come of it.
            if compared.insert(rules.clone()) {
                comparison.compare(action, made, &rules);
            }
        }
    }
    comparison.diff
}

/// An action, its outcomes, and the statements that decided before and after.
type Told = (&'static str, [Outcome; 2], [Vec<usize>; 2]);

struct Comparison<'a> {
    old: (&'a str, &'a Document),
    new: (&'a str, &'a Document),
    /// Who decides, before and after, for each action: one witness of each is enough.
    seen: HashSet<Told>,
    diff: Diff,
}

impl Comparison<'_> {
    fn compare(&mut self, action: &'static Action, made: &Made, rules: &Rules) {
        if rules.are_alike() {
            return;
        }
        let patterns = rules.patterns();
        let search = Search { patterns: &patterns, required: 1, form: form(action) };
        let whole = search.each(|matches, text| {
            if rules.decide_differently(matches) {
                self.witness(action, made, text);
            }
            ControlFlow::Continue(())
        });
        self.diff.complete &= whole;
    }

    /// Has the engine decide the request, and keeps it if the decisions differ.
    fn witness(&mut self, action: &'static Action, made: &Made, resource: &str) {
        let (resource, connection, [old, new]) = self.nicest(action, made, resource);
        if old.outcome == new.outcome {
            return;
        }
        let indices = |decision: &Decision| decision.statements.iter().map(|s| s.index).collect::<Vec<_>>();
        let key = (action.name, [old.outcome, new.outcome], [indices(&old), indices(&new)]);
        if !self.seen.insert(key) {
            return;
        }
        let change = Change {
            connection: made.words(&connection),
            actions: vec![action.name],
            resource,
            before: old.outcome,
            after: new.outcome,
            old: old.statements,
            new: new.statements,
        };
        let alike = |known: &&mut Change| {
            let told = |c: &Change| (c.connection.clone(), c.resource.clone(), c.before, c.after);
            told(known) == told(&change) && known.old == change.old && known.new == change.new
        };
        match self.diff.changes.iter_mut().find(alike) {
            Some(known) => known.actions.push(action.name),
            None => self.diff.changes.push(change),
        }
    }

    /// A level with something in it reads better than an empty one, if it is decided alike.
    fn nicest(&self, action: &Action, made: &Made, resource: &str) -> (String, Connection, [Decision; 2]) {
        let decided = |resource: &str| {
            let connection = made.asking(action, resource);
            let request = Request { action: action.name.to_owned(), resource: resource.to_owned() };
            let decisions = [self.old, self.new].map(|(name, document)| {
                decide(&[Attached { name, document, deny_only: false }], &connection, &request)
            });
            (resource.to_owned(), connection, decisions)
        };
        let plain = decided(resource);
        let filled = resource.replace("//", "/x/") + if resource.ends_with('/') { "x" } else { "" };
        let nicer = decided(&filled);
        let told = |all: &[Decision; 2]| all.clone().map(|decision| (decision.outcome, decision.statements));
        if told(&plain.2) == told(&nicer.2) { nicer } else { plain }
    }
}

fn form(action: &Action) -> Form {
    match action.resource {
        Some("topic") => Form::Topic,
        Some("topicfilter") => Form::Filter,
        _ => Form::Free,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:iot:us-east-1:123456789012:";

    fn document(statements: &str) -> Document {
        let statements = statements.replace("ARN:", ARN).replace("TN", "${iot:Connection.Thing.ThingName}");
        Document::parse("p", &format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#)).unwrap()
    }

    fn allow(action: &str, resource: &str) -> String {
        format!(r#"{{"Effect": "Allow", "Action": "iot:{action}", "Resource": "ARN:{resource}"}}"#)
    }

    fn deny(action: &str, resource: &str) -> String {
        allow(action, resource).replace("Allow", "Deny")
    }

    /// Each change as `actions resource before after`.
    fn changes(old: &str, new: &str) -> Vec<String> {
        let (old, new) = (document(old), document(new));
        let diff = diff(("old", &old), ("new", &new));
        assert!(diff.complete);
        let told = |c: &Change| {
            format!("{} {} {} {}", c.actions.join(","), c.resource.replace(ARN, ""), c.before.name(), c.after.name())
        };
        diff.changes.iter().map(told).collect()
    }

    #[test]
    fn order_grouping_and_spelling_mean_nothing() {
        let (a, b) = (allow("Publish", "topic/a"), allow("Publish", "topic/b/*"));
        assert!(changes(&format!("{a},{b}"), &format!("{b},{a}")).is_empty());
        let grouped = r#"{"Sid": "both", "Effect": "Allow", "Action": ["iot:Publish"], "Resource": ["ARN:topic/b/*", "ARN:topic/a"]}"#;
        assert!(changes(&format!("{a},{b}"), grouped).is_empty());
        assert!(changes(&allow("Publish", "topic/a**"), &allow("Publish", "topic/a*")).is_empty());
        assert!(changes(&allow("Publish", "topic/a*?"), &allow("Publish", "topic/a?*")).is_empty());
        let covered = format!("{},{}", allow("Publish", "topic/b/*"), allow("Publish", "topic/b/c"));
        assert!(changes(&covered, &b).is_empty());
    }

    #[test]
    fn what_no_request_can_be_is_no_change() {
        assert!(
            changes(
                &allow("Publish", "topic/a"),
                &format!("{},{}", allow("Publish", "topic/a"), allow("Publish", "topic/b/#"))
            )
            .is_empty()
        );
        assert!(
            changes(
                &allow("Subscribe", "topicfilter/a"),
                &format!("{},{}", allow("Subscribe", "topicfilter/a"), allow("Subscribe", "topicfilter/a/#/b"))
            )
            .is_empty()
        );
        assert!(
            changes(
                &allow("Publish", "topic/a"),
                &format!("{},{}", allow("Publish", "topic/a"), allow("Publish", "topicfilter/b"))
            )
            .is_empty()
        );
    }

    #[test]
    fn a_wider_pattern_is_shown_by_what_it_adds() {
        assert_eq!(
            changes(&allow("Publish", "topic/a/b"), &allow("Publish", "topic/a/*")),
            ["iot:Publish topic/a/x IMPLICIT_DENY ALLOWED"]
        );
        assert_eq!(
            changes(&allow("Publish", "topic/a/*"), &allow("Publish", "topic/a/b")),
            ["iot:Publish topic/a/x ALLOWED IMPLICIT_DENY"]
        );
        assert_eq!(
            changes(&allow("Subscribe", "topicfilter/a/+"), &allow("Subscribe", "topicfilter/a/#")),
            [
                "iot:Subscribe topicfilter/a/# IMPLICIT_DENY ALLOWED",
                "iot:Subscribe topicfilter/a/+ ALLOWED IMPLICIT_DENY"
            ]
        );
    }

    #[test]
    fn a_deny_that_stops_nothing_here_may_stop_another_policy() {
        let old = allow("Publish", "topic/a/*");
        let new = format!("{old},{},{}", deny("Publish", "topic/a/secret"), deny("Publish", "topic/b"));
        assert_eq!(
            changes(&old, &new),
            ["iot:Publish topic/b IMPLICIT_DENY EXPLICIT_DENY", "iot:Publish topic/a/secret ALLOWED EXPLICIT_DENY"]
        );
    }

    #[test]
    fn variables_and_conditions_are_compared_on_connections_that_tell_them_apart() {
        assert_eq!(
            changes(&allow("Publish", "topic/TN/x"), &allow("Publish", "topic/${iot:ClientId}/x")),
            [
                "iot:Publish topic/device-1/x IMPLICIT_DENY ALLOWED",
                "iot:Publish topic/device-1/x ALLOWED IMPLICIT_DENY"
            ],
            "attached to no thing, and exclusively under another client id"
        );
        let plain = allow("Publish", "topic/a");
        let with = |condition: &str| plain.replace('}', &format!(r#", "Condition": {condition}}}"#));
        for condition in [
            r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#,
            r#"{"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}"#,
            r#"{"Bool": {"iot:Connection.Thing.IsAttached": "true"}}"#,
            r#"{"StringEquals": {"iot:Connection.Thing.Attributes[site]": "plant1"}}"#,
            r#"{"StringNotEquals": {"iot:Connection.Thing.Attributes[site]": "plant1"}}"#,
            r#"{"Null": {"iot:Connection.Thing.Attributes[site]": "false"}}"#,
            r#"{"StringLike": {"iot:DomainName": "*.example.org"}}"#,
            r#"{"ForAnyValue:StringEquals": {"iot:ConnectAttributes": "PersistentConnect"}}"#,
            r#"{"StringEquals": {"iot:Certificate.Subject.CommonName": "x"}}"#,
            r#"{"StringEquals": {"iot:ClientId": "boss"}}"#,
            r#"{"NumericLessThan": {"iot:Connection.Thing.Attributes[n]": "7"}}"#,
        ] {
            assert!(!changes(&plain, &with(condition)).is_empty(), "{condition}");
            assert!(changes(&with(condition), &with(condition)).is_empty(), "{condition}");
        }
        let two = |a: &str, b: &str| {
            with(&format!(r#"{{"IpAddress": {{"aws:SourceIp": "{a}"}}, "StringEquals": {{"iot:DomainName": "{b}"}}}}"#))
        };
        assert!(!changes(&two("10.0.0.0/8", "a"), &two("10.0.0.0/8", "b")).is_empty());
    }

    #[test]
    fn the_client_id_of_a_connect_is_the_one_that_asks() {
        assert_eq!(
            changes(&allow("Connect", "client/sensor-?"), &allow("Connect", "client/sensor-*")),
            ["iot:Connect client/sensor- IMPLICIT_DENY ALLOWED"]
        );
        assert!(changes(&allow("Connect", "client/*"), &allow("Connect", "client/${iot:ClientId}")).is_empty());
    }

    #[test]
    fn actions_that_change_alike_are_told_together() {
        let all = changes(&allow("Publish", "topic/a"), &allow("*", "*").replace("ARN:", ""));
        assert!(all.iter().any(|change| change.starts_with("iot:Publish,iot:RetainPublish,iot:Receive")), "{all:#?}");
    }
}
