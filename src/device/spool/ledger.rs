//! The books: which number each topic is at, what it has lost, and what its receiver was told.
//!
//! A topic's numbers leave no hole that is not booked. What is refused uses up a number without a record, so each
//! record says how many numbers of its topic had gone that way before it. Whatever else is missing between two
//! records of a topic was in the log and is not any more: that is damage, and it is booked when the front of the queue
//! passes it, together with that step, so that no restart books it twice.

use std::collections::BTreeMap;

use super::super::loss::{Gap, Losses, Reason};
use crate::topic::TopicName;

/// Where a record stands among those of its topic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Its number.
    pub(super) sequence: u64,
    /// How many numbers of the topic had been used up without a record before it.
    pub(super) gone: u64,
}

/// One topic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// What its next record gets.
    pub(super) next: Stamp,
    /// All before this is acknowledged, or lost and booked.
    pub(super) done: Stamp,
    /// Lost, and in no record yet.
    pub(super) pending: Gap,
    /// The record in the log that tells of a gap, by its number, if one waits there.
    pub(super) told: Option<(u64, Gap)>,
}

/// All topics that ever had a number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ledger {
    /// The number that a topic without an account begins with: 0, unless the books were lost.
    pub(super) floor: u64,
    /// Lost since the epoch began, on all topics.
    pub(super) losses: Losses,
    pub(super) accounts: BTreeMap<TopicName, Account>,
}

impl Stamp {
    fn raise(&mut self, to: Self) {
        self.sequence = self.sequence.max(to.sequence);
        self.gone = self.gone.max(to.gone);
    }

    fn after(self) -> Self {
        Self { sequence: self.sequence + 1, ..self }
    }
}

impl Account {
    fn beginning(floor: u64) -> Self {
        let start = Stamp { sequence: floor, gone: 0 };
        Self { next: start, done: start, ..Self::default() }
    }

    /// Books `lost` of `first..=last`; returns how many of them were readings. A gap record among them is none, and
    /// what it told is to be told again.
    fn lose(&mut self, first: u64, last: u64, lost: u64, reason: Reason) -> u64 {
        let told = self.told.take_if(|(number, _)| (first..=last).contains(number));
        let readings = lost.saturating_sub(u64::from(told.is_some()));
        self.pending.merge(&Gap::of(first, last, readings, reason));
        if let Some((_, gap)) = told {
            self.pending.merge(&gap);
        }
        readings
    }

    /// The front of the queue is at `to`: what is missing before it was damaged. Returns how many readings that were.
    fn pass(&mut self, to: Stamp) -> u64 {
        let missing = to.sequence.saturating_sub(self.done.sequence);
        let damaged = missing.saturating_sub(to.gone.saturating_sub(self.done.gone));
        let lost = match damaged {
            0 => 0,
            damaged => self.lose(self.done.sequence, to.sequence - 1, damaged, Reason::Damage),
        };
        // A gap record that should have come by now never was in the log.
        if let Some((_, gap)) = self.told.take_if(|(number, _)| *number < to.sequence) {
            self.pending.merge(&gap);
        }
        self.done.raise(to);
        lost
    }

    fn owes(&self) -> bool {
        self.told.is_none() && !self.pending.is_empty()
    }
}

impl Ledger {
    /// The stamp of the next record for `topic`.
    pub(super) fn next(&self, topic: &TopicName) -> Stamp {
        self.accounts.get(topic).map_or(Stamp { sequence: self.floor, gone: 0 }, |account| account.next)
    }

    /// A record for `topic` is in the log.
    pub(super) fn stored(&mut self, topic: &TopicName) {
        let account = self.account(topic);
        account.next = account.next.after();
    }

    /// The next number of `topic` is used up without a record, and is no reading's.
    pub(super) fn skip(&mut self, topic: &TopicName) {
        let next = &mut self.account(topic).next;
        *next = Stamp { sequence: next.sequence + 1, gone: next.gone + 1 };
    }

    /// A reading for `topic` is given up before it was in the log.
    pub(super) fn refuse(&mut self, topic: &TopicName, reason: Reason) {
        let number = self.next(topic).sequence;
        self.skip(topic);
        self.lose(topic, number, reason);
    }

    /// The log lost a record that the front of the queue has not come to; `reading` if it was still owed.
    pub(super) fn lost_in_log(&mut self, topic: &TopicName, stamp: Stamp, owed: bool) {
        self.account(topic).next.gone += 1;
        if owed {
            self.lose(topic, stamp.sequence, Reason::DiskError);
        }
    }

    /// The front of the queue leaves a record behind: it is acknowledged, or dropped for a reason.
    pub(super) fn leave(&mut self, topic: &TopicName, stamp: Stamp, dropped: Option<Reason>) {
        let account = self.account(topic);
        let damaged = account.pass(stamp);
        account.done.raise(stamp.after());
        self.losses.add(Reason::Damage, damaged);
        if let Some(reason) = dropped {
            self.lose(topic, stamp.sequence, reason);
        }
    }

    /// The front of the queue has come to the end of the log: whatever has not been passed is not there.
    pub(super) fn drained(&mut self) {
        for account in self.accounts.values_mut() {
            let damaged = account.pass(account.next);
            self.losses.add(Reason::Damage, damaged);
        }
    }

    /// The receiver has got a record; whether it was the one that told of a gap.
    pub(super) fn received(&mut self, topic: &TopicName, stamp: Stamp) -> bool {
        let account = self.accounts.get_mut(topic);
        account.is_some_and(|account| account.told.take_if(|(number, _)| *number == stamp.sequence).is_some())
    }

    /// The topic that has lost most and was not told.
    pub(super) fn owing(&self) -> Option<(&TopicName, &Gap)> {
        let owing = self.accounts.iter().filter(|(_, account)| account.owes());
        owing.map(|(topic, account)| (topic, &account.pending)).max_by_key(|(_, gap)| gap.losses.total())
    }

    /// How many topics are owed a gap record that is not in the log.
    pub(super) fn owed(&self) -> u64 {
        self.accounts.values().filter(|account| account.owes()).count() as u64
    }

    /// Whether a gap record is in the log.
    pub(super) fn is_telling(&self) -> bool {
        self.accounts.values().any(|account| account.told.is_some())
    }

    /// The next record of `topic` tells of its gap.
    pub(super) fn tell(&mut self, topic: &TopicName) {
        let account = self.account(topic);
        account.told = Some((account.next.sequence, std::mem::take(&mut account.pending)));
    }

    /// That record did not come about.
    pub(super) fn tell_later(&mut self, topic: &TopicName) {
        let account = self.account(topic);
        if let Some((_, gap)) = account.told.take() {
            account.pending.merge(&gap);
        }
    }

    /// Books one number of `topic` as lost.
    fn lose(&mut self, topic: &TopicName, number: u64, reason: Reason) {
        let lost = self.account(topic).lose(number, number, 1, reason);
        self.losses.add(reason, lost);
    }

    fn account(&mut self, topic: &TopicName) -> &mut Account {
        let floor = self.floor;
        self.accounts.entry(topic.clone()).or_insert_with(|| Account::beginning(floor))
    }
}

/// What is found in the log when it is opened, and is newer than the books.
impl Ledger {
    /// A record that the books may not know. Returns how many numbers of its topic were missing before it. With the
    /// books `lost`, nothing can be said of what was before the first one.
    pub(super) fn found(&mut self, topic: &TopicName, stamp: Stamp, lost: bool) -> u64 {
        if lost && !self.accounts.contains_key(topic) {
            self.accounts.insert(topic.clone(), Account { next: stamp, done: stamp, ..Account::default() });
        }
        let account = self.account(topic);
        let known = account.next;
        account.next.raise(stamp.after());
        let refused = stamp.gone.saturating_sub(known.gone);
        if refused > 0 {
            // A disk that did not take the books did not take the readings either.
            let lost = account.lose(known.sequence, stamp.sequence.saturating_sub(1), refused, Reason::DiskError);
            self.losses.add(Reason::DiskError, lost);
        }
        stamp.sequence.saturating_sub(known.sequence)
    }

    /// So many records are missing whose topics nobody knows: no topic uses those numbers again.
    pub(super) fn leave_out(&mut self, records: u64) {
        self.accounts.values_mut().for_each(|account| account.next.sequence += records);
    }

    /// A gap record that never made it into the log is still to be written; one that is acknowledged is done with.
    pub(super) fn settle(&mut self) {
        for account in self.accounts.values_mut() {
            let Account { next, done, pending, told } = account;
            if let Some((_, gap)) = told.take_if(|(number, _)| *number >= next.sequence) {
                pending.merge(&gap);
            }
            told.take_if(|(number, _)| *number < done.sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> TopicName {
        name.parse().unwrap()
    }

    fn stamp(sequence: u64, gone: u64) -> Stamp {
        Stamp { sequence, gone }
    }

    fn pending(ledger: &Ledger, name: &str) -> (u64, u64, u64) {
        let gap = ledger.accounts[&topic(name)].pending;
        (gap.first, gap.last, gap.losses.total())
    }

    #[test]
    fn each_topic_has_numbers_of_its_own() {
        let mut ledger = Ledger::default();
        ledger.stored(&topic("a"));
        ledger.stored(&topic("a"));
        ledger.stored(&topic("b"));
        assert_eq!((ledger.next(&topic("a")), ledger.next(&topic("b"))), (stamp(2, 0), stamp(1, 0)));
        assert_eq!(ledger.next(&topic("c")), stamp(0, 0));
    }

    #[test]
    fn what_is_missing_between_two_records_and_was_not_refused_is_damage() {
        let mut ledger = Ledger::default();
        (0..3).for_each(|_| ledger.stored(&topic("a")));
        ledger.refuse(&topic("a"), Reason::Count);
        ledger.stored(&topic("a"));
        ledger.leave(&topic("a"), stamp(0, 0), None);
        ledger.leave(&topic("a"), stamp(4, 1), None);
        assert_eq!((ledger.losses.of(Reason::Damage), ledger.losses.of(Reason::Count)), (2, 1));
        assert_eq!(pending(&ledger, "a"), (1, 3, 3));
        ledger.drained();
        assert_eq!(ledger.losses.total(), 3, "and is booked once");
    }

    #[test]
    fn what_is_missing_at_the_end_is_booked_when_the_log_is_drained() {
        let mut ledger = Ledger::default();
        ["a", "b", "b"].iter().for_each(|name| ledger.stored(&topic(name)));
        ledger.leave(&topic("a"), stamp(0, 0), None);
        ledger.drained();
        assert_eq!(pending(&ledger, "b"), (0, 1, 2));
        assert_eq!(pending(&ledger, "a").2, 0);
    }

    #[test]
    fn a_gap_record_that_is_lost_is_no_reading_and_is_told_again() {
        let mut ledger = Ledger::default();
        ledger.refuse(&topic("a"), Reason::Age);
        ledger.tell(&topic("a"));
        ledger.stored(&topic("a"));
        ledger.stored(&topic("a"));
        assert_eq!((ledger.owed(), ledger.is_telling()), (0, true));
        ledger.leave(&topic("a"), stamp(2, 1), None);
        assert_eq!((ledger.losses.total(), ledger.owed()), (1, 1));
        assert_eq!(pending(&ledger, "a"), (0, 0, 1));
    }

    #[test]
    fn records_that_the_books_do_not_know_are_counted_on_from() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.found(&topic("a"), stamp(7, 2), true), 0);
        assert_eq!(ledger.found(&topic("a"), stamp(10, 2), true), 2);
        assert_eq!((ledger.next(&topic("a")), ledger.losses.total()), (stamp(11, 2), 0));
        ledger.leave_out(3);
        assert_eq!(ledger.next(&topic("a")).sequence, 14);
    }

    #[test]
    fn a_refusal_that_the_books_missed_is_told_by_the_next_record() {
        let mut ledger = Ledger::default();
        ledger.stored(&topic("a"));
        assert_eq!(ledger.found(&topic("a"), stamp(2, 1), false), 1);
        assert_eq!(pending(&ledger, "a"), (1, 1, 1));
        ledger.leave(&topic("a"), stamp(0, 0), None);
        ledger.leave(&topic("a"), stamp(2, 1), None);
        assert_eq!(ledger.losses.total(), 1);
    }
}
