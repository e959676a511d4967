//! What waits to be acknowledged: the seam between the feeder and its queue, on the disk (`spool`) or in memory.
//!
//! A record is accepted, gets the next sequence number, and stays until its acknowledgement. Acknowledgements may
//! come out of order; records leave from the front only, so "the first unacknowledged" is one number.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use time::OffsetDateTime;

use super::loss::{Losses, Reason};
use super::message::Form;
use crate::topic::TopicName;

/// A message that waits to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Where to.
    pub topic: TopicName,
    /// What.
    pub payload: Vec<u8>,
}

/// A point in time, on both clocks: waits are measured by the one that never jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since the start of the feeder.
    pub elapsed: Duration,
    /// What the clock on the wall says, which may be set at any time.
    pub utc: OffsetDateTime,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is the queue's to keep.
    Kept,
    /// It is lost, its number is used up, and the receiver will be told.
    Dropped(Reason),
    /// There is no room: offer it again when some records are acknowledged.
    Full,
}

/// A queue of records under rising sequence numbers. Numbers may be left out.
pub trait Queue {
    /// The number that the next accepted record gets.
    fn end(&self) -> u64;

    /// The sequence that the next message for `topic` carries: each topic has its own, so that whoever listens to one
    /// sees what is missing.
    fn next(&self, topic: &TopicName) -> u64;

    /// The number of the oldest record that is not acknowledged; [`Queue::end`] if there is none.
    fn first(&self) -> u64;

    /// Takes a record, or says why not.
    fn accept(&mut self, record: Record, now: Moment) -> Accepted;

    /// The record of a number between [`Queue::first`] and [`Queue::end`]; `None` if that number was left out, or
    /// is acknowledged and waits only for those before it.
    fn get(&mut self, sequence: u64) -> Option<&Record>;

    /// Forgets a record; numbers that are gone already are no error, because QoS 1 may acknowledge twice.
    fn acknowledge(&mut self, sequence: u64);

    /// How many records wait.
    fn waiting(&self) -> u64 {
        self.end() - self.first()
    }

    /// Whether what waits survives the process.
    fn is_durable(&self) -> bool {
        false
    }

    /// What was lost so far.
    fn losses(&self) -> Losses {
        Losses::default()
    }

    /// The line stands: queues a record that tells the receivers of a topic what they lost, if anything was, written in
    /// the form of the feeder's messages.
    fn announce(&mut self, _form: Form, _now: Moment) {}

    /// Does what is due; returns when something is due again.
    fn tend(&mut self, _now: Moment) -> Option<Duration> {
        None
    }

    /// The feeder ends: makes everything safe.
    fn close(&mut self) {}
}

/// A queue that dies with the process. Endless, as the tutorial's `configureOfflinePublishQueueing(-1)`.
#[derive(Debug, Default)]
pub struct MemoryQueue {
    first: u64,
    records: VecDeque<Entry>,
    sequences: HashMap<TopicName, u64>,
}

#[derive(Debug)]
struct Entry {
    record: Record,
    acknowledged: bool,
}

impl MemoryQueue {
    /// The place of a record in the deque.
    fn index(&self, sequence: u64) -> Option<usize> {
        usize::try_from(sequence.checked_sub(self.first)?).ok().filter(|index| *index < self.records.len())
    }
}

impl Queue for MemoryQueue {
    fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    fn first(&self) -> u64 {
        self.first
    }

    fn next(&self, topic: &TopicName) -> u64 {
        self.sequences.get(topic).copied().unwrap_or(0)
    }

    fn accept(&mut self, record: Record, _now: Moment) -> Accepted {
        *self.sequences.entry(record.topic.clone()).or_default() += 1;
        self.records.push_back(Entry { record, acknowledged: false });
        Accepted::Kept
    }

    fn get(&mut self, sequence: u64) -> Option<&Record> {
        self.records.get(self.index(sequence)?).filter(|entry| !entry.acknowledged).map(|entry| &entry.record)
    }

    fn acknowledge(&mut self, sequence: u64) {
        if let Some(entry) = self.index(sequence).and_then(|index| self.records.get_mut(index)) {
            entry.acknowledged = true;
        }
        while self.records.front().is_some_and(|entry| entry.acknowledged) {
            self.records.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment { elapsed: Duration::ZERO, utc: OffsetDateTime::UNIX_EPOCH };

    fn queue(records: u8) -> MemoryQueue {
        let mut queue = MemoryQueue::default();
        for number in 0..records {
            queue.accept(Record { topic: "t".parse().unwrap(), payload: vec![number] }, NOW);
        }
        queue
    }

    #[test]
    fn records_leave_in_order_whatever_order_they_are_acknowledged_in() {
        let mut queue = queue(3);
        queue.acknowledge(1);
        assert_eq!((queue.first(), queue.waiting()), (0, 3));
        assert_eq!(queue.get(1), None, "after a loss it is not sent again");
        queue.acknowledge(0);
        assert_eq!((queue.first(), queue.waiting()), (2, 1));
        assert_eq!(queue.get(2).unwrap().payload, [2]);
    }

    #[test]
    fn an_acknowledgement_that_comes_twice_or_from_the_future_changes_nothing() {
        let mut queue = queue(2);
        queue.acknowledge(0);
        queue.acknowledge(0);
        queue.acknowledge(9);
        assert_eq!((queue.first(), queue.end()), (1, 2));
        assert_eq!(queue.get(0), None);
    }

    #[test]
    fn numbers_go_on_after_the_queue_ran_empty() {
        let mut queue = queue(1);
        queue.acknowledge(0);
        queue.accept(Record { topic: "t".parse().unwrap(), payload: vec![] }, NOW);
        assert_eq!((queue.first(), queue.end()), (1, 2));
    }
}
