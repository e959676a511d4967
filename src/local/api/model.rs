//! AWS's service model: every operation, and what the members of those that are served may hold.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::{Deserialize, Deserializer};

use crate::error::{Error, Result};

/// All operations.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) operations: Vec<Operation>,
}

/// One operation.
#[derive(Debug, Deserialize)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) method: String,
    /// Path with `{label}` segments.
    pub(super) uri: String,
    /// What it takes; absent where the stand-in does not serve it.
    pub(super) members: Option<Vec<Member>>,
}

/// One member of an input.
#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) name: String,
    #[serde(rename = "in")]
    pub(super) place: Place,
    /// Its name on the wire.
    #[serde(rename = "as")]
    pub(super) wire_name: String,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// Where a member stands in the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    Uri,
    Query,
    Header,
    Body,
    /// The whole body, whatever it holds.
    Payload,
}

/// What a value may be.
#[derive(Debug, Deserialize)]
pub(super) struct Shape {
    #[serde(rename = "type")]
    pub(super) kind: Kind,
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) pattern: Option<Pattern>,
    #[serde(rename = "enum", default)]
    pub(super) choices: Vec<String>,
    #[serde(default)]
    pub(super) required: Vec<String>,
    #[serde(default)]
    pub(super) members: BTreeMap<String, Shape>,
    pub(super) member: Option<Box<Shape>>,
    pub(super) key: Option<Box<Shape>>,
    pub(super) value: Option<Box<Shape>>,
}

/// The kinds of value in the served part of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    String,
    Boolean,
    Integer,
    Long,
    Structure,
    Blob,
    List,
    Map,
}

/// A regular expression that the whole text must match.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    whole: Regex,
}

impl Pattern {
    /// `.` and `[\s\S]*` included, the pattern stands for all of the text, as Java's `matches` has it.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // Unicode classes, which only descriptions and tags have: letters and numbers beyond ASCII are refused here.
        let ascii = text.replace(r"\p{Graph}", "!-~").replace(r"\p{L}", "a-zA-Z").replace(r"\p{N}", "0-9");
        let ascii = ascii.replace(r"\p{Z}", " ");
        let whole = Regex::new(&format!("^(?:{ascii})$")).map_err(serde::de::Error::custom)?;
        Ok(Self { text, whole })
    }
}

impl Model {
    /// The model that is compiled in.
    pub(super) fn load() -> Result<Self> {
        let operations = serde_json::from_str(include_str!("model.json"))
            .map_err(|e| Error::failed("the service model that is compiled in cannot be read").because(e))?;
        Ok(Self { operations })
    }
}
