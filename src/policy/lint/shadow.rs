//! Everything below a shadow, where the device needs two topics of it.

use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, resources};
use crate::policy::document::Resources;
use crate::policy::pattern::{Pattern, Token};
use crate::policy::text::{quoted, short};
use crate::policy::witness::Form;

pub(super) const SHADOW_WILDCARD: Rule = Rule {
    id: "shadow-wildcard",
    severity: Severity::Medium,
    title: "may publish to every topic of a shadow, the service's answers included",
    why: "With `shadow/*` a device can delete its shadow, and can publish to `update/accepted` or `update/delta`, where \
          other clients take its messages for answers of the service.",
    fix: "Name the topics: a device that keeps its state needs `shadow/update`, and `shadow/get` to read it.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/$aws/things/pump-7/shadow/*"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Publish",
 "Resource": ["ARN:topic/$aws/things/pump-7/shadow/update", "ARN:topic/$aws/things/pump-7/shadow/get"]}"#,
    check,
};

/// Topics that the service publishes to.
const ANSWERS: [&str; 4] = ["update/accepted", "update/delta", "get/accepted", "name/?*/update/accepted"];

fn check(subject: &Subject<'_>) -> Vec<Found> {
    let allows = subject.allowing("iot:Publish").filter(|(_, s)| matches!(s.resources, Resources::Only(_)));
    let all = allows.flat_map(|(index, statement)| resources(index, statement));
    let found = all.filter_map(|(part, pattern)| {
        let topic = answer(subject, pattern)?;
        Some(Found {
            part,
            because: format!("{} holds more than a device publishes to its shadow", quoted(&short(pattern.text()))),
            fix: "name `shadow/update` and `shadow/get` instead".to_owned(),
            example: Some(format!("iot:Publish on {topic}")),
        })
    });
    found.collect()
}

/// An answer of the service that the pattern covers by a wildcard below one shadow.
fn answer(subject: &Subject<'_>, pattern: &Pattern) -> Option<String> {
    let tokens = subject.tokens(pattern)?;
    let fixed: String =
        tokens.iter().map_while(|token| if let Token::Char(c) = token { Some(*c) } else { None }).collect();
    // A wildcard before the shadow reaches other things: another rule says so.
    if !fixed.contains("/shadow/") || fixed.chars().count() == tokens.len() {
        return None;
    }
    let forms = ANSWERS.iter().map(|answer| format!("topic/$aws/things/?*/shadow/{answer}"));
    let mut covered = forms.filter_map(|form| subject.covered(pattern, &form, Form::Topic));
    covered.find(|topic| subject.allows("iot:Publish", topic))
}
