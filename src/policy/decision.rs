//! What was decided, and why.

use std::collections::BTreeMap;

use serde::Serialize;

use super::request::Request;
use super::text::quoted;

/// The answer, in the words of `TestAuthorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement allows it.
    ImplicitDeny,
}

impl Outcome {
    /// The word of `TestAuthorization`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "ALLOWED",
            Self::ExplicitDeny => "EXPLICIT_DENY",
            Self::ImplicitDeny => "IMPLICIT_DENY",
        }
    }
}

/// A statement, as a person finds it: policy name, place in the document (from 0), Sid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementRef {
    /// Name of the policy.
    pub policy: String,
    /// Place of the statement in the document, from 0.
    pub index: usize,
    /// Its `Sid`, if it has one.
    pub sid: Option<String>,
}

/// A statement that would have decided, but for one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NearMiss {
    /// Which statement.
    pub statement: StatementRef,
    /// What kept it from matching, in a sentence.
    pub because: String,
}

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The answer.
    pub outcome: Outcome,
    /// What was asked.
    pub request: Request,
    /// The statements that decided: the denying ones, or the allowing ones; none on an implicit deny.
    pub statements: Vec<StatementRef>,
    /// How many statements there were to decide by; the deciding ones only, where there are such.
    pub considered: usize,
    /// Every variable that a considered statement names, as it was resolved; `None` is "has no value here".
    /// Considered are the deciding statements or, on an implicit deny, all with the action of the request.
    pub variables: BTreeMap<String, Option<String>>,
    /// On an implicit deny, Allow statements that almost matched, the nearest first; at most three. On an explicit
    /// one, those of the denying statements which count only because AWS does not say that they do not.
    pub near: Vec<NearMiss>,
    /// The smallest statement that would allow exactly this request (JSON), unless one denies it.
    pub suggestion: Option<serde_json::Value>,
}

impl Decision {
    /// Whether the request goes through.
    pub fn is_allowed(&self) -> bool {
        self.outcome == Outcome::Allowed
    }

    /// The decision in one to six lines of plain English, for logs and terminals.
    pub fn explain(&self) -> String {
        let asked = format!("{} on {}", quoted(&self.request.action), quoted(&self.request.resource));
        let by = || list(self.statements.iter().map(StatementRef::named));
        let mut lines = match self.outcome {
            Outcome::Allowed => vec![format!("allowed: {asked}, by {}", by())],
            Outcome::ExplicitDeny => vec![
                format!("denied: {asked}, by {}", by()),
                "a Deny wins over every Allow: narrow or remove it, adding an Allow does not help".to_owned(),
            ],
            Outcome::ImplicitDeny => vec![format!("denied: no statement allows {asked}")],
        };
        lines.extend(self.near.iter().take(2).map(|miss| format!("{}: {}", miss.statement.named(), miss.because)));
        if self.outcome == Outcome::ImplicitDeny {
            lines.extend(self.what_is_missing());
        }
        lines.join("\n")
    }

    fn what_is_missing(&self) -> Vec<String> {
        let action = quoted(&self.request.action);
        let mut lines = match (self.considered, self.near.is_empty()) {
            (0, _) => vec!["no policy that could allow it is attached to this identity".to_owned()],
            (_, true) => vec![format!("no Allow of the attached policies has the action {action}")],
            (_, false) => Vec::new(),
        };
        lines.extend(rule_of(&self.request.action).map(str::to_owned));
        if !self.variables.is_empty() {
            lines.push(format!("variables: {}", list(self.variables.iter().map(resolved))));
        }
        lines.extend(self.suggestion.iter().map(|json| format!("this statement would allow exactly it: {json}")));
        lines
    }
}

/// What people forget about an action (AWS IoT Developer Guide, "AWS IoT Core policy actions").
fn rule_of(action: &str) -> Option<&'static str> {
    match action {
        "iot:Receive" => Some("Subscribe without Receive gives a good SUBACK and no messages"),
        "iot:RetainPublish" => Some("a retained message needs iot:RetainPublish besides iot:Publish"),
        _ => None,
    }
}

impl StatementRef {
    fn named(&self) -> String {
        let Self { policy, index, sid } = self;
        match sid {
            Some(sid) => format!("statement {index} ({}) of policy {}", quoted(sid), quoted(policy)),
            None => format!("statement {index} of policy {}", quoted(policy)),
        }
    }
}

fn resolved((name, value): (&String, &Option<String>)) -> String {
    match value {
        Some(value) => format!("{} is {}", quoted(name), quoted(value)),
        None => format!("{} has no value", quoted(name)),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(", ")
}
