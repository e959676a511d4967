//! Reads the log in its order, once; what it cannot read it reports as lost, by number.

use super::super::queue::Record;
use super::files::Files;
use super::log::Log;
use super::record::{self, Found};
use super::segment::{HEADER, Segment};

/// What comes next in the log.
#[derive(Debug)]
pub(super) enum Next {
    /// A record: its number, when it was accepted (milliseconds since 1970), and what it is.
    Record(u64, i64, Record),
    /// Records that were there and cannot be read any more.
    Lost {
        /// The first of them.
        first: u64,
        /// The last of them.
        last: u64,
    },
    /// Nothing, for now.
    Nothing,
}

/// A place in the log.
#[derive(Debug)]
pub(super) struct Reader {
    /// The segment that is read, and its base.
    id: u64,
    base: u64,
    /// Where in it.
    offset: usize,
    /// Numbers below this one have been given out, or need not be.
    expected: u64,
    /// Numbers below this one are left over from an earlier life of the file.
    least: u64,
    /// Whether bytes were passed over since the last record: then the numbers between are lost, not left out.
    damage: bool,
    /// What was read of the segment.
    bytes: Vec<u8>,
}

impl Reader {
    /// Reads from number `first` on.
    pub(super) fn new<F: Files>(log: &Log<F>, first: u64) -> Self {
        let holds = |segment: &&Segment| segment.base <= first;
        let segment = log.segments.iter().rev().find(holds).or(log.segments.front());
        let (id, base) = segment.map_or((u64::MAX, log.tail), |segment| (segment.id, segment.base));
        Self { id, base, offset: HEADER, expected: first, least: base, damage: false, bytes: Vec::new() }
    }

    /// Whether everything in the log has been given out, but for what is written from now on.
    pub(super) fn is_at_end<F: Files>(&self, log: &Log<F>) -> bool {
        log.position().is_some_and(|(segment, offset)| (segment.id, offset) == (self.id, self.offset))
    }

    /// Passes over the record of this number, which was written just now and is known already.
    pub(super) fn pass<F: Files>(&mut self, log: &Log<F>, sequence: u64) {
        if let Some((segment, offset)) = log.position() {
            (self.id, self.base, self.offset) = (segment.id, segment.base, offset);
        }
        (self.expected, self.least, self.damage) = (sequence + 1, sequence + 1, false);
        self.bytes = Vec::new();
    }

    /// The next record, or what was lost before it.
    pub(super) fn next<F: Files>(&mut self, log: &mut Log<F>) -> Next {
        loop {
            let ahead = |segment: &&Segment| segment.base >= self.base && !segment.is_void();
            let Some(segment) = log.segments.iter().find(ahead).copied() else { return Next::Nothing };
            if segment.id != self.id {
                self.enter(&segment);
            }
            self.load(log, &segment);
            match record::find(&self.bytes, self.offset, self.least) {
                Found::Record { sequence, body, next } if segment.limit.is_none_or(|limit| sequence < limit) => {
                    if self.damage && sequence > self.expected {
                        return self.lost_before(sequence);
                    }
                    let decoded = record::decode(body);
                    (self.offset, self.least) = (next, sequence + 1);
                    match decoded {
                        _ if sequence < self.expected => {}
                        Some((at, record)) => {
                            (self.expected, self.damage) = (sequence + 1, false);
                            return Next::Record(sequence, at, record);
                        }
                        None => self.damaged(log),
                    }
                }
                Found::Damage { next } => {
                    self.offset = next;
                    self.damaged(log);
                }
                Found::Record { .. } | Found::End => match segment.limit {
                    Some(limit) if self.expected < limit => {
                        self.damaged(log);
                        return self.lost_before(limit);
                    }
                    Some(limit) => self.base = limit,
                    None => return Next::Nothing,
                },
            }
        }
    }

    fn lost_before(&mut self, sequence: u64) -> Next {
        let first = self.expected;
        (self.expected, self.damage) = (sequence, false);
        Next::Lost { first, last: sequence - 1 }
    }

    fn damaged<F: Files>(&mut self, log: &mut Log<F>) {
        self.damage = true;
        log.mark_damaged(self.id);
    }

    /// Goes to the start of a segment.
    fn enter(&mut self, segment: &Segment) {
        (self.id, self.base, self.offset) = (segment.id, segment.base, HEADER);
        (self.least, self.damage) = (segment.base, false);
        self.bytes = Vec::new();
    }

    /// Reads what has come since the last look.
    fn load<F: Files>(&mut self, log: &mut Log<F>, segment: &Segment) {
        if self.offset < self.bytes.len() {
            return;
        }
        let outcome = log.read(segment, &mut self.bytes);
        if let Err(error) = &outcome {
            tracing::warn!("cannot read `{}` of the spool: {error}", segment.name());
        }
        if outcome.is_err() || (segment.limit.is_some() && self.bytes.len() < log.size) {
            self.damaged(log);
        }
    }
}
