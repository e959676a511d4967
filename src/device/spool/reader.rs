//! Reads the log in its order, once. What it cannot read it passes over: the books show what is missing.

use super::files::Files;
use super::log::Log;
use super::record::{self, Body, Found};
use super::segment::{HEADER, Segment};

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
    /// What was read of the segment.
    bytes: Vec<u8>,
}

impl Reader {
    /// Reads from number `first` on.
    pub(super) fn new<F: Files>(log: &Log<F>, first: u64) -> Self {
        let holds = |segment: &&Segment| segment.base <= first;
        let segment = log.segments.iter().rev().find(holds).or(log.segments.front());
        let (id, base) = segment.map_or((u64::MAX, log.tail), |segment| (segment.id, segment.base));
        Self { id, base, offset: HEADER, expected: first, least: base, bytes: Vec::new() }
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
        (self.expected, self.least) = (sequence + 1, sequence + 1);
        self.bytes = Vec::new();
    }

    /// The next record, and its number; `None` if there is none, for now.
    pub(super) fn next<F: Files>(&mut self, log: &mut Log<F>) -> Option<(u64, Body)> {
        loop {
            let ahead = |segment: &&Segment| segment.base >= self.base && !segment.is_void();
            let segment = log.segments.iter().find(ahead).copied()?;
            if segment.id != self.id {
                self.enter(&segment);
            }
            self.load(log, &segment);
            match record::find(&self.bytes, self.offset, self.least) {
                Found::Record { sequence, body, next } if segment.limit.is_none_or(|limit| sequence < limit) => {
                    let decoded = record::decode(body);
                    (self.offset, self.least) = (next, sequence + 1);
                    match decoded {
                        _ if sequence < self.expected => {}
                        Some(body) => {
                            self.expected = sequence + 1;
                            return Some((sequence, body));
                        }
                        None => log.mark_damaged(self.id),
                    }
                }
                Found::Damage { next } => {
                    self.offset = next;
                    log.mark_damaged(self.id);
                }
                Found::Record { .. } | Found::End => match segment.limit {
                    Some(limit) => self.finish(log, limit),
                    None => return None,
                },
            }
        }
    }

    /// Leaves a segment; one that ends too early has lost its end.
    fn finish<F: Files>(&mut self, log: &mut Log<F>, limit: u64) {
        if self.expected < limit {
            log.mark_damaged(self.id);
            self.expected = limit;
        }
        self.base = limit;
    }

    /// Goes to the start of a segment.
    fn enter(&mut self, segment: &Segment) {
        (self.id, self.base, self.offset) = (segment.id, segment.base, HEADER);
        self.least = segment.base;
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
            log.mark_damaged(self.id);
        }
    }
}
