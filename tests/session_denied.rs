//! Session, queue and denials without a network: a broker that forbids topics and throws connections out. What policy
//! allows arrives, what it forbids is set aside once, and both in bounded time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

use std::time::Duration;

use iotctl::device::queue::{MemoryQueue, Moment, Queue, Record};
use iotctl::device::session::denials::Denials;
use iotctl::device::session::{Limits, Session, Step};
use iotctl::topic::TopicName;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const RECORDS: u64 = 300;

fn topic(number: u8) -> TopicName {
    format!("topic/{number}").parse().unwrap()
}

/// A feeder without its network.
struct Feeder {
    queue: MemoryQueue,
    session: Session,
    denials: Denials,
    now: Duration,
    under_way: Vec<u64>,
    arrived: Vec<u64>,
    parked: Vec<u64>,
}

impl Feeder {
    fn new(topics: &[u8]) -> Self {
        let mut queue = MemoryQueue::default();
        let start = Moment { elapsed: Duration::ZERO, utc: time::OffsetDateTime::UNIX_EPOCH };
        for number in topics {
            queue.accept(Record { topic: topic(*number), payload: Vec::new() }, start);
        }
        let denials = Denials::new(topics.iter().map(|number| topic(*number)), []);
        let session = Session::new(Limits::default());
        let (under_way, arrived, parked) = Default::default();
        Self { queue, session, denials, now: Duration::ZERO, under_way, arrived, parked }
    }

    fn park(&mut self, number: u64) {
        self.parked.push(number);
        self.queue.acknowledge(number);
    }

    /// The connection ends; `is_denial` if the broker closed it with records under way.
    fn lost(&mut self, is_denial: bool) {
        let first = self.queue.first();
        let under_way = if is_denial { self.session.denied(first) } else { first..first };
        let lone = (under_way.end == first + 1).then(|| self.queue.get(first).unwrap().topic.clone());
        let convicted = lone.and_then(|topic| self.denials.denied(self.now, first, &topic)).is_some();
        if convicted && self.denials.has_neighbours() {
            self.session.forgive();
        }
        self.session.lost(self.now, 0.5);
        if convicted {
            self.park(first);
        }
    }

    fn submit(&mut self, number: u64) {
        let topic = self.queue.get(number).map(|record| record.topic.clone());
        match topic.map(|topic| self.denials.lets_pass(&topic, self.now)) {
            Some(true) => return self.under_way.push(number),
            Some(false) => self.park(number),
            None => {}
        }
        self.session.left_out();
    }

    /// The broker answers what is under way, in its order: up to one for a topic that is forbidden, or up to `left`
    /// acknowledgements, after which the line breaks.
    fn answered(&mut self, forbidden: &[TopicName], left: &mut usize) {
        for number in std::mem::take(&mut self.under_way) {
            let topic = self.queue.get(number).unwrap().topic.clone();
            if forbidden.contains(&topic) {
                return self.lost(true);
            }
            self.denials.acknowledged(&topic);
            self.arrived.push(number);
            self.queue.acknowledge(number);
            *left -= 1;
            if *left == 0 {
                return self.lost(false);
            }
        }
    }

    /// Runs until the queue is empty. `breaks` says for each connection after how many acknowledgements it breaks.
    fn run(&mut self, forbidden: &[u8], breaks: &mut impl Iterator<Item = usize>) {
        let forbidden: Vec<_> = forbidden.iter().map(|number| topic(*number)).collect();
        let mut left = 0;
        while self.queue.waiting() > 0 {
            match self.session.step(self.now, self.queue.first(), self.queue.end()) {
                Step::Connect => {
                    left = breaks.next().unwrap_or(usize::MAX);
                    self.session.connected(self.now, self.queue.first());
                }
                Step::Submit(number) => self.submit(number),
                Step::Wait(_) if !self.under_way.is_empty() => self.answered(&forbidden, &mut left),
                Step::Wait(until) => self.now = until.expect("it waits for nothing while records wait"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]
    #[test]
    fn what_is_allowed_arrives_and_what_is_forbidden_is_set_aside_once(
        topics in prop::collection::vec(0u8..6, RECORDS as usize),
        forbidden in prop::collection::btree_set(0u8..6, 0..5),
        breaks in prop::collection::vec(1usize..40, 0..20),
    ) {
        let forbidden: Vec<_> = forbidden.into_iter().collect();
        let broken = breaks.len();
        let mut feeder = Feeder::new(&topics);
        feeder.run(&forbidden, &mut breaks.into_iter());
        let of = |is: bool| {
            let numbers = topics.iter().enumerate().filter(|(_, topic)| forbidden.contains(topic) == is);
            numbers.map(|(number, _)| number as u64).collect::<Vec<_>>()
        };
        prop_assert_eq!(&feeder.arrived, &of(false), "in order, each once");
        feeder.parked.sort_unstable();
        prop_assert_eq!(&feeder.parked, &of(true));
        // Four connections and their waits for a topic, 32 s and a half for each line that broke, 50 records a second.
        let most = forbidden.len() as u64 * 30 + broken as u64 * 48 + RECORDS / 50 + 60;
        prop_assert!(feeder.now < Duration::from_secs(most), "{:?} of {most} s", feeder.now);
    }
}

#[test]
fn a_feeder_that_may_publish_nowhere_does_not_empty_its_queue_into_the_dead_letters() {
    let mut feeder = Feeder::new(&[0; RECORDS as usize]);
    let hour = Duration::from_secs(3600);
    while feeder.now < hour {
        match feeder.session.step(feeder.now, feeder.queue.first(), feeder.queue.end()) {
            Step::Connect => feeder.session.connected(feeder.now, feeder.queue.first()),
            Step::Submit(number) => {
                assert!(feeder.denials.lets_pass(&feeder.queue.get(number).unwrap().topic, feeder.now));
                feeder.lost(true);
            }
            Step::Wait(until) => feeder.now = until.unwrap(),
        }
    }
    assert!((20..40).contains(&feeder.parked.len()), "{} in an hour", feeder.parked.len());
}
