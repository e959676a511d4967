//! What a client asks for: an update with its sections, or nothing but a token.

use serde_json::{Map, Value};

use super::refusal::Refusal;

/// The longest client token, in bytes (shadow.md, section 4).
const MOST_TOKEN: usize = 64;
/// Levels of objects and arrays in a section. The quota page says 8, the service's own message 6: the stricter counts.
const MOST_LEVELS: usize = 6;

/// A wish for one section.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Wish {
    /// It is not mentioned.
    #[default]
    Absent,
    /// It is to go.
    Cleared,
    /// These fields are to be merged into it.
    Merged(Map<String, Value>),
}

/// An update.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// What it says of `desired`.
    pub desired: Wish,
    /// What it says of `reported`.
    pub reported: Wish,
    /// The version that the sender knows.
    pub version: Option<u64>,
    /// `state` as it was sent, for the echo.
    pub state: Value,
}

/// A payload as an object, and its client token. An empty payload is an empty object.
pub fn read(payload: &[u8]) -> Result<(Map<String, Value>, Option<String>), Refusal> {
    let text = std::str::from_utf8(payload)
        .map_err(|_| Refusal::new(415, "Unsupported documented encoding; supported encoding is UTF-8"))?;
    if text.is_empty() {
        return Ok((Map::new(), None));
    }
    let Ok(Value::Object(members)) = serde_json::from_str(text) else {
        return Err(Refusal::bad_request("Invalid JSON"));
    };
    let token = match members.get("clientToken") {
        None | Some(Value::Null) => None,
        Some(Value::String(token)) if token.len() <= MOST_TOKEN => Some(token.clone()),
        Some(_) => return Err(Refusal::bad_request("Invalid clientToken")),
    };
    Ok((members, token))
}

impl Update {
    /// The update in the members of a payload.
    pub fn of(mut members: Map<String, Value>) -> Result<Self, Refusal> {
        let version = match members.get("version") {
            None | Some(Value::Null) => None,
            Some(version) => Some(version.as_u64().ok_or_else(|| Refusal::bad_request("Invalid version"))?),
        };
        let state = members.shift_remove("state");
        let state = state.ok_or_else(|| Refusal::bad_request("Missing required node: state"))?;
        let (desired, reported) = match &state {
            Value::Null => (Wish::Cleared, Wish::Cleared),
            Value::Object(sections) => wishes(sections)?,
            _ => return Err(Refusal::bad_request("State node must be an object")),
        };
        Ok(Self { desired, reported, version, state })
    }
}

fn wishes(sections: &Map<String, Value>) -> Result<(Wish, Wish), Refusal> {
    if let Some(other) = sections.keys().find(|name| !matches!(name.as_str(), "desired" | "reported")) {
        return Err(Refusal::bad_request(format!("State contains an invalid node: '{other}'")));
    }
    let wish = |name: &str, title: &str| match sections.get(name) {
        None => Ok(Wish::Absent),
        Some(Value::Null) => Ok(Wish::Cleared),
        Some(section @ Value::Object(fields)) => check(section, 1, false).map(|()| Wish::Merged(fields.clone())),
        Some(_) => Err(Refusal::bad_request(format!("{title} node must be an object"))),
    };
    Ok((wish("desired", "Desired")?, wish("reported", "Reported")?))
}

/// Not too deep, and no `null` in an array: it deletes fields, and an array is a value.
fn check(value: &Value, level: usize, in_array: bool) -> Result<(), Refusal> {
    match value {
        Value::Object(_) | Value::Array(_) if level > MOST_LEVELS => {
            let message = format!("JSON contains too many levels of nesting; maximum is {MOST_LEVELS}");
            Err(Refusal::bad_request(message))
        }
        Value::Object(fields) => fields.values().try_for_each(|value| check(value, level + 1, in_array)),
        Value::Array(items) => items.iter().try_for_each(|value| check(value, level + 1, true)),
        Value::Null if in_array => Err(Refusal::bad_request("State contains an invalid node: null in an array")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(payload: &str) -> String {
        let refusal = read(payload.as_bytes()).and_then(|(members, _)| Update::of(members)).unwrap_err();
        format!("{} {}", refusal.code, refusal.message)
    }

    #[test]
    fn what_is_no_update_is_refused_in_the_words_of_aws() {
        let long = format!(r#"{{"state":{{}},"clientToken":"{}"}}"#, "x".repeat(65));
        let deep = format!(r#"{{"state":{{"desired":{}1{}}}}}"#, r#"{"a":"#.repeat(7), "}".repeat(7));
        let cases = [
            ("{", "400 Invalid JSON"),
            ("[]", "400 Invalid JSON"),
            (r#"{"desired":{}}"#, "400 Missing required node: state"),
            (r#"{"state":1}"#, "400 State node must be an object"),
            (r#"{"state":{"foo":1}}"#, "400 State contains an invalid node: 'foo'"),
            (r#"{"state":{"desired":1}}"#, "400 Desired node must be an object"),
            (r#"{"state":{"reported":[]}}"#, "400 Reported node must be an object"),
            (r#"{"state":{},"version":"1"}"#, "400 Invalid version"),
            (r#"{"state":{},"version":-1}"#, "400 Invalid version"),
            (r#"{"state":{},"clientToken":1}"#, "400 Invalid clientToken"),
            (long.as_str(), "400 Invalid clientToken"),
            (r#"{"state":{"desired":{"a":[1,null]}}}"#, "400 State contains an invalid node: null in an array"),
            (deep.as_str(), "400 JSON contains too many levels of nesting; maximum is 6"),
        ];
        for (payload, wanted) in cases {
            assert_eq!(refused(payload), wanted, "{payload}");
        }
        assert_eq!(read(&[0xff]).unwrap_err().code, 415);
    }

    #[test]
    fn a_token_of_64_bytes_and_six_levels_are_taken() {
        let six = format!(r#"{{"state":{{"desired":{}1{}}}}}"#, r#"{"a":"#.repeat(6), "}".repeat(6));
        assert!(Update::of(read(six.as_bytes()).unwrap().0).is_ok());
        let token = "x".repeat(64);
        assert_eq!(read(format!(r#"{{"clientToken":"{token}"}}"#).as_bytes()).unwrap().1, Some(token));
        assert_eq!(read(b"").unwrap(), (Map::new(), None));
    }
}
