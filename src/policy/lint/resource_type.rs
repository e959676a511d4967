//! Actions and resources that can never come together, and actions that are none.

use super::place::Part;
use super::rule::{Found, Rule, Severity};
use super::subject::{Subject, actions, covered_actions, resources};
use crate::policy::actions::{self, Action, RESOURCE_TYPES};
use crate::policy::document::{Resources, Statement};
use crate::policy::pattern::{Pattern, Token};
use crate::policy::text::{quoted, short};
use crate::policy::witness::{Form, meet};

pub(super) const WRONG_RESOURCE_TYPE: Rule = Rule {
    id: "wrong-resource-type",
    severity: Severity::High,
    title: "action and resource never come together",
    why: "`iot:Subscribe` is asked on `topicfilter/`, `iot:Publish` and `iot:Receive` on `topic/`, `iot:Connect` on \
          `client/`. On another type the statement never matches: an Allow allows nothing, a Deny denies nothing, and \
          AWS takes the policy without a word.",
    fix: "Use the type that the action needs: `iotctl policy explain ACTION RESOURCE` names it.",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topicfilter/data/pump-7"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/data/pump-7"}"#,
    check: wrong_resource_type,
};

pub(super) const UNKNOWN_ACTION: Rule = Rule {
    id: "unknown-action",
    severity: Severity::High,
    title: "an action that no AWS IoT policy has",
    why: "Letter case counts in actions, and calls of the control plane are a matter of IAM. Such a name never matches.",
    fix: "Take the name from the page \"AWS IoT Core policy actions\".",
    audit: None,
    bad: r#"{"Effect": "Allow", "Action": "iot:publish", "Resource": "ARN:topic/bme680/temperature"}"#,
    good: r#"{"Effect": "Allow", "Action": "iot:Publish", "Resource": "ARN:topic/bme680/temperature"}"#,
    check: unknown_action,
};

fn wrong_resource_type(subject: &Subject<'_>) -> Vec<Found> {
    let statements = subject.document.statements.iter().enumerate();
    statements.flat_map(|(index, statement)| of_statement(subject, index, statement)).collect()
}

fn of_statement(subject: &Subject<'_>, index: usize, statement: &Statement) -> Vec<Found> {
    let asked: Vec<&Action> = statement.actions.iter().flat_map(covered_actions).collect();
    if asked.is_empty() {
        return Vec::new();
    }
    let strays =
        resources(index, statement).filter(|(_, pattern)| !asked.iter().any(|action| fits(subject, pattern, action)));
    let strays: Vec<Found> = strays.map(|(part, pattern)| stray(subject, part, statement, &asked, pattern)).collect();
    if !strays.is_empty() || matches!(statement.resources, Resources::AllBut(_)) {
        return strays;
    }
    let any = |action: &Action| statement.resources.patterns().iter().any(|pattern| fits(subject, pattern, action));
    let named = actions(index, statement).filter_map(|(part, pattern)| Some((part, exact(pattern)?)));
    named.filter(|(_, action)| !any(action)).map(|(part, action)| without_resource(part, action)).collect()
}

/// The action, if the pattern names just one.
fn exact(pattern: &Pattern) -> Option<&'static Action> {
    let mut covered = covered_actions(pattern);
    let first = covered.next()?;
    (covered.next().is_none() && !pattern.text().contains(['*', '?'])).then_some(first)
}

/// Whether the pattern covers some resource of the action.
fn fits(subject: &Subject<'_>, pattern: &Pattern, action: &Action) -> bool {
    match action.resource {
        Some(kind) => reaches(subject, pattern, kind),
        None => pattern.text() == "*",
    }
}

fn reaches(subject: &Subject<'_>, pattern: &Pattern, kind: &str) -> bool {
    let form = Pattern::wildcard(&format!("arn:?*:iot:?*:?*:{kind}/*"));
    let Some((tokens, form)) = subject.tokens(pattern).zip(form.ok()) else { return true };
    // What AWS documents as any resource is any resource of every action.
    let any = tokens.iter().all(|token| *token == Token::Any);
    any || subject.tokens(&form).is_some_and(|form| meet(&tokens, &form, Form::Free).is_some())
}

fn stray(subject: &Subject<'_>, part: Part, statement: &Statement, asked: &[&Action], pattern: &Pattern) -> Found {
    let mut needed: Vec<String> = asked.iter().filter_map(|a| a.resource).map(|kind| format!("`{kind}/`")).collect();
    needed.sort();
    needed.dedup();
    let needed = needed.join(" or ");
    let shown = quoted(&short(pattern.text()));
    let is = match RESOURCE_TYPES.iter().find(|kind| reaches(subject, pattern, kind)) {
        Some(kind) => format!("has the type `{kind}/`"),
        None => "is no ARN of AWS IoT".to_owned(),
    };
    let then = match statement.resources {
        Resources::Only(_) => "it never matches",
        Resources::AllBut(_) => "it excepts nothing",
    };
    let names: Vec<String> = statement.actions.iter().take(3).map(|action| quoted(action.text())).collect();
    Found {
        part,
        because: format!("{shown} {is}, and {} needs {needed}: {then}", names.join(", ")),
        fix: format!("write `arn:aws:iot:<region>:<account>:` and {needed}"),
        example: None,
    }
}

fn without_resource(part: Part, action: &Action) -> Found {
    let kind = action.resource.map_or_else(|| "`*`".to_owned(), |kind| format!("`{kind}/...`"));
    Found {
        part,
        because: format!("`{}` needs {kind}, and no resource of its statement is one", action.name),
        fix: format!("add a resource {kind}, or take the action out"),
        example: None,
    }
}

fn unknown_action(subject: &Subject<'_>) -> Vec<Found> {
    let all = subject.document.statements.iter().enumerate().flat_map(|(index, s)| actions(index, s));
    let ours = |text: &str| ["iot:", "iotjobsdata:"].iter().any(|service| text.to_lowercase().starts_with(service));
    let unknown = all.filter(|(_, pattern)| ours(pattern.text()) && covered_actions(pattern).next().is_none());
    let found = unknown.map(|(part, pattern)| {
        let meant = actions::find(pattern.text()).map(|action| quoted(action.name));
        Found {
            part,
            because: format!("{} is no action of AWS IoT policies, and never matches", quoted(pattern.text())),
            fix: meant.map_or_else(
                || "take it out; calls of the control plane are allowed in IAM".to_owned(),
                |name| format!("write {name}"),
            ),
            example: None,
        }
    });
    found.collect()
}
