//! The cursor files: how far the log is acknowledged, and the books of the topics.
//!
//! ```text
//! cursor-0 | cursor-1: the valid one of the higher generation counts; they are used in turn,
//! but for one that is not synced, which is written again
//!   0  magic "IOTCURSR"      8  version u32      12  CRC-32 over everything after it
//!  16  length of the rest u64, then as LEB128:
//!      generation, epoch, first unacknowledged, next number, one more than the last number in the log,
//!      floor, losses since the epoch began (7 reasons), and for each topic its length and text,
//!      next sequence and gone, done sequence and gone, the gap to tell: first, last, losses,
//!      the gap record in the log: one more than its sequence or 0, then its gap
//! ```
//!
//! Fixed numbers are little-endian. What is behind the length is left over from a longer one.

use std::io::ErrorKind;

use super::super::loss::{Gap, Losses, Reason};
use super::files::Files;
use super::ledger::{Account, Ledger, Stamp};

/// The names of the files.
pub(super) const NAMES: [&str; 2] = ["cursor-0", "cursor-1"];

const MAGIC: [u8; 8] = *b"IOTCURSR";
const VERSION: u32 = 2;
/// Before what the length counts.
const HEAD: usize = 24;
/// What a file takes of the disk at least.
const BLOCK: usize = 4096;
const REASONS: usize = Reason::ALL.len();
/// No cursor is as long as this: 100,000 topics are not.
const MOST: usize = 1 << 26;

/// What a file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Which life of the spool this is: random, made with it, so that a number is never taken for one of another life.
    pub(super) epoch: u64,
    /// The oldest number that is not acknowledged.
    pub(super) first: u64,
    /// The number that the next record gets.
    pub(super) next: u64,
    /// One more than the last number in the log: what is behind it was never there, what is before it is in the books.
    pub(super) tail: u64,
    pub(super) ledger: Ledger,
}

/// The files, open or to be made.
#[derive(Debug)]
pub(super) struct CursorFiles<F> {
    files: [Option<F>; 2],
    generation: u64,
    /// The one that is on the medium for sure, and is not written to until the other one is.
    safe: usize,
}

impl<F> CursorFiles<F> {
    /// Reads the newest valid cursor; of files that are missing or damaged there is none.
    pub(super) fn open(disk: &impl Files<File = F>) -> (Self, Option<Cursor>) {
        let files = NAMES.map(|name| disk.open(name).ok());
        // A process that was killed may have left its last word unsafe; if it stays so, the older one is as good.
        files.iter().flatten().for_each(|file| drop(disk.sync(file)));
        let read = |file: &Option<F>| file.as_ref().and_then(|file| read(disk, file));
        let found = files.each_ref().map(read);
        let newest =
            found.into_iter().enumerate().filter_map(|(slot, found)| found.map(|found| (found.0, slot, found.1)));
        match newest.max_by_key(|(generation, ..)| *generation) {
            Some((generation, safe, cursor)) => (Self { files, generation, safe }, Some(cursor)),
            None => (Self { files, generation: 0, safe: 0 }, None),
        }
    }

    /// Writes the file that is not safe; with `sync`, returns when it is.
    pub(super) fn save(&mut self, disk: &impl Files<File = F>, cursor: &Cursor, sync: bool) -> std::io::Result<()> {
        self.make(disk)?;
        let slot = 1 - self.safe;
        let Some(file) = &self.files[slot] else { return Err(ErrorKind::NotFound.into()) };
        self.generation += 1;
        disk.write_all_at(file, &encode(self.generation, cursor), 0)?;
        if sync {
            disk.sync(file)?;
            self.safe = slot;
        }
        Ok(())
    }

    /// Makes the files that are missing, both while there is room: afterwards only a new topic may need some.
    fn make(&mut self, disk: &impl Files<File = F>) -> std::io::Result<()> {
        for (file, name) in self.files.iter_mut().zip(NAMES).filter(|(file, _)| file.is_none()) {
            let made = disk.create(name)?;
            disk.write_all_at(&made, &[0; BLOCK], 0)?;
            disk.sync(&made)?;
            disk.sync_folder()?;
            *file = Some(made);
        }
        Ok(())
    }
}

/// Reads one file.
fn read<F>(disk: &impl Files<File = F>, file: &F) -> Option<(u64, Cursor)> {
    let mut bytes = vec![0; HEAD];
    disk.read_full_at(file, &mut bytes, 0).ok()?;
    let length = usize::try_from(u64::from_le_bytes(*bytes.last_chunk()?)).ok().filter(|length| *length <= MOST)?;
    bytes.resize(HEAD + length, 0);
    disk.read_full_at(file, bytes.get_mut(HEAD..)?, HEAD as u64).ok()?;
    decode(&bytes)
}

fn encode(generation: u64, cursor: &Cursor) -> Vec<u8> {
    let Cursor { epoch, first, next, tail, ledger } = cursor;
    let mut rest = Writer(Vec::with_capacity(256));
    rest.numbers([generation, *epoch, *first, *next, *tail, ledger.floor]);
    rest.numbers(ledger.losses.0);
    for (topic, account) in &ledger.accounts {
        rest.numbers([topic.as_str().len() as u64]);
        rest.0.extend(topic.as_str().as_bytes());
        let Account { next, done, pending, told } = account;
        rest.numbers([next.sequence, next.gone, done.sequence, done.gone]);
        rest.gap(pending);
        let (number, told) = told.map_or_else(Default::default, |(number, gap)| (number + 1, gap));
        rest.numbers([number]);
        rest.gap(&told);
    }
    let checked = [&(rest.0.len() as u64).to_le_bytes()[..], &rest.0].concat();
    [&MAGIC[..], &VERSION.to_le_bytes(), &crc32fast::hash(&checked).to_le_bytes(), &checked].concat()
}

fn decode(bytes: &[u8]) -> Option<(u64, Cursor)> {
    let (head, checked) = bytes.split_at_checked(16)?;
    let sum = crc32fast::hash(checked);
    if head != [&MAGIC[..], &VERSION.to_le_bytes(), &sum.to_le_bytes()].concat() {
        return None;
    }
    let mut rest = Reader(bytes.get(HEAD..)?);
    let [generation, epoch, first, next, tail, floor] = rest.numbers()?;
    let mut ledger = Ledger { floor, losses: Losses(rest.numbers()?), ..Ledger::default() };
    while !rest.0.is_empty() {
        let topic = std::str::from_utf8(rest.text()?).ok()?.parse().ok()?;
        let [sequence, gone, done, done_gone] = rest.numbers()?;
        let (next, done) = (Stamp { sequence, gone }, Stamp { sequence: done, gone: done_gone });
        let pending = rest.gap()?;
        let told = (rest.number()?.checked_sub(1), rest.gap()?);
        let told = told.0.map(|number| (number, told.1));
        ledger.accounts.insert(topic, Account { next, done, pending, told });
    }
    Some((generation, Cursor { epoch, first, next, tail, ledger }))
}

struct Writer(Vec<u8>);

impl Writer {
    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) {
        for mut number in numbers {
            while number >= 0x80 {
                self.0.push(number.to_le_bytes()[0] | 0x80);
                number >>= 7;
            }
            self.0.push(number.to_le_bytes()[0]);
        }
    }

    fn gap(&mut self, gap: &Gap) {
        self.numbers([gap.first, gap.last]);
        self.numbers(gap.losses.0);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn numbers<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Some(numbers)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }

    fn gap(&mut self) -> Option<Gap> {
        let [first, last] = self.numbers()?;
        let losses: [u64; REASONS] = self.numbers()?;
        Some(Gap { first, last, losses: Losses(losses) })
    }
}
