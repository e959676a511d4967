//! Permissions that do nothing without another one.

use super::place::Part;
use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, actions, covered_actions, names, resources};
use crate::policy::document::{Effect, Resources, Statement};
use crate::policy::pattern::{Pattern, Token};
use crate::policy::text::{quoted, short};
use crate::policy::witness::{Form, meet};

pub(super) const SUBSCRIBE_WITHOUT_RECEIVE: Rule = Rule {
    id: "subscribe-without-receive",
    severity: Severity::Medium,
    title: "may subscribe, but nothing is delivered",
    why: "Delivery is a permission of its own. Without `iot:Receive` on the topics, SUBSCRIBE gets a good SUBACK, and no \
          message ever comes.",
    fix: "Allow `iot:Receive` on `topic/...`, for the topics that the filters match.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/orders/pump-7"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/orders/pump-7"},
{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/orders/pump-7"}"#,
    check: |subject| check(subject, "iot:Subscribe", "iot:Receive", "so nothing is delivered"),
};

pub(super) const RECEIVE_WITHOUT_SUBSCRIBE: Rule = Rule {
    id: "receive-without-subscribe",
    severity: Severity::Low,
    title: "may receive what it may not subscribe to",
    why: "What cannot be subscribed to is not delivered, so the permission does nothing. A publisher needs neither.",
    fix: "Take `iot:Receive` out, or allow `iot:Subscribe` on `topicfilter/...`.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": ["iot:Publish", "iot:Receive"], "Resource": "ARN:topic/bme680/temperature"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/bme680/temperature"}"#,
    check: |subject| check(subject, "iot:Receive", "iot:Subscribe", "so it does nothing"),
};

pub(super) const RETAIN_WITHOUT_PUBLISH: Rule = Rule {
    id: "retain-without-publish",
    severity: Severity::Medium,
    title: "may retain a message that it may not publish",
    why: "A retained message needs `iot:Publish` and `iot:RetainPublish`, both on its topic.",
    fix: "Allow `iot:Publish` on the topic as well.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:RetainPublish", "Resource": "ARN:topic/state/pump-7"}"#,
    good: r#"{"Effect": "Allow", "Action": ["iot:Publish", "iot:RetainPublish"], "Resource": "ARN:topic/state/pump-7"}"#,
    check: |subject| check(subject, "iot:RetainPublish", "iot:Publish", "so nothing can be retained"),
};

pub(super) const CONNECT_MISSING: Rule = Rule {
    id: "connect-missing",
    severity: Severity::Low,
    title: "no iot:Connect, without which nothing else comes to be asked",
    why: "A client that may not connect is hung up on without a word. Where another policy of the same certificate \
          allows it, all is well.",
    fix: "Allow `iot:Connect` on the client id, here or in another policy of the certificate.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/bme680/temperature"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/pump-7"},
{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/bme680/temperature"}"#,
    check: connect_missing,
};

/// Where `action` is allowed and `companion` is not, on any topic of the same.
fn check(subject: &Subject<'_>, action: &'static str, companion: &'static str, so: &str) -> Vec<Found> {
    let none = subject.allowing(companion).next().is_none();
    let lonely = subject.allowing(action).filter_map(|(index, statement)| {
        let (part, shown) = if none {
            let by = actions(index, statement).find(|(_, pattern)| covers(pattern, action))?;
            (by.0, "no topic".to_owned())
        } else {
            let (part, pattern) =
                resources(index, statement).find(|(_, p)| !meets(subject, p, statement, companion))?;
            (part, format!("no topic of {}", quoted(&short(pattern.text()))))
        };
        let because = format!("`{action}` is allowed, but `{companion}` on {shown}, {so}");
        Some(Found {
            part,
            because,
            fix: format!("allow `{companion}` on the same topics, or take `{action}` out"),
            example: None,
        })
    });
    lonely.collect()
}

fn covers(pattern: &Pattern, action: &str) -> bool {
    covered_actions(pattern).any(|covered| covered.name == action)
}

/// Whether the companion is allowed somewhere in what the pattern covers.
fn meets(subject: &Subject<'_>, pattern: &Pattern, statement: &Statement, companion: &'static str) -> bool {
    let (Some(topics), Resources::Only(_)) = (topics(subject, pattern), &statement.resources) else { return true };
    let mut others = subject.allowing(companion).filter(|(_, s)| names(s, companion));
    others.any(|(_, other)| match &other.resources {
        Resources::AllBut(_) => true,
        Resources::Only(patterns) => {
            let mut all = patterns.iter().map(|other| self::topics(subject, other));
            all.any(|other| other.is_none_or(|other| meet(&topics, &other, Form::Free).is_some()))
        }
    })
}

/// The topics that a filter, or a topic, stands for.
fn topics(subject: &Subject<'_>, pattern: &Pattern) -> Option<Vec<Token>> {
    let text = pattern.text().replacen(":topicfilter/", ":topic/", 1).replace(['+', '#'], "*");
    subject.tokens(&Pattern::wildcard(&text).ok()?)
}

fn connect_missing(subject: &Subject<'_>) -> Vec<Found> {
    let mqtt = ["iot:Publish", "iot:Subscribe", "iot:Receive", "iot:RetainPublish"];
    let asks = subject.statements(Effect::Allow).any(|(_, s)| mqtt.iter().any(|action| names(s, action)));
    let missing = asks && subject.allowing("iot:Connect").next().is_none();
    let found = Found {
        part: Part::Document,
        because: "messages are allowed, but `iot:Connect` is not".to_owned(),
        fix: "allow `iot:Connect`, here or in another policy of the same certificate".to_owned(),
        example: None,
    };
    missing.then_some(found).into_iter().collect()
}
