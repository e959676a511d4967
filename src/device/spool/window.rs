//! The front of the queue, in memory: what is being sent, and which of it is acknowledged.

use std::collections::VecDeque;

use super::super::queue::Record;
use super::ledger::Stamp;
use super::record::Body;

/// A record that was read from the log, or was just written to it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) sequence: u64,
    /// When it was accepted, in milliseconds since 1970.
    pub(super) at: i64,
    pub(super) stamp: Stamp,
    pub(super) record: Record,
    pub(super) acknowledged: bool,
}

/// Records by rising number.
#[derive(Debug, Default)]
pub(super) struct Window {
    entries: VecDeque<Entry>,
}

impl Window {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn front(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub(super) fn push(&mut self, sequence: u64, body: Body) {
        let Body { at, stamp, record } = body;
        self.entries.push_back(Entry { sequence, at, stamp, record, acknowledged: false });
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }

    /// Whether a record of this number would be here by now.
    pub(super) fn reaches(&self, sequence: u64) -> bool {
        self.entries.back().is_some_and(|entry| entry.sequence >= sequence)
    }

    pub(super) fn get(&self, sequence: u64) -> Option<&Entry> {
        self.index(sequence).and_then(|index| self.entries.get(index))
    }

    /// Takes a record out of the middle.
    pub(super) fn remove(&mut self, sequence: u64) -> Option<Entry> {
        self.index(sequence).and_then(|index| self.entries.remove(index))
    }

    /// Notes an acknowledgement.
    pub(super) fn acknowledge(&mut self, sequence: u64) {
        if let Some(entry) = self.index(sequence).and_then(|index| self.entries.get_mut(index)) {
            entry.acknowledged = true;
        }
    }

    /// Takes the front out if it is done with: acknowledged, and so is all before it.
    pub(super) fn pop_done(&mut self) -> Option<Entry> {
        self.entries.pop_front_if(|entry| entry.acknowledged)
    }

    fn index(&self, sequence: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&sequence, |entry| entry.sequence).ok()
    }
}
