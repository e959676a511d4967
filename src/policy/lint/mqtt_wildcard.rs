//! `+` and `#` where a concrete topic stands.

use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, names, resources};
use crate::policy::document::Effect;
use crate::policy::text::{quoted, short};
use crate::policy::witness::Form;

pub(super) const MQTT_WILDCARD_IN_TOPIC: Rule = Rule {
    id: "mqtt-wildcard-in-topic",
    severity: Severity::High,
    title: "`topic/` holds `+` or `#`, which no topic does",
    why: "In a policy `+` and `#` stand for themselves, and MQTT forbids them in the topic of a message. The resource \
          never matches: publishing is denied, or nothing is delivered.",
    fix: "Write `*`, which is any run of characters in a policy. In `topicfilter/` they may stay: there they are the \
          filter that the client sends.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/orders/#"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/orders/*"}"#,
    check,
};

/// Actions whose resource is the topic of a message.
const TOPIC_ACTIONS: [&str; 4] = ["iot:Publish", "iot:Receive", "iot:RetainPublish", "iot:GetRetainedMessage"];

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let on_topics = |statement| TOPIC_ACTIONS.iter().any(|action| names(statement, action));
    let allows = subject.statements(Effect::Allow).filter(|(_, statement)| on_topics(statement));
    let literal = allows.flat_map(|(index, s)| resources(index, s)).filter(|(_, p)| p.text().contains(['+', '#']));
    // Free of form it covers a topic, by the rules of MQTT it does not.
    let never = literal.filter(|(_, pattern)| {
        let covers = |form| subject.covered(pattern, "topic/?*", form).is_some();
        covers(Form::Free) && !covers(Form::Topic)
    });
    never
        .map(|(part, pattern)| Found {
            part,
            because: format!("no message has a topic like {}", quoted(&short(pattern.text()))),
            fix: format!("write {}", quoted(&short(&pattern.text().replace(['+', '#'], "*")))),
            example: None,
        })
        .collect()
}
