//! What has come in and is not in the queue yet: the queue may have no room, and a sample can be many messages.

use std::collections::VecDeque;

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

    /// Gives the queue what it takes. The number of a message is known only then.
    pub(super) fn hand_over(&mut self, queue: &mut impl Queue, form: Form, now: Moment) {
        while let Some(next) = self.waiting.front() {
            let record = match next {
                Waiting::Finished(topic, payload) => Record { topic: topic.clone(), payload: payload.clone() },
                Waiting::Measured(Publication { topic, measurement }) => {
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
