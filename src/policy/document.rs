//! What a policy is, and its JSON form.

use crate::error::{Error, Result};

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
}

impl Document {
    /// Reads a document; `origin` (a file or policy name) goes into the error, with line and column.
    pub fn parse(origin: &str, json: &str) -> Result<Self> {
        let _: serde_json::Value =
            serde_json::from_str(json).map_err(|e| Error::bad_input(format!("`{origin}` is not JSON")).because(e))?;
        Ok(Self { statements: Vec::new() })
    }
}

/// The length that AWS limits to 2048: characters, white space not counted (AWS quotas page).
pub fn counted_length(json: &str) -> usize {
    json.chars().filter(|c| !c.is_whitespace()).count()
}

/// The longest document, by [`counted_length`].
pub const MAX_LENGTH: usize = 2048;
