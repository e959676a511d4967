//! A Deny of subscriptions that a wider filter walks around.

use super::deny_wildcard::widened;
use super::place::Part;
use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, names, resources};
use crate::policy::document::{Effect, Resources};
use crate::policy::pattern::Pattern;
use crate::policy::text::{quoted, short};
use crate::policy::witness::Form;
use crate::topic::TopicFilter;

pub(super) const DENY_FILTER_BYPASS: Rule = Rule {
    id: "deny-filter-bypass",
    severity: Severity::Medium,
    title: "a wider filter receives what a Deny of iot:Subscribe was meant to stop",
    why: "A subscription is checked as text: what its filter would match is never computed. A Deny on \
          `topicfilter/a/secret/*` does not stop a client that subscribes to `a/#`, and the messages of `a/secret` are \
          delivered to it.",
    fix: "Deny `iot:Receive` on the topics: it is checked for every delivery, whatever filter it came by.",
    audit: Some("IOT_POLICY_POTENTIAL_MISCONFIGURATION_CHECK, TOPIC_FILTERS_INTENDED_TO_DENY_ALLOWED_USING_WILDCARDS"),
    bad: r#"{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/building/*"},
{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/building/*"},
{"Effect": "Deny", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/building/control_room/*"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/building/*"},
{"Effect": "Allow", "Action": "iot:Receive", "Resource": "ARN:topic/building/*"},
{"Effect": "Deny", "Action": "iot:Subscribe", "Resource": "ARN:topicfilter/building/control_room/*"},
{"Effect": "Deny", "Action": "iot:Receive", "Resource": "ARN:topic/building/control_room/*"}"#,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let denies = subject.statements(Effect::Deny).filter(|(_, statement)| {
        names(statement, "iot:Subscribe") && matches!(statement.resources, Resources::Only(_))
    });
    let mut all = Vec::new();
    for (index, statement) in denies {
        // With `+` or `#` in it, it stops nothing to begin with: another rule says so.
        let meant = resources(index, statement).filter(|(_, pattern)| !pattern.text().contains(['+', '#']));
        all.extend(meant.filter_map(|(part, pattern)| of_resource(subject, part, pattern)));
    }
    all
}

fn of_resource(subject: &Subject<'_>, part: Part, pattern: &Pattern) -> Option<Found> {
    let denied = subject.covered(&widened(pattern)?, "topicfilter/?*", Form::Topic)?;
    let topic = denied.strip_prefix("topicfilter/")?;
    let delivered = subject.allows("iot:Receive", &format!("topic/{topic}"));
    let filter = delivered.then(|| way_around(subject, topic)).flatten()?;
    Some(Found {
        part,
        because: format!(
            "a client that subscribes to {} receives what {} denies",
            quoted(&filter),
            quoted(&short(pattern.text()))
        ),
        fix: format!(
            "add a Deny of `iot:Receive` on {}",
            quoted(&short(pattern.text()).replacen("topicfilter/", "topic/", 1))
        ),
        example: Some(format!("iot:Subscribe on topicfilter/{filter}, then iot:Receive on topic/{topic}")),
    })
}

/// A filter with MQTT wildcards that matches the topic and is allowed.
fn way_around(subject: &Subject<'_>, topic: &str) -> Option<String> {
    let allowed = |filter: &String| {
        let matches = filter.parse::<TopicFilter>().is_ok_and(|filter| filter.matches(topic));
        matches && subject.allows("iot:Subscribe", &format!("topicfilter/{filter}"))
    };
    wider(topic).into_iter().find(allowed)
}

/// Filters that match `topic`: cut short by `#`, the longest first, then every choice of levels replaced by `+`.
fn wider(topic: &str) -> Vec<String> {
    let levels: Vec<&str> = topic.split('/').collect();
    let cut = (0..levels.len()).rev().map(|kept| {
        let front: Vec<&str> = levels.iter().take(kept).copied().chain(["#"]).collect();
        front.join("/")
    });
    // A topic that AWS takes has eight levels; more choices than those would only cost time.
    let choices = 1..1_u32 << levels.len().min(8);
    let plus = choices.map(|choice| {
        let level =
            |(at, level): (usize, &&str)| if choice >> at & 1 == 1 { "+".to_owned() } else { (*level).to_owned() };
        levels.iter().enumerate().map(level).collect::<Vec<_>>().join("/")
    });
    cut.chain(plus).collect()
}

#[cfg(test)]
mod tests {
    use super::wider;

    #[test]
    fn every_filter_without_repeats_that_matches_is_tried() {
        assert_eq!(wider("a/b"), ["a/#", "#", "+/b", "a/+", "+/+"]);
    }
}
