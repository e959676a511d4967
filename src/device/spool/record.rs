//! One record in a segment, and how a reader finds its way through damaged bytes to the next.

use crc32fast::Hasher;
use time::OffsetDateTime;

use super::super::queue::Record;
use super::ledger::Stamp;
use crate::topic::{MAX_BYTES as MAX_TOPIC, TopicName};

/// Length, checksum and number before the body.
pub(super) const HEAD: usize = 16;
/// Time, stamp and length of the topic, before the topic.
const BODY_HEAD: usize = 26;
/// The longest body, in bytes.
pub(super) const MAX_BODY: usize = BODY_HEAD + MAX_TOPIC + crate::mqtt::MAX_PAYLOAD;
/// Zeros behind the last record: where the log ends, whatever a recycled file held.
pub(super) const END_MARK: [u8; HEAD] = [0; HEAD];

/// What stands at an offset.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A whole record.
    Record {
        /// Its number.
        sequence: u64,
        /// Its body.
        body: &'a [u8],
        /// Where the next one begins.
        next: usize,
    },
    /// The log ends here.
    End,
    /// Something that is no record; the next whole one, or the end of the bytes, is at `next`.
    Damage {
        /// Where to go on.
        next: usize,
    },
}

/// The body of a record, read.
#[derive(Debug)]
pub(super) struct Body {
    /// When it was accepted, in milliseconds since 1970.
    pub(super) at: i64,
    pub(super) stamp: Stamp,
    pub(super) record: Record,
}

/// The bytes of a record.
pub(super) fn encode(sequence: u64, at: OffsetDateTime, stamp: Stamp, record: &Record) -> Vec<u8> {
    let topic = record.topic.as_str().as_bytes();
    let length = BODY_HEAD + topic.len() + record.payload.len();
    let mut bytes = Vec::with_capacity(HEAD + length);
    bytes.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(sequence.to_le_bytes());
    bytes.extend(millis(at).to_le_bytes());
    bytes.extend(stamp.sequence.to_le_bytes());
    bytes.extend(stamp.gone.to_le_bytes());
    bytes.extend(u16::try_from(topic.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(topic);
    bytes.extend(&record.payload);
    let sum = checksum(&bytes);
    bytes[4..8].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// How many bytes [`encode`] makes of it.
pub(super) fn length(record: &Record) -> usize {
    HEAD + BODY_HEAD + record.topic.as_str().len() + record.payload.len()
}

/// Reads the body of a record.
pub(super) fn decode(body: &[u8]) -> Option<Body> {
    let at = i64::from_le_bytes(*body.first_chunk()?);
    let number = |offset: usize| Some(u64::from_le_bytes(*body.get(offset..)?.first_chunk()?));
    let stamp = Stamp { sequence: number(8)?, gone: number(16)? };
    let length = usize::from(u16::from_le_bytes(*body.get(24..)?.first_chunk()?));
    let (topic, payload) = body.get(BODY_HEAD..)?.split_at_checked(length)?;
    let topic: TopicName = std::str::from_utf8(topic).ok()?.parse().ok()?;
    Some(Body { at, stamp, record: Record { topic, payload: payload.to_vec() } })
}

/// What stands at `offset`; numbers below `least` are left over from an earlier life of the file.
///
/// An end is only believed if nothing comes behind it: where a sync failed, zeros can be what a lost record left.
pub(super) fn find(bytes: &[u8], offset: usize, least: u64) -> Found<'_> {
    let current = |at: usize| whole(bytes, at).filter(|(sequence, _)| *sequence >= least);
    if let Some((sequence, body)) = current(offset) {
        return Found::Record { sequence, body, next: offset + HEAD + body.len() };
    }
    match (offset + 1..bytes.len()).find(|at| current(*at).is_some()) {
        Some(next) => Found::Damage { next },
        None if is_end(bytes, offset) => Found::End,
        None => Found::Damage { next: bytes.len() },
    }
}

/// Zeros are the end mark, and so is a record of an earlier life.
fn is_end(bytes: &[u8], offset: usize) -> bool {
    let rest = bytes.get(offset..).unwrap_or_default();
    rest.iter().take(HEAD).all(|byte| *byte == 0) || whole(bytes, offset).is_some()
}

/// The record at `offset`, if its length is possible and its checksum right.
fn whole(bytes: &[u8], offset: usize) -> Option<(u64, &[u8])> {
    let record = bytes.get(offset..)?;
    let length = u32::from_le_bytes(*record.first_chunk()?) as usize;
    if !(BODY_HEAD..=MAX_BODY).contains(&length) {
        return None;
    }
    let record = record.get(..HEAD + length)?;
    let sum = u32::from_le_bytes(*record.get(4..)?.first_chunk()?);
    let sequence = u64::from_le_bytes(*record.get(8..)?.first_chunk()?);
    (sum == checksum(record)).then_some((sequence, record.get(HEAD..)?))
}

/// CRC-32 over length, number and body: everything but the four bytes of the checksum itself.
fn checksum(record: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(record.get(..4).unwrap_or_default());
    hasher.update(record.get(8..).unwrap_or_default());
    hasher.finalize()
}

/// Milliseconds since 1970.
pub(super) fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
