//! The log: segments in a row, the last one written to, the first ones given back once they are acknowledged.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};

use super::files::Files;
use super::record::{END_MARK, HEAD};
use super::segment::{self, SPARE, Segment, UNFINISHED};

/// Damaged files that are kept for whoever wants to look at them; older ones go.
const KEPT_ASIDE: usize = 8;
/// Zeros are written in pieces of this size.
const PIECE: usize = 64 * 1024;

/// The files of a spool, but for the cursor.
#[derive(Debug)]
pub(super) struct Log<F: Files> {
    pub(super) files: F,
    pub(super) epoch: u64,
    /// Size of a segment in bytes.
    pub(super) size: usize,
    /// From the oldest to the newest; only the newest can have no limit, and then it is the one in `active`.
    pub(super) segments: VecDeque<Segment>,
    active: Option<Active<F::File>>,
    /// One more than the last number in the log.
    pub(super) tail: u64,
    /// Written since the last sync: number and bytes, kept to write them again should the sync fail.
    unconfirmed: Vec<(u64, Vec<u8>)>,
    lost: Vec<(u64, Vec<u8>)>,
    spare: bool,
    /// Segments that were found or made so far.
    made: u64,
}

/// The segment that is written to.
#[derive(Debug)]
struct Active<F> {
    file: F,
    offset: usize,
    /// The first number that is not known to be on the medium.
    unconfirmed_from: u64,
}

impl<F: Files> Log<F> {
    /// A log over the segments that were found; `resume` is where the newest of them can be written on.
    pub(super) fn new(
        files: F,
        epoch: u64,
        size: usize,
        segments: VecDeque<Segment>,
        tail: u64,
        resume: Option<(F::File, usize)>,
        spare: bool,
    ) -> Self {
        let made = segments.len() as u64;
        let active = resume.map(|(file, offset)| Active { file, offset, unconfirmed_from: tail });
        Self { files, epoch, size, segments, active, tail, unconfirmed: Vec::new(), lost: Vec::new(), spare, made }
    }

    /// Whether a record of `length` bytes needs a new segment.
    pub(super) fn needs_segment(&self, length: usize) -> bool {
        self.active.as_ref().is_none_or(|active| active.offset + length > self.size)
    }

    /// Where the next record goes: the segment, and the offset in it.
    pub(super) fn position(&self) -> Option<(&Segment, usize)> {
        Some((self.segments.back()?, self.active.as_ref()?.offset))
    }

    /// Whether something is written and not synced.
    pub(super) fn is_unconfirmed(&self) -> bool {
        !self.unconfirmed.is_empty()
    }

    /// Writes a record, into a new segment if the old one is full or fails.
    pub(super) fn append(&mut self, sequence: u64, record: Vec<u8>) -> io::Result<()> {
        if self.needs_segment(record.len()) {
            // What the full segment holds is made safe with it: afterwards nothing of it is written again.
            self.sync()?;
        }
        if self.needs_segment(record.len()) {
            self.rotate()?;
        }
        if let Err(error) = self.write(&record) {
            tracing::warn!("cannot write to the spool: {error}; trying a new segment");
            self.move_on()?;
            self.write(&record)?;
        }
        self.tail = sequence + 1;
        self.unconfirmed.push((sequence, record));
        Ok(())
    }

    /// Makes all that was written safe.
    ///
    /// After a failed sync the kernel may have thrown the pages away and call the next sync a success. So what is not
    /// known to be on the medium is written again, into a new segment, and the old file is not trusted with it.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        let Some(active) = self.active.as_ref().filter(|_| !self.unconfirmed.is_empty()) else { return Ok(()) };
        let Err(error) = self.files.sync(&active.file) else {
            self.confirmed(self.tail);
            return Ok(());
        };
        tracing::warn!("the disk cannot sync the spool: {error}; writing what is not safe to a new segment");
        self.move_on()
    }

    /// Gives up the segment that is written to, and writes what it may not have kept to a new one.
    fn move_on(&mut self) -> io::Result<()> {
        let tail = self.tail;
        if let Some(segment) = self.segments.back_mut() {
            segment.failed = true;
        }
        self.tail = self.active.as_ref().map_or(tail, |active| active.unconfirmed_from);
        let records = std::mem::take(&mut self.unconfirmed);
        let outcome = self.begin_with(&records);
        match &outcome {
            Ok(()) => self.confirmed(tail),
            Err(_) => self.lost.extend(records),
        }
        outcome
    }

    /// All numbers below `tail` are on the medium, or were never there.
    fn confirmed(&mut self, tail: u64) {
        self.tail = tail;
        self.unconfirmed.clear();
        if let Some(active) = &mut self.active {
            active.unconfirmed_from = tail;
        }
    }

    /// Records that were in the log and are not any more: their numbers and bytes.
    pub(super) fn take_lost(&mut self) -> Vec<(u64, Vec<u8>)> {
        std::mem::take(&mut self.lost)
    }

    /// Writes a record and the end mark behind it.
    fn write(&mut self, record: &[u8]) -> io::Result<()> {
        let active = self.active.as_mut().ok_or(ErrorKind::NotFound)?;
        let room = self.size.saturating_sub(active.offset + record.len());
        if active.offset + record.len() > self.size {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let bytes = [record, &END_MARK[..HEAD.min(room)]].concat();
        self.files.write_all_at(&active.file, &bytes, active.offset as u64)?;
        active.offset += record.len();
        Ok(())
    }

    /// Ends the segment that is written to, and begins one at the tail.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        self.begin_with(&[])
    }

    /// The same, with records that the new segment holds already when it takes its place in the log: a process that is
    /// killed in between still has them in the old one.
    fn begin_with(&mut self, records: &[(u64, Vec<u8>)]) -> io::Result<()> {
        self.active = None;
        let tail = self.tail;
        if let Some(last) = self.segments.back_mut() {
            last.limit = Some(last.limit.map_or(tail, |limit| limit.min(tail)));
        }
        // A segment without a record has the name of the new one, which takes its place.
        if let Some(last) = self.segments.pop_back_if(|last| last.is_void() && last.damaged) {
            self.give_up(&last);
        }
        let header = segment::header(self.epoch, tail);
        let records: Vec<&[u8]> = records.iter().map(|(_, record)| record.as_slice()).collect();
        let start = [&header[..], &records.concat()].concat();
        let file = if self.spare { self.recycle(&start).or_else(|_| self.make(&start))? } else { self.make(&start)? };
        self.segments.pop_back_if(|last| last.is_void());
        self.made += 1;
        self.segments.push_back(Segment { id: self.made, base: tail, limit: None, damaged: false, failed: false });
        self.active = Some(Active { file, offset: start.len(), unconfirmed_from: tail });
        Ok(())
    }

    /// Makes the spare one the segment of the tail. What it held has lower numbers, and ends where the new records end.
    fn recycle(&mut self, start: &[u8]) -> io::Result<F::File> {
        self.spare = false;
        self.files.open(SPARE).and_then(|file| self.settle(file, SPARE, start))
    }

    /// Makes a new file the segment of the tail.
    fn make(&self, start: &[u8]) -> io::Result<F::File> {
        self.preallocated(UNFINISHED).and_then(|file| self.settle(file, UNFINISHED, start))
    }

    /// Writes the start of a segment, makes it safe and gives it its place in the log.
    fn settle(&self, file: F::File, name: &str, start: &[u8]) -> io::Result<F::File> {
        let mark = &END_MARK[..HEAD.min(self.size - start.len())];
        let settled = self.files.write_all_at(&file, &[start, mark].concat(), 0).and_then(|()| {
            self.files.sync(&file)?;
            self.files.rename(name, &segment::name(self.tail))?;
            self.files.sync_folder()
        });
        if settled.is_err() {
            // Half a segment would only take room from others.
            let _ = self.files.remove(name);
        }
        settled.map(|()| file)
    }

    /// A file of zeros. Written from its end, so that a disk without the room says so at the first piece.
    fn preallocated(&self, name: &str) -> io::Result<F::File> {
        let file = self.files.create(name)?;
        let zeros = vec![0; PIECE.min(self.size)];
        let mut end = self.size;
        while end > 0 {
            let length = zeros.len().min(end);
            end -= length;
            self.files.write_all_at(&file, &zeros[..length], end as u64).inspect_err(|_| {
                // It would only take room from others.
                let _ = self.files.remove(name);
            })?;
        }
        Ok(file)
    }

    /// Lays in a spare segment, so that a line that stands needs no room on a disk that fills up.
    pub(super) fn lay_in_spare(&mut self) -> io::Result<()> {
        if !self.spare {
            let file = self.preallocated(UNFINISHED)?;
            self.files.sync(&file)?;
            self.files.rename(UNFINISHED, SPARE)?;
            self.files.sync_folder()?;
            self.spare = true;
        }
        Ok(())
    }

    /// Whether a segment is there that holds only numbers below `first`.
    pub(super) fn has_done(&self, first: u64) -> bool {
        self.segments.front().and_then(|segment| segment.limit).is_some_and(|limit| limit <= first)
    }

    /// Gives back every segment that holds only numbers below `first`. The cursor must be safe before.
    pub(super) fn give_back(&mut self, first: u64) {
        while let Some(done) = self.segments.pop_front_if(|segment| segment.limit.is_some_and(|limit| limit <= first)) {
            let kept = !done.damaged && !done.failed && !self.spare && self.files.rename(&done.name(), SPARE).is_ok();
            self.spare |= kept;
            if !kept {
                self.give_up(&done);
            }
        }
    }

    /// Takes a segment out of the log for good.
    fn give_up(&self, segment: &Segment) {
        match segment.damaged {
            true => put_aside(&self.files, segment.base),
            // A file that cannot be removed holds nothing that is owed; the next start finds it again.
            false => drop(self.files.remove(&segment.name())),
        }
    }

    /// Reads on in a segment: appends to `bytes` what it holds behind them.
    pub(super) fn read(&self, segment: &Segment, bytes: &mut Vec<u8>) -> io::Result<()> {
        let end = match self.position() {
            Some((active, offset)) if active.id == segment.id => offset,
            _ => self.size,
        };
        let start = bytes.len();
        if start < end {
            let file = self.files.open(&segment.name())?;
            bytes.resize(end, 0);
            let read = self.files.read_full_at(&file, &mut bytes[start..], start as u64);
            bytes.truncate(start + *read.as_ref().unwrap_or(&0));
            read?;
        }
        Ok(())
    }

    /// Notes that some of a segment could not be read.
    pub(super) fn mark_damaged(&mut self, id: u64) {
        self.segments.iter_mut().filter(|segment| segment.id == id).for_each(|segment| segment.damaged = true);
    }
}

/// Keeps a damaged file under a name that is no segment's.
pub(super) fn put_aside(files: &impl Files, base: u64) {
    // Nothing more can be done for a file that can be neither read nor renamed.
    let _ = files.rename(&segment::name(base), &segment::aside(base));
    let mut kept: Vec<String> = files.list().unwrap_or_default();
    kept.retain(|name| segment::is_aside(name));
    kept.sort();
    let surplus = kept.len().saturating_sub(KEPT_ASIDE);
    kept.iter().take(surplus).for_each(|name| drop(files.remove(name)));
}
