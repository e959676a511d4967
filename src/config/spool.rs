//! How the queue of `iotctl run` keeps what is not acknowledged: on the disk or in memory, how safe, how much.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::{duration, words};

/// Where readings wait for their acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum QueueKind {
    /// On the disk: readings survive a crash and a power cut
    Disk,
    /// In memory: readings end with the process
    Memory,
}

/// When a reading counts as being on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncPolicy {
    /// After a sync of its own: nothing that was accepted is lost to a power cut.
    Every,
    /// With all others of so long a time: a power cut costs that much at most, a killed process nothing.
    Grouped(Duration),
}

/// What gives way when a bound is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum WhenFull {
    /// The oldest readings go
    DropOldest,
    /// New readings are not taken
    DropNewest,
    /// The sensor is not read until there is room
    Block,
}

/// The settings of the queue on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpoolSettings {
    /// Its folder; `spool` in the bundle if not given.
    pub dir: Option<PathBuf>,
    /// When a reading counts as accepted.
    #[serde(deserialize_with = "sync")]
    pub sync: SyncPolicy,
    /// Most bytes of disk; whole segments of 1 MiB, at least two.
    #[serde(deserialize_with = "bytes")]
    pub max_bytes: u64,
    /// Most readings that wait.
    #[serde(deserialize_with = "count")]
    pub max_count: Option<u64>,
    /// Longest time that a reading waits.
    #[serde(deserialize_with = "duration::from_toml_if_there")]
    pub max_age: Option<Duration>,
    /// What gives way.
    pub when_full: WhenFull,
}

impl Default for SpoolSettings {
    /// A GiB holds the tutorial's readings of half a year, and leaves the card of a Pi its room.
    fn default() -> Self {
        Self {
            dir: None,
            sync: SyncPolicy::Every,
            max_bytes: 1 << 30,
            max_count: None,
            max_age: None,
            when_full: WhenFull::DropOldest,
        }
    }
}

/// Least that the queue can be bounded to: one segment is read from while another is written.
const LEAST_BYTES: u64 = 2 << 20;

/// Parses `every`, milliseconds, or a duration.
pub fn parse_sync(text: &str) -> Result<SyncPolicy, String> {
    match text.trim() {
        "every" => Ok(SyncPolicy::Every),
        millis if !millis.is_empty() && millis.bytes().all(|b| b.is_ascii_digit()) => grouped(&format!("{millis}ms")),
        text => grouped(text),
    }
}

fn grouped(text: &str) -> Result<SyncPolicy, String> {
    duration::parse(text).map(SyncPolicy::Grouped).map_err(|_| {
        format!("`{text}` is neither `every` nor a time; write it like `every`, `200` (milliseconds) or `1s`")
    })
}

/// Parses a number of bytes: `512MiB`, `1GiB`, or the plain number; at least 2 MiB.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size; write it like `64MiB` or `1GiB`");
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let scale = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale)).ok_or_else(wrong)?;
    if bytes < LEAST_BYTES {
        return Err(format!("`{text}` is too small: the queue works with whole segments of 1 MiB, at least two"));
    }
    Ok(bytes)
}

/// Parses how many readings may wait: at least one.
pub fn parse_count(text: &str) -> Result<u64, String> {
    let count = text.trim().parse().map_err(|_| format!("`{text}` is not a number of readings"))?;
    if count == 0 { Err("a queue of no readings sends none".into()) } else { Ok(count) }
}

fn sync<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SyncPolicy, D::Error> {
    parse_sync(&words(deserializer)?).map_err(serde::de::Error::custom)
}

fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    parse_bytes(&words(deserializer)?).map_err(serde::de::Error::custom)
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    parse_count(&words(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sync_is_every_or_milliseconds_or_a_time() {
        let grouped = |millis| Ok(SyncPolicy::Grouped(Duration::from_millis(millis)));
        assert_eq!(parse_sync("every"), Ok(SyncPolicy::Every));
        assert_eq!(
            (parse_sync("200"), parse_sync("2s"), parse_sync("50ms")),
            (grouped(200), grouped(2000), grouped(50))
        );
        for text in ["", "0", "never", "-1"] {
            assert!(parse_sync(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_has_a_unit_and_two_segments_at_least() {
        assert_eq!(parse_bytes("64MiB"), Ok(64 << 20));
        assert_eq!(parse_bytes("2097152"), Ok(2 << 20));
        for text in ["1MiB", "64MB", "", "GiB", "99999999999GiB", "-5MiB"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
