//! What AWS refuses by size, and topics that its broker refuses.

use super::place::Part;
use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, resources};
use crate::error::Result;
use crate::policy::document::{Effect, MAX_LENGTH, Resources, counted_length};
use crate::policy::pattern::Pattern;
use crate::policy::text::{quoted, short};
use crate::policy::witness::Form;
use crate::topic::{TopicFilter, TopicName};

pub(super) const TOO_LONG: Rule = Rule {
    id: "too-long",
    severity: Severity::High,
    title: "more than 2048 characters",
    why: "AWS counts every character that is not white space, and does not take a policy of more than 2048 of them. The \
          limit cannot be raised (AWS IoT Core quotas).",
    fix: "Take out each `Sid`, shorten topics with `*`, or split the policy: a certificate takes up to 10.",
    audit: None,
    bad: "",
    good: r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/pump-7"}"#,
    check: too_long,
};

pub(super) const TOPIC_OVER_LIMITS: Rule = Rule {
    id: "topic-over-limits",
    severity: Severity::Medium,
    title: "a topic that the broker does not take",
    why: "A topic or filter has at most 256 bytes and seven slashes (`$aws/rules/<rule>/` and `$share/<group>/` do not \
          count). A resource that needs more never matches.",
    fix: "Shorten the topic.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/plant/hall/line/cell/machine/axis/motor/winding/temperature"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/plant/hall/line/cell/machine/axis/motor/temperature"}"#,
    check: topic_over_limits,
};

fn too_long(subject: &Subject<'_>) -> Vec<Found> {
    let length = counted_length(subject.text);
    let found = Found {
        part: Part::Document,
        because: format!("{length} characters without white space; AWS takes {MAX_LENGTH}"),
        fix: "take out each `Sid`, shorten topics, or split it: a certificate takes up to 10 policies".to_owned(),
        example: None,
    };
    (length > MAX_LENGTH).then_some(found).into_iter().collect()
}

fn topic_over_limits(subject: &Subject<'_>) -> Vec<Found> {
    let allows = subject.statements(Effect::Allow).filter(|(_, s)| matches!(s.resources, Resources::Only(_)));
    let all = allows.flat_map(|(index, statement)| resources(index, statement));
    let over = all.filter_map(|(part, pattern)| {
        let why = refused(subject, pattern)?;
        let because = format!("even the shortest match of {} is refused: {why}", quoted(&short(pattern.text())));
        Some(Found { part, because, fix: "shorten the topic".to_owned(), example: None })
    });
    over.collect()
}

/// Why the broker takes not even the shortest topic or filter that the pattern covers.
fn refused(subject: &Subject<'_>, pattern: &Pattern) -> Option<String> {
    let topic = subject.shortest(pattern, "topic/?*", Form::Topic).map(|found| {
        let topic: Result<TopicName> = found.strip_prefix("topic/").unwrap_or_default().parse();
        topic.err()
    });
    let filter = || {
        subject.shortest(pattern, "topicfilter/?*", Form::Filter).map(|found| {
            let filter: Result<TopicFilter> = found.strip_prefix("topicfilter/").unwrap_or_default().parse();
            filter.err()
        })
    };
    topic.or_else(filter).flatten().map(|error| error.message().to_owned())
}
