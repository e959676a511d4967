//! What the spool costs: readings a second, and bytes written for each, with a sync each and in groups.
//!
//! `cargo bench --no-default-features --bench spool [-- FOLDER]`; the folder is on the disk that is asked about, and the
//! system's folder for temporary files if none is named. A plain program and no harness: what matters here is bytes and
//! flushes, which are exact, and a rate that belongs to the disk, which no statistics make better.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on must fail, and prints its table"
)]

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use iotctl::config::spool::{SpoolSettings, SyncPolicy};
use iotctl::device::queue::{Accepted, Moment, Queue, Record};
use iotctl::device::spool::Spool;
use iotctl::device::spool::files::{Disk, Files};
use time::OffsetDateTime;

/// The size of a reading's message, and a bit.
const PAYLOAD: usize = 200;
/// What a block device writes for one changed byte.
const PAGE: u64 = 4096;

/// What reached the disk.
#[derive(Default, Clone, Copy)]
struct Cost {
    written: u64,
    /// Pages touched between two syncs of a file, each counted once: what goes to the medium.
    pages: u64,
    syncs: u64,
}

/// A disk that counts.
struct Counting {
    disk: Disk,
    cost: Rc<RefCell<Cost>>,
    dirty: RefCell<std::collections::BTreeSet<u64>>,
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
        self.disk.read_at(file, buffer, offset)
    }
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let count = self.disk.write_at(file, bytes, offset)?;
        self.cost.borrow_mut().written += count as u64;
        self.dirty.borrow_mut().extend(offset / PAGE..=(offset + count as u64 - 1) / PAGE);
        Ok(count)
    }
    fn sync(&self, file: &File) -> io::Result<()> {
        let mut cost = self.cost.borrow_mut();
        cost.syncs += 1;
        cost.pages += std::mem::take(&mut *self.dirty.borrow_mut()).len() as u64;
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

struct Run {
    name: &'static str,
    sync: SyncPolicy,
    readings: u64,
    /// Acknowledged as it comes, as on a line that stands; else the line is down.
    online: bool,
}

fn measure(folder: &Path, run: &Run) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let cost = Rc::new(RefCell::new(Cost::default()));
    let disk = Counting { disk: Disk::take(folder.path()).unwrap(), cost: cost.clone(), dirty: RefCell::default() };
    let mut spool = Spool::open(disk, SpoolSettings { sync: run.sync, ..SpoolSettings::default() }, 1);
    let topic: iotctl::topic::TopicName = "sensors/pump-7/temperature".parse().unwrap();
    let before = *cost.borrow();
    let started = Instant::now();
    for number in 0..run.readings {
        let now = Moment { elapsed: started.elapsed(), utc: OffsetDateTime::now_utc() };
        spool.tend(now);
        let record = Record { topic: topic.clone(), payload: vec![b'x'; PAYLOAD] };
        assert_eq!(spool.accept(record, now), Accepted::Kept);
        if run.online {
            assert!(spool.get(number).is_some());
            spool.acknowledge(number);
        }
    }
    spool.close();
    let seconds = started.elapsed().as_secs_f64();
    let after = *cost.borrow();
    let each = |total: u64| total as f64 / run.readings as f64;
    println!(
        "{:<28} {:>9.0} {:>12.0} {:>14.0} {:>10.3}",
        run.name,
        run.readings as f64 / seconds,
        each(after.written - before.written),
        each((after.pages - before.pages) * PAGE),
        each(after.syncs - before.syncs),
    );
}

/// How long it takes to start with so many readings waiting, and what it takes in memory.
fn start_with(folder: &Path, readings: u64) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let settings = SpoolSettings { sync: SyncPolicy::Grouped(Duration::from_secs(1)), ..SpoolSettings::default() };
    let mut spool = Spool::open(Disk::take(folder.path()).unwrap(), settings.clone(), 1);
    let now = Moment { elapsed: Duration::ZERO, utc: OffsetDateTime::now_utc() };
    for _ in 0..readings {
        let record = Record { topic: "sensors/pump-7/temperature".parse().unwrap(), payload: vec![b'x'; PAYLOAD] };
        assert_eq!(spool.accept(record, now), Accepted::Kept);
    }
    spool.close();
    drop(spool);
    let (resident, started) = (resident_kib(), Instant::now());
    let mut spool = Spool::open(Disk::take(folder.path()).unwrap(), settings, 1);
    assert!(spool.waiting() == readings && spool.get(0).is_some());
    let millis = started.elapsed().as_secs_f64() * 1000.0;
    println!(
        "\nstart with {readings} waiting: {millis:.1} ms, {} KiB more in memory",
        resident_kib().saturating_sub(resident)
    );
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    println!("{PAYLOAD}-byte messages below `{}`, preparing the first segments left out\n", folder.display());
    println!("{:<28} {:>9} {:>12} {:>14} {:>10}", "", "readings/s", "bytes each", "in pages each", "syncs each");
    let grouped = |millis| SyncPolicy::Grouped(Duration::from_millis(millis));
    for run in [
        Run { name: "every, line down", sync: SyncPolicy::Every, readings: 2_000, online: false },
        Run { name: "every, acknowledged", sync: SyncPolicy::Every, readings: 2_000, online: true },
        Run { name: "20 ms groups, line down", sync: grouped(20), readings: 50_000, online: false },
        Run { name: "20 ms groups, acknowledged", sync: grouped(20), readings: 50_000, online: true },
        Run { name: "200 ms groups, acknowledged", sync: grouped(200), readings: 50_000, online: true },
    ] {
        measure(&folder, &run);
    }
    start_with(&folder, 100_000);
}
