//! What policy forbids is found out and set aside, so that what it allows goes on.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

use crate::device::dead_letters::{DeadLetters, Letter, Parked};
use crate::device::queue::{Queue, Record};
use crate::device::session::denials::Denials;
use crate::topic::TopicName;

/// What is known of denials, and where denied messages go.
pub(super) struct Parking {
    denials: Denials,
    letters: Option<DeadLetters>,
}

impl Parking {
    /// For a feeder that publishes to `topics`. Takes out of the queue what an earlier run set aside in `folder`.
    pub(super) fn new(
        topics: impl IntoIterator<Item = TopicName>,
        folder: Option<&Path>,
        queue: &mut impl Queue,
    ) -> Self {
        let letters = folder.map(DeadLetters::of);
        let denied = letters.as_ref().map_or_else(Vec::new, |letters| letters.settle(queue));
        Self { denials: Denials::new(topics, denied), letters }
    }

    /// Whether a record is worth a try at `now`.
    pub(super) fn lets_pass(&self, record: &Record, now: Duration) -> bool {
        self.denials.lets_pass(&record.topic, now)
    }

    /// A record was acknowledged.
    pub(super) fn acknowledged(&mut self, record: &Record) {
        self.denials.acknowledged(&record.topic);
    }

    /// The connection was closed with these records under way. Returns how often the oldest was denied, if it is to be
    /// set aside.
    pub(super) fn denied(&mut self, queue: &mut impl Queue, under_way: &Range<u64>, now: Duration) -> Option<u32> {
        let number = under_way.start;
        let record = queue.get(number).filter(|_| under_way.end == number + 1)?;
        self.denials.denied(now, number, &record.topic)
    }

    /// Whether somebody waits behind what is set aside.
    pub(super) fn has_neighbours(&self) -> bool {
        self.denials.has_neighbours()
    }

    /// Writes a record to the dead letters, if there are any; `None` if the disk refused.
    pub(super) fn park<'a>(
        &mut self,
        record: &'a Record,
        number: u64,
        tries: u32,
        at: OffsetDateTime,
    ) -> Option<Parked<'a>> {
        let Some(letters) = &mut self.letters else { return Some(Parked { record, tries, file: None, gone: 0 }) };
        match letters.park(Letter { record, number, tries, at }) {
            Ok(gone) => Some(Parked { record, tries, file: Some(letters.path()), gone }),
            Err(error) => {
                tracing::warn!("a message that policy forbids cannot be set aside and is tried on: {error}");
                None
            }
        }
    }
}
