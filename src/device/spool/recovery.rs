//! Finding out what a folder holds when the spool is opened. The work grows with the segments, not with the records:
//! of each one the header is read, and all of it of those only that the cursor does not know yet: the newest, as a rule.

use std::collections::VecDeque;

use super::cursor::{Cursor, CursorFiles};
use super::files::Files;
use super::ledger::Ledger;
use super::log::{Log, put_aside};
use super::record::{self, Found};
use super::segment::{self, HEADER, Header, SPARE, Segment, UNFINISHED};

/// What the folder holds.
#[derive(Debug)]
pub(super) struct Recovered<F: Files> {
    pub(super) log: Log<F>,
    pub(super) cursor_files: CursorFiles<F::File>,
    pub(super) cursor: Cursor,
}

/// The end of a segment.
struct Tail<F> {
    file: Option<F>,
    offset: usize,
    next: u64,
    damaged: bool,
}

/// Opens whatever is there; `fresh` is the epoch if nothing says which it is.
pub(super) fn recover<F: Files>(files: F, size: usize, fresh: u64) -> Recovered<F> {
    let (cursor_files, cursor) = CursorFiles::open(&files);
    let names = files.list().unwrap_or_else(|error| {
        tracing::warn!("cannot list the spool: {error}");
        Vec::new()
    });
    if names.iter().any(|name| name == UNFINISHED) {
        // It was never part of the log.
        let _ = files.remove(UNFINISHED);
    }
    let mut epoch = cursor.as_ref().map(|cursor| cursor.epoch);
    let mut segments = segments(&files, &names, &mut epoch);
    let (known, next) = cursor.as_ref().map_or((0, 0), |cursor| (cursor.tail, cursor.next));
    let first = cursor.as_ref().map(|cursor| cursor.first);
    let mut books = Books::new(cursor, segments.front());
    let unknown = segments.iter().filter(|segment| segment.limit.is_none_or(|limit| limit > known));
    let tail = unknown.map(|segment| look(&files, segment, size, &mut books)).last();
    let (resume, tail) = settle_end(&files, &mut segments, tail, known);
    let oldest = segments.front().map_or(tail, |segment| segment.base);
    let first = first.unwrap_or(oldest).max(oldest);
    let next = next.max(tail);
    let spare = names.iter().any(|name| name == SPARE) && is_usable(&files, size, epoch.is_some());
    let epoch = epoch.unwrap_or(fresh);
    let cursor = Cursor { epoch, first, next, tail, ledger: books.close(next) };
    let log = Log::new(files, epoch, size, segments, tail, resume, spare);
    Recovered { log, cursor_files, cursor }
}

/// The segments of this epoch in their order. Files of another one, or of another format, are put aside.
fn segments<F: Files>(files: &F, names: &[String], epoch: &mut Option<u64>) -> VecDeque<Segment> {
    let mut bases: Vec<u64> = names.iter().filter_map(|name| segment::base_of(name)).collect();
    bases.sort_unstable();
    let mut found: VecDeque<Segment> = VecDeque::new();
    for base in bases {
        let mut bytes = [0; HEADER];
        let read = files.open(&segment::name(base)).and_then(|file| files.read_full_at(&file, &mut bytes, 0));
        let header = read.map_or(Header::Damaged, |_| segment::judge(&bytes));
        match header {
            Header::Foreign => put_aside(files, base),
            Header::Ours(of) if *epoch.get_or_insert(of) != of => put_aside(files, base),
            Header::Ours(_) | Header::Damaged => {
                if let Some(before) = found.back_mut() {
                    before.limit = Some(base);
                }
                let id = found.len() as u64;
                found.push_back(Segment { id, base, limit: None, damaged: header == Header::Damaged, failed: false });
            }
        }
    }
    found
}

/// Reads a segment to its end, and brings the books up to date with it.
fn look<F: Files>(files: &F, segment: &Segment, size: usize, books: &mut Books) -> Tail<F::File> {
    let Segment { base, limit, .. } = *segment;
    let mut tail = Tail { file: files.open(&segment.name()).ok(), offset: HEADER, next: base, damaged: false };
    let mut bytes = vec![0; size];
    let read = tail.file.as_ref().map(|file| files.read_full_at(file, &mut bytes, 0));
    let length = read.and_then(Result::ok).unwrap_or(0);
    bytes.truncate(length);
    tail.damaged = length < size;
    books.miss_up_to(base);
    let mut damage = false;
    loop {
        match record::find(&bytes, tail.offset, tail.next) {
            Found::Record { sequence, body, next } if limit.is_none_or(|limit| sequence < limit) => {
                if std::mem::take(&mut damage) {
                    books.miss_up_to(sequence);
                }
                books.enter(sequence, body);
                (tail.offset, tail.next) = (next, sequence + 1);
            }
            Found::Damage { next } => {
                (tail.offset, tail.damaged, damage) = (next, true, true);
            }
            Found::Record { .. } | Found::End => break,
        }
    }
    books.miss_up_to(limit.unwrap_or(0));
    tail
}

/// The books, while the records are entered that they do not know.
struct Books {
    ledger: Ledger,
    /// Whether there are no older ones.
    lost: bool,
    /// The next number that the log should have.
    expected: u64,
    /// Numbers that the log should have had, and those of them that a later record of the same topic speaks for.
    missing: u64,
    explained: u64,
}

impl Books {
    fn new(cursor: Option<Cursor>, oldest: Option<&Segment>) -> Self {
        let lost = cursor.is_none();
        let oldest = oldest.map_or(0, |segment| segment.base);
        let (expected, ledger) = cursor.map_or((oldest, Ledger::default()), |cursor| (cursor.tail, cursor.ledger));
        Self { ledger, lost, expected, missing: 0, explained: 0 }
    }

    fn miss_up_to(&mut self, number: u64) {
        self.missing += number.saturating_sub(self.expected);
        self.expected = self.expected.max(number);
    }

    fn enter(&mut self, number: u64, body: &[u8]) {
        let Some(body) = record::decode(body).filter(|_| number >= self.expected) else { return };
        self.expected = number + 1;
        self.explained += self.ledger.found(&body.record.topic, body.stamp, self.lost);
    }

    /// With the old books lost, a topic that is not in the log begins behind every number that it can have had.
    fn close(mut self, next: u64) -> Ledger {
        if self.lost {
            self.ledger.floor = next;
        }
        self.ledger.leave_out(self.missing.saturating_sub(self.explained));
        self.ledger.settle();
        self.ledger
    }
}

/// A whole newest segment is written on; one that is damaged, or lacks what the cursor knows of, is only read from any
/// more. Returns where to go on, and one more than the last number in the log.
fn settle_end<F: Files>(
    files: &F,
    segments: &mut VecDeque<Segment>,
    tail: Option<Tail<F::File>>,
    known: u64,
) -> (Option<(F::File, usize)>, u64) {
    let (Some(tail), Some(newest)) = (tail, segments.back_mut()) else { return (None, known) };
    newest.damaged |= tail.damaged;
    match tail.file {
        Some(file) if !newest.damaged && tail.next >= known => return (Some((file, tail.offset)), tail.next),
        _ => {}
    }
    let end = known.max(tail.next);
    newest.limit = Some(end);
    if let Some(empty) = segments.pop_back_if(|newest| newest.base >= end) {
        put_aside(files, empty.base);
    }
    (None, end)
}

/// A spare of another size would be a segment of another size, and one of another epoch may hold higher numbers.
fn is_usable<F: Files>(files: &F, size: usize, known: bool) -> bool {
    let mut byte = [0; 2];
    let read = files.open(SPARE).and_then(|file| files.read_full_at(&file, &mut byte, size as u64 - 1));
    let usable = known && matches!(read, Ok(1));
    if !usable {
        // In the way of the next one.
        let _ = files.remove(SPARE);
    }
    usable
}
