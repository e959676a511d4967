//! What was decided, and why.

use std::collections::BTreeMap;

use serde::Serialize;

/// The answer, in the words of `TestAuthorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// A statement allows it and none denies it.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement allows it.
    ImplicitDeny,
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
    /// The statements that decided: the denying ones, or the allowing ones; none on an implicit deny.
    pub statements: Vec<StatementRef>,
    /// Every variable that a considered statement names, as it was resolved; `None` is "has no value here".
    pub variables: BTreeMap<String, Option<String>>,
    /// Allow statements that almost matched, the nearest first; at most three.
    pub near: Vec<NearMiss>,
    /// The smallest statement that would allow exactly this request (JSON), unless one denies it.
    pub suggestion: Option<serde_json::Value>,
}

impl Decision {
    /// Whether the request goes through.
    pub fn is_allowed(&self) -> bool {
        self.outcome == Outcome::Allowed
    }

    /// The decision in one or more lines of plain English, for logs and terminals.
    pub fn explain(&self) -> String {
        format!("{:?}", self.outcome)
    }
}
