//! From the streams of one feeder.toml to those of its next version: a change, or what needs a restart.

use std::time::Duration;

use super::Rule;
use super::change::{Change, StreamChange};
use crate::error::{Error, Result};

/// The change that makes the streams `before` what the streams `after` are; nothing, if it is nothing.
///
/// Errors: bad input, for what cannot be changed at work; it names every such field.
pub fn change(before: &[Rule], after: &[Rule]) -> Result<Change> {
    let names = |rules: &[Rule]| rules.iter().map(|rule| rule.name.clone()).collect::<Vec<_>>();
    if names(before) != names(after) {
        let only =
            |a: &[Rule], b: &[Rule]| names(a).into_iter().filter(|name| !names(b).contains(name)).collect::<Vec<_>>();
        let fields = only(after, before).into_iter().chain(only(before, after)).map(|name| format!("stream.{name}"));
        return Err(needs_restart(&fields.collect::<Vec<_>>()));
    }
    let fixed: Vec<_> = before.iter().zip(after).flat_map(|(before, after)| fixed(before, after)).collect();
    if !fixed.is_empty() {
        return Err(needs_restart(&fixed));
    }
    let streams = before.iter().zip(after).filter(|(before, after)| before != after);
    Ok(Change { interval: None, streams: streams.map(|(b, a)| (a.name.clone(), difference(b, a))).collect() })
}

/// The error that names what only a restart changes.
pub fn needs_restart(fields: &[String]) -> Error {
    let fields: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
    let verb = if fields.len() == 1 { "needs" } else { "need" };
    Error::bad_input(format!("{} {verb} a restart", fields.join(", "))).hint(
        "at work can be changed: interval, and enabled, interval, deadband, deadband_percent, max_silence of a stream",
    )
}

/// What is different and cannot be at work.
fn fixed(before: &Rule, after: &Rule) -> Vec<String> {
    let is_lost = |before: Option<Duration>, after: Option<Duration>| before.is_some() && after.is_none();
    let checks = [
        ("source", before.source != after.source),
        ("quantity", before.quantity != after.quantity),
        ("topic", before.topic != after.topic),
        ("phase", before.phase != after.phase),
        ("window", before.window != after.window),
        ("max_silence", is_lost(before.deadband.max_silence, after.deadband.max_silence)),
    ];
    checks.iter().filter(|(_, differs)| *differs).map(|(field, _)| format!("stream.{}.{field}", after.name)).collect()
}

fn difference(before: &Rule, after: &Rule) -> StreamChange {
    let width = |before: Option<f64>, after: Option<f64>| (before != after).then(|| after.unwrap_or(0.0));
    StreamChange {
        enabled: (before.enabled != after.enabled).then_some(after.enabled),
        interval: (before.interval != after.interval).then_some(after.interval),
        deadband: width(before.deadband.absolute, after.deadband.absolute),
        deadband_percent: width(before.deadband.percent, after.deadband.percent),
        max_silence: after.deadband.max_silence.filter(|_| before.deadband.max_silence != after.deadband.max_silence),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Streams;
    use super::super::deadband::Deadband;
    use super::*;
    use crate::device::source::reading::TEMPERATURE;

    fn rule(name: &str) -> Rule {
        Rule {
            name: name.to_owned(),
            source: 0,
            quantity: TEMPERATURE,
            topic: "t".parse().unwrap(),
            interval: Duration::from_secs(5),
            phase: Duration::ZERO,
            deadband: Deadband { absolute: Some(0.5), ..Deadband::default() },
            window: None,
            enabled: true,
        }
    }

    #[test]
    fn the_change_makes_the_old_streams_the_new_ones_and_names_only_what_differs() {
        let before = vec![rule("a"), rule("b")];
        let deadband = Deadband { absolute: None, percent: Some(2.0), max_silence: Some(Duration::from_secs(60)) };
        let new = Rule { enabled: false, interval: Duration::from_secs(1), deadband, ..rule("b") };
        let after = vec![rule("a"), new];
        let change = change(&before, &after).unwrap();
        assert_eq!(change.streams.keys().collect::<Vec<_>>(), ["b"]);
        let mut streams = Streams::new(before);
        streams.apply(&change).unwrap();
        assert!(streams.rules().eq(&after));
    }

    #[test]
    fn what_needs_a_restart_is_named_all_of_it() {
        let silent = Deadband { max_silence: Some(Duration::from_secs(1)), ..Deadband::default() };
        let before = vec![Rule { deadband: silent, ..rule("a") }, rule("b")];
        let moved = Rule { topic: "u".parse().unwrap(), phase: Duration::from_secs(1), ..rule("b") };
        let error = change(&before, &[rule("a"), moved]).unwrap_err();
        let wanted = "`stream.a.max_silence`, `stream.b.topic`, `stream.b.phase` need a restart";
        assert_eq!(error.message(), wanted);
        let error = change(&before, &[rule("a"), rule("c")]).unwrap_err();
        assert_eq!(error.message(), "`stream.c`, `stream.b` need a restart");
    }
}
