//! The desired document: every field is known and well formed, or the whole is refused.
//!
//! ```json
//! {"interval": "2s", "log_level": "debug", "streams": {"humidity": {"enabled": false, "deadband": 0.5}}}
//! ```

use std::time::Duration;

use serde_json::{Map, Value};

use super::level::LogLevel;
use crate::config::duration;
use crate::device::stream::change::{Change, StreamChange};
use crate::error::{Error, Result};

/// What a document asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// Of the streams.
    pub change: Change,
    /// Of the log; `None` is that of the command line.
    pub log_level: Option<LogLevel>,
}

/// What can be set, for errors.
const FIELDS: &str = "interval, log_level, streams.NAME.{enabled, interval, deadband, deadband_percent, max_silence}";
/// What a person may try, and must not get.
const NEVER: [&str; 12] = [
    "endpoint",
    "host",
    "port",
    "topic",
    "topics",
    "key",
    "cert",
    "certificate",
    "root_ca",
    "client_id",
    "thing",
    "bus",
];

/// Reads a desired document. Whether its streams exist and its values are in bounds is for
/// [`Streams`](crate::device::stream::Streams) to say.
///
/// # Errors
/// Bad input that names the field.
pub fn parse(desired: &Map<String, Value>) -> Result<Wanted> {
    let mut wanted = Wanted::default();
    for (field, value) in desired {
        match field.as_str() {
            "interval" => wanted.change.interval = Some(time("interval", value)?),
            "log_level" => wanted.log_level = Some(level(value)?),
            "streams" => {
                for (name, value) in object("streams", value)? {
                    wanted.change.streams.insert(name.clone(), stream(&format!("streams.{name}"), value)?);
                }
            }
            other => return Err(refused(other)),
        }
    }
    Ok(wanted)
}

fn stream(path: &str, value: &Value) -> Result<StreamChange> {
    let mut change = StreamChange::default();
    for (field, value) in object(path, value)? {
        let path = format!("{path}.{field}");
        match field.as_str() {
            "enabled" => {
                let enabled = value.as_bool();
                change.enabled = Some(enabled.ok_or_else(|| wrong(&path, value, "`true` or `false`"))?);
            }
            "interval" => change.interval = Some(time(&path, value)?),
            "deadband" => change.deadband = Some(number(&path, value)?),
            "deadband_percent" => change.deadband_percent = Some(number(&path, value)?),
            "max_silence" => change.max_silence = Some(time(&path, value)?),
            _ => return Err(refused(&path)),
        }
    }
    Ok(change)
}

fn time(path: &str, value: &Value) -> Result<Duration> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(seconds) => seconds.to_string(),
        _ => return Err(wrong(path, value, "a duration such as \"2s\", or seconds")),
    };
    duration::parse(&text).map_err(|said| Error::bad_input(format!("`{}`: {said}", path.escape_debug())))
}

fn number(path: &str, value: &Value) -> Result<f64> {
    value.as_f64().ok_or_else(|| wrong(path, value, "a number"))
}

fn level(value: &Value) -> Result<LogLevel> {
    let level = value.as_str().and_then(LogLevel::of);
    level.ok_or_else(|| wrong("log_level", value, "`error`, `warn`, `info`, `debug` or `trace`"))
}

fn object<'a>(path: &str, value: &'a Value) -> Result<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| wrong(path, value, "an object"))
}

/// The most characters of a value that are said back.
const SHOWN: usize = 40;

fn wrong(path: &str, value: &Value, wanted: &str) -> Error {
    let value: String = value.to_string().chars().take(SHOWN).collect();
    Error::bad_input(format!("`{}`: {value} is not {wanted}", path.escape_debug()))
}

fn refused(path: &str) -> Error {
    let last = path.rsplit('.').next().unwrap_or(path);
    let why = if NEVER.contains(&last) { "cannot be changed from afar" } else { "unknown field" };
    let path: String = path.chars().take(2 * SHOWN).collect();
    Error::bad_input(format!("`{}`: {why}; there are {FIELDS}", path.escape_debug()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(document: Value) -> Result<Wanted> {
        parse(document.as_object().unwrap())
    }

    #[test]
    fn a_document_with_everything() {
        let all =
            json!({"enabled": false, "interval": 0.5, "deadband": 1, "deadband_percent": 2.5, "max_silence": "10m"});
        let wanted = parsed(json!({"interval": "2s", "log_level": "debug", "streams": {"a": all, "b": {}}})).unwrap();
        assert_eq!((wanted.change.interval, wanted.log_level), (Some(Duration::from_secs(2)), Some(LogLevel::Debug)));
        let of_a = StreamChange {
            enabled: Some(false),
            interval: Some(Duration::from_millis(500)),
            deadband: Some(1.0),
            deadband_percent: Some(2.5),
            max_silence: Some(Duration::from_secs(600)),
        };
        let streams: Vec<_> = wanted.change.streams.into_iter().collect();
        assert_eq!(streams, [("a".to_owned(), of_a), ("b".to_owned(), StreamChange::default())]);
        assert_eq!(parsed(json!({})).unwrap(), Wanted::default());
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        let cases = [
            (json!({"endpoint": "evil"}), "`endpoint`: cannot be changed from afar"),
            (json!({"topic": "a"}), "`topic`: cannot be changed from afar"),
            (json!({"streams": {"a": {"topic": "b"}}}), "`streams.a.topic`: cannot be changed from afar"),
            (json!({"colour": 1}), "`colour`: unknown field"),
            (json!({"interval": "soon"}), "`interval`: `soon` is not a duration"),
            (json!({"interval": -1}), "`interval`: `-1` is not a duration"),
            (json!({"interval": true}), "`interval`: true is not a duration"),
            (json!({"log_level": "loud"}), "`log_level`: \"loud\" is not `error`"),
            (json!({"streams": []}), "`streams`: [] is not an object"),
            (json!({"streams": {"a": 1}}), "`streams.a`: 1 is not an object"),
            (json!({"streams": {"a": {"enabled": "no"}}}), "`streams.a.enabled`: \"no\" is not `true`"),
            (json!({"streams": {"a": {"deadband": "1"}}}), "`streams.a.deadband`: \"1\" is not a number"),
        ];
        for (document, wanted) in cases {
            let error = parsed(document.clone()).unwrap_err();
            assert!(error.message().starts_with(wanted), "{document}: {error}");
        }
        assert!(parsed(json!({"x".repeat(5000): 1})).unwrap_err().message().len() < 400, "it goes into a shadow");
    }
}
