//! The spool: a queue on the disk. A reading is accepted when it is in the log, and forgotten when it is acknowledged.
//!
//! # Files, format version 2
//!
//! ```text
//! spool/
//!   00000000000000000000.log   segments of 1 MiB, by the first number that they can hold
//!   00000000000000004711.log   the newest one is written to
//!   spare                      a used-up segment, or zeros: the next one is made of it
//!   cursor-0, cursor-1         how far it is acknowledged, and the books of the topics (`cursor`, `ledger`)
//!   *.damaged                  segments that could not be read whole, the last eight of them
//!
//! segment  magic "IOTSPOOL" | version u32 | CRC-32 of version, epoch, base | epoch u64 | base u64 | record ...
//! record   length u32 | CRC-32 of length, number, body | number u64 | body      16 bytes and the body
//! body     accepted at, milliseconds since 1970, i64 | sequence u64 | gone u64 | length of topic u16 | topic | message
//! end      16 zero bytes, where there is room for them
//! ```
//!
//! Numbers are little-endian. Segments are whole files of zeros before anything is written to them, so that a write
//! changes blocks and neither size nor extents. Numbers rise within a segment, from its base on: what a recycled file
//! still holds behind the end has lower ones. Base follows on the last number of the segment before.
//!
//! A record has two numbers: its place in the log, for this process alone, and its sequence, which counts the messages
//! of its topic from 0 on and stands in the message. `gone` tells what is damage from what was refused (`ledger`).
//!
//! # Rules
//!
//! Data is safe before the cursor, and the cursor before a file is given back. A new segment makes the cursor safe too,
//! so that a start reads no more than the newest segments to bring the books up to date. The epoch, a random number
//! made with the spool, stands in every file, and a file of another one is put aside; `epoch = true` in feeder.toml
//! puts it into the messages.
//! A file whose sync failed is not trusted again (`log`). Damaged bytes cost the records that they hit (`record`).
//! What a topic lost is kept in the cursor until one record in the log tells of it all, and that one is acknowledged.

use std::time::Duration;

use super::loss::Losses;
use super::queue::{Moment, Record};
use crate::config::spool::{SpoolSettings, SyncPolicy};

mod bounds;
mod cursor;
pub mod files;
mod ledger;
mod log;
mod queueing;
mod reader;
mod record;
mod recovery;
mod segment;
mod telling;
mod window;

use cursor::{Cursor, CursorFiles};
use files::Files;
use log::Log;
use reader::Reader;
use record::Body;
use recovery::Recovered;
use window::Window;

/// Size of a segment in bytes.
pub const SEGMENT_BYTES: usize = 1 << 20;
/// Records that are read from the log ahead of their turn; more than a session has under way.
const AHEAD: usize = 128;

/// A queue on the disk.
#[derive(Debug)]
pub struct Spool<F: Files> {
    settings: SpoolSettings,
    log: Log<F>,
    reader: Reader,
    window: Window,
    cursor_files: CursorFiles<F::File>,
    /// The truth that the files follow.
    cursor: Cursor,
    /// Acknowledged since the cursor was last on the medium.
    unsaved: usize,
    /// Whether the files are behind, and since when it is not.
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
        let Recovered { mut log, cursor_files, cursor } = recovery::recover(files, bytes, epoch);
        let ready = if log.position().is_none() { log.rotate() } else { Ok(()) };
        let reader = Reader::new(&log, cursor.first);
        let mut spool = Self {
            settings,
            log,
            reader,
            window: Window::default(),
            cursor_files,
            cursor,
            unsaved: 0,
            behind: false,
            saved_at: Duration::ZERO,
            unconfirmed_since: None,
            refusing: false,
            announce_after: None,
        };
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
        let Cursor { epoch, first, next, .. } = self.cursor;
        Stat { epoch, first, end: next, segments: self.log.segments.len(), losses: self.cursor.ledger.losses }
    }

    /// Writes a record to the log under the next number.
    fn store(&mut self, record: Record, now: Moment) -> std::io::Result<()> {
        let number = self.cursor.next;
        let stamp = self.cursor.ledger.next(&record.topic);
        let at_end = self.reader.is_at_end(&self.log) && self.window.len() < AHEAD;
        let segment = self.log.position().map(|(segment, _)| segment.id);
        let mut outcome = self.log.append(number, record::encode(number, now.utc, stamp, &record));
        if outcome.is_ok() && self.settings.sync == SyncPolicy::Every {
            outcome = self.log.sync();
        }
        self.count_lost(number);
        outcome?;
        self.cursor.next += 1;
        self.cursor.ledger.stored(&record.topic);
        if at_end {
            self.reader.pass(&self.log, number);
            self.window.push(number, Body { at: record::millis(now.utc), stamp, record });
        }
        if self.log.position().map(|(segment, _)| segment.id) != segment {
            self.save(true);
        }
        if self.log.is_unconfirmed() {
            self.unconfirmed_since.get_or_insert(now.elapsed);
        }
        Ok(())
    }

    /// Counts what the log has lost on a disk that fails; `but` is counted by whoever wrote it just now.
    fn count_lost(&mut self, but: u64) {
        let mut lost = self.log.take_lost();
        lost.retain(|(number, _)| *number != but && *number >= self.cursor.first);
        for (number, bytes) in &lost {
            let owed = self.window.remove(*number).is_none_or(|entry| !entry.acknowledged);
            if let Some(body) = bytes.get(record::HEAD..).and_then(record::decode) {
                self.cursor.ledger.lost_in_log(&body.record.topic, body.stamp, owed);
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
            let Some((number, body)) = self.reader.next(&mut self.log) else { return false };
            self.window.push(number, body);
        }
        true
    }

    fn find_first(&mut self) {
        while let Some(done) = self.window.pop_done() {
            self.cursor.ledger.leave(&done.record.topic, done.stamp, None);
            self.unsaved += 1;
            self.behind = true;
        }
        if !self.fill(1) {
            self.cursor.ledger.drained();
        }
        self.cursor.first = self.window.front().map_or(self.cursor.next, |entry| entry.sequence);
    }

    /// Writes the cursor, and with `sync` makes it safe, after the data that it speaks of. Whether that worked.
    fn save(&mut self, sync: bool) -> bool {
        let data = if sync { self.sync() } else { true };
        self.cursor.tail = self.log.tail;
        let saved = self.cursor_files.save(&self.log.files, &self.cursor, sync);
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
