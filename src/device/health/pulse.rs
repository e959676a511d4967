//! Whether each source is still read, by the streams that wait for it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::device::stream::Rule;

/// The beat of every source.
#[derive(Debug)]
pub(super) struct Pulse {
    patience: Duration,
    /// The source of each stream, in the order of the streams.
    sources: Vec<usize>,
    beats: BTreeMap<usize, Beat>,
    /// Nothing can come in, and nobody is to blame.
    is_blocked: bool,
}

#[derive(Debug)]
struct Beat {
    /// The longest from one sample of the source to the next.
    most: Duration,
    interval: Duration,
    last: Duration,
    streams: String,
}

impl Pulse {
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a Rule>, now: Duration, patience: Duration) -> Self {
        let mut pulse = Self { patience, sources: Vec::new(), beats: BTreeMap::new(), is_blocked: false };
        for rule in rules {
            pulse.sources.push(rule.source);
            if rule.enabled {
                pulse.beats.entry(rule.source).and_modify(|beat| beat.add(rule)).or_insert(Beat::of(rule, now));
            }
        }
        pulse
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    pub(super) fn interval(&self) -> Option<Duration> {
        self.beats.values().map(|beat| beat.interval).min()
    }

    /// Streams were sampled.
    pub(super) fn sampled(&mut self, streams: &[usize], now: Duration) {
        for source in streams.iter().filter_map(|stream| self.sources.get(*stream)) {
            if let Some(beat) = self.beats.get_mut(source) {
                beat.last = now;
            }
        }
    }

    /// The feeder went round; a source that has ended is not waited for, and none while there is no room.
    pub(super) fn turned(&mut self, now: Duration, is_blocked: bool, has_ended: impl Fn(usize) -> bool) {
        self.beats.retain(|source, _| !has_ended(*source));
        if self.is_blocked || is_blocked {
            self.beats.values_mut().for_each(|beat| beat.last = now);
        }
        self.is_blocked = is_blocked;
    }

    /// Which source is overdue.
    pub(super) fn stalled(&self, now: Duration) -> Option<String> {
        let overdue = |beat: &&Beat| !self.is_blocked && now > beat.last + beat.most + self.patience;
        let beat = self.beats.values().find(overdue)?;
        let silence = now.saturating_sub(beat.last).as_secs_f64();
        Some(format!("the sensor of {} has not been read for {silence:.1} s", beat.streams))
    }
}

impl Beat {
    fn of(rule: &Rule, now: Duration) -> Self {
        let Rule { name, interval, phase, .. } = rule;
        Self { most: *interval + *phase, interval: *interval, last: now, streams: format!("`{name}`") }
    }

    fn add(&mut self, rule: &Rule) {
        self.most = self.most.min(rule.interval + rule.phase);
        self.interval = self.interval.min(rule.interval);
        if self.streams.len() < 80 {
            self.streams += &format!(", `{}`", rule.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::source::reading::TEMPERATURE;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Two streams of source 0, every 10 s and every 100 s, and one of source 1, every 1000 s.
    fn pulse() -> Pulse {
        let rule = |name: &str, source, interval| Rule {
            name: name.to_owned(),
            source,
            quantity: TEMPERATURE,
            topic: "t".parse().unwrap(),
            interval: secs(interval),
            phase: Duration::ZERO,
            deadband: Default::default(),
            window: None,
            enabled: true,
        };
        let rules = [rule("a", 0, 10), rule("b", 0, 100), rule("c", 1, 1000)];
        Pulse::new(rules.iter(), secs(0), secs(30))
    }

    #[test]
    fn a_source_that_is_not_read_in_time_is_named_although_another_one_is() {
        let mut pulse = pulse();
        assert_eq!(pulse.interval(), Some(secs(10)));
        pulse.sampled(&[0, 1], secs(5));
        assert_eq!(pulse.stalled(secs(45)), None);
        pulse.sampled(&[2], secs(46));
        let said = pulse.stalled(secs(46)).unwrap();
        assert_eq!(said, "the sensor of `a`, `b` has not been read for 41.0 s");
        pulse.sampled(&[0], secs(46));
        assert_eq!(pulse.stalled(secs(46)), None);
    }

    #[test]
    fn nobody_is_waited_for_who_has_ended_or_has_nowhere_to_go() {
        let mut pulse = pulse();
        pulse.turned(secs(1), true, |_| false);
        assert_eq!(pulse.stalled(secs(99_999)), None, "the queue is full, and sources wait");
        pulse.turned(secs(99_999), false, |_| false);
        assert_eq!(pulse.stalled(secs(100_010)), None, "they begin again");
        assert!(pulse.stalled(secs(100_040)).is_some());
        pulse.turned(secs(100_040), false, |source| source == 0);
        assert_eq!(pulse.stalled(secs(100_050)), None, "a replay has come to its end");
    }
}
