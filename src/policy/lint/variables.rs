//! Variables without a value, and what a Deny makes of them.

use super::place::Part;
use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, covered_actions, resources};
use crate::policy::document::{Effect, Statement};
use crate::policy::near::no_such_variable;
use crate::policy::pattern::Pattern;
use crate::policy::text::{quoted, short};
use crate::policy::variable::Variable;

pub(super) const VARIABLE_WITHOUT_VALUE: Rule = Rule {
    id: "variable-without-value",
    severity: Severity::High,
    title: "a variable that never has a value",
    why: "A statement whose variable has no value does not match, and nobody is told. Some pages of AWS show names that \
          do not exist; sets cannot stand inside a text; over HTTP neither client id nor thing are known.",
    fix: "Use a variable of the page \"AWS IoT Core policy variables\", such as \
          `${iot:Connection.Thing.ThingName}`.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/${iot:Thing.ThingName}/data"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/${iot:Connection.Thing.ThingName}/data"}"#,
    check: without_value,
};

pub(super) const DENY_ON_VARIABLE: Rule = Rule {
    id: "deny-on-variable",
    severity: Severity::High,
    title: "a Deny hangs on a variable that may have no value",
    why: "Where the variable has no value the Deny does not match: a client that is attached to no thing, or comes over \
          HTTP, is not stopped by it.",
    fix: "Deny without variables, or allow less: what no statement allows is denied.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/data/*"},
{"Effect": "Deny", "Action": "iot:Publish", "NotResource": "ARN:topic/data/${iot:Connection.Thing.ThingName}/*"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/data/${iot:Connection.Thing.ThingName}/*"}"#,
    check: deny_on_variable,
};

/// A condition key of `iot:SendDirectMessage` that is no variable.
const TOPIC_KEY: &str = "iot:Topic";

fn without_value(subject: &Subject<'_>) -> Vec<Found> {
    let statements = subject.document.statements.iter().enumerate();
    statements.flat_map(|(index, statement)| of_statement(subject, index, statement)).collect()
}

fn of_statement(subject: &Subject<'_>, index: usize, statement: &Statement) -> Vec<Found> {
    let http = is_http_only(statement);
    let unset = |pattern: &Pattern| pattern.variables().find_map(|v| Some((v.to_string(), reason(v, subject, http)?)));
    let named = resources(index, statement).filter_map(|(part, pattern)| Some((part, unset(pattern)?)));
    let conditions = statement.conditions.iter().filter_map(|condition| {
        let key = key_reason(&condition.key).map(|why| (condition.key.to_string(), why));
        let (name, why) = key.or_else(|| condition.values.iter().find_map(unset))?;
        let part = Part::Condition(index, condition.operator.to_string(), condition.key.to_string());
        Some((part, (name, why)))
    });
    named.chain(conditions).map(|(part, (name, why))| found(part, &name, &why)).collect()
}

/// Whether all that it names is asked over HTTP only.
fn is_http_only(statement: &Statement) -> bool {
    let mut actions = statement.actions.iter().flat_map(covered_actions).peekable();
    actions.peek().is_some() && actions.all(|action| action.http_only)
}

/// Why nothing can take the place of the variable.
fn reason(variable: &Variable, subject: &Subject<'_>, http: bool) -> Option<String> {
    use Variable::{ClientId, IsAttached, LastWillTopic, ThingAttribute, ThingName, ThingTypeName};
    match variable {
        ClientId | ThingName | ThingTypeName | ThingAttribute(_) | IsAttached if http => {
            Some("the actions of this statement are asked over HTTP, where client and thing are not known".to_owned())
        }
        LastWillTopic => None,
        variable if variable.substitute(&subject.device).is_some() => None,
        Variable::Unknown(name) => Some(no_such_variable(name)),
        _ => Some("it is a set, and only one value can stand there".to_owned()),
    }
}

/// Why a condition can never look at this key.
fn key_reason(key: &Variable) -> Option<String> {
    match key {
        Variable::Unknown(name) if name != TOPIC_KEY => Some(no_such_variable(name)),
        _ => None,
    }
}

fn found(part: Part, name: &str, why: &str) -> Found {
    Found {
        part,
        because: format!("{} never has a value: {why}", quoted(name)),
        fix: "use a variable that has one, or write the text itself".to_owned(),
        example: None,
    }
}

fn deny_on_variable(subject: &Subject<'_>) -> Vec<Found> {
    let denies = subject.statements(Effect::Deny);
    let named = denies.flat_map(|(index, statement)| resources(index, statement));
    let hanging = named.filter_map(|(part, pattern)| {
        // The address of a peer is always known.
        let variable = pattern.variables().find(|v| !matches!(v, Variable::SourceIp | Variable::Unknown(_)))?;
        Some(Found {
            part,
            because: format!(
                "where {} has no value, the Deny on {} does not count",
                quoted(&variable.to_string()),
                quoted(&short(pattern.text()))
            ),
            fix: "deny without the variable, or allow only what is meant".to_owned(),
            example: None,
        })
    });
    hanging.collect()
}
