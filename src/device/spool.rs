//! The spool: a queue on the disk. A reading is accepted when it is in the log, and forgotten when it is acknowledged.
//!
//! # Files, format version 1
//!
//! ```text
//! spool/
//!   00000000000000000000.log   segments of 1 MiB, by the first number that they can hold
//!   00000000000000004711.log   the newest one is written to
//!   spare                      a used-up segment, or zeros: the next one is made of it
//!   cursor                     how far it is acknowledged, what was lost (`cursor`)
//!   *.damaged                  segments that could not be read whole, the last eight of them
//!
//! segment  magic "IOTSPOOL" | version u32 | CRC-32 of version, epoch, base | epoch u64 | base u64 | record ...
//! record   length u32 | CRC-32 of length, number, body | number u64 | body      16 bytes and the body
//! body     accepted at, milliseconds since 1970, i64 | length of topic u16 | topic | message
//! end      16 zero bytes, where there is room for them
//! ```
//!
//! Numbers are little-endian. Segments are whole files of zeros before anything is written to them, so that a write
//! changes blocks and neither size nor extents. Numbers rise within a segment, from its base on: what a recycled file
//! still holds behind the end has lower ones. Base follows on the last number of the segment before, so a number that is
//! missing at a seam was lost; one that is missing between two records was never given to a record.
//!
//! # Rules
//!
//! Data is safe before the cursor, and the cursor before a file is given back. The epoch, a random number made with the
//! spool, stands in every file, and a file of another one is put aside. It is not in the message, whose six keys are
//! the tutorial's: a receiver tells the lives of a spool apart by `timestamp_utc`.
//! A file whose sync failed is not trusted again (`log`). Damaged bytes cost the records that they hit (`record`).
//! Lost numbers are kept in the cursor until one record in the log tells of them all, and that record is acknowledged.

use std::io::ErrorKind;
use std::time::Duration;

use super::loss::{Gap, Losses, Reason};
use super::message;
use super::queue::{Accepted, Moment, Queue, Record};
use crate::config::spool::{SpoolSettings, SyncPolicy, WhenFull};
use crate::mqtt::MAX_PAYLOAD;
use crate::topic::TopicName;

mod cursor;
pub mod files;
mod log;
mod reader;
mod record;
mod recovery;
mod segment;
mod window;

use cursor::{Cursor, CursorFile};
use files::Files;
use log::Log;
use reader::{Next, Reader};
use recovery::Recovered;
use window::Window;

/// Size of a segment in bytes.
pub const SEGMENT_BYTES: usize = 1 << 20;
/// Records that are read from the log ahead of their turn; more than a session has under way.
const AHEAD: usize = 128;
/// Acknowledgements that the cursor may be behind by: so many duplicates does its loss cost.
const UNSAVED: usize = 64;
/// How long the cursor may be behind.
const SAVE_AFTER: Duration = Duration::from_secs(1);
/// How long a gap waits after the disk refused to take its record.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// 2020 in milliseconds since 1970. A clock that says less has not been set, and what it dated has no age.
const CLOCK_IS_SET: i64 = 1_577_836_800_000;

/// A queue on the disk.
#[derive(Debug)]
pub struct Spool<F: Files> {
    settings: SpoolSettings,
    log: Log<F>,
    reader: Reader,
    window: Window,
    cursor_file: CursorFile<F::File>,
    /// The truth that the file follows.
    cursor: Cursor,
    /// Acknowledged since the cursor was last on the medium.
    unsaved: usize,
    /// Whether the file is behind, and since when it is not.
    behind: bool,
    saved_at: Duration,
    /// Since when something is written and not synced.
    unconfirmed_since: Option<Duration>,
    /// New records are refused until the queue has become shorter by an eighth: else a line that is too slow would
    /// carry more gap records than readings.
    refusing: bool,
    /// No gap record before this; the disk did not take the last one.
    announce_after: Option<Duration>,
}

/// How a spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Which life of the spool this is.
    pub epoch: u64,
    /// The oldest number that is not acknowledged.
    pub first: u64,
    /// The number that the next record gets.
    pub end: u64,
    /// Segments in the log, the spare apart.
    pub segments: usize,
    /// Lost since the epoch began.
    pub losses: Losses,
}

impl<F: Files> Spool<F> {
    /// Opens the spool in a folder, whatever that holds; `epoch` is for one that is new, and random.
    pub fn open(files: F, settings: SpoolSettings, epoch: u64) -> Self {
        Self::with_segments(files, settings, epoch, SEGMENT_BYTES)
    }

    /// The same, with segments of another size: what a MiB hides shows in a few hundred bytes.
    pub fn with_segments(files: F, settings: SpoolSettings, epoch: u64, bytes: usize) -> Self {
        let Recovered { mut log, cursor_file, cursor, missing } = recovery::recover(files, bytes, epoch);
        let ready = if log.position().is_none() { log.rotate() } else { Ok(()) };
        let reader = Reader::new(&log, cursor.first);
        let mut spool = Self {
            settings,
            log,
            reader,
            window: Window::default(),
            cursor_file,
            cursor,
            unsaved: 0,
            behind: false,
            saved_at: Duration::ZERO,
            unconfirmed_since: None,
            refusing: false,
            announce_after: None,
        };
        if let Some((first, end)) = missing {
            spool.lose(first, end - 1, Reason::Damage);
        }
        spool.find_first();
        spool.prepare(ready);
        spool
    }

    /// Takes the room on the disk early, and says so if there is none.
    fn prepare(&mut self, ready: std::io::Result<()>) {
        let room = self.log.segments.len() < self.most_segments();
        let spare = ready.and_then(|()| if room { self.log.lay_in_spare() } else { Ok(()) });
        if let Err(error) = spare {
            tracing::warn!("the spool has not all the room that it needs: {error}");
        }
        self.save(true);
        self.give_back();
    }

    /// How it is.
    pub fn stat(&self) -> Stat {
        let Cursor { epoch, first, next, losses, .. } = self.cursor;
        Stat { epoch, first, end: next, segments: self.log.segments.len(), losses }
    }

    fn most_segments(&self) -> usize {
        usize::try_from(self.settings.max_bytes).unwrap_or(usize::MAX).div_euclid(self.log.size).max(2)
    }

    /// Which bound a record of `length` bytes would break.
    fn full(&self, length: usize) -> Option<Reason> {
        if self.log.needs_segment(length) && self.log.segments.len() >= self.most_segments() {
            return Some(Reason::Bytes);
        }
        let most = self.settings.max_count?;
        let most = if self.refusing { most - most / 8 } else { most };
        (self.cursor.next - self.cursor.first >= most).then_some(Reason::Count)
    }

    /// Drops what is oldest until a record of `length` bytes fits.
    fn make_room(&mut self, reason: Reason, length: usize) {
        match reason {
            Reason::Count => {
                let least =
                    self.cursor.next + 1 - self.settings.max_count.unwrap_or(u64::MAX).min(self.cursor.next + 1);
                self.drop_front(reason, |entry| entry.sequence < least);
            }
            _ => {
                let oldest = self.log.segments.front().and_then(|segment| segment.limit).unwrap_or(0);
                self.drop_front(reason, |entry| entry.sequence < oldest);
            }
        }
        if self.full(length).is_some() {
            tracing::warn!("the spool cannot give back old segments");
        }
    }

    /// Drops what waits for longer than it may.
    fn expire(&mut self, now: Moment) {
        let Some(age) = self.settings.max_age else { return };
        let oldest = record::millis(now.utc).saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        if oldest > CLOCK_IS_SET {
            self.drop_front(Reason::Age, |entry| (CLOCK_IS_SET..oldest).contains(&entry.at));
        }
    }

    /// Drops records from the front as long as they are `old`.
    fn drop_front(&mut self, reason: Reason, old: impl Fn(&window::Entry) -> bool) {
        let mut dropped = false;
        while self.fill(1) && self.window.front().is_some_and(&old) {
            if let Some(entry) = self.window.pop().filter(|entry| !entry.acknowledged) {
                self.lose(entry.sequence, entry.sequence, reason);
            }
            dropped = true;
        }
        if dropped {
            self.find_first();
            self.save(false);
            self.give_back();
        }
    }

    /// Notes that `first..=last` are lost. A gap record among them is no reading, and its gap is to be told again.
    fn lose(&mut self, first: u64, last: u64, reason: Reason) {
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
    fn refuse(&mut self, reason: Reason) -> Accepted {
        let sequence = self.cursor.next;
        self.lose(sequence, sequence, reason);
        self.skip();
        self.save(self.settings.sync == SyncPolicy::Every);
        Accepted::Dropped(reason)
    }

    /// Uses up a number. With nothing waiting, the next one is the first.
    fn skip(&mut self) {
        if self.cursor.first == self.cursor.next {
            self.cursor.first += 1;
        }
        self.cursor.next += 1;
    }

    /// Writes a record to the log under the next number.
    fn store(&mut self, record: Record, now: Moment) -> std::io::Result<()> {
        let sequence = self.cursor.next;
        let at_end = self.reader.is_at_end(&self.log) && self.window.len() < AHEAD;
        let mut outcome = self.log.append(sequence, record::encode(sequence, now.utc, &record));
        if outcome.is_ok() && self.settings.sync == SyncPolicy::Every {
            outcome = self.log.sync();
        }
        self.count_lost(sequence);
        outcome?;
        self.cursor.next += 1;
        if at_end {
            self.reader.pass(&self.log, sequence);
            self.window.push(sequence, record::millis(now.utc), record);
        }
        if self.log.is_unconfirmed() {
            self.unconfirmed_since.get_or_insert(now.elapsed);
        }
        Ok(())
    }

    /// Counts what the log has lost on a disk that fails; `but` is counted by whoever wrote it just now.
    fn count_lost(&mut self, but: u64) {
        let mut lost = self.log.take_lost();
        lost.retain(|sequence| *sequence != but && *sequence >= self.cursor.first);
        for sequence in &lost {
            if self.window.remove(*sequence).is_none_or(|entry| !entry.acknowledged) {
                self.lose(*sequence, *sequence, Reason::DiskError);
            }
        }
        if !lost.is_empty() {
            self.find_first();
            self.save(false);
        }
    }

    /// Reads ahead until `most` records are in the window; whether so many are.
    fn fill(&mut self, most: usize) -> bool {
        while self.window.len() < most {
            match self.reader.next(&mut self.log) {
                Next::Record(sequence, at, record) => {
                    self.miss_announcement(sequence);
                    self.window.push(sequence, at, record);
                }
                Next::Lost { first, last } => self.lose(first, last, Reason::Damage),
                Next::Nothing => return false,
            }
        }
        true
    }

    /// The gap record should have come before `sequence`: if it did not, it never was in the log.
    fn miss_announcement(&mut self, sequence: u64) {
        let window = &self.window;
        let missed = |(told, _): &mut (u64, Gap)| *told < sequence && window.get(*told).is_none();
        if let Some((_, gap)) = self.cursor.announced.take_if(missed) {
            self.cursor.pending.merge(&gap);
        }
    }

    fn find_first(&mut self) {
        self.fill(1);
        self.cursor.first = self.window.front().map_or(self.cursor.next, |entry| entry.sequence);
    }

    /// Writes the cursor, and with `sync` makes it safe, after the data that it speaks of. Whether that worked.
    fn save(&mut self, sync: bool) -> bool {
        let data = if sync { self.sync() } else { true };
        self.cursor.tail = self.log.tail;
        let saved = self.cursor_file.save(&self.log.files, &self.cursor, sync);
        if let Err(error) = &saved {
            tracing::warn!("cannot write the cursor of the spool: {error}");
        }
        self.behind = saved.is_err();
        self.unsaved = if sync { 0 } else { self.unsaved };
        data && saved.is_ok()
    }

    fn sync(&mut self) -> bool {
        self.unconfirmed_since = None;
        let synced = self.log.sync();
        if let Err(error) = &synced {
            tracing::warn!("the spool is not safe: {error}");
        }
        self.count_lost(self.cursor.next);
        synced.is_ok()
    }

    fn give_back(&mut self) {
        if self.log.has_done(self.cursor.first) && self.save(true) {
            self.log.give_back(self.cursor.first);
        }
    }
}

impl<F: Files> Queue for Spool<F> {
    fn end(&self) -> u64 {
        self.cursor.next
    }

    fn first(&self) -> u64 {
        self.cursor.first
    }

    fn accept(&mut self, record: Record, now: Moment) -> Accepted {
        self.expire(now);
        let length = record::length(&record);
        if record.payload.len() > MAX_PAYLOAD || segment::HEADER + length > self.log.size {
            return self.refuse(Reason::TooLong);
        }
        if let Some(reason) = self.full(length) {
            match self.settings.when_full {
                WhenFull::Block => return Accepted::Full,
                WhenFull::DropNewest => {
                    self.refusing = true;
                    return self.refuse(reason);
                }
                WhenFull::DropOldest => self.make_room(reason, length),
            }
        }
        self.refusing = false;
        match self.store(record, now) {
            Ok(()) => Accepted::Kept,
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
                self.refuse(Reason::DiskFull)
            }
            Err(error) => {
                tracing::warn!("the spool does not take a reading: {error}");
                self.refuse(Reason::DiskError)
            }
        }
    }

    fn get(&mut self, sequence: u64) -> Option<&Record> {
        while !self.window.reaches(sequence) && self.fill(self.window.len() + 1) {}
        self.window.get(sequence)
    }

    fn acknowledge(&mut self, sequence: u64) {
        let told = self.cursor.announced.take_if(|(announced, _)| *announced == sequence).is_some();
        let done = self.window.acknowledge(sequence);
        self.find_first();
        self.behind |= done > 0;
        self.unsaved += done;
        if self.unsaved >= UNSAVED || told {
            self.save(true);
        }
        self.give_back();
    }

    /// A gap that is not announced is owed too, unless the disk does not take its record.
    fn waiting(&self) -> u64 {
        let Cursor { first, next, pending, announced, .. } = &self.cursor;
        let owed = !pending.is_empty() && announced.is_none() && self.announce_after.is_none();
        next - first + u64::from(owed)
    }

    fn is_durable(&self) -> bool {
        true
    }

    fn losses(&self) -> Losses {
        self.cursor.losses
    }

    /// One at a time: what is lost while a gap record waits comes into the next one.
    fn announce(&mut self, topic: &TopicName, now: Moment) {
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
            self.save(false);
        }
        let save = self.behind.then_some(self.saved_at + SAVE_AFTER);
        due.into_iter().chain(save).min()
    }

    fn close(&mut self) {
        self.save(true);
    }
}
