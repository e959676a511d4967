//! What has come in and is not in the queue yet: the queue may have no room, and a sample can be many messages.

use std::collections::VecDeque;

use crate::device::clock::Clock;
use crate::device::message::{self, Form};
use crate::device::queue::{Accepted, Moment, Queue, Record};
use crate::device::stream::Publication;
use crate::topic::TopicName;

/// Messages before they have a number.
#[derive(Debug, Default)]
pub(super) struct WaitingRoom {
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
enum Waiting {
    Measured(Publication),
    Finished(TopicName, Vec<u8>),
}

impl WaitingRoom {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn publications(&mut self, publications: Vec<Publication>) {
        self.waiting.extend(publications.into_iter().map(Waiting::Measured));
    }

    pub(super) fn payload(&mut self, topic: TopicName, payload: Vec<u8>) {
        self.waiting.push_back(Waiting::Finished(topic, payload));
    }

    /// Gives the queue what it takes. The number of a message is known only then, and its time if the clock has stepped.
    pub(super) fn hand_over(&mut self, queue: &mut impl Queue, form: Form, now: Moment, clock: &Clock) {
        while let Some(next) = self.waiting.front_mut() {
            let record = match next {
                Waiting::Finished(topic, payload) => Record { topic: topic.clone(), payload: payload.clone() },
                Waiting::Measured(Publication { topic, measurement }) => {
                    if measurement.taken_at.unsynced.is_some() {
                        measurement.taken_at = measurement.taken_at.settled(clock.now());
                    }
                    let payload = message::encode(queue.next(topic), measurement, form);
                    Record { topic: topic.clone(), payload }
                }
            };
            if queue.accept(record, now) == Accepted::Full {
                return;
            }
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::time::{Duration, Instant};

    use time::OffsetDateTime;
    use time::macros::datetime;

    use super::*;
    use crate::device::clock::Now;
    use crate::device::message::Measurement;
    use crate::device::queue::MemoryQueue;
    use crate::device::source::reading::TEMPERATURE;

    /// A machine that began in 1970, and the hands of its clocks: seconds since the start, and whether the wall knows.
    fn machine() -> (Clock, Arc<(AtomicU64, AtomicBool)>) {
        let hands = Arc::new((AtomicU64::new(0), AtomicBool::new(false)));
        let (start, of_clock) = (Instant::now(), hands.clone());
        let clock = Clock::new(move || {
            let passed = Duration::from_secs(of_clock.0.load(Ordering::SeqCst));
            let is_right = of_clock.1.load(Ordering::SeqCst);
            let zero = if is_right { datetime!(2026-11-25 12:00 UTC) } else { OffsetDateTime::UNIX_EPOCH };
            Now { utc: zero + passed, instant: start + passed, is_right }
        });
        (clock, hands)
    }

    fn measured(clock: &Clock) -> Publication {
        let (quantity, origin) = (TEMPERATURE, "x".into());
        let taken_at = clock.now().into();
        let measurement = Measurement { taken_at, quantity, origin, value: Some(1.0), spread: None };
        Publication { topic: "t".parse().unwrap(), measurement }
    }

    #[test]
    fn what_waits_when_the_clock_steps_is_dated_anew_and_what_is_in_the_queue_stays() {
        let (clock, hands) = machine();
        let (mut room, mut queue) = (WaitingRoom::default(), MemoryQueue::default());
        let now = Moment { elapsed: Duration::ZERO, utc: clock.now().utc };
        room.publications(vec![measured(&clock)]);
        room.hand_over(&mut queue, Form::default(), now, &clock);
        hands.0.store(10, Ordering::SeqCst);
        room.publications(vec![measured(&clock)]);
        hands.0.store(25, Ordering::SeqCst);
        hands.1.store(true, Ordering::SeqCst);
        room.hand_over(&mut queue, Form::default(), now, &clock);
        let mut text = |number| String::from_utf8(queue.get(number).unwrap().payload.clone()).unwrap();
        let (queued, waited) = (text(0), text(1));
        assert!(queued.contains(r#""timestamp_utc":"1970-01-01T00:00:00.000000Z""#), "{queued}");
        assert!(queued.ends_with(r#""ts_quality":"unsynced"}"#), "{queued}");
        assert!(waited.contains(r#""timestamp_utc":"2026-11-25T12:00:10.000000Z""#), "{waited}");
        assert!(!waited.contains("ts_quality"), "{waited}");
    }
}
