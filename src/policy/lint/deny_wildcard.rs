//! A Deny that holds `+` or `#`, which a policy takes as they are.

use super::place::Part;
use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, names, resources};
use crate::policy::document::{Effect, Resources, Statement};
use crate::policy::pattern::Pattern;
use crate::policy::text::{quoted, short};
use crate::policy::witness::Form;

pub(super) const DENY_MQTT_WILDCARD: Rule = Rule {
    id: "deny-mqtt-wildcard",
    severity: Severity::Medium,
    title: "a Deny uses `+` or `#`, which are plain characters in a policy",
    why: "`topicfilter/a/#` denies the one filter `a/#` and nothing else: a client subscribes to `a/b` all the same. \
          In a policy `*` is any run of characters and `?` is one.",
    fix: "Write `*` for `#` and for `+`, and deny `iot:Receive` on the topics as well.",
    audit: Some("IOT_POLICY_POTENTIAL_MISCONFIGURATION_CHECK, POLICY_CONTAINS_MQTT_WILDCARDS_IN_DENY_STATEMENT"),
    bad: r#"{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/building/*"},
{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/building/*"},
{"Effect": "Deny", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/building/control_room/#"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/building/*"},
{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/building/*"},
{"Effect": "Deny", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/building/control_room/*"},
{"Effect": "Deny", "Action": "iot:Receive", "Resource": "ARN:topic/building/control_room/*"}"#,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let denies = subject.statements(Effect::Deny).filter(|(_, s)| matches!(s.resources, Resources::Only(_)));
    let mut all = Vec::new();
    for (index, statement) in denies {
        let literal = resources(index, statement).filter(|(_, pattern)| pattern.text().contains(['+', '#']));
        all.extend(literal.map(|(part, pattern)| found(subject, part, statement, pattern)));
    }
    all
}

fn found(subject: &Subject<'_>, part: Part, statement: &Statement, pattern: &Pattern) -> Found {
    let meant = widened(pattern);
    let example = meant.as_ref().and_then(|meant| slips_through(subject, statement, meant));
    Found {
        part,
        because: format!("{} is taken as it stands: no other text is denied", quoted(&short(pattern.text()))),
        fix: match meant {
            Some(meant) => format!("write {}", quoted(&short(meant.text()))),
            None => "write `*` instead".to_owned(),
        },
        example,
    }
}

/// The pattern with `*` where MQTT has a wildcard.
pub(super) fn widened(pattern: &Pattern) -> Option<Pattern> {
    Pattern::wildcard(&pattern.text().replace(['+', '#'], "*")).ok()
}

/// What the Deny was meant to stop and does not.
fn slips_through(subject: &Subject<'_>, statement: &Statement, meant: &Pattern) -> Option<String> {
    let forms = [
        ("iot:Subscribe", "topicfilter/?*", Form::Topic),
        ("iot:Receive", "topic/?*", Form::Topic),
        ("iot:Publish", "topic/?*", Form::Topic),
    ];
    let mut named = forms.into_iter().filter(|(action, ..)| names(statement, action));
    named.find_map(|(action, form, texts)| {
        let resource = subject.covered(meant, form, texts)?;
        subject.allows(action, &resource).then(|| format!("{action} on {resource}"))
    })
}
