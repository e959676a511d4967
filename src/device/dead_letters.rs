//! Dead letters: messages that policy forbids, on the disk beside the queue that they held up.
//!
//! `dead-letters.ndjson` in the folder of the spool, one JSON object a line:
//!
//! ```text
//! {"time":"2026-11-25T12:00:00Z","topic":"a/b","sequence":25,"reason":"denied","tries":3,"number":71,"payload":"..."}
//! ```
//!
//! `time` is when it was parked; `sequence` is that of the message, if it has one; `tries` is how often it was denied, 0
//! if its topic had been; `number` is its place in the queue; a payload that is no text is `payload_hex`. A line is on
//! the medium before its record leaves the queue. A crash in between finds the record in both, and
//! [`DeadLetters::settle`] takes it out of the queue. At 8 MiB the file becomes `dead-letters.1.ndjson`, in place of
//! the one before.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::queue::{Queue, Record};
use crate::bundle::atomic;
use crate::topic::TopicName;

/// The file.
pub const FILE: &str = "dead-letters.ndjson";
/// The older half.
pub const OLDER: &str = "dead-letters.1.ndjson";
/// Where the file becomes the older one.
const HALF: u64 = 8 << 20;
/// How far behind the queue's cursor on the medium a letter can be: acknowledgements that were not saved, and a window.
const BEHIND: u64 = 256;

/// Messages that were set aside, in a folder that belongs to this process.
#[derive(Debug)]
pub struct DeadLetters {
    folder: PathBuf,
    half: u64,
    /// The file and its length, once it was needed.
    open: Option<(File, u64)>,
}

/// A record that is to be set aside.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The message.
    pub record: &'a Record,
    /// Its place in the queue.
    pub number: u64,
    /// How often it was denied.
    pub tries: u32,
    /// When it is set aside.
    pub at: OffsetDateTime,
}

/// What became of it.
#[derive(Debug)]
pub struct Parked<'a> {
    /// The message.
    pub record: &'a Record,
    /// How often it was denied; 0 if its topic was denied shortly before.
    pub tries: u32,
    /// Where it is now; `None` if nowhere, because the queue is in memory.
    pub file: Option<PathBuf>,
    /// How many older ones had to go for it.
    pub gone: u64,
}

impl DeadLetters {
    /// The dead letters of a spool's folder. Nothing is made before there is one.
    pub fn of(folder: &Path) -> Self {
        Self::with_half(folder, HALF)
    }

    /// The same, with another length at which the file becomes the older one.
    pub fn with_half(folder: &Path, half: u64) -> Self {
        Self { folder: folder.to_owned(), half, open: None }
    }

    /// Where they are.
    pub fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Writes a letter, and returns when it is on the medium: with how many of the oldest had to go for it.
    ///
    /// # Errors
    /// The disk does not take it; then it is not in the file.
    pub fn park(&mut self, letter: Letter<'_>) -> io::Result<u64> {
        let line = format!("{}\n", object(letter));
        let (mut file, mut size) = self.open.take().map_or_else(|| self.whole(), Ok)?;
        let mut gone = 0;
        if size > 0 && size + line.len() as u64 > self.half {
            gone = self.turn_over()?;
            (file, size) = self.whole()?;
        }
        // An error leaves the file closed, and what is written of the line goes when it is opened again.
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        self.open = Some((file, size + line.len() as u64));
        Ok(gone)
    }

    /// Opens the file without a last line that was left without its end.
    fn whole(&self) -> io::Result<(File, u64)> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).mode(atomic::PRIVATE).open(self.path())?;
        self.sync_folder()?;
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let end = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) as u64;
        if end < content.len() as u64 {
            file.set_len(end)?;
        }
        Ok((file, end))
    }

    /// Makes room; returns how many letters that cost.
    fn turn_over(&self) -> io::Result<u64> {
        let older = self.folder.join(OLDER);
        let gone = lines(&older).count() as u64;
        fs::rename(self.path(), older)?;
        self.sync_folder()?;
        Ok(gone)
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    /// Takes out of `queue` what was parked before a crash and had not left it. Returns the topics of the letters about
    /// the queue's beginning, which are denied still unless somebody mended the policy.
    pub fn settle(&self, queue: &mut impl Queue) -> Vec<TopicName> {
        let first = queue.first();
        let reach = first.saturating_sub(BEHIND)..first.saturating_add(BEHIND);
        let lines = [OLDER, FILE].into_iter().flat_map(|file| lines(&self.folder.join(file)));
        let near = lines.filter_map(|line| Some((place(&line).filter(|place| reach.contains(place))?, line)));
        let mut topics = Vec::new();
        for (number, line) in near.collect::<Vec<_>>() {
            let letter: Value = serde_json::from_slice(&line).unwrap_or_default();
            let is_owed = (first..queue.end()).contains(&number);
            if is_owed && queue.get(number).is_some_and(|record| is_of(&letter, record)) {
                queue.acknowledge(number);
            }
            topics.extend(letter["topic"].as_str().and_then(|topic| topic.parse().ok()));
        }
        topics
    }
}

fn object(letter: Letter<'_>) -> Value {
    let Letter { record, number, tries, at } = letter;
    let sequence = serde_json::from_slice::<Value>(&record.payload).ok().and_then(|m| m.get("sequence")?.as_u64());
    let mut object = json!({"time": at.format(&Rfc3339).unwrap_or_default(), "topic": record.topic});
    if let Some(sequence) = sequence {
        object["sequence"] = json!(sequence);
    }
    object["reason"] = json!("denied");
    object["tries"] = json!(tries);
    object["number"] = json!(number);
    let (key, payload) = payload(record);
    object[key] = json!(payload);
    object
}

fn payload(record: &Record) -> (&'static str, String) {
    match std::str::from_utf8(&record.payload) {
        Ok(text) => ("payload", text.to_owned()),
        Err(_) => ("payload_hex", hex::encode(&record.payload)),
    }
}

/// Whether a line tells of this record: another life of the queue gives the same numbers to others.
fn is_of(letter: &Value, record: &Record) -> bool {
    let (key, payload) = payload(record);
    letter["topic"] == record.topic.as_str() && letter[key] == payload.as_str()
}

/// The place in the queue that a line names.
fn place(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Place {
        number: u64,
    }
    serde_json::from_slice(line).ok().map(|Place { number }| number)
}

/// The lines of a file; none if it cannot be read.
fn lines(path: &Path) -> impl Iterator<Item = Vec<u8>> + use<> {
    let file = File::open(path).ok().map(BufReader::new);
    file.into_iter().flat_map(|file| file.split(b'\n')).map_while(Result::ok)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::macros::datetime;

    use super::super::queue::{MemoryQueue, Moment};
    use super::*;

    const AT: OffsetDateTime = datetime!(2026-11-25 12:00 UTC);

    fn record(topic: &str, payload: &[u8]) -> Record {
        Record { topic: topic.parse().unwrap(), payload: payload.to_vec() }
    }

    fn park(letters: &mut DeadLetters, number: u64, record: &Record) -> u64 {
        letters.park(Letter { record, number, tries: 3, at: AT }).unwrap()
    }

    fn content(folder: &Path) -> String {
        fs::read_to_string(folder.join(FILE)).unwrap()
    }

    #[test]
    fn a_letter_is_a_line_that_says_what_when_where_to_and_why() {
        let folder = tempfile::tempdir().unwrap();
        let mut letters = DeadLetters::of(folder.path());
        park(&mut letters, 71, &record("a/b", br#"{"sequence":25,"value":1.5}"#));
        park(&mut letters, 72, &record("a/b", b"\xff\n"));
        let wanted = [
            r#"{"time":"2026-11-25T12:00:00Z","topic":"a/b","sequence":25,"reason":"denied","tries":3,"number":71,"#,
            r#""payload":"{\"sequence\":25,\"value\":1.5}"}"#,
            "\n",
            r#"{"time":"2026-11-25T12:00:00Z","topic":"a/b","reason":"denied","tries":3,"number":72,"payload_hex":"ff0a"}"#,
            "\n",
        ];
        assert_eq!(content(folder.path()), wanted.concat());
    }

    #[test]
    fn wherever_a_crash_cuts_the_file_the_next_letter_stands_on_a_line_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let record = record("a/b", b"x");
        park(&mut DeadLetters::of(folder.path()), 1, &record);
        let one = content(folder.path());
        for cut in 0..=one.len() {
            fs::write(folder.path().join(FILE), format!("{one}{}", &one[..cut])).unwrap();
            park(&mut DeadLetters::of(folder.path()), 1, &record);
            let times = if cut == one.len() { 3 } else { 2 };
            assert_eq!(content(folder.path()), one.repeat(times), "cut behind {cut} bytes");
        }
    }

    #[test]
    fn a_full_file_becomes_the_older_one_and_what_goes_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let record = record("a/b", b"x");
        let mut letters = DeadLetters::with_half(folder.path(), 250);
        let gone: Vec<_> = (1..=7).map(|number| park(&mut letters, number, &record)).collect();
        assert_eq!(gone, [0, 0, 0, 0, 2, 0, 2], "two letters are a file");
        let places = |file| lines(&folder.path().join(file)).filter_map(|line| place(&line)).collect::<Vec<_>>();
        assert_eq!((places(OLDER), places(FILE)), (vec![5, 6], vec![7]));
    }

    #[test]
    fn what_was_parked_and_is_still_in_the_queue_leaves_it_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let mut queue = MemoryQueue::default();
        for number in 0..4 {
            queue.accept(record("a/b", &[number]), Moment { elapsed: Duration::ZERO, utc: AT });
        }
        let mut letters = DeadLetters::of(folder.path());
        park(&mut letters, 0, &record("a/b", &[0]));
        park(&mut letters, 1, &record("a/b", b"of another life of the queue"));
        park(&mut letters, 3, &record("a/b", &[3]));
        park(&mut letters, 9, &record("a/b", &[9]));
        let topics = letters.settle(&mut queue);
        assert!(topics.len() == 4 && topics.iter().all(|topic| topic.as_str() == "a/b"), "{topics:?}");
        assert_eq!(queue.first(), 1);
        queue.acknowledge(1);
        queue.acknowledge(2);
        assert_eq!(queue.waiting(), 0);
        assert!(DeadLetters::of(Path::new("/no/such/folder")).settle(&mut queue).is_empty());
    }

    #[test]
    fn a_disk_that_does_not_take_it_is_an_error() {
        let record = record("a/b", b"x");
        let mut letters = DeadLetters::of(Path::new("/no/such/folder"));
        letters.park(Letter { record: &record, number: 1, tries: 3, at: AT }).unwrap_err();
    }
}
