//! What a policy is, and its JSON form.
//!
//! Sources: AWS IoT Developer Guide, "AWS IoT Core policies"; AWS General Reference, "AWS IoT Core endpoints and quotas".

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::condition::Condition;
use super::pattern::Pattern;
use super::text::printable;
use super::variable::Variable;
use crate::error::{Error, Result};

mod conditions;
mod one_or_many;
mod wire;

/// The most characters of a document that count ([`counted_length`]); AWS does not raise it. [`Document::parse`] does
/// not look at it: whoever stores a document does.
pub const MAX_LENGTH: usize = 2048;
/// The most characters of a document with its white space (the AWS service model of `CreatePolicy`).
pub const MAX_RAW_LENGTH: usize = 404_600;

/// A policy document: `{"Version": "2012-10-17", "Statement": [...]}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The statements in the order of the document.
    pub statements: Vec<Statement>,
}

/// One statement of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The name the author gave it.
    pub sid: Option<String>,
    /// What it does where it matches.
    pub effect: Effect,
    /// Such as `iot:Publish` or `iot:*`; one of them must match. They hold no variables.
    pub actions: Vec<Pattern>,
    /// What the actions are done to.
    pub resources: Resources,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
}

/// What a statement does where it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Effect {
    /// It lets the request through, unless another statement denies it.
    Allow,
    /// It stops the request, whatever else allows it.
    Deny,
}

/// `Resource` or `NotResource`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resources {
    /// One of them must match.
    Only(Vec<Pattern>),
    /// None of them may match.
    AllBut(Vec<Pattern>),
}

impl Resources {
    /// The patterns, whichever way they count.
    pub fn patterns(&self) -> &[Pattern] {
        match self {
            Self::Only(patterns) | Self::AllBut(patterns) => patterns,
        }
    }
}

impl Document {
    /// Reads a document; `origin` (a file or policy name) goes into the error, with line and column.
    ///
    /// # Errors
    ///
    /// `BadInput` for what is no JSON, what is no policy, and what is longer than [`MAX_RAW_LENGTH`].
    pub fn parse(origin: &str, json: &str) -> Result<Self> {
        let length = json.chars().count();
        if length > MAX_RAW_LENGTH {
            return Err(Error::bad_input(format!(
                "policy `{origin}` has {length} characters; AWS IoT takes at most {MAX_RAW_LENGTH}"
            )));
        }
        serde_json::from_str::<wire::Document>(json)
            .map(|document| Self { statements: document.0 })
            .map_err(|error| located(origin, &error))
    }
}

impl Statement {
    /// Every variable it names, as a condition key too; one may come twice.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        let resources = self.resources.patterns().iter().flat_map(Pattern::variables);
        let keys = self.conditions.iter().map(|condition| &condition.key);
        let values = self.conditions.iter().flat_map(|c| &c.values).flat_map(Pattern::variables);
        resources.chain(keys).chain(values)
    }

    /// The statement as it stands in a document; a list of one is written without brackets.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        if let Some(sid) = &self.sid {
            members.insert("Sid".into(), json!(sid));
        }
        members.insert("Effect".into(), json!(self.effect));
        members.insert("Action".into(), one_or_many(&self.actions));
        let member = match self.resources {
            Resources::Only(_) => "Resource",
            Resources::AllBut(_) => "NotResource",
        };
        members.insert(member.into(), one_or_many(self.resources.patterns()));
        if !self.conditions.is_empty() {
            members.insert("Condition".into(), self.conditions_to_json());
        }
        Value::Object(members)
    }

    fn conditions_to_json(&self) -> Value {
        let mut operators = Map::new();
        for condition in &self.conditions {
            let keys = operators.entry(condition.operator.to_string()).or_insert_with(|| json!({}));
            if let Value::Object(keys) = keys {
                keys.insert(condition.key.to_string(), one_or_many(&condition.values));
            }
        }
        Value::Object(operators)
    }
}

fn one_or_many(patterns: &[Pattern]) -> Value {
    match patterns {
        [one] => json!(one.text()),
        many => many.iter().map(Pattern::text).collect(),
    }
}

/// serde_json puts the place behind its sentence; people look for it in front.
fn located(origin: &str, error: &serde_json::Error) -> Error {
    let (line, column) = (error.line(), error.column());
    let said = error.to_string();
    let sentence = said.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&said);
    let column = column.max(1);
    Error::bad_input(format!("policy `{origin}`, line {line}, column {column}: {}", printable(sentence)))
}

/// The length that AWS limits to [`MAX_LENGTH`]: characters, white space not counted (AWS quotas page).
pub fn counted_length(json: &str) -> usize {
    json.chars().filter(|c| !c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"Version": "2012-10-17", "Statement": [
        {"Sid": "A", "Effect": "Allow", "Action": ["iot:Connect", "iot:Publish"], "Resource": "*",
         "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": true},
                       "StringEquals": {"iot:ClientId": ["a", "b"], "iot:DomainName": "c"}}},
        {"Effect": "Deny", "Action": "iot:*", "NotResource": ["a", "b"]}
    ]}"#;

    #[test]
    fn a_statement_comes_back_as_it_was_with_texts_for_booleans() {
        let document = Document::parse("p", WHOLE).unwrap();
        let json: Vec<Value> = document.statements.iter().map(Statement::to_json).collect();
        assert_eq!(
            json[0],
            json!({"Sid": "A", "Effect": "Allow", "Action": ["iot:Connect", "iot:Publish"], "Resource": "*",
                "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"},
                    "StringEquals": {"iot:ClientId": ["a", "b"], "iot:DomainName": "c"}}})
        );
        assert_eq!(json[1], json!({"Effect": "Deny", "Action": "iot:*", "NotResource": ["a", "b"]}));
        let again = json!({"Version": "2012-10-17", "Statement": json}).to_string();
        assert_eq!(Document::parse("p", &again).unwrap(), document);
    }

    #[test]
    fn one_statement_needs_no_brackets_and_none_is_a_document_too() {
        let one = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        assert_eq!(Document::parse("p", one).unwrap().statements.len(), 1);
        let none = r#"{"Version":"2012-10-17","Statement":[]}"#;
        assert_eq!(Document::parse("p", none).unwrap().statements, []);
    }

    #[test]
    fn white_space_does_not_count() {
        assert_eq!(counted_length("{ \"a\":\n\t\"b c\" }"), 10);
        assert_eq!(counted_length("ü ü"), 2);
    }
}
