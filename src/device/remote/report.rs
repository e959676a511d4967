//! What is in force, as the shadow reports it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::level::LogLevel;
use crate::device::stream::{Rule, Streams};

/// A report of all streams that is longer leaves out those that nobody asked about: a shadow has 8 KB for everything.
const MOST_BYTES: usize = 3 * 1024;

/// The settings in force. What was accepted of `desired` stands as it was written there: `2000ms` is `2s`, but a shadow
/// would go on telling the difference.
pub fn in_force(streams: &Streams, level: Option<LogLevel>, accepted: &Map<String, Value>) -> Map<String, Value> {
    let mut report = Map::new();
    let mut intervals = streams.rules().map(|rule| rule.interval);
    if let Some(first) = intervals.next().filter(|first| intervals.all(|other| other == *first)) {
        report.insert("interval".to_owned(), written(first));
    }
    if let Some(level) = level {
        report.insert("log_level".to_owned(), json!(level.name()));
    }
    let asked = accepted.get("streams").and_then(Value::as_object);
    let all: Map<String, Value> = streams.rules().map(|rule| (rule.name.clone(), of_stream(rule))).collect();
    let fits = Value::from(all.clone()).to_string().len() <= MOST_BYTES;
    let told = all.into_iter().filter(|(name, _)| fits || asked.is_some_and(|asked| asked.contains_key(name)));
    report.insert("streams".to_owned(), told.collect::<Map<_, _>>().into());
    overlay(&mut report, accepted);
    report
}

fn of_stream(rule: &Rule) -> Value {
    let mut told = json!({"enabled": rule.enabled, "interval": written(rule.interval)});
    let deadband = rule.deadband;
    let widths = [("deadband", deadband.absolute), ("deadband_percent", deadband.percent)];
    widths
        .into_iter()
        .filter_map(|(name, width)| Some((name, width?)))
        .for_each(|(name, width)| told[name] = json!(width));
    if let Some(silence) = deadband.max_silence {
        told["max_silence"] = written(silence);
    }
    told
}

fn written(time: Duration) -> Value {
    match time.subsec_millis() {
        0 => json!(format!("{}s", time.as_secs())),
        _ => json!(format!("{}ms", time.as_millis())),
    }
}

fn overlay(report: &mut Map<String, Value>, accepted: &Map<String, Value>) {
    for (name, value) in accepted {
        match (report.get_mut(name).and_then(Value::as_object_mut), value.as_object()) {
            (Some(inner), Some(value)) => overlay(inner, value),
            _ => drop(report.insert(name.clone(), value.clone())),
        }
    }
}

/// What must be sent so that `there` becomes `wanted`: what differs, and `null` for what is there and not wanted.
pub fn difference(there: &Map<String, Value>, wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut sent = Map::new();
    for (name, value) in wanted {
        match (there.get(name), value) {
            (Some(present), value) if is_same(present, value) => {}
            (Some(Value::Object(present)), Value::Object(value)) => {
                let inner = difference(present, value);
                if !inner.is_empty() {
                    sent.insert(name.clone(), inner.into());
                }
            }
            _ => drop(sent.insert(name.clone(), value.clone())),
        }
    }
    let gone = there.keys().filter(|name| !wanted.contains_key(*name));
    sent.extend(gone.map(|name| (name.clone(), Value::Null)));
    sent
}

/// Whether two values say the same; a number may come back from AWS in another form.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::device::source::reading::TEMPERATURE;
    use crate::device::stream::deadband::Deadband;

    /// Streams of these names, every 5 s.
    pub(in super::super) fn streams(names: &[&str]) -> Streams {
        let rule = |name: &&str| Rule {
            name: (*name).to_owned(),
            source: 0,
            quantity: TEMPERATURE,
            topic: format!("t/{name}").parse().unwrap(),
            interval: Duration::from_secs(5),
            phase: Duration::ZERO,
            deadband: Deadband { absolute: Some(0.5), percent: None, max_silence: None },
            window: None,
            enabled: true,
        };
        Streams::new(names.iter().map(rule).collect())
    }

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_was_asked_for_is_told_as_it_was_asked_for() {
        let accepted = map(json!({"interval": "5000ms", "streams": {"a": {"interval": 5}}}));
        let told = Value::from(in_force(&streams(&["a", "b"]), Some(LogLevel::Debug), &accepted));
        let (a, b) = (
            json!({"enabled": true, "interval": 5, "deadband": 0.5}),
            json!({"enabled": true, "interval": "5s", "deadband": 0.5}),
        );
        assert_eq!(told, json!({"interval": "5000ms", "log_level": "debug", "streams": {"a": a, "b": b}}));
    }

    #[test]
    fn hundreds_of_streams_do_not_fill_the_shadow() {
        let names: Vec<String> = (0..300).map(|number| format!("t{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let accepted = map(json!({"streams": {"t7": {"enabled": true}}}));
        let told = in_force(&streams(&names), None, &accepted);
        assert_eq!(told["streams"].as_object().unwrap().keys().collect::<Vec<_>>(), ["t7"]);
    }

    #[test]
    fn only_what_differs_is_sent_and_what_is_stale_goes() {
        let there = map(json!({"a": 1.0, "b": {"c": 1, "d": 2}, "old": 1}));
        let wanted = map(json!({"a": 1, "b": {"c": 1, "d": 3}, "new": {}}));
        assert_eq!(Value::from(difference(&there, &wanted)), json!({"b": {"d": 3}, "new": {}, "old": null}));
        assert!(difference(&there, &there).is_empty());
    }
}
