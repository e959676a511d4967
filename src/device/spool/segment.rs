//! A segment: one file of the log, its name, its header, and what a look at its first bytes says.

/// Bytes before the first record.
pub(super) const HEADER: usize = 32;
/// A used-up segment that is kept for the next one: overwriting written blocks needs no journal commit.
pub(super) const SPARE: &str = "spare";
/// A segment that is being made.
pub(super) const UNFINISHED: &str = "unfinished";

const MAGIC: [u8; 8] = *b"IOTSPOOL";
const VERSION: u32 = 2;
const LOG: &str = ".log";
/// A damaged segment that is kept for whoever wants to look at it.
const ASIDE: &str = ".damaged";

/// A segment of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    /// Tells a file from another one of the same name, which took its place.
    pub(super) id: u64,
    /// One more than the last number of the segment before; its records have this number or a higher one.
    pub(super) base: u64,
    /// Its records have lower numbers than this; unknown as long as it is written to.
    pub(super) limit: Option<u64>,
    /// Whether some of it could not be read; such a file is kept aside in the end.
    pub(super) damaged: bool,
    /// Whether the disk refused a write or a sync: such a file is not used again.
    pub(super) failed: bool,
}

/// What a header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// A segment of this epoch.
    Ours(u64),
    /// A segment of another version of the format: not for us to touch.
    Foreign,
    /// No header; the records may still be whole.
    Damaged,
}

impl Segment {
    /// Whether it was given up before it had a record, and waits for a new one to take its place.
    pub(super) fn is_void(&self) -> bool {
        self.limit.is_some_and(|limit| limit <= self.base)
    }

    pub(super) fn name(&self) -> String {
        name(self.base)
    }
}

/// The file of the segment that begins with number `base`; names sort as numbers do.
pub(super) fn name(base: u64) -> String {
    format!("{base:020}{LOG}")
}

/// Where that file is put when it is damaged.
pub(super) fn aside(base: u64) -> String {
    format!("{base:020}{ASIDE}")
}

/// Whether a file was put aside.
pub(super) fn is_aside(name: &str) -> bool {
    name.ends_with(ASIDE)
}

/// The number in the name of a segment.
pub(super) fn base_of(name: &str) -> Option<u64> {
    name.strip_suffix(LOG).filter(|digits| digits.len() == 20)?.parse().ok()
}

/// Magic, version, checksum over the rest, epoch, base.
pub(super) fn header(epoch: u64, base: u64) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..24].copy_from_slice(&epoch.to_le_bytes());
    bytes[24..].copy_from_slice(&base.to_le_bytes());
    let sum = checksum(&bytes);
    bytes[12..16].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Reads the header of a segment.
pub(super) fn judge(bytes: &[u8]) -> Header {
    let Some(bytes) = bytes.first_chunk::<HEADER>() else { return Header::Damaged };
    let sum = checksum(bytes).to_le_bytes();
    match bytes[..8] == MAGIC && bytes[12..16] == sum {
        true if bytes[8..12] == VERSION.to_le_bytes() => Header::Ours(bytes[16..24].iter().rev().fold(0, join)),
        true => Header::Foreign,
        false => Header::Damaged,
    }
}

fn join(number: u64, byte: &u8) -> u64 {
    number << 8 | u64::from(*byte)
}

fn checksum(header: &[u8; HEADER]) -> u32 {
    crc32fast::hash(&[&header[8..12], &header[16..]].concat())
}
