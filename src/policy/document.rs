//! What a policy is, and its JSON form.
//!
//! Sources: AWS IoT Developer Guide, "AWS IoT Core policies"; AWS General Reference, "AWS IoT Core endpoints and quotas".

use super::fit::Fit;
use super::pattern::Pattern;
use super::request::Connection;
use super::text::printable;
use crate::error::{Error, Result};

mod conditions;
mod one_or_many;
mod statement;
mod wire;

pub use statement::{Effect, Resources, Statement};

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

impl Document {
    /// Whether an Allow names this action, on whatever resource and condition.
    pub fn allows_somewhere(&self, action: &str) -> bool {
        let allows = self.statements.iter().filter(|statement| statement.effect == Effect::Allow);
        let named = |pattern: &Pattern| pattern.fit(&Connection::default(), action) == Fit::Yes;
        allows.flat_map(|statement| &statement.actions).any(named)
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
    use serde_json::{Value, json};

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
    fn an_action_is_allowed_somewhere_by_its_name_or_a_wildcard() {
        let document = Document::parse("p", WHOLE).unwrap();
        assert!(document.allows_somewhere("iot:Publish") && !document.allows_somewhere("iot:Receive"));
        let all = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iot:*","Resource":"*"}}"#;
        assert!(Document::parse("p", all).unwrap().allows_somewhere("iot:Receive"));
    }

    #[test]
    fn white_space_does_not_count() {
        assert_eq!(counted_length("{ \"a\":\n\t\"b c\" }"), 10);
        assert_eq!(counted_length("ü ü"), 2);
    }
}
