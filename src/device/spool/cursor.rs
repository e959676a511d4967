//! The cursor file: how far the log is acknowledged, and what was lost and not announced yet.
//!
//! ```text
//! slot 0 | slot 1, 512 bytes each: the valid one of the higher generation counts; they are used in turn,
//! but for one that is not synced, which is written again
//!   0  magic "IOTCURSR"      8  version u32      12  CRC-32 over everything after it
//!  16  generation   24 epoch   32 first unacknowledged   40 next number
//!  48  losses since the epoch began, 7 reasons
//! 104  the gap to announce: first, last, losses by reason
//! 176  the gap record in the log: its number, then its gap
//! 256  one more than the last number in the log; zeros to the end
//! ```
//!
//! All numbers are u64, little-endian, unless it says otherwise.

use super::super::loss::{Gap, Losses, Reason};
use super::files::Files;

/// The name of the file.
pub(super) const NAME: &str = "cursor";

const SLOT: usize = 512;
const MAGIC: [u8; 8] = *b"IOTCURSR";
const VERSION: u32 = 1;
/// Where the checked part begins.
const CHECKED: usize = 16;
const REASONS: usize = Reason::ALL.len();

/// What a slot says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Which life of the spool this is: random, made with it, so that a number is never taken for one of another life.
    pub(super) epoch: u64,
    /// The oldest number that is not acknowledged.
    pub(super) first: u64,
    /// The number that the next record gets.
    pub(super) next: u64,
    /// Lost since the epoch began.
    pub(super) losses: Losses,
    /// Lost, and in no record yet.
    pub(super) pending: Gap,
    /// The record in the log that announces a gap, if one waits there.
    pub(super) announced: Option<(u64, Gap)>,
    /// One more than the last number in the log: what is behind it was never there, what is before it is owed.
    pub(super) tail: u64,
}

/// The file, open or to be made.
#[derive(Debug)]
pub(super) struct CursorFile<F> {
    file: Option<F>,
    generation: u64,
    /// The slot that is on the medium for sure, and is not written to until the other one is.
    safe: usize,
}

impl<F> CursorFile<F> {
    /// Reads the newest valid slot; a file that is missing or damaged has none.
    pub(super) fn open(files: &impl Files<File = F>) -> (Self, Option<Cursor>) {
        let Ok(file) = files.open(NAME) else { return (Self { file: None, generation: 0, safe: 0 }, None) };
        let mut bytes = [0; 2 * SLOT];
        // Where nothing can be read there are zeros, and zeros are no slot.
        let _ = files.read_full_at(&file, &mut bytes, 0);
        // A process that was killed may have left its last word unsafe; if it stays so, the older one is as good.
        let _ = files.sync(&file);
        let slots = bytes.chunks_exact(SLOT).enumerate();
        let valid =
            slots.filter_map(|(slot, bytes)| decode(bytes).map(|(generation, cursor)| (generation, slot, cursor)));
        match valid.max_by_key(|(generation, ..)| *generation) {
            Some((generation, safe, cursor)) => (Self { file: Some(file), generation, safe }, Some(cursor)),
            None => (Self { file: Some(file), generation: 0, safe: 0 }, None),
        }
    }

    /// Writes the slot that is not safe; with `sync`, returns when it is.
    pub(super) fn save(&mut self, files: &impl Files<File = F>, cursor: &Cursor, sync: bool) -> std::io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => make(files)?,
        };
        self.generation += 1;
        let slot = 1 - self.safe;
        let written = files.write_all_at(&file, &encode(self.generation, cursor), (slot * SLOT) as u64);
        let outcome = written.and_then(|()| if sync { files.sync(&file) } else { Ok(()) });
        self.file = Some(file);
        if sync && outcome.is_ok() {
            self.safe = slot;
        }
        outcome
    }
}

fn make<F>(files: &impl Files<File = F>) -> std::io::Result<F> {
    let file = files.create(NAME)?;
    files.write_all_at(&file, &[0; 2 * SLOT], 0)?;
    files.sync(&file)?;
    files.sync_folder()?;
    Ok(file)
}

fn encode(generation: u64, cursor: &Cursor) -> Vec<u8> {
    let mut numbers = vec![generation, cursor.epoch, cursor.first, cursor.next];
    numbers.extend(cursor.losses.0);
    let mut gap = |number: Option<u64>, gap: &Gap| {
        numbers.extend(number.into_iter().chain([gap.first, gap.last]).chain(gap.losses.0));
    };
    gap(None, &cursor.pending);
    let (number, announced) = cursor.announced.unwrap_or_default();
    gap(Some(number), &announced);
    numbers.push(cursor.tail);
    let mut slot: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    slot.resize(SLOT - CHECKED, 0);
    let head = [&MAGIC[..], &VERSION.to_le_bytes(), &crc32fast::hash(&slot).to_le_bytes()].concat();
    [head, slot].concat()
}

fn decode(slot: &[u8]) -> Option<(u64, Cursor)> {
    let (head, checked) = slot.split_at_checked(CHECKED)?;
    let sum = crc32fast::hash(checked);
    if head != [&MAGIC[..], &VERSION.to_le_bytes(), &sum.to_le_bytes()].concat() {
        return None;
    }
    let mut numbers = checked.chunks_exact(8).filter_map(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
    let numbers = &mut numbers;
    let generation = numbers.next()?;
    let (epoch, first, next) = (numbers.next()?, numbers.next()?, numbers.next()?);
    let losses = decode_losses(numbers);
    let pending = decode_gap(numbers)?;
    let announced = Some((numbers.next()?, decode_gap(numbers)?)).filter(|(_, gap)| !gap.is_empty());
    let tail = numbers.next()?;
    Some((generation, Cursor { epoch, first, next, losses, pending, announced, tail }))
}

fn decode_gap(numbers: &mut impl Iterator<Item = u64>) -> Option<Gap> {
    Some(Gap { first: numbers.next()?, last: numbers.next()?, losses: decode_losses(numbers) })
}

fn decode_losses(numbers: &mut impl Iterator<Item = u64>) -> Losses {
    Losses([(); REASONS].map(|()| numbers.next().unwrap_or_default()))
}
