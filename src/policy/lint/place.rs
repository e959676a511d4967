//! Where in the text of a document something stands.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

/// Line and column, both from 1; columns are characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A part of a document that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Document,
    /// A statement, from 0.
    Statement(usize),
    /// One of the values of a member: statement, `Action` or `Resource` or `NotResource`, and which value, from 0.
    Value(usize, &'static str, usize),
    /// A condition key: statement, operator and key.
    Condition(usize, String, String),
}

impl Part {
    /// The statement, from 0, unless it is about the whole document.
    pub fn statement(&self) -> Option<usize> {
        match self {
            Self::Document => None,
            Self::Statement(index) | Self::Value(index, ..) | Self::Condition(index, ..) => Some(*index),
        }
    }
}

/// The statements of a document, as they stand in its text.
pub(super) struct Places<'a> {
    text: &'a str,
    statements: Vec<&'a RawValue>,
}

impl<'a> Places<'a> {
    /// Of a document that has been read without an error.
    pub(super) fn new(text: &'a str) -> Self {
        let statements = members(text).remove("Statement").map_or_else(Vec::new, list);
        Self { text, statements }
    }

    /// Where a part begins; what encloses it, where the text is not what it seemed.
    pub(super) fn of(&self, part: &Part) -> Place {
        let found = part.statement().and_then(|index| {
            let statement = *self.statements.get(index)?;
            Some(within(statement, part).unwrap_or_else(|| statement.get()))
        });
        let piece = found.unwrap_or_else(|| self.text.trim_start());
        let at = (piece.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
        let before = self.text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

fn within<'a>(statement: &'a RawValue, part: &Part) -> Option<&'a str> {
    let mut all = members(statement.get());
    match part {
        Part::Document | Part::Statement(_) => None,
        Part::Value(_, member, index) => list(all.remove(*member)?).get(*index).map(|value| value.get()),
        Part::Condition(_, operator, key) => {
            let mut operators = members(all.remove("Condition")?.get());
            Some(members(operators.remove(operator.as_str())?.get()).remove(key.as_str())?.get())
        }
    }
}

fn members(object: &str) -> BTreeMap<Cow<'_, str>, &RawValue> {
    serde_json::from_str(object).unwrap_or_default()
}

/// The elements of a list; what is no list is its own only element.
fn list(value: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(value.get()).unwrap_or_else(|_| vec![value])
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\"Version\": \"2012-10-17\",\n \"Statement\": [\n  {\"Effect\": \"Allow\", \"Action\": \"a\",\n   \
        \"Resource\": [\"ü\", \"b\"],\n   \"Condition\": {\"Bool\": {\"k\": \"true\"}}},\n  {}]}";

    fn place(text: &str, part: Part) -> (usize, usize) {
        let Place { line, column } = Places::new(text).of(&part);
        (line, column)
    }

    #[test]
    fn parts_are_found_by_line_and_column() {
        assert_eq!(place(TEXT, Part::Document), (1, 1));
        assert_eq!(place(TEXT, Part::Statement(0)), (3, 3));
        assert_eq!(place(TEXT, Part::Statement(1)), (6, 3));
        assert_eq!(place(TEXT, Part::Value(0, "Action", 0)), (3, 33));
        assert_eq!(place(TEXT, Part::Value(0, "Resource", 1)), (4, 22));
        assert_eq!(place(TEXT, Part::Condition(0, "Bool".into(), "k".into())), (5, 32));
    }

    #[test]
    fn what_is_not_there_is_where_its_statement_is() {
        assert_eq!(place(TEXT, Part::Value(0, "NotResource", 0)), (3, 3));
        assert_eq!(place(TEXT, Part::Value(7, "Resource", 0)), (1, 1));
    }

    #[test]
    fn one_statement_without_brackets_is_the_first() {
        let text = "{\"\\u0053tatement\":\n{\"Resource\": \"x\"}}";
        assert_eq!(place(text, Part::Value(0, "Resource", 0)), (2, 14));
    }
}
