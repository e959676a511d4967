//! How a feeder is: what its events add up to, and whether all that must move does.
//!
//! Only counts. `now` is the time since the feeder started, by a clock that never jumps.

use std::time::Duration;

use super::feeder::event::Event;
use super::feeder::turn::Turn;
use super::loss::{Losses, Reason};
use super::source::reading::Sample;
use super::stream::Rule;

pub mod judgement;
pub mod link;
pub mod prometheus;
pub mod pulse;
pub mod status;
pub mod store;

use link::Link;
use pulse::Pulse;

/// The sums so far, and the last time of each thing that must go on.
#[derive(Debug)]
pub struct Health {
    pub(super) link: Link,
    pulse: Pulse,
    pub(super) counts: Counts,
    pub(super) losses: Losses,
    pub(super) waiting: u64,
    pub(super) sampled: Option<Duration>,
    pub(super) read: Option<Duration>,
    pub(super) published: Option<Duration>,
    owing_since: Option<Duration>,
}

/// What only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) samples: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    pub(super) too_long: u64,
    pub(super) published: u64,
    pub(super) parked: u64,
    pub(super) connections: u64,
}

impl Health {
    /// Of a feeder that starts now with these streams. Whatever is overdue by `patience` does not move.
    pub fn new<'a>(rules: impl Iterator<Item = &'a Rule>, patience: Duration) -> Self {
        Self {
            link: Link::default(),
            pulse: Pulse::new(rules, Duration::ZERO, patience),
            counts: Counts::default(),
            losses: Losses::default(),
            waiting: 0,
            sampled: None,
            read: None,
            published: None,
            owing_since: None,
        }
    }

    /// Counts an event. Whether it is one that whoever looks now should see at once.
    pub fn observe(&mut self, event: &Event<'_>, now: Duration) -> bool {
        match event {
            Event::Turned(turn) => self.turned(turn, now),
            Event::Sampled(sample) => self.sampled(sample, now),
            Event::Published(_) => {
                self.counts.published += 1;
                self.published = Some(now);
            }
            Event::TooLong { .. } => self.counts.too_long += 1,
            Event::Lost(lost) => lost.reasons().for_each(|(reason, lost)| self.losses.add(reason, lost)),
            Event::Parked(_) => self.counts.parked += 1,
            Event::SampleFailed(_) | Event::Contested { .. } | Event::Steered(_) => {}
            Event::Changed(streams) => self.pulse = Pulse::new(streams.rules(), now, self.pulse.patience()),
            Event::Connecting => self.link = Link::Connecting { since: now },
            Event::Connected => {
                self.counts.connections += 1;
                self.link = Link::Online { since: now };
            }
            Event::Disconnected { reason, retry_in, waiting } => {
                self.waiting = *waiting;
                self.link = self.link.after_loss(now, *retry_in, reason.to_string());
            }
        }
        matches!(event, Event::Connected | Event::Disconnected { .. } | Event::Lost(_) | Event::Parked(_))
    }

    /// What does not move although it should: a reason to start the process anew. To be offline is none.
    pub fn stalled(&self, now: Duration) -> Option<String> {
        let moved = self.published.max(self.owing_since);
        self.pulse.stalled(now).or_else(|| self.link.stalled(now, self.pulse.patience(), moved))
    }

    /// The shortest time from one reading to the next; `None` where nothing is sampled.
    pub fn interval(&self) -> Option<Duration> {
        self.pulse.interval()
    }

    /// Lost for each reason, those included that cost nothing.
    pub fn losses(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.into_iter().map(|reason| (reason, self.losses.of(reason)))
    }

    fn turned(&mut self, turn: &Turn<'_>, now: Duration) {
        self.waiting = turn.waiting;
        self.owing_since = (turn.waiting > 0).then(|| self.owing_since.unwrap_or(now));
        self.pulse.turned(now, turn.is_blocked, |source| turn.has_ended(source));
    }

    fn sampled(&mut self, sample: &Sample, now: Duration) {
        self.counts.samples += 1;
        self.counts.skipped += sample.skipped;
        self.counts.failed += u64::from(sample.outcome.is_err());
        self.sampled = Some(now);
        self.pulse.sampled(&sample.due, now);
        if sample.outcome.is_ok() {
            self.read = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::queue::Record;
    use crate::error::Error;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn offline(health: &mut Health, now: u64, retry_in: u64) {
        let reason = Error::failed("no network");
        health.observe(&Event::Disconnected { reason: &reason, retry_in: secs(retry_in), waiting: 7 }, secs(now));
    }

    #[test]
    fn a_connection_that_backs_off_in_time_moves_for_ever_and_one_that_forgets_to_does_not() {
        let mut health = Health::new(std::iter::empty(), secs(60));
        let mut now = 0;
        for _ in 0..1000 {
            health.observe(&Event::Connecting, secs(now));
            now += 10;
            assert_eq!(health.stalled(secs(now)), None);
            offline(&mut health, now, 32);
            now += 32;
            assert_eq!(health.stalled(secs(now)), None, "offline for hours is no reason to be killed");
        }
        assert_eq!(health.stalled(secs(now + 60)), None);
        assert!(health.stalled(secs(now + 61)).unwrap().contains("the next attempt to connect is overdue"));
        health.observe(&Event::Connecting, secs(now));
        assert!(health.stalled(secs(now + 71)).unwrap().contains("neither stands nor fails"));
    }

    #[test]
    fn a_connection_that_stands_must_bring_acknowledgements_of_what_is_owed() {
        let mut health = Health::new(std::iter::empty(), secs(60));
        health.observe(&Event::Connected, secs(0));
        assert_eq!(health.stalled(secs(9999)), None, "nothing is owed");
        health.owing_since = Some(secs(9000));
        assert_eq!(health.stalled(secs(9070)), None);
        assert!(health.stalled(secs(9071)).unwrap().contains("acknowledged"));
        let record = Record { topic: "t".parse().unwrap(), payload: vec![] };
        health.observe(&Event::Published(&record), secs(9100));
        assert_eq!(health.stalled(secs(9170)), None);
    }

    #[test]
    fn what_changes_the_state_is_to_be_seen_at_once_and_a_reading_is_not() {
        let mut health = Health::new(std::iter::empty(), secs(60));
        let record = Record { topic: "t".parse().unwrap(), payload: vec![] };
        assert!(!health.observe(&Event::Published(&record), secs(1)));
        assert!(health.observe(&Event::Connected, secs(1)));
        assert_eq!((health.counts.published, health.counts.connections), (1, 1));
    }
}
