//! The bounds of the spool: how much, how many, how old; and what goes when one is reached.

use super::super::loss::Reason;
use super::super::queue::Moment;
use super::files::Files;
use super::window::Entry;
use super::{Spool, record};

/// 2020 in milliseconds since 1970. A clock that says less has not been set, and what it dated has no age.
const CLOCK_IS_SET: i64 = 1_577_836_800_000;

impl<F: Files> Spool<F> {
    pub(super) fn most_segments(&self) -> usize {
        usize::try_from(self.settings.max_bytes).unwrap_or(usize::MAX).div_euclid(self.log.size).max(2)
    }

    /// Which bound a record of `length` bytes would break.
    pub(super) fn full(&self, length: usize) -> Option<Reason> {
        if self.log.needs_segment(length) && self.log.segments.len() >= self.most_segments() {
            return Some(Reason::Bytes);
        }
        let most = self.settings.max_count?;
        let most = if self.refusing { most - most / 8 } else { most };
        (self.cursor.next - self.cursor.first >= most).then_some(Reason::Count)
    }

    /// Drops what is oldest until a record of `length` bytes fits.
    pub(super) fn make_room(&mut self, reason: Reason, length: usize) {
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
    pub(super) fn expire(&mut self, now: Moment) {
        let Some(age) = self.settings.max_age else { return };
        let oldest = record::millis(now.utc).saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
        if oldest > CLOCK_IS_SET {
            self.drop_front(Reason::Age, |entry| (CLOCK_IS_SET..oldest).contains(&entry.at));
        }
    }

    /// Drops records from the front as long as they are `old`.
    pub(super) fn drop_front(&mut self, reason: Reason, old: impl Fn(&Entry) -> bool) {
        let mut dropped = false;
        while self.fill(1) && self.window.front().is_some_and(&old) {
            if let Some(entry) = self.window.pop() {
                let reason = (!entry.acknowledged).then_some(reason);
                self.cursor.ledger.leave(&entry.record.topic, entry.stamp, reason);
            }
            dropped = true;
        }
        if dropped {
            self.find_first();
            self.save(false);
            self.give_back();
        }
    }
}
