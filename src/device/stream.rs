//! Streams: what of a source goes to which topic, how often, and what of it is worth a message.
//!
//! ```text
//! sample -> every stream that was due -> window (mean, min, max) -> deadband -> measurement -> message
//! ```
//!
//! Sees no clock and no disk: a sample says when it was taken.

pub mod change;
pub mod deadband;
pub mod reload;
pub mod setup;
pub mod window;

use std::time::Duration;

use super::message::Measurement;
use super::source::agenda::{Plan, Tick};
use super::source::reading::{Quantity, Sample};
use crate::topic::TopicName;
use deadband::{Deadband, Gate};
use window::Window;

/// What a stream is told to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name, as feeder.toml, the topic template and the remote configuration call it.
    pub name: String,
    /// The place of its source.
    pub source: usize,
    /// What of the source it takes.
    pub quantity: Quantity,
    /// Where its messages go.
    pub topic: TopicName,
    /// From one sample to the next.
    pub interval: Duration,
    /// How long after the start the first sample is taken.
    pub phase: Duration,
    /// What is not worth a message.
    pub deadband: Deadband,
    /// One message for all samples of so long a time.
    pub window: Option<Duration>,
    /// Whether it is sampled at all.
    pub enabled: bool,
}

/// A measurement and where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Where to.
    pub topic: TopicName,
    /// What.
    pub measurement: Measurement,
}

/// All streams of a feeder.
#[derive(Debug, Default)]
pub struct Streams {
    streams: Vec<Stream>,
}

#[derive(Debug)]
struct Stream {
    rule: Rule,
    gate: Gate,
    window: Option<Window>,
}

impl Streams {
    /// Streams by these rules; the place of a rule is what ticks and samples call it.
    pub fn new(rules: Vec<Rule>) -> Self {
        Self { streams: rules.into_iter().map(Stream::new).collect() }
    }

    /// The rules in force, in their places.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.streams.iter().map(|stream| &stream.rule)
    }

    /// The ticks of the enabled streams of the source in place `source`.
    pub fn ticks(&self, source: usize) -> Vec<Tick> {
        let of_source = self.rules().enumerate().filter(|(_, rule)| rule.source == source && rule.enabled);
        let tick = |(stream, rule): (usize, &Rule)| Tick {
            stream,
            wants: rule.quantity.name.to_string(),
            interval: rule.interval,
            phase: rule.phase,
        };
        of_source.map(tick).collect()
    }

    /// What each source is to do by the rules in force, in the places of the sources. Never fewer than there are.
    pub fn plans(&self) -> impl Iterator<Item = Plan> {
        (0..).map(|source| Plan { ticks: self.ticks(source), count: None })
    }

    /// What a sample is worth publishing, in the order of the streams.
    pub fn take(&mut self, sample: &Sample) -> Vec<Publication> {
        let mut due = sample.due.clone();
        due.sort_unstable();
        due.into_iter().filter_map(|place| self.streams.get_mut(place)?.take(sample)).collect()
    }

    /// What the open windows hold: sampling has ended.
    pub fn flush(&mut self) -> Vec<Publication> {
        self.streams.iter_mut().filter_map(Stream::flush).collect()
    }

    /// Puts new rules in the place of the old ones; a stream whose window stays goes on with what it holds.
    fn replace(&mut self, rules: Vec<Rule>) {
        for (stream, rule) in self.streams.iter_mut().zip(rules) {
            if stream.rule.window != rule.window {
                stream.window = rule.window.map(Window::new);
            }
            stream.rule = rule;
        }
    }
}

impl Stream {
    fn new(rule: Rule) -> Self {
        Self { gate: Gate::default(), window: rule.window.map(Window::new), rule }
    }

    fn take(&mut self, sample: &Sample) -> Option<Publication> {
        if !self.rule.enabled {
            return None;
        }
        let mut measurement = Measurement::of(sample, &self.rule.quantity);
        if let Some(window) = &mut self.window {
            measurement = window.take(measurement, sample.elapsed, self.rule.interval)?;
        }
        self.gate
            .lets_pass(&self.rule.deadband, measurement.value, sample.elapsed)
            .then(|| self.publication(measurement))
    }

    fn flush(&mut self) -> Option<Publication> {
        let measurement = self.window.as_mut()?.flush()?;
        Some(self.publication(measurement))
    }

    fn publication(&self, measurement: Measurement) -> Publication {
        Publication { topic: self.rule.topic.clone(), measurement }
    }
}
