//! When to connect, what to submit and how long to wait. Sees no clock, no network and no dice: `now` is the time
//! since the feeder started, and jitter is an argument.
//!
//! Rules (reference/dependencies-device.md, 2.4): submit only while connected, from the first unacknowledged record
//! on, at most a window of *positions* ahead; after a loss start again at the first unacknowledged. Back off 1, 2, 4
//! .. 32 s with jitter added on top, because AWS takes one CONNECT per second and client id; start over at 1 s only
//! after 20 s of a stable connection, so that a broker that kicks right after CONNACK is backed off from too.

use std::ops::Range;
use std::time::Duration;

pub mod contest;
pub mod denials;
pub mod pace;

use contest::{Contest, Ended};
use pace::Pace;

/// How eager a session is. The defaults are the tutorial's where it has any.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Most positions between the first unacknowledged record and the newest submitted one. Below the client's
    /// in-flight limit of 100, so that packet ids cannot collide.
    pub window: u64,
    /// How long the first connection waits: a fleet that starts together must not connect together.
    pub start_delay: Duration,
    /// First wait after a loss.
    pub backoff_first: Duration,
    /// Longest wait after a loss, jitter apart.
    pub backoff_most: Duration,
    /// A connection that stood this long ends the back-off.
    pub stable_after: Duration,
    /// Publishes per second; AWS discards what is over 100 on a connection.
    pub rate: f64,
    /// Publishes that may go at once.
    pub burst: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window: 90,
            start_delay: Duration::ZERO,
            backoff_first: Duration::from_secs(1),
            backoff_most: Duration::from_secs(32),
            stable_after: Duration::from_secs(20),
            rate: 50.0,
            burst: 40.0,
        }
    }
}

impl Limits {
    /// These limits with at most `rate` messages a second, evenly: none are saved up for a burst.
    #[must_use]
    pub fn drained_at(self, rate: u8) -> Self {
        Self { rate: f64::from(rate), burst: 1.0, ..self }
    }
}

/// How long a connection must stand before a record that is tried alone can be what ends it: a subscription that is
/// denied, say, ends it earlier.
const PROVEN_AFTER: Duration = Duration::from_secs(1);

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Open a connection; the session waits to hear [`Session::connected`] or [`Session::lost`].
    Connect,
    /// Publish the record of this number.
    Submit(u64),
    /// Nothing, until this time or until something happens.
    Wait(Option<Duration>),
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Waiting { until: Duration },
    Connecting,
    Online { since: Duration, from: u64, next: u64 },
}

/// The state of a feeder's connection.
#[derive(Debug)]
pub struct Session {
    limits: Limits,
    phase: Phase,
    losses: u32,
    pace: Pace,
    /// Records below this number go one at a time, to see which of them ends the connection.
    alone_below: u64,
    contest: Contest,
}

impl Session {
    /// A session that has not connected yet.
    pub fn new(limits: Limits) -> Self {
        let pace = Pace::new(limits.rate, limits.burst);
        Self {
            limits,
            phase: Phase::Waiting { until: limits.start_delay },
            losses: 0,
            pace,
            alone_below: 0,
            contest: Contest::default(),
        }
    }

    /// What to do at `now`, with the queue holding records `first..end`.
    pub fn step(&mut self, now: Duration, first: u64, end: u64) -> Step {
        match self.phase {
            Phase::Waiting { until } if now < until => Step::Wait(Some(until)),
            Phase::Waiting { .. } => {
                self.phase = Phase::Connecting;
                Step::Connect
            }
            Phase::Connecting => Step::Wait(None),
            Phase::Online { since, from, next } => {
                let next = next.max(first);
                let (window, ready) = match first < self.alone_below {
                    true => (1, since + PROVEN_AFTER),
                    false => (self.limits.window, since),
                };
                if next >= end || next >= first + window {
                    return Step::Wait(None);
                }
                if now < ready {
                    return Step::Wait(Some(ready));
                }
                match self.pace.take(now) {
                    Ok(()) => {
                        self.phase = Phase::Online { since, from, next: next + 1 };
                        Step::Submit(next)
                    }
                    Err(ready) => Step::Wait(Some(ready)),
                }
            }
        }
    }

    /// The CONNACK came; the queue's first unacknowledged record is `first`.
    pub fn connected(&mut self, now: Duration, first: u64) {
        self.phase = Phase::Online { since: now, from: first, next: first };
    }

    /// The connection ended or did not come about. Returns how long to wait; `jitter` is between 0 and 1.
    pub fn lost(&mut self, now: Duration, jitter: f64) -> Duration {
        if self.stood(now).is_some_and(|stood| stood >= self.limits.stable_after) {
            self.losses = 0;
        }
        let base = self.limits.backoff_first.saturating_mul(1 << self.losses.min(16)).min(self.limits.backoff_most);
        let delay = base + base.mul_f64(jitter.clamp(0.0, 1.0) / 2.0);
        self.losses += 1;
        self.phase = Phase::Waiting { until: now + delay };
        delay
    }

    /// The broker closed the connection, and maybe because of a record; `first` is the oldest that is not acknowledged.
    /// Returns the numbers of those that were under way. On the next connections they go one at a time.
    pub fn denied(&mut self, first: u64) -> Range<u64> {
        let Phase::Online { next, .. } = self.phase else { return first..first };
        self.alone_below = self.alone_below.max(next);
        first..next.max(first)
    }

    /// The record that was to be submitted left the queue instead.
    pub fn left_out(&mut self) {
        self.pace.put_back();
    }

    /// What ended the last connections is found and put right: the next loss is the first one again.
    pub fn forgive(&mut self) {
        self.losses = 0;
    }

    /// The connection ended, or did not come about; `first` is the oldest record that is not acknowledged. Returns how
    /// many in a row were short and closed by the broker, when it is time to say that somebody else has the client id.
    pub fn contested(&mut self, now: Duration, first: u64, by_broker: bool) -> Option<u32> {
        let was_good = match self.phase {
            Phase::Online { from, next, .. } => from < first || next <= first,
            Phase::Waiting { .. } | Phase::Connecting => false,
        };
        self.contest.ended(Ended { stood: self.stood(now), by_broker, was_good }, self.limits.stable_after)
    }

    fn stood(&self, now: Duration) -> Option<Duration> {
        match self.phase {
            Phase::Online { since, .. } => Some(now.saturating_sub(since)),
            Phase::Waiting { .. } | Phase::Connecting => None,
        }
    }

    /// Whether there is no connection and none is being made.
    pub fn is_resting(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. })
    }

    /// Whether records can be submitted now.
    pub fn is_online(&self) -> bool {
        matches!(self.phase, Phase::Online { .. })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn online(limits: Limits) -> Session {
        let mut session = Session::new(limits);
        assert_eq!(session.step(Duration::ZERO, 0, 0), Step::Connect);
        session.connected(Duration::ZERO, 0);
        session
    }

    #[test]
    fn the_wait_doubles_from_1_to_32_seconds() {
        let mut session = Session::new(Limits::default());
        let waits: Vec<_> = (0..8).map(|_| session.lost(Duration::ZERO, 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 32, 32]);
    }

    #[test]
    fn jitter_only_adds() {
        let mut session = Session::new(Limits::default());
        assert_eq!(session.lost(Duration::ZERO, 1.0), Duration::from_millis(1500));
    }

    #[test]
    fn only_a_stable_connection_ends_the_back_off() {
        let mut session = online(Limits::default());
        assert_eq!(session.lost(secs(19), 0.0), secs(1));
        session.connected(secs(20), 0);
        assert_eq!(session.lost(secs(21), 0.0), secs(2), "kicked after a second: the back-off goes on");
        session.connected(secs(30), 0);
        assert_eq!(session.lost(secs(50), 0.0), secs(1), "20 s stable");
    }

    #[test]
    fn a_drain_of_2_is_a_message_each_half_second_after_however_long_a_silence() {
        let mut session = online(Limits::default().drained_at(2));
        let (mut now, mut sent) = (secs(60), Vec::new());
        while sent.len() < 4 {
            match session.step(now, 0, 9) {
                Step::Submit(_) => sent.push(now.as_millis()),
                Step::Wait(until) => now = until.unwrap(),
                Step::Connect => panic!("it is online"),
            }
        }
        assert_eq!(sent, [60_000, 60_500, 61_000, 61_500]);
    }

    #[test]
    fn nothing_is_submitted_before_the_connack() {
        let mut session = Session::new(Limits::default());
        assert_eq!(session.step(Duration::ZERO, 0, 5), Step::Connect);
        assert_eq!(session.step(Duration::ZERO, 0, 5), Step::Wait(None));
        session.connected(Duration::ZERO, 0);
        assert_eq!(session.step(Duration::ZERO, 0, 5), Step::Submit(0));
    }

    #[test]
    fn the_window_counts_positions_from_the_first_unacknowledged() {
        let mut session = online(Limits { window: 2, ..Limits::default() });
        assert_eq!(session.step(Duration::ZERO, 0, 9), Step::Submit(0));
        assert_eq!(session.step(Duration::ZERO, 0, 9), Step::Submit(1));
        assert_eq!(session.step(Duration::ZERO, 0, 9), Step::Wait(None), "1 may be acknowledged; 0 is not");
        assert_eq!(session.step(Duration::ZERO, 2, 9), Step::Submit(2));
    }

    #[test]
    fn after_a_loss_it_starts_again_at_the_first_unacknowledged() {
        let mut session = online(Limits::default());
        for wanted in 0..5 {
            assert_eq!(session.step(Duration::ZERO, 0, 5), Step::Submit(wanted));
        }
        session.lost(Duration::ZERO, 0.0);
        assert_eq!(session.step(Duration::ZERO, 3, 5), Step::Wait(Some(secs(1))));
        assert_eq!(session.step(secs(1), 3, 5), Step::Connect);
        session.connected(secs(1), 3);
        assert_eq!(session.step(secs(1), 3, 5), Step::Submit(3));
    }

    #[test]
    fn after_a_denial_records_go_alone_until_all_that_were_under_way_are_done() {
        let mut session = online(Limits::default());
        for wanted in 0..3 {
            assert_eq!(session.step(Duration::ZERO, 0, 9), Step::Submit(wanted));
        }
        assert_eq!(session.denied(1), 1..3);
        session.lost(Duration::ZERO, 0.0);
        session.connected(secs(1), 1);
        assert_eq!(session.step(secs(1), 1, 9), Step::Wait(Some(secs(2))), "first the connection must prove itself");
        assert_eq!(session.step(secs(2), 1, 9), Step::Submit(1));
        assert_eq!(session.step(secs(2), 1, 9), Step::Wait(None), "1 is alone");
        assert_eq!(session.denied(1), 1..2);
        assert_eq!(session.step(secs(2), 2, 9), Step::Submit(2));
        for wanted in 3..9 {
            assert_eq!(session.step(secs(2), 3, 9), Step::Submit(wanted), "all that were under way are done");
        }
    }

    #[test]
    fn a_connection_that_ends_before_it_proved_itself_is_no_denial_of_a_record() {
        let mut session = online(Limits::default());
        session.step(Duration::ZERO, 0, 9);
        session.denied(0);
        session.lost(Duration::ZERO, 0.0);
        session.connected(secs(1), 0);
        session.step(secs(1), 0, 9);
        assert!(session.denied(0).is_empty());
    }

    #[test]
    fn another_client_with_the_same_id_is_suspected_after_three_short_connections() {
        let mut session = online(Limits::default());
        let mut said = Vec::new();
        for first in 0..4 {
            session.step(secs(first), first, 9);
            said.push(session.contested(secs(first), first + 1, true));
            session.lost(secs(first), 0.0);
            session.connected(secs(first + 1), first + 1);
        }
        assert_eq!(said, [None, None, Some(3), None]);
    }

    #[test]
    fn a_record_that_is_denied_again_and_again_is_no_contest() {
        let mut session = online(Limits::default());
        for now in 0..9 {
            session.step(secs(now), 0, 1);
            session.step(secs(now) + PROVEN_AFTER, 0, 1);
            assert_eq!(session.contested(secs(now + 1), 0, true), None);
            session.denied(0);
            session.lost(secs(now), 0.0);
            session.connected(secs(now + 1), 0);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(7), ..ProptestConfig::default() })]
        /// A model of a broker that acknowledges some, kicks at times and refuses at times: in the end everything was
        /// submitted at least once, never more than a window ahead, and two connects were never less than 1 s apart.
        #[test]
        fn whatever_the_network_does_everything_goes_out_in_order(script in prop::collection::vec(0u8..10, 1..200)) {
            let limits = Limits { window: 7, ..Limits::default() };
            let (mut session, mut first, end) = (Session::new(limits), 0u64, 40u64);
            let (mut now, mut last_connect, mut newest) = (Duration::ZERO, None::<Duration>, 0u64);
            let mut script = script.into_iter().chain(std::iter::repeat(9));
            while first < end {
                match session.step(now, first, end) {
                    Step::Connect => {
                        prop_assert!(last_connect.is_none_or(|last| now - last >= secs(1)));
                        last_connect = Some(now);
                        if script.next() == Some(0) { session.lost(now, 0.5); } else { session.connected(now, first); }
                    }
                    Step::Submit(sequence) => {
                        prop_assert!((first..first + limits.window).contains(&sequence));
                        prop_assert!(sequence <= newest, "a record was skipped");
                        newest = newest.max(sequence + 1);
                        match script.next() {
                            Some(0) => { session.lost(now, 0.5); }
                            Some(1..=4) => {}
                            _ => first = sequence + 1,
                        }
                    }
                    Step::Wait(Some(until)) => now = until,
                    // Everything in the window is out: the acknowledgement comes, or the broker kicks.
                    Step::Wait(None) => { session.lost(now, 0.5); }
                }
            }
            prop_assert_eq!(newest, end);
        }
    }
}
