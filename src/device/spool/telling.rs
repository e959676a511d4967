//! What was lost is kept until the receiver has been told: in the books, then in a gap record, then acknowledged.

use std::time::Duration;

use super::super::loss::Reason;
use super::super::message::{self, Form};
use super::super::queue::{Accepted, Moment, Record};
use super::files::Files;
use super::{Spool, record};
use crate::config::spool::SyncPolicy;
use crate::topic::TopicName;

/// How long a gap waits after the disk refused to take its record.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl<F: Files> Spool<F> {
    /// Gives up a record that was never in the log. Its number is used up.
    pub(super) fn refuse(&mut self, topic: &TopicName, reason: Reason) -> Accepted {
        self.cursor.ledger.refuse(topic, reason);
        self.skip();
        self.save(self.settings.sync == SyncPolicy::Every);
        Accepted::Dropped(reason)
    }

    /// Uses up a number. With nothing waiting, the next one is the first.
    pub(super) fn skip(&mut self) {
        if self.cursor.first == self.cursor.next {
            self.cursor.first += 1;
        }
        self.cursor.next += 1;
    }

    /// Puts a gap record into the log, for the topic that lost most. One at a time for each topic: what it loses while
    /// that one waits comes into the next.
    pub(super) fn announce_losses(&mut self, form: Form, now: Moment) {
        let too_early = self.announce_after.is_some_and(|time| now.elapsed < time);
        let Some((topic, gap)) = self.cursor.ledger.owing().filter(|_| !too_early) else { return };
        let topic = topic.clone();
        let sequence = self.cursor.ledger.next(&topic).sequence;
        let record = Record { topic, payload: message::encode_gap(sequence, now.utc, gap, form) };
        match self.full(record::length(&record)) {
            Some(Reason::Bytes) => return,
            // Over the bound in readings by one gap record, and not by one for each topic.
            Some(_) if self.refusing || self.cursor.ledger.is_telling() => return,
            _ => {}
        }
        self.tell(record, now);
    }

    fn tell(&mut self, record: Record, now: Moment) {
        // In the books first: a gap record that is not in the log is known for it, one too many would not be.
        let topic = record.topic.clone();
        self.cursor.ledger.tell(&topic);
        self.announce_after = None;
        if self.save(true) && self.store(record, now).is_ok() {
            return;
        }
        self.cursor.ledger.tell_later(&topic);
        self.announce_after = Some(now.elapsed + RETRY_AFTER);
        if !self.save(true) {
            // A crash may bring back the books that have this number as the gap record's: no other may have it.
            self.cursor.ledger.skip(&topic);
            self.skip();
        }
    }
}
