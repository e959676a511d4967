//! What a feeder says of itself: `health.json`, schema 1. Times are ages, so that a clock that was set wrong, and then
//! right, makes no reading decades old.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::Health;
use super::link::Link;
use crate::device::clock::Synchrony;
use crate::error::{Error, Result};

/// The schema that this program writes and reads.
const SCHEMA: u32 = 1;

/// Where the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing was tried yet.
    Starting,
    /// An attempt is under way.
    Connecting,
    /// It stands.
    Online,
    /// There is none, and the next attempt has its time.
    Waiting,
    /// The feeder has ended.
    Stopped,
}

/// What a feeder knows of itself and never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The MQTT client id.
    pub client_id: String,
    /// `HOST:PORT` of the broker.
    pub endpoint: String,
    /// The process.
    pub pid: u32,
    /// The version of this program.
    pub version: String,
    /// Whether what waits is on the disk.
    pub kept: bool,
}

/// How a feeder was when this was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Version of this format.
    pub schema: u32,
    /// Who it is.
    #[serde(flatten)]
    pub about: About,
    /// When this was written.
    #[serde(with = "time::serde::rfc3339")]
    pub written_utc: OffsetDateTime,
    /// The longest until it is written again.
    pub again_within_s: f64,
    /// How long the feeder has been at work.
    pub uptime_s: f64,
    /// The connection.
    pub state: State,
    /// How long it has been so.
    pub state_for_s: f64,
    /// Why there is no connection.
    pub reason: Option<String>,
    /// Connections that were made.
    pub connections: u64,
    /// Samples, good and failed.
    pub samples: u64,
    /// Samples without a reading.
    pub failed_samples: u64,
    /// Ticks without a sample.
    pub skipped_ticks: u64,
    /// Lines that AWS IoT would not take.
    pub too_long_lines: u64,
    /// The shortest interval of a stream; none where nothing is sampled.
    pub interval_s: Option<f64>,
    /// How old the last sample is, good or failed.
    pub sample_age_s: Option<f64>,
    /// How old the last sample with a reading is.
    pub reading_age_s: Option<f64>,
    /// Messages that were acknowledged.
    pub published: u64,
    /// Messages that policy forbids, and that are set aside.
    #[serde(default)]
    pub parked: u64,
    /// How old the last acknowledgement is.
    pub puback_age_s: Option<f64>,
    /// Messages that wait for theirs.
    pub waiting: u64,
    /// Readings lost since the start, by reason.
    pub lost: BTreeMap<String, u64>,
    /// Whether the clock can be believed.
    pub clock: Synchrony,
    /// What does not move although it should.
    pub stalled: Option<String>,
}

impl Status {
    /// The status of `health` at `now`, which is `utc` on the clock on the wall.
    pub fn of(health: &Health, about: &About, now: Duration, utc: OffsetDateTime, clock: Synchrony) -> Self {
        let age = |at: Duration| seconds(now.saturating_sub(at));
        let (state, since, reason) = match &health.link {
            Link::Starting => (State::Starting, Duration::ZERO, None),
            Link::Connecting { since } => (State::Connecting, *since, None),
            Link::Online { since } => (State::Online, *since, None),
            Link::Waiting { since, reason, .. } => (State::Waiting, *since, Some(reason.clone())),
        };
        Self {
            schema: SCHEMA,
            about: about.clone(),
            written_utc: utc,
            again_within_s: 0.0,
            uptime_s: seconds(now),
            state,
            state_for_s: age(since),
            reason,
            connections: health.counts.connections,
            samples: health.counts.samples,
            failed_samples: health.counts.failed,
            skipped_ticks: health.counts.skipped,
            too_long_lines: health.counts.too_long,
            interval_s: health.interval().map(seconds),
            sample_age_s: health.sampled.map(age),
            reading_age_s: health.read.map(age),
            published: health.counts.published,
            parked: health.counts.parked,
            puback_age_s: health.published.map(age),
            waiting: health.waiting,
            lost: health.losses().map(|(reason, lost)| (reason.name().to_owned(), lost)).collect(),
            clock,
            stalled: health.stalled(now),
        }
    }

    /// Reads what [`Status::to_json`] wrote; `origin` goes into the error.
    pub fn parse(origin: &str, json: &str) -> Result<Self> {
        let unreadable = |error| Error::bad_input(format!("`{origin}` is no status of a feeder")).because(error);
        let status: Self = serde_json::from_str(json).map_err(unreadable)?;
        match status.schema {
            SCHEMA => Ok(status),
            other => Err(Error::bad_input(format!("`{origin}` has schema {other}; this iotctl reads schema {SCHEMA}"))
                .hint("use the iotctl that wrote it")),
        }
    }

    /// The text of `health.json`.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// One line for `systemctl status`.
    pub fn sentence(&self) -> String {
        let Self { state, published, waiting, failed_samples, .. } = self;
        let state = match (state, &self.stalled, &self.reason) {
            (_, Some(stalled), _) => stalled.clone(),
            (State::Waiting, _, Some(reason)) => format!("offline: {reason}"),
            (state, ..) => format!("{state:?}").to_lowercase(),
        };
        format!("{state}; {published} published, {waiting} waiting, {failed_samples} failed readings")
    }
}

/// Seconds, to the millisecond.
fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}
