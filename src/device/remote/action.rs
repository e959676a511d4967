//! The action topic of the pub/sub tutorial: `{"action": "pressure"}` switches to measuring the pressure, and to that alone.
//!
//! Without an action, and with `"off"`, nothing is measured, as in the tutorial. There, an action that nobody knows stops
//! everything too; here it is refused, because a slip of the pen must not silence a machine.

use serde_json::Value;

use crate::device::stream::Streams;
use crate::device::stream::change::{Change, StreamChange};
use crate::error::{Error, Result};

/// The change that an action asks for: which streams are sampled.
///
/// # Errors
/// Bad input: no JSON object, or no such stream.
pub fn change(payload: &[u8], streams: &Streams) -> Result<Change> {
    let action: Value = serde_json::from_slice(payload)
        .map_err(|error| Error::bad_input("the action is no JSON").because(error).hint(example()))?;
    let Some(action) = action.as_object() else {
        return Err(Error::bad_input("the action is no JSON object").hint(example()));
    };
    let wanted = match action.get("action") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) if streams.rules().any(|rule| rule.name == *name) => Some(name.as_str()),
        Some(Value::String(name)) if name == "off" => None,
        Some(other) => return Err(unknown(other, streams)),
    };
    let switched = |name: &str| StreamChange { enabled: Some(wanted == Some(name)), ..StreamChange::default() };
    let streams = streams.rules().map(|rule| (rule.name.clone(), switched(&rule.name))).collect();
    Ok(Change { streams, ..Change::default() })
}

fn example() -> &'static str {
    "it looks like `{\"action\": \"pressure\"}`"
}

fn unknown(action: &Value, streams: &Streams) -> Error {
    let known: Vec<_> = streams.rules().map(|rule| format!("`{}`", rule.name)).take(10).collect();
    let action: String = action.to_string().chars().take(80).collect();
    Error::bad_input(format!("there is no action {action}")).hint(format!("there are {} and `off`", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::streams;
    use super::*;

    /// The streams that are sampled after these actions.
    fn after(actions: &[&str]) -> Vec<String> {
        let mut streams = streams(&["temperature", "pressure", "humidity"]);
        for action in actions {
            if let Ok(change) = change(action.as_bytes(), &streams) {
                streams.apply(&change).unwrap();
            }
        }
        streams.rules().filter(|rule| rule.enabled).map(|rule| rule.name.clone()).collect()
    }

    #[test]
    fn an_action_switches_to_one_stream_and_to_another() {
        assert_eq!(after(&[r#"{"action":"pressure"}"#]), ["pressure"]);
        assert_eq!(after(&[r#"{"action":"pressure"}"#, r#"{"action":"humidity"}"#]), ["humidity"]);
    }

    #[test]
    fn no_action_is_off() {
        for off in ["{}", r#"{"action":null}"#, r#"{"action":"off"}"#, r#"{"message":"Hello from AWS IoT console"}"#] {
            assert!(after(&[off]).is_empty(), "{off}");
        }
    }

    #[test]
    fn what_is_no_action_changes_nothing() {
        for wrong in ["", "pressure", "[]", r#"{"action":"presure"}"#, r#"{"action":7}"#] {
            assert_eq!(after(&[r#"{"action":"pressure"}"#, wrong]), ["pressure"], "{wrong}");
        }
    }
}
