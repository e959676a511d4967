//! What was lost is kept until the receiver has been told: in the cursor, then in a gap record, then acknowledged.

use std::time::Duration;

use super::super::loss::{Gap, Reason};
use super::super::message;
use super::super::queue::{Accepted, Moment, Record};
use super::files::Files;
use super::{Spool, record};
use crate::config::spool::SyncPolicy;
use crate::topic::TopicName;

/// How long a gap waits after the disk refused to take its record.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl<F: Files> Spool<F> {
    /// Notes that `first..=last` are lost. A gap record among them is no reading, and its gap is to be told again.
    pub(super) fn lose(&mut self, first: u64, last: u64, reason: Reason) {
        let announcement = self.cursor.announced.take_if(|(sequence, _)| (first..=last).contains(sequence));
        let mut gap = Gap::default();
        gap.add(first, last, reason);
        if let Some((sequence, before)) = announcement {
            gap.take_out(sequence, reason);
            self.cursor.pending.merge(&before);
        }
        self.cursor.losses.add(reason, gap.losses.total());
        self.cursor.pending.merge(&gap);
        self.behind = true;
    }

    /// Gives up a record that was never in the log. Its number is used up.
    pub(super) fn refuse(&mut self, reason: Reason) -> Accepted {
        let sequence = self.cursor.next;
        self.lose(sequence, sequence, reason);
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

    /// Puts a gap record into the log. One at a time: what is lost while a gap record waits comes into the next one.
    pub(super) fn announce_losses(&mut self, topic: &TopicName, now: Moment) {
        let gap = self.cursor.pending;
        let too_early = self.announce_after.is_some_and(|time| now.elapsed < time);
        if gap.is_empty() || self.cursor.announced.is_some() || too_early {
            return;
        }
        let sequence = self.cursor.next;
        let record = Record { topic: topic.clone(), payload: message::encode_gap(sequence, now.utc, &gap) };
        match self.full(record::length(&record)) {
            Some(Reason::Bytes) => return,
            Some(_) if self.refusing => return,
            _ => {}
        }
        // In the cursor first: a gap record that is not in the log is known for it, one too many would not be.
        self.cursor.announced = Some((sequence, gap));
        self.cursor.pending = Gap::default();
        self.announce_after = None;
        if !self.save(true) || self.store(record, now).is_err() {
            self.cursor.announced = None;
            self.cursor.pending.merge(&gap);
            self.announce_after = Some(now.elapsed + RETRY_AFTER);
            if !self.save(true) {
                // A crash may bring back the cursor that has this number as the gap record's: no other may have it.
                self.skip();
            }
        }
    }

    /// The gap record should have come before `sequence`: if it did not, it never was in the log.
    pub(super) fn miss_announcement(&mut self, sequence: u64) {
        let window = &self.window;
        let missed = |(told, _): &mut (u64, Gap)| *told < sequence && window.get(*told).is_none();
        if let Some((_, gap)) = self.cursor.announced.take_if(missed) {
            self.cursor.pending.merge(&gap);
        }
    }
}
