//! The spool against a simple model, on a disk that fails, cut and flipped at every byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on must fail")]

#[path = "spool/faulty.rs"]
mod faulty;
#[path = "spool/model.rs"]
mod model;

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use faulty::{Faults, Faulty};
use iotctl::config::spool::{SpoolSettings, SyncPolicy, WhenFull};
use iotctl::device::loss::Reason;
use iotctl::device::message::Form;
use iotctl::device::queue::{Accepted, Queue};
use iotctl::device::spool::Spool;
use iotctl::device::spool::files::Disk;
use model::{NOW, SEGMENT, delivered, gap, open, reading, reading_of, scratch, topic};
use proptest::prelude::*;

fn filled(folder: &Path, readings: u8) {
    let mut spool = open(folder, SpoolSettings::default());
    for number in 0..readings {
        assert_eq!(spool.accept(reading(&[number; 20]), NOW), Accepted::Kept);
    }
    spool.close();
}

/// The newest segment.
fn newest(folder: &Path) -> std::path::PathBuf {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "log")).max().unwrap()
}

/// Opens what is left, drains it, and says which numbers came and which were announced as lost.
fn survivors(folder: &Path) -> (Vec<u64>, Vec<u64>, u64) {
    let mut spool = open(folder, SpoolSettings::default());
    let (mut came, mut announced) = (Vec::new(), Vec::new());
    for (sequence, record) in delivered(&mut spool) {
        match gap(&record) {
            Some(gap) => announced.extend(gap.first..=gap.last),
            None => {
                assert_eq!(record.payload, [u8::try_from(sequence).unwrap(); 20], "number {sequence} was changed");
                came.push(sequence);
            }
        }
    }
    // It goes on: what is accepted now comes.
    let next = spool.end();
    assert_eq!(spool.accept(reading(b"after"), NOW), Accepted::Kept);
    assert_eq!(delivered(&mut spool).iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>(), [next]);
    (came, announced, spool.losses().of(Reason::Damage))
}

/// A copy of a folder.
fn copied(original: &Path) -> tempfile::TempDir {
    let copy = scratch();
    for entry in fs::read_dir(original).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

/// Lets `spoil` loose on every byte of the log in turn; `most` of the readings may be lost each time.
fn at_every_byte(spoil: impl Fn(&mut Vec<u8>, usize), least_left: impl Fn(usize) -> u64) {
    let original = scratch();
    filled(original.path(), 8);
    let log = fs::read(newest(original.path())).unwrap();
    for at in 0..log.len() {
        let copy = copied(original.path());
        let mut bytes = log.clone();
        spoil(&mut bytes, at);
        fs::write(newest(copy.path()), bytes).unwrap();
        let (came, announced, damage) = survivors(copy.path());
        assert!(came.len() as u64 >= least_left(at), "byte {at}: only {came:?} came");
        let mut all = [came.clone(), announced.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..8).collect::<Vec<_>>(), "byte {at}: each came, or was announced");
        assert_eq!(damage, announced.len() as u64, "byte {at}: counted");
    }
}

/// 32 bytes of header, then records of 16 and 26 bytes before topic and message.
const FIRST_RECORD: usize = 32;
const RECORD: usize = 16 + 26 + 1 + 20;

#[test]
fn a_log_that_is_cut_at_any_byte_loses_what_was_cut_off_and_says_so() {
    at_every_byte(
        |bytes, at| bytes.truncate(at),
        |at| at.saturating_sub(FIRST_RECORD).div_euclid(RECORD).min(8) as u64,
    );
}

#[test]
fn a_byte_that_is_flipped_costs_the_record_that_it_hits_and_no_other() {
    let hits = |at: usize| (FIRST_RECORD..FIRST_RECORD + 8 * RECORD).contains(&at);
    at_every_byte(|bytes, at| bytes[at] ^= 0xff, |at| 8 - u64::from(hits(at)));
    at_every_byte(|bytes, at| bytes[at] ^= 1 << (at % 8), |at| 8 - u64::from(hits(at)));
}

#[test]
fn a_cursor_that_is_cut_or_flipped_anywhere_costs_nothing_but_duplicates() {
    let original = scratch();
    filled(original.path(), 8);
    let mut spool = open(original.path(), SpoolSettings::default());
    (0..4).for_each(|sequence| spool.acknowledge(sequence));
    spool.close();
    drop(spool);
    for name in ["cursor-0", "cursor-1"] {
        let path = original.path().join(name);
        let cursor = fs::read(&path).unwrap();
        // What is behind is not read.
        for at in 0..160 {
            for cut in [false, true] {
                let mut bytes = cursor.clone();
                if cut {
                    bytes.truncate(at)
                } else {
                    bytes[at] ^= 0x10
                }
                let copy = copied(original.path());
                fs::write(copy.path().join(name), bytes).unwrap();
                let mut spool = open(copy.path(), SpoolSettings::default());
                assert!(spool.first() <= 4, "{name}, byte {at}: number 4 is owed");
                let found = (spool.end(), spool.next(&topic(0)), spool.losses().total());
                assert_eq!(found, (8, 8, 0), "{name}, byte {at}");
                assert!(spool.get(4).is_some());
            }
        }
    }
}

#[test]
fn without_its_cursors_it_sends_all_again_and_gives_no_number_twice() {
    let folder = scratch();
    let mut spool = open(folder.path(), SpoolSettings::default());
    for number in 0..3 {
        assert_eq!(spool.accept(reading_of(1, b"delivered"), NOW), Accepted::Kept);
        spool.acknowledge(number);
    }
    (0..40).for_each(|_| assert_eq!(spool.accept(reading(&[0; 20]), NOW), Accepted::Kept));
    (3..30).for_each(|number| spool.acknowledge(number));
    drop(spool);
    ["cursor-0", "cursor-1"].iter().for_each(|name| fs::remove_file(folder.path().join(name)).unwrap());
    let mut spool = open(folder.path(), SpoolSettings::default());
    assert_eq!((spool.next(&topic(0)), spool.losses().total()), (40, 0));
    assert!(spool.next(&topic(1)) >= 3, "nothing in the log says what this topic was at");
    let all = delivered(&mut spool);
    assert_eq!(all.last().unwrap().0, 42);
    assert!(all.iter().all(|(_, record)| gap(record).is_none()), "nothing is lost");
}

#[test]
fn a_topic_is_told_of_what_it_lost_in_its_own_numbers() {
    let folder = scratch();
    let mut spool = open(folder.path(), bounded(Some(4), WhenFull::DropOldest));
    for turn in 0..6 {
        assert_eq!(spool.accept(reading_of(turn % 2, b"x"), NOW), Accepted::Kept);
    }
    assert_eq!((spool.next(&topic(0)), spool.next(&topic(1)), spool.next(&topic(2))), (3, 3, 0));
    drop(spool);
    let mut spool = open(folder.path(), bounded(None, WhenFull::DropOldest));
    let gaps: Vec<_> =
        delivered(&mut spool).into_iter().filter_map(|(_, r)| gap(&r).map(|gap| (r.topic, gap))).collect();
    let said: Vec<_> = gaps.iter().map(|(topic, gap)| (topic.as_str(), gap.first, gap.last, gap.sequence)).collect();
    assert!(said.contains(&("t", 0, 0, 3)) && said.contains(&("u", 0, 0, 3)) && said.len() == 2, "{said:?}");
}

#[test]
fn damage_is_booked_to_the_topic_that_it_hit() {
    for hit in 0..6 {
        let folder = scratch();
        let mut spool = open(folder.path(), SpoolSettings::default());
        (0..6).for_each(|turn| assert_eq!(spool.accept(reading_of(turn % 3, &[7; 20]), NOW), Accepted::Kept));
        spool.close();
        drop(spool);
        let path = newest(folder.path());
        let mut bytes = fs::read(&path).unwrap();
        bytes[FIRST_RECORD + hit * RECORD + 30] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let mut spool = open(folder.path(), SpoolSettings::default());
        let all = delivered(&mut spool);
        let gaps: Vec<_> =
            all.iter().filter_map(|(_, r)| gap(r).map(|gap| (r.topic.clone(), gap.first, gap.lost))).collect();
        assert_eq!(gaps, [(topic(hit), hit as u64 / 3, 1)]);
        assert_eq!((all.len(), spool.losses().of(Reason::Damage)), (6, 1));
    }
}

#[test]
fn a_damaged_file_is_kept_aside_once_all_else_in_it_was_sent() {
    let folder = scratch();
    filled(folder.path(), 8);
    let path = newest(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[FIRST_RECORD + RECORD + 30] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let (came, announced, _) = survivors(folder.path());
    assert_eq!((came, announced), (vec![0, 2, 3, 4, 5, 6, 7], vec![1]));
    assert_eq!(fs::read(folder.path().join("00000000000000000000.damaged")).unwrap(), bytes);
}

#[test]
fn a_segment_that_is_gone_is_announced_and_stops_nothing() {
    let folder = scratch();
    filled(folder.path(), 44);
    let mut logs: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|end| end == "log"));
    logs.sort();
    assert_eq!(logs.len(), 3, "{logs:?}");
    for gone in logs {
        let copy = scratch();
        filled(copy.path(), 44);
        fs::remove_file(copy.path().join(gone.file_name().unwrap())).unwrap();
        let (came, announced, damage) = survivors(copy.path());
        assert!(came.len() >= 29, "{gone:?}: {came:?}");
        assert_eq!((came.len() + announced.len(), damage as usize), (44, announced.len()), "{gone:?}");
    }
}

#[test]
fn a_file_of_another_format_is_put_aside_untouched() {
    let folder = scratch();
    filled(folder.path(), 3);
    let path = newest(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[8] = 3;
    let sum = crc32fast::hash(&[&bytes[8..12], &bytes[16..32]].concat());
    bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    let (came, announced, _) = survivors(folder.path());
    assert_eq!((came, announced), (vec![], vec![0, 1, 2]));
    assert_eq!(fs::read(folder.path().join("00000000000000000000.damaged")).unwrap(), bytes);
}

#[test]
fn a_new_spool_has_an_epoch_of_its_own_and_keeps_it() {
    let folder = scratch();
    let epoch = |random| Spool::open(Disk::take(folder.path()).unwrap(), SpoolSettings::default(), random).stat().epoch;
    assert_eq!((epoch(7), epoch(8)), (7, 7));
    ["cursor-0", "cursor-1"].iter().for_each(|name| fs::remove_file(folder.path().join(name)).unwrap());
    assert_eq!(epoch(9), 7, "the segments say it too");
}

/// A spool on a disk that fails on command.
fn on_faulty(folder: &Path, settings: SpoolSettings) -> (Spool<Faulty>, Rc<RefCell<Faults>>) {
    let faults = Rc::new(RefCell::new(Faults::default()));
    (Spool::with_segments(Faulty::take(folder, &faults), settings, 1, SEGMENT), faults)
}

#[test]
fn after_a_failed_sync_what_was_not_safe_is_written_again_to_a_new_segment() {
    let folder = scratch();
    let (mut spool, faults) = on_faulty(folder.path(), SpoolSettings::default());
    assert_eq!(spool.accept(reading(b"one"), NOW), Accepted::Kept);
    faults.borrow_mut().failing_syncs = 1;
    assert_eq!(spool.accept(reading(b"two"), NOW), Accepted::Kept);
    assert_eq!(spool.stat().segments, 2);
    drop(spool);
    faults.borrow_mut().cut_power(|| true);
    let mut spool = open(folder.path(), SpoolSettings::default());
    assert_eq!(delivered(&mut spool).len(), 2, "the power cut took only what the old file did not keep");
    assert_eq!(spool.losses().total(), 0);
}

#[test]
fn a_disk_that_syncs_no_more_loses_readings_by_number_and_goes_on() {
    let folder = scratch();
    let (mut spool, faults) = on_faulty(folder.path(), SpoolSettings::default());
    faults.borrow_mut().failing_syncs = 6;
    let outcomes: Vec<_> = (0..5).map(|_| spool.accept(reading(b"x"), NOW)).collect();
    assert!(outcomes.contains(&Accepted::Dropped(Reason::DiskError)), "{outcomes:?}");
    assert_eq!(outcomes.last(), Some(&Accepted::Kept), "the disk works again");
    let kept = outcomes.iter().filter(|outcome| **outcome == Accepted::Kept).count();
    let all = delivered(&mut spool);
    let lost: u64 = all.iter().filter_map(|(_, record)| gap(record)).map(|gap| gap.lost).sum();
    assert_eq!((all.len(), lost as usize), (kept + 1, 5 - kept));
}

#[test]
fn a_short_write_is_finished_and_a_failed_one_done_again_elsewhere() {
    let folder = scratch();
    let (mut spool, faults) = on_faulty(folder.path(), SpoolSettings::default());
    faults.borrow_mut().short_writes = 3;
    assert_eq!(spool.accept(reading(b"short"), NOW), Accepted::Kept);
    faults.borrow_mut().failing_writes = 1;
    assert_eq!(spool.accept(reading(b"failed"), NOW), Accepted::Kept);
    drop(spool);
    let mut spool = open(folder.path(), SpoolSettings::default());
    let payloads: Vec<_> = delivered(&mut spool).into_iter().map(|(_, record)| record.payload).collect();
    assert_eq!(payloads, [b"short".to_vec(), b"failed".to_vec()]);
}

#[test]
fn a_full_disk_refuses_new_readings_and_tells_of_them_when_there_is_room() {
    let folder = scratch();
    let (mut spool, faults) = on_faulty(folder.path(), SpoolSettings::default());
    faults.borrow_mut().full = true;
    let taken = (0..100).take_while(|number| spool.accept(reading(&[*number; 20]), NOW) == Accepted::Kept).count();
    assert!(taken > 15, "two segments were laid in: {taken}");
    assert_eq!(spool.accept(reading(&[0; 20]), NOW), Accepted::Dropped(Reason::DiskFull));
    drop(spool);
    faults.borrow_mut().only_the_process_died();
    let mut spool = Spool::with_segments(Faulty::take(folder.path(), &faults), SpoolSettings::default(), 1, SEGMENT);
    assert_eq!(spool.accept(reading(&[0; 20]), NOW), Accepted::Dropped(Reason::DiskFull), "and it starts");
    faults.borrow_mut().full = false;
    assert_eq!(spool.accept(reading(b"yes"), NOW), Accepted::Kept);
    let gaps: Vec<_> = delivered(&mut spool).iter().filter_map(|(_, record)| gap(record)).collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    let first = taken as u64;
    assert_eq!((gaps[0].first, gaps[0].last, gaps[0].lost), (first, first + 2, 3));
}

#[test]
fn a_line_that_stands_needs_no_room_on_a_full_disk() {
    let folder = scratch();
    let (mut spool, faults) = on_faulty(folder.path(), SpoolSettings::default());
    faults.borrow_mut().full = true;
    for number in 0..500 {
        assert_eq!(spool.accept(reading(&[7; 20]), NOW), Accepted::Kept, "{number}");
        spool.acknowledge(number);
    }
    assert_eq!((spool.waiting(), spool.losses().total()), (0, 0));
}

#[test]
fn it_starts_in_an_empty_folder_on_a_full_disk() {
    let folder = scratch();
    let faults = Rc::new(RefCell::new(Faults { full: true, ..Faults::default() }));
    let mut spool = Spool::with_segments(Faulty::take(folder.path(), &faults), SpoolSettings::default(), 1, SEGMENT);
    assert_eq!(spool.accept(reading(b"no"), NOW), Accepted::Dropped(Reason::DiskFull));
    spool.announce(Form::default(), NOW);
    assert_eq!(spool.waiting(), 0, "a gap that cannot be written keeps nobody waiting");
    faults.borrow_mut().full = false;
    assert_eq!(spool.accept(reading(b"yes"), NOW), Accepted::Kept);
}

#[test]
fn a_disk_that_cannot_be_read_is_started_from_and_its_readings_are_announced() {
    let folder = scratch();
    filled(folder.path(), 60);
    let faults = Rc::new(RefCell::new(Faults { unreadable: true, ..Faults::default() }));
    let mut spool = Spool::with_segments(Faulty::take(folder.path(), &faults), SpoolSettings::default(), 1, SEGMENT);
    faults.borrow_mut().unreadable = false;
    assert_eq!(spool.accept(reading(b"on"), NOW), Accepted::Kept);
    assert_eq!(spool.get(spool.end() - 1).map(|record| record.payload.clone()), Some(b"on".to_vec()));
}

fn bounded(max_count: Option<u64>, when_full: WhenFull) -> SpoolSettings {
    SpoolSettings { max_count, when_full, ..SpoolSettings::default() }
}

#[test]
fn at_its_bound_it_drops_what_is_oldest_and_tells_of_all_in_one_record() {
    let folder = scratch();
    let mut spool = open(folder.path(), bounded(Some(10), WhenFull::DropOldest));
    (0..200).for_each(|number| assert_eq!(spool.accept(reading(&[number; 20]), NOW), Accepted::Kept));
    assert!(spool.stat().segments <= 2, "what is dropped is given back");
    let all = delivered(&mut spool);
    assert_eq!(all.iter().take(10).map(|(sequence, _)| *sequence).collect::<Vec<_>>(), (190..200).collect::<Vec<_>>());
    let gaps: Vec<_> = all.iter().filter_map(|(_, record)| gap(record)).collect();
    assert_eq!((gaps.len(), gaps[0].first, gaps[0].last, gaps[0].lost), (1, 0, 189, 190));
    assert_eq!(spool.losses().of(Reason::Count), 190);
}

#[test]
fn or_refuses_what_is_new_or_takes_nothing_until_there_is_room() {
    let folder = scratch();
    let mut newest = open(&folder.path().join("newest"), bounded(Some(8), WhenFull::DropNewest));
    let kept = (0..20).filter(|number| newest.accept(reading(&[*number; 20]), NOW) == Accepted::Kept).count();
    assert_eq!((kept, newest.losses().of(Reason::Count)), (8, 12));
    let numbers: Vec<_> = delivered(&mut newest).iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 20], "20 is the gap record");
    let mut block = open(&folder.path().join("block"), bounded(Some(8), WhenFull::Block));
    (0..8).for_each(|_| assert_eq!(block.accept(reading(b"x"), NOW), Accepted::Kept));
    assert_eq!((block.accept(reading(b"x"), NOW), block.end()), (Accepted::Full, 8));
    block.acknowledge(0);
    assert_eq!((block.accept(reading(b"x"), NOW), block.losses().total()), (Accepted::Kept, 0));
}

#[test]
fn a_bound_in_bytes_holds_for_the_whole_folder() {
    let folder = scratch();
    let settings = SpoolSettings { max_bytes: 4 * SEGMENT as u64, ..SpoolSettings::default() };
    let mut spool = open(folder.path(), settings);
    for number in 0..=255 {
        assert_eq!(spool.accept(reading(&[number; 20]), NOW), Accepted::Kept);
        let size: u64 = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
        assert!(size <= 4 * SEGMENT as u64 + 2 * 4096, "{size} bytes and the cursors");
    }
    let all = delivered(&mut spool);
    let lost: u64 = all.iter().filter_map(|(_, record)| gap(record)).map(|gap| gap.lost).sum();
    assert_eq!((lost + all.len() as u64 - 1, spool.losses().of(Reason::Bytes)), (256, lost));
}

#[test]
fn what_waited_for_too_long_goes_but_not_for_a_clock_that_was_not_set() {
    let folder = scratch();
    let settings = SpoolSettings { max_age: Some(Duration::from_secs(60)), ..SpoolSettings::default() };
    let mut spool = open(folder.path(), settings);
    let boot = iotctl::device::queue::Moment { utc: time::OffsetDateTime::UNIX_EPOCH, ..NOW };
    assert_eq!(spool.accept(reading(b"before the clock was set"), boot), Accepted::Kept);
    spool.tend(NOW);
    assert_eq!(spool.waiting(), 1);
    spool.acknowledge(0);
    assert_eq!(spool.accept(reading(b"old"), NOW), Accepted::Kept);
    let later = iotctl::device::queue::Moment { utc: NOW.utc + Duration::from_secs(61), ..NOW };
    assert_eq!(spool.accept(reading(b"new"), later), Accepted::Kept);
    assert_eq!((spool.first(), spool.losses().of(Reason::Age)), (2, 1));
}

#[test]
fn a_message_that_aws_does_not_take_never_enters() {
    let folder = scratch();
    let mut spool = Spool::open(Disk::take(folder.path()).unwrap(), SpoolSettings::default(), 1);
    assert_eq!(spool.accept(reading(&vec![0; 128 * 1024]), NOW), Accepted::Kept);
    assert_eq!(spool.accept(reading(&vec![0; 128 * 1024 + 1]), NOW), Accepted::Dropped(Reason::TooLong));
    assert_eq!(spool.get(0).unwrap().payload.len(), 128 * 1024);
}

#[test]
fn a_group_is_safe_after_its_time() {
    let folder = scratch();
    let settings = SpoolSettings { sync: SyncPolicy::Grouped(Duration::from_millis(200)), ..SpoolSettings::default() };
    let (mut spool, faults) = on_faulty(folder.path(), settings);
    let at = |millis| iotctl::device::queue::Moment { elapsed: Duration::from_millis(millis), ..NOW };
    spool.accept(reading(b"one"), at(0));
    spool.accept(reading(b"two"), at(100));
    assert_eq!(spool.tend(at(150)), Some(Duration::from_millis(200)));
    spool.tend(at(200));
    spool.accept(reading(b"three"), at(210));
    drop(spool);
    faults.borrow_mut().cut_power(|| true);
    let mut spool = open(folder.path(), SpoolSettings::default());
    assert_eq!(delivered(&mut spool).len(), 2, "the third had not been synced");
}

#[test]
fn a_hundred_thousand_readings_cost_no_more_to_start_with_than_their_newest_segment() {
    let folder = scratch();
    let settings = SpoolSettings { sync: SyncPolicy::Grouped(Duration::from_secs(1)), ..SpoolSettings::default() };
    let mut spool = Spool::open(Disk::take(folder.path()).unwrap(), settings.clone(), 1);
    (0..100_000).for_each(|_| assert_eq!(spool.accept(reading(&[7; 200]), NOW), Accepted::Kept));
    spool.close();
    drop(spool);
    let counted = Rc::new(RefCell::new(0));
    let mut spool = Spool::open(model::Counting::take(folder.path(), &counted), settings, 1);
    assert_eq!(spool.waiting(), 100_000);
    assert!(spool.get(0).is_some());
    assert!(*counted.borrow() < 3 << 20, "{} bytes read", counted.borrow());
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(11), ..ProptestConfig::default()
    })]
    #[test]
    fn whatever_happens_each_reading_comes_or_is_announced_and_never_out_of_order(
        settings in model::settings(),
        actions in prop::collection::vec(model::action(), 1..120),
    ) {
        model::play(settings, &actions)?;
    }
}
