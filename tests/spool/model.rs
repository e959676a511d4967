//! A simple model of the spool, and random lives that both go through.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use iotctl::config::spool::{SpoolSettings, SyncPolicy, WhenFull};
use iotctl::device::message::Form;
use iotctl::device::queue::{Accepted, Moment, Queue, Record};
use iotctl::device::spool::Spool;
use iotctl::device::spool::files::{Disk, Files};
use iotctl::topic::TopicName;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use serde_json::Value;
use time::macros::datetime;

use super::faulty::{Faults, Faulty};

pub(crate) const SEGMENT: usize = 1024;
pub(crate) const NOW: Moment = Moment { elapsed: Duration::ZERO, utc: datetime!(2026-11-25 12:00 UTC) };

/// A folder in memory: what a sync is worth is asked of [`Faulty`], and a real one takes milliseconds.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// Three topics, each with numbers of its own.
pub(crate) fn topic(number: usize) -> TopicName {
    ["t", "u", "v"][number % 3].parse().unwrap()
}

pub(crate) fn reading(payload: &[u8]) -> Record {
    reading_of(0, payload)
}

pub(crate) fn reading_of(number: usize, payload: &[u8]) -> Record {
    Record { topic: topic(number), payload: payload.to_vec() }
}

pub(crate) fn open(folder: &Path, settings: SpoolSettings) -> Spool<Disk> {
    Spool::with_segments(Disk::take(folder).unwrap(), settings, 1, SEGMENT)
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct SaidGap {
    pub(crate) sequence: u64,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) lost: u64,
}

/// What a gap record says.
pub(crate) fn gap(record: &Record) -> Option<SaidGap> {
    let message: Value = serde_json::from_slice(&record.payload).ok()?;
    let number = |name: &str| message["gap"][name].as_u64();
    let sequence = message["sequence"].as_u64()?;
    Some(SaidGap { sequence, first: number("first")?, last: number("last")?, lost: number("lost")? })
}

/// Everything that is owed, acknowledged as it comes.
pub(crate) fn delivered<F: Files>(spool: &mut Spool<F>) -> Vec<(u64, Record)> {
    let mut all = Vec::new();
    loop {
        spool.announce(Form::default(), NOW);
        let sequence = spool.first();
        if sequence == spool.end() {
            return all;
        }
        let record = spool.get(sequence).cloned();
        all.push((sequence, record.expect("the first number is a record's")));
        spool.acknowledge(sequence);
    }
}

/// A disk that counts the bytes that are read from it.
pub(crate) struct Counting {
    disk: Disk,
    read: Rc<RefCell<u64>>,
}

impl Counting {
    pub(crate) fn take(folder: &Path, read: &Rc<RefCell<u64>>) -> Self {
        Self { disk: Disk::take(folder).unwrap(), read: read.clone() }
    }
}

impl Files for Counting {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }
    fn create(&self, name: &str) -> io::Result<File> {
        self.disk.create(name)
    }
    fn open(&self, name: &str) -> io::Result<File> {
        self.disk.open(name)
    }
    fn read_at(&self, file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let count = self.disk.read_at(file, buffer, offset)?;
        *self.read.borrow_mut() += count as u64;
        Ok(count)
    }
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.disk.write_at(file, bytes, offset)
    }
    fn sync(&self, file: &File) -> io::Result<()> {
        self.disk.sync(file)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }
    fn sync_folder(&self) -> io::Result<()> {
        self.disk.sync_folder()
    }
}

/// Something that happens to a spool.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// A reading for a topic, of so many bytes, comes so many milliseconds after what was before.
    Accept(usize, usize, u64),
    /// The line stands, and of what is owed so many are sent and acknowledged.
    Deliver(usize),
    /// One of those that are sent is acknowledged out of turn.
    AcknowledgeLater(u64),
    /// It is closed and opened.
    Close,
    /// The process is killed, and started again.
    Kill,
    /// It dies in the middle of taking a reading for a topic, of so many bytes, after so many things done to the disk.
    DieAccepting(u32, usize, usize),
    /// It dies in the middle of delivering so many.
    DieDelivering(u32, usize),
    /// The power is cut; the seed says what of the unsafe sectors stays.
    PowerCut(u64),
    /// It is closed, a byte of a segment changes, and it is opened.
    Damage(u64),
    FailingSyncs(u32),
    FailingWrites(u32),
    ShortWrites(u32),
    /// The disk is full, or is not any more.
    Full(bool),
}

pub(crate) fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        30 => (0usize..3, 0usize..60, 0u64..400).prop_map(|(topic, bytes, millis)| Action::Accept(topic, bytes, millis)),
        10 => (1usize..20).prop_map(Action::Deliver),
        4 => (1u64..20).prop_map(Action::AcknowledgeLater),
        1 => Just(Action::Close),
        2 => Just(Action::Kill),
        2 => (0u32..12, 0usize..3, 0usize..60).prop_map(|(after, topic, bytes)| Action::DieAccepting(after, topic, bytes)),
        2 => (0u32..12, 1usize..20).prop_map(|(after, most)| Action::DieDelivering(after, most)),
        2 => any::<u64>().prop_map(Action::PowerCut),
        1 => any::<u64>().prop_map(Action::Damage),
        1 => (1u32..4).prop_map(Action::FailingSyncs),
        1 => (1u32..4).prop_map(Action::FailingWrites),
        1 => (1u32..4).prop_map(Action::ShortWrites),
        1 => any::<bool>().prop_map(Action::Full),
    ]
}

pub(crate) fn settings() -> impl Strategy<Value = SpoolSettings> {
    let when_full = prop_oneof![Just(WhenFull::DropOldest), Just(WhenFull::DropNewest), Just(WhenFull::Block)];
    let sync = prop_oneof![2 => Just(SyncPolicy::Every), 1 => Just(SyncPolicy::Grouped(Duration::from_millis(500)))];
    let count = prop::option::of(1u64..30);
    let age = prop::option::of((1u64..5).prop_map(Duration::from_secs));
    (sync, 2u64..6, count, age, when_full).prop_map(|(sync, segments, max_count, max_age, when_full)| SpoolSettings {
        dir: None,
        sync,
        max_bytes: segments * SEGMENT as u64,
        max_count,
        max_age,
        when_full,
    })
}

/// Changes a byte of one of the segments.
fn flip(folder: &Path, seed: u64) {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut logs: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    logs.sort();
    if let Some(log) = logs.get(seed as usize % logs.len().max(1)) {
        let mut bytes = std::fs::read(log).unwrap();
        let at = (seed >> 8) as usize % bytes.len();
        bytes[at] ^= 1 << ((seed >> 40) % 8);
        // In place, as a disk does it: the feeder's lock and the file stay the same.
        std::fs::write(log, bytes).unwrap();
    }
}

/// What must be true of a spool.
struct Life<'a> {
    folder: &'a Path,
    settings: SpoolSettings,
    faults: Rc<RefCell<Faults>>,
    spool: Option<Spool<Faulty>>,
    now: Moment,
    /// Readings that were accepted: their bytes by topic and number. A reading whose number was used before a power cut
    /// that took it (grouped) is replaced.
    accepted: BTreeMap<(TopicName, u64), Vec<u8>>,
    /// Readings that were offered, and not sent back.
    offered: u64,
    /// Readings that arrived at least once.
    arrived: BTreeSet<(TopicName, u64)>,
    /// Gap records that arrived, by topic and number.
    gaps: BTreeMap<(TopicName, u64), SaidGap>,
    /// Numbers that a grouped spool may have lost to a power cut without a word.
    uncertain: bool,
    crashed: bool,
    /// What arrived may be damaged before the front of the queue passes it, and be called lost.
    damaged: bool,
    /// What a failing disk was said to have lost may be there after all: that is for the better.
    failed: bool,
    /// Refused while the disk failed: if it did not take the cursor either, a crash forgets that they were offered.
    refused_by_a_failing_disk: u64,
}

/// Plays a life to its end, then lets everything that is owed arrive, and compares.
pub(crate) fn play(settings: SpoolSettings, actions: &[Action]) -> Result<(), TestCaseError> {
    let folder = scratch();
    let faults = Rc::default();
    let mut life = Life {
        folder: folder.path(),
        settings,
        faults,
        spool: None,
        now: NOW,
        accepted: BTreeMap::new(),
        offered: 0,
        arrived: BTreeSet::new(),
        gaps: BTreeMap::new(),
        uncertain: false,
        crashed: false,
        damaged: false,
        failed: false,
        refused_by_a_failing_disk: 0,
    };
    life.start();
    for action in actions {
        life.act(action)?;
    }
    life.faults.borrow_mut().only_the_process_died();
    life.act(&Action::Full(false))?;
    life.act(&Action::Close)?;
    life.deliver(usize::MAX)?;
    life.check()
}

impl Life<'_> {
    fn start(&mut self) {
        let disk = Faulty::take(self.folder, &self.faults);
        self.spool = Some(Spool::with_segments(disk, self.settings.clone(), 1, SEGMENT));
    }

    fn spool(&mut self) -> &mut Spool<Faulty> {
        self.spool.as_mut().unwrap()
    }

    fn act(&mut self, action: &Action) -> Result<(), TestCaseError> {
        self.failed |= matches!(action, Action::FailingSyncs(_) | Action::FailingWrites(_));
        match *action {
            Action::Accept(topic, bytes, millis) => self.accept(topic, bytes, millis),
            Action::Deliver(most) => self.deliver(most)?,
            Action::AcknowledgeLater(ahead) => self.acknowledge_later(ahead)?,
            Action::Close => {
                self.spool().close();
                self.restart()?;
            }
            Action::Kill => self.die()?,
            Action::DieAccepting(after, topic, bytes) => {
                self.faults.borrow_mut().dies_in = Some(after);
                let (offered, accepted) = (self.offered, self.accepted.len());
                self.accept(topic, bytes, 0);
                // One that was not taken before it died was not offered to anybody.
                self.offered = offered + u64::from(self.accepted.len() > accepted);
                self.die()?;
            }
            Action::DieDelivering(after, most) => {
                self.faults.borrow_mut().dies_in = Some(after);
                self.deliver(most)?;
                self.die()?;
            }
            Action::PowerCut(seed) => {
                self.crashed = true;
                self.uncertain |= self.settings.sync != SyncPolicy::Every;
                self.spool = None;
                let mut state = seed | 1;
                self.faults.borrow_mut().cut_power(|| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state & 1 == 0
                });
                self.restart()?;
            }
            Action::Damage(seed) => {
                self.spool().close();
                self.damaged = true;
                // Books that a failing disk did not take say nothing of what is damaged at the end of the log.
                self.uncertain |= self.failed;
                self.spool = None;
                flip(self.folder, seed);
                self.restart()?;
            }
            Action::FailingSyncs(times) => self.faults.borrow_mut().failing_syncs = times,
            Action::FailingWrites(times) => self.faults.borrow_mut().failing_writes = times,
            Action::ShortWrites(times) => self.faults.borrow_mut().short_writes = times,
            Action::Full(full) => self.faults.borrow_mut().full = full,
        }
        Ok(())
    }

    fn die(&mut self) -> Result<(), TestCaseError> {
        self.crashed = true;
        self.spool = None;
        self.faults.borrow_mut().only_the_process_died();
        self.restart()
    }

    fn restart(&mut self) -> Result<(), TestCaseError> {
        self.spool = None;
        self.start();
        let certain = !self.uncertain;
        let (first, end) = (self.spool().first(), self.spool().end());
        prop_assert!(first <= end);
        for topic in (0..3).map(topic).filter(|_| certain) {
            let mut used = self.accepted.keys().filter(|(of, _)| *of == topic).map(|(_, sequence)| *sequence);
            let next = self.spool.as_ref().unwrap().next(&topic);
            prop_assert!(used.all(|sequence| sequence < next), "number {next} of {topic} would be used twice");
        }
        Ok(())
    }

    fn accept(&mut self, number: usize, bytes: usize, millis: u64) {
        self.now.elapsed += Duration::from_millis(millis);
        self.now.utc += Duration::from_millis(millis);
        let now = self.now;
        self.spool().tend(now);
        let (topic, end) = (topic(number), self.spool().end());
        let sequence = self.spool().next(&topic);
        let payload = format!("{sequence} {} {}", self.offered, ".".repeat(bytes)).into_bytes();
        let failing = self.faults.borrow().failing_writes + self.faults.borrow().failing_syncs > 0;
        let outcome = self.spool().accept(reading_of(number, &payload), now);
        self.refused_by_a_failing_disk += u64::from(failing && matches!(outcome, Accepted::Dropped(_)));
        if outcome != Accepted::Full {
            self.offered += 1;
            let used = (self.spool().end(), self.spool().next(&topic));
            assert_eq!(used, (end + 1, sequence + 1), "each reading has its numbers, lost or not");
        }
        if outcome == Accepted::Kept {
            self.accepted.insert((topic, sequence), payload);
        }
    }

    fn deliver(&mut self, most: usize) -> Result<(), TestCaseError> {
        let mut last = None;
        for _ in 0..most {
            let now = self.now;
            self.spool().announce(Form::default(), now);
            let sequence = self.spool().first();
            if sequence == self.spool().end() {
                break;
            }
            prop_assert!(last < Some(sequence), "{sequence} after {last:?}");
            last = Some(sequence);
            self.arrive(sequence, true)?;
            self.spool().acknowledge(sequence);
        }
        Ok(())
    }

    fn acknowledge_later(&mut self, ahead: u64) -> Result<(), TestCaseError> {
        let sequence = self.spool().first() + ahead;
        if sequence < self.spool().end() {
            self.arrive(sequence, false)?;
            self.spool().acknowledge(sequence);
        }
        Ok(())
    }

    fn arrive(&mut self, sequence: u64, must: bool) -> Result<(), TestCaseError> {
        let Some(record) = self.spool().get(sequence).cloned() else {
            prop_assert!(!must, "the first number {sequence} has no record");
            return Ok(());
        };
        if let Some(gap) = gap(&record) {
            prop_assert!(gap.last < gap.sequence, "{gap:?} tells of what comes");
            self.gaps.insert((record.topic, gap.sequence), gap);
            return Ok(());
        }
        let text = String::from_utf8(record.payload).unwrap();
        let place = (record.topic, text.split(' ').next().unwrap().parse().unwrap());
        // Its sync failed and it was called lost, and yet it is there: that is for the better.
        if let Some(payload) = self.accepted.get(&place) {
            prop_assert!(*payload == text.as_bytes(), "number {place:?} is another reading");
            self.arrived.insert(place);
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let losses = self.spool().losses().total();
        let announced: u64 = self.gaps.values().map(|gap| gap.lost).sum();
        // A gap record that arrived, was not acknowledged before a crash and is too old afterwards is told again.
        let told = if self.failed || self.crashed { announced >= losses } else { announced == losses };
        prop_assert!(told, "{announced} of {losses} losses are announced: {:?}", self.gaps);
        // A group that a failing disk loses is told of only if that disk takes the cursor.
        if self.uncertain || (self.failed && self.settings.sync != SyncPolicy::Every) {
            return Ok(());
        }
        for place in self.accepted.keys().filter(|place| !self.arrived.contains(place)) {
            let (topic, sequence) = place;
            let mut gaps = self.gaps.iter().filter(|((of, _), _)| of == topic).map(|(_, gap)| gap);
            let told = gaps.any(|gap| (gap.first..=gap.last).contains(sequence));
            prop_assert!(told, "{place:?} neither came nor was announced: {:?}", self.gaps);
        }
        let known = self.arrived.len() as u64 + losses;
        let forgotten = if self.crashed { self.refused_by_a_failing_disk } else { 0 };
        prop_assert!(known + forgotten >= self.offered, "{known} of {} are accounted for", self.offered);
        if !self.crashed && !self.failed && !self.damaged {
            prop_assert!(known == self.offered, "{known} of {} are accounted for", self.offered);
        }
        Ok(())
    }
}
