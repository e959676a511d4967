//! A change of the streams while they run: checked whole, then done whole or not at all.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Rule, Streams};
use crate::error::{Error, Result};

/// What is to be different from now on; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// The interval of every stream.
    pub interval: Option<Duration>,
    /// Changes of single streams, by name; they win.
    pub streams: BTreeMap<String, StreamChange>,
}

/// What is to be different with one stream.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StreamChange {
    /// Whether it is sampled.
    pub enabled: Option<bool>,
    /// From one sample to the next.
    pub interval: Option<Duration>,
    /// The absolute deadband; 0 is none.
    pub deadband: Option<f64>,
    /// The relative deadband in percent; 0 is none.
    pub deadband_percent: Option<f64>,
    /// The longest silence under a deadband.
    pub max_silence: Option<Duration>,
}

/// The longest interval that a change may ask for: a device that is told to sleep for a year by a slip of the hand
/// would not be heard of again.
pub const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);
/// The shortest.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

impl Streams {
    /// Applies a change.
    ///
    /// Errors: bad input that names the field; then nothing has changed.
    pub fn apply(&mut self, change: &Change) -> Result<()> {
        self.apply_over(self.rules().cloned().collect(), change)
    }

    /// Applies a change to these rules of the same streams, and puts them in force.
    ///
    /// Errors: as [`Streams::apply`].
    pub fn apply_over(&mut self, mut rules: Vec<Rule>, change: &Change) -> Result<()> {
        if let Some(interval) = change.interval {
            check_interval("interval", interval)?;
            rules.iter_mut().for_each(|rule| rule.interval = interval);
        }
        for (name, change) in &change.streams {
            let rule = rules.iter_mut().find(|rule| rule.name == *name).ok_or_else(|| unknown(name, self))?;
            change.put_into(rule)?;
        }
        self.replace(rules);
        Ok(())
    }
}

impl StreamChange {
    fn put_into(&self, rule: &mut Rule) -> Result<()> {
        let field = |field: &str| format!("streams.{}.{field}", rule.name);
        let (absolute, percent) = (field("deadband"), field("deadband_percent"));
        if let Some(interval) = self.interval {
            check_interval(&field("interval"), interval)?;
            rule.interval = interval;
        }
        rule.deadband.absolute = changed(&absolute, self.deadband, rule.deadband.absolute)?;
        rule.deadband.percent = changed(&percent, self.deadband_percent, rule.deadband.percent)?;
        rule.deadband.max_silence = self.max_silence.or(rule.deadband.max_silence);
        rule.enabled = self.enabled.unwrap_or(rule.enabled);
        Ok(())
    }
}

fn changed(field: &str, wanted: Option<f64>, now: Option<f64>) -> Result<Option<f64>> {
    match wanted {
        None => Ok(now),
        Some(0.0) => Ok(None),
        Some(bound) if bound.is_finite() && bound > 0.0 => Ok(Some(bound)),
        Some(bound) => Err(Error::bad_input(format!("`{field}`: {bound} is no width of a deadband; 0 is none"))),
    }
}

fn check_interval(field: &str, interval: Duration) -> Result<()> {
    match (SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&interval) {
        true => Ok(()),
        false => {
            Err(Error::bad_input(format!("`{field}`: {} s is not between 0.01 and 86400 s", interval.as_secs_f64())))
        }
    }
}

fn unknown(name: &str, streams: &Streams) -> Error {
    let known: Vec<_> = streams.rules().map(|rule| format!("`{}`", rule.name)).take(10).collect();
    Error::bad_input(format!("`streams.{}`: there is no such stream", name.escape_debug()))
        .hint(format!("there are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::deadband::Deadband;
    use super::*;
    use crate::device::source::reading::TEMPERATURE;

    fn streams() -> Streams {
        let rule = |name: &str| Rule {
            name: name.to_owned(),
            source: 0,
            quantity: TEMPERATURE,
            topic: "t".parse().unwrap(),
            interval: Duration::from_secs(5),
            phase: Duration::ZERO,
            deadband: Deadband::default(),
            window: None,
            enabled: true,
        };
        Streams::new(vec![rule("a"), rule("b")])
    }

    fn of(name: &str, change: StreamChange) -> Change {
        Change { streams: BTreeMap::from([(name.to_owned(), change)]), ..Change::default() }
    }

    #[test]
    fn a_change_of_all_and_of_one() {
        let mut streams = streams();
        let one =
            StreamChange { interval: Some(Duration::from_secs(1)), deadband: Some(0.5), ..StreamChange::default() };
        streams.apply(&Change { interval: Some(Duration::from_secs(60)), ..of("b", one) }).unwrap();
        let intervals: Vec<_> = streams.rules().map(|rule| rule.interval.as_secs()).collect();
        assert_eq!(intervals, [60, 1]);
        assert_eq!(streams.rules().nth(1).unwrap().deadband.absolute, Some(0.5));
        streams.apply(&of("b", StreamChange { deadband: Some(0.0), ..StreamChange::default() })).unwrap();
        assert_eq!(streams.rules().nth(1).unwrap().deadband.absolute, None);
    }

    #[test]
    fn one_wrong_field_and_nothing_changes() {
        let mut streams = streams();
        let wrong = [
            Change { interval: Some(Duration::from_millis(9)), ..Change::default() },
            Change { interval: Some(Duration::from_secs(86_401)), ..Change::default() },
            of("c", StreamChange::default()),
            of("b", StreamChange { deadband: Some(-1.0), ..StreamChange::default() }),
            of("b", StreamChange { deadband_percent: Some(f64::NAN), ..StreamChange::default() }),
            of("b", StreamChange { interval: Some(Duration::ZERO), ..StreamChange::default() }),
        ];
        let before: Vec<_> = streams.rules().cloned().collect();
        for mut change in wrong {
            change.streams.entry("a".to_owned()).or_default().enabled = Some(false);
            assert!(streams.apply(&change).is_err(), "{change:?}");
            assert!(streams.rules().eq(&before), "{change:?}");
        }
    }

    #[test]
    fn a_stream_that_is_disabled_has_no_ticks() {
        let mut streams = streams();
        streams.apply(&of("a", StreamChange { enabled: Some(false), ..StreamChange::default() })).unwrap();
        assert_eq!(streams.ticks(0).iter().map(|tick| tick.stream).collect::<Vec<_>>(), [1]);
    }
}
