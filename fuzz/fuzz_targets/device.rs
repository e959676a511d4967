//! What must hold for every file that a feeder reads, as the fuzzer and `tests/device_inputs.rs` both ask it. Each check
//! says whether the input was a good one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use iotctl::bundle::manifest::Manifest;
use iotctl::config::feeder::FeederSettings;
use iotctl::config::feeder::csv::{Column, CsvSettings};
use iotctl::config::spool::SpoolSettings;
use iotctl::device::queue::{Accepted, Moment, Queue, Record};
use iotctl::device::source::csv::Csv;
use iotctl::device::source::fault::ReadError;
use iotctl::device::source::reading::Source;
use iotctl::device::spool::Spool;
use iotctl::device::spool::files::Files;
use iotctl::device::stream::setup::{Me, prepare};

/// Settings are refused with a place, or make streams that can be started.
pub(crate) fn feeder(text: &str) -> bool {
    let settings = match FeederSettings::parse("feeder.toml", text) {
        Ok(settings) => settings,
        Err(error) => {
            assert!(error.message().starts_with("`feeder.toml`, line "), "{error}");
            return false;
        }
    };
    let topic = "line22/{{ stream }}".parse().unwrap();
    let me = Me { file: "feeder.toml", thing: "pump-7", client_id: "pump-7", seed: 7 };
    let Ok(setup) = prepare(&settings, settings.topic.as_ref().unwrap_or(&topic), &me) else { return false };
    let mut topics: Vec<&str> = setup.streams.rules().map(|rule| rule.topic.as_str()).collect();
    topics.sort_unstable();
    assert!(topics.windows(2).all(|pair| pair[0] != pair[1]), "two streams, one topic: {topics:?}");
    for rule in setup.streams.rules() {
        assert!(rule.source < setup.sources.len() && rule.interval > Duration::ZERO, "{rule:?}");
    }
    (0..setup.sources.len()).for_each(|source| drop(setup.streams.ticks(source)));
    true
}

/// A manifest that is read is written as what it was.
pub(crate) fn bundle(text: &str) -> bool {
    let Ok(manifest) = Manifest::parse("bundle.json", text) else { return false };
    let again = Manifest::parse("bundle.json", &manifest.to_json().unwrap());
    assert_eq!(again.ok().as_ref(), Some(&manifest));
    let _ = manifest.data_endpoint();
    true
}

/// A replay comes to its end, and gives finite numbers on the way.
pub(crate) fn csv(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replay.csv");
    fs::write(&path, bytes).unwrap();
    let column = |name: Option<&str>| Column { name: name.map(str::to_owned), unit: "Cel".to_owned() };
    let columns = [("temperature".to_owned(), column(Some("t"))), ("humidity".to_owned(), column(None))].into();
    let mut replay = Csv::new(CsvSettings { path, columns, repeat: false });
    if replay.open().is_err() {
        return false;
    }
    let mut values = 0;
    for _ in 0..bytes.len() + 2 {
        match replay.read(&|_| true) {
            Ok(readings) => {
                assert!(readings.iter().filter_map(|reading| reading.value).all(f64::is_finite), "{readings:?}");
                values += readings.len();
            }
            Err(ReadError::Ended) => return values > 0,
            Err(_) => {}
        }
    }
    panic!("more reads than bytes, and no end");
}

/// Small segments, so that a few bytes are a whole log.
const SEGMENT: usize = 512;

/// A folder in memory.
#[derive(Clone, Default)]
pub(crate) struct Memory(Rc<RefCell<BTreeMap<String, Content>>>);

type Content = Rc<RefCell<Vec<u8>>>;

impl Files for Memory {
    type File = Content;

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.borrow().keys().cloned().collect())
    }
    fn create(&self, name: &str) -> io::Result<Content> {
        let content = Content::default();
        self.0.borrow_mut().insert(name.to_owned(), content.clone());
        Ok(content)
    }
    fn open(&self, name: &str) -> io::Result<Content> {
        self.0.borrow().get(name).cloned().ok_or(ErrorKind::NotFound.into())
    }
    fn read_at(&self, file: &Content, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = file.borrow();
        let rest = content.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }
    fn write_at(&self, file: &Content, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let (offset, mut content) = (usize::try_from(offset).unwrap(), file.borrow_mut());
        let end = content.len().max(offset + bytes.len());
        content.resize(end, 0);
        content[offset..offset + bytes.len()].copy_from_slice(bytes);
        Ok(bytes.len())
    }
    fn sync(&self, _file: &Content) -> io::Result<()> {
        Ok(())
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let content = self.0.borrow_mut().remove(from).ok_or(ErrorKind::NotFound)?;
        self.0.borrow_mut().insert(to.to_owned(), content);
        Ok(())
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.borrow_mut().remove(name).map(drop).ok_or(ErrorKind::NotFound.into())
    }
    fn sync_folder(&self) -> io::Result<()> {
        Ok(())
    }
}

fn record(number: usize) -> Record {
    Record { topic: "a/b".parse().unwrap(), payload: number.to_string().into_bytes() }
}

fn now() -> Moment {
    Moment { elapsed: Duration::from_secs(1), utc: time::OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1) }
}

fn opened(folder: &Memory) -> Spool<Memory> {
    Spool::with_segments(folder.clone(), SpoolSettings::default(), 7, SEGMENT)
}

/// How many records a spool holds before it is meddled with: some segments, some of it acknowledged.
const HELD: usize = 40;

fn filled() -> Memory {
    let folder = Memory::default();
    let mut spool = opened(&folder);
    (0..HELD).for_each(|number| assert_eq!(spool.accept(record(number), now()), Accepted::Kept));
    (0..5).for_each(|number| spool.acknowledge(number));
    spool.close();
    folder
}

/// The input changes bytes of a spool's files, four bytes a change: file, two for the place, what it becomes. With an odd
/// first byte the checksums are made right again, so that the lie is believed.
pub(crate) fn spool(changes: &[u8]) -> bool {
    let folder = filled();
    let (sealed, changes) = changes.split_first().map_or((false, changes), |(first, rest)| (first % 2 == 1, rest));
    let names: Vec<String> = folder.list().unwrap();
    for change in changes.chunks_exact(4) {
        let content = folder.open(&names[usize::from(change[0]) % names.len()]).unwrap();
        let mut content = content.borrow_mut();
        let (place, length) = (usize::from(u16::from_le_bytes([change[1], change[2]])), content.len());
        // Behind the end: the file is cut somewhere.
        match content.get_mut(place) {
            Some(byte) => *byte = change[3],
            None => content.truncate(place % length.max(1)),
        }
    }
    if sealed {
        names.iter().for_each(|name| seal(name, &mut folder.open(name).unwrap().borrow_mut()));
    }
    everything_comes_out(&folder)
}

/// It opens, gives what it holds under rising numbers, and takes and gives what is new, in this life and in the next.
fn everything_comes_out(folder: &Memory) -> bool {
    let mut spool = opened(folder);
    assert_eq!(spool.accept(record(777), now()), Accepted::Kept);
    drop(spool);
    let mut spool = opened(folder);
    assert_eq!(spool.accept(record(778), now()), Accepted::Kept);
    let (mut payloads, end) = (Vec::new(), spool.end());
    while spool.first() < end {
        let number = spool.first();
        let found = spool.get(number).expect("the first one is there").payload.clone();
        payloads.push(String::from_utf8_lossy(&found).into_owned());
        spool.acknowledge(number);
        assert!(spool.first() > number, "an acknowledged record leaves");
    }
    assert!(payloads.len() <= HELD + 2, "{} records out of {HELD}", payloads.len());
    assert!(payloads.ends_with(&["777".to_owned(), "778".to_owned()]), "{payloads:?}");
    payloads.len() > 2
}

/// Makes checksums right: of a cursor's two slots, or of a segment's header and records (formats: `device/spool.rs`).
fn seal(name: &str, bytes: &mut [u8]) {
    if name == "cursor" {
        bytes.chunks_exact_mut(512).for_each(|slot| put(slot, 12, crc(&slot[16..])));
        return;
    }
    if bytes.len() < 32 {
        return;
    }
    put(bytes, 12, crc(&[&bytes[8..12], &bytes[16..32]].concat()));
    let mut at = 32;
    while let Some(head) = bytes.get(at..at + 16) {
        let length = u32::from_le_bytes(head[..4].try_into().unwrap()) as usize;
        let Some(whole) = bytes.get(at..at + 16 + length).filter(|_| length > 0) else { return };
        let sum = crc(&[&whole[..4], &whole[8..]].concat());
        put(&mut bytes[at..], 4, sum);
        at += 16 + length;
    }
}

fn put(bytes: &mut [u8], at: usize, sum: u32) {
    bytes[at..at + 4].copy_from_slice(&sum.to_le_bytes());
}

fn crc(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}
