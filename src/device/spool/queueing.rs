//! The spool as the feeder's queue.

use std::io::ErrorKind;
use std::time::Duration;

use super::super::loss::{Losses, Reason};
use super::super::message::Form;
use super::super::queue::{Accepted, Moment, Queue, Record};
use super::cursor::Cursor;
use super::files::Files;
use super::{Spool, record, segment};
use crate::config::spool::{SyncPolicy, WhenFull};
use crate::mqtt::MAX_PAYLOAD;
use crate::topic::TopicName;

/// Acknowledgements that the cursor may be behind by, if readings are synced one by one: so many duplicates does its
/// loss cost. In groups there are as many as come in [`SAVE_AFTER`]: two syncs for 64 of them would be most of the work.
const UNSAVED: usize = 64;
/// How long the cursor may be behind.
const SAVE_AFTER: Duration = Duration::from_secs(1);

impl<F: Files> Queue for Spool<F> {
    fn end(&self) -> u64 {
        self.cursor.next
    }

    fn first(&self) -> u64 {
        self.cursor.first
    }

    fn next(&self, topic: &TopicName) -> u64 {
        self.cursor.ledger.next(topic).sequence
    }

    fn accept(&mut self, record: Record, now: Moment) -> Accepted {
        self.expire(now);
        let length = record::length(&record);
        if record.payload.len() > MAX_PAYLOAD || segment::HEADER + length > self.log.size {
            return self.refuse(&record.topic, Reason::TooLong);
        }
        if let Some(reason) = self.full(length) {
            match self.settings.when_full {
                WhenFull::Block => return Accepted::Full,
                WhenFull::DropNewest => {
                    self.refusing = true;
                    return self.refuse(&record.topic, reason);
                }
                WhenFull::DropOldest => self.make_room(reason, length),
            }
        }
        self.refusing = false;
        let topic = record.topic.clone();
        match self.store(record, now) {
            Ok(()) => Accepted::Kept,
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                self.refuse(&topic, Reason::DiskFull)
            }
            Err(error) => {
                tracing::warn!("the spool does not take a reading: {error}");
                self.refuse(&topic, Reason::DiskError)
            }
        }
    }

    fn get(&mut self, sequence: u64) -> Option<&Record> {
        while !self.window.reaches(sequence) && self.fill(self.window.len() + 1) {}
        self.window.get(sequence).filter(|entry| !entry.acknowledged).map(|entry| &entry.record)
    }

    fn acknowledge(&mut self, sequence: u64) {
        let Self { window, cursor, .. } = self;
        let told = window.get(sequence).is_some_and(|entry| cursor.ledger.received(&entry.record.topic, entry.stamp));
        window.acknowledge(sequence);
        self.find_first();
        if told || (self.unsaved >= UNSAVED && self.settings.sync == SyncPolicy::Every) {
            self.save(true);
        }
        self.give_back();
    }

    /// A gap that is not announced is owed too, unless the disk does not take its record.
    fn waiting(&self) -> u64 {
        let Cursor { first, next, ledger, .. } = &self.cursor;
        let owed = if self.announce_after.is_none() { ledger.owed() } else { 0 };
        next - first + owed
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn losses(&self) -> Losses {
        self.cursor.ledger.losses
    }

    fn announce(&mut self, form: Form, now: Moment) {
        self.announce_losses(form, now);
    }

    fn tend(&mut self, now: Moment) -> Option<Duration> {
        self.expire(now);
        let mut due = None;
        if let (SyncPolicy::Grouped(time), Some(since)) = (self.settings.sync, self.unconfirmed_since) {
            due = Some(since + time).filter(|due| now.elapsed < *due);
            if due.is_none() {
                self.sync();
            }
        }
        if self.behind && now.elapsed >= self.saved_at + SAVE_AFTER {
            self.saved_at = now.elapsed;
            self.save(self.unsaved >= UNSAVED);
        }
        let save = self.behind.then_some(self.saved_at + SAVE_AFTER);
        due.into_iter().chain(save).min()
    }

    fn close(&mut self) {
        self.save(true);
    }
}
