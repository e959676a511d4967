//! `ThingName` without the condition that AWS pairs it with.

use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, resources};
use crate::policy::text::{quoted, short};
use crate::policy::variable::Variable;

pub(super) const THING_NAME_WITHOUT_ATTACHED: Rule = Rule {
    id: "thing-name-without-attached",
    severity: Severity::Medium,
    title: "a client connects by its thing's name, but nothing asks whether its certificate is attached to that thing",
    why: "AWS pairs `client/${iot:Connection.Thing.ThingName}` with the condition `iot:Connection.Thing.IsAttached` in \
          all its examples, and does not document what the name is worth without it.",
    fix: "Add the condition that `iot:Connection.Thing.IsAttached` is `true`.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/${iot:Connection.Thing.ThingName}"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Connect", "Resource": "ARN:client/${iot:Connection.Thing.ThingName}",
 "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}}}"#,
    check,
};

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let loose = subject
        .allowing("iot:Connect")
        .filter(|(_, statement)| statement.conditions.iter().all(|c| c.key != Variable::IsAttached));
    let named = loose.flat_map(|(index, statement)| resources(index, statement));
    let by_thing = named.filter(|(_, pattern)| pattern.variables().any(|v| *v == Variable::ThingName));
    by_thing
        .map(|(part, pattern)| Found {
            part,
            because: format!(
                "{} stands without the condition `iot:Connection.Thing.IsAttached`",
                quoted(&short(pattern.text()))
            ),
            fix: "add `\"Condition\": {\"Bool\": {\"iot:Connection.Thing.IsAttached\": \"true\"}}`".to_owned(),
            example: None,
        })
        .collect()
}
