//! Finding out what a folder holds when the spool is opened. The work grows with the segments, not with the records:
//! of each one the header is read, of the newest all of it.

use std::collections::VecDeque;

use super::cursor::{Cursor, CursorFile};
use super::files::Files;
use super::log::{Log, put_aside};
use super::record::{self, Found};
use super::segment::{self, HEADER, Header, SPARE, Segment, UNFINISHED};

/// What the folder holds.
#[derive(Debug)]
pub(super) struct Recovered<F: Files> {
    pub(super) log: Log<F>,
    pub(super) cursor_file: CursorFile<F::File>,
    pub(super) cursor: Cursor,
    /// Numbers that are owed and in no segment: the first one, and the one behind the last.
    pub(super) missing: Option<(u64, u64)>,
}

/// The end of the newest segment.
struct Tail<F> {
    file: Option<F>,
    offset: usize,
    next: u64,
    damaged: bool,
}

/// Opens whatever is there; `fresh` is the epoch if nothing says which it is.
pub(super) fn recover<F: Files>(files: F, size: usize, fresh: u64) -> Recovered<F> {
    let (cursor_file, cursor) = CursorFile::open(&files);
    let names = files.list().unwrap_or_else(|error| {
        tracing::warn!("cannot list the spool: {error}");
        Vec::new()
    });
    if names.iter().any(|name| name == UNFINISHED) {
        // It was never part of the log.
        let _ = files.remove(UNFINISHED);
    }
    let mut epoch = cursor.map(|cursor| cursor.epoch);
    let mut segments = segments(&files, &names, &mut epoch);
    let said = cursor.unwrap_or_default();
    let tail = segments.back().map(|newest| look(&files, newest.base, size));
    let (resume, tail) = settle_end(&files, &mut segments, tail, said.tail);
    let end = said.next.max(tail);
    let spare = names.iter().any(|name| name == SPARE) && is_usable(&files, size, epoch.is_some());
    let oldest = segments.front().map_or(tail, |segment| segment.base);
    let first = cursor.map_or(oldest, |cursor| cursor.first);
    let missing = (first < oldest).then_some((first, oldest));
    let epoch = epoch.unwrap_or(fresh);
    let cursor = settle_announcement(Cursor { epoch, first: first.max(oldest), next: end, tail, ..said });
    let log = Log::new(files, epoch, size, segments, tail, resume, spare);
    Recovered { log, cursor_file, cursor, missing }
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

/// Reads the newest segment to its end.
fn look<F: Files>(files: &F, base: u64, size: usize) -> Tail<F::File> {
    let mut tail = Tail { file: files.open(&segment::name(base)).ok(), offset: HEADER, next: base, damaged: false };
    let mut bytes = vec![0; size];
    let read = tail.file.as_ref().map(|file| files.read_full_at(file, &mut bytes, 0));
    let length = read.and_then(Result::ok).unwrap_or(0);
    bytes.truncate(length);
    tail.damaged = length < size;
    loop {
        match record::find(&bytes, tail.offset, tail.next) {
            Found::Record { sequence, next, .. } => (tail.offset, tail.next) = (next, sequence + 1),
            Found::Damage { next } => (tail.offset, tail.damaged) = (next, true),
            Found::End => return tail,
        }
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

/// A gap record that never made it into the log is still to be written; one that is acknowledged is done with.
fn settle_announcement(mut cursor: Cursor) -> Cursor {
    match cursor.announced {
        Some((sequence, gap)) if sequence >= cursor.tail => {
            cursor.pending.merge(&gap);
            cursor.announced = None;
        }
        Some((sequence, _)) if sequence < cursor.first => cursor.announced = None,
        _ => {}
    }
    cursor
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
