//! `interval=2s`: a field of a shadow, and what it is to be.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// A path and a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assignment {
    path: Vec<String>,
    value: Value,
}

impl FromStr for Assignment {
    type Err = Error;

    /// What is JSON is taken as JSON, anything else as text.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage(format!("`{}` is no field and value", text.escape_debug()))
                .hint("it looks like `interval=2s` or `streams.humidity.enabled=false`; `interval=null` deletes")
        };
        let (path, value) = text.split_once('=').ok_or_else(wrong)?;
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        match path.iter().any(String::is_empty) {
            true => Err(wrong()),
            false => Ok(Self { path, value: serde_json::from_str(value).unwrap_or_else(|_| json!(value)) }),
        }
    }
}

impl Assignment {
    /// Puts the value in its place; objects on the way are made.
    pub(super) fn put_into(&self, fields: &mut Map<String, Value>) {
        let Some((last, way)) = self.path.split_last() else { return };
        let mut at = fields;
        for name in way {
            let next = at.entry(name.clone()).or_insert_with(|| json!({}));
            if !next.is_object() {
                *next = json!({});
            }
            let Some(inner) = next.as_object_mut() else { return };
            at = inner;
        }
        at.insert(last.clone(), self.value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_make_objects_and_values_are_json_or_text() {
        let mut fields = Map::new();
        let all = ["interval=2s", "a.b=1", "a.c=true", "gone=null", "text=\"7\"", "empty=", "a.b.d=[1]", "x=1=2"];
        for text in all {
            text.parse::<Assignment>().unwrap().put_into(&mut fields);
        }
        let wanted = json!({
            "interval": "2s", "a": {"b": {"d": [1]}, "c": true}, "gone": null, "text": "7", "empty": "", "x": "1=2",
        });
        assert_eq!(Value::from(fields), wanted);
    }

    #[test]
    fn what_has_no_path_or_no_value_is_refused() {
        for text in ["interval", "=1", "a..b=1", ".a=1", ""] {
            assert!(text.parse::<Assignment>().is_err(), "{text}");
        }
    }
}
