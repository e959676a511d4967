//! The message of one reading: a JSON object whose bytes never change for the same reading.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use time::{OffsetDateTime, UtcOffset};

use super::clock::Stamp;
use super::loss::Gap;
use super::source::reading::{Quantity, Sample};
use crate::config::feeder::Timestamp;

/// What is said of one quantity: one sample, or all samples of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// When it was measured; of a window, its newest sample.
    pub taken_at: Stamp,
    /// What was measured.
    pub quantity: Quantity,
    /// Name of the device.
    pub origin: Arc<str>,
    /// The value; of a window, the mean; `None` if there is none.
    pub value: Option<f64>,
    /// What a window says besides its mean.
    pub spread: Option<Spread>,
}

/// The values of a window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// How many they were.
    pub samples: u64,
}

impl Measurement {
    /// What a sample says of `quantity`.
    pub fn of(sample: &Sample, quantity: &Quantity) -> Self {
        let value = sample.value(quantity);
        let (taken_at, origin) = (sample.taken_at, sample.origin.clone());
        Self { taken_at, quantity: quantity.clone(), origin, value, spread: None }
    }
}

/// How the messages of a feeder are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Form {
    /// The key of the time, and how it is written.
    pub timestamp: Timestamp,
    /// Which life of the queue it is, for receivers that drop duplicates: its numbers begin again in a new one.
    pub epoch: Option<u64>,
}

/// The time under the key of its form.
#[derive(Serialize)]
enum Time {
    #[serde(rename = "timestamp_utc")]
    Iso(String),
    #[serde(rename = "utc_timestamp")]
    Epoch(i64),
}

impl Form {
    fn time(self, at: OffsetDateTime) -> Time {
        match self.timestamp {
            Timestamp::Iso => Time::Iso(timestamp(at)),
            Timestamp::Epoch => Time::Epoch(at.unix_timestamp()),
        }
    }

    fn epoch(self) -> Option<String> {
        self.epoch.map(|epoch| format!("{epoch:016x}"))
    }
}

/// The order of the fields is the order of the keys on the wire.
#[derive(Serialize)]
struct Message<'a> {
    sequence: u64,
    #[serde(flatten)]
    time: Time,
    value: Option<f64>,
    unit: &'a str,
    origin: String,
    status: &'a str,
    #[serde(flatten)]
    spread: Option<Spread>,
    /// Only while the clock is not known to be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts_quality: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<String>,
}

/// The message of a measurement under number `sequence`.
///
/// A quantity that was not measured (the read failed, the sensor does not vouch for it, the value is not a number)
/// is a message too, with the same keys: `"value":null` and `"status":"fail"`.
pub fn encode(sequence: u64, measurement: &Measurement, form: Form) -> Vec<u8> {
    let Measurement { taken_at, quantity, origin, value, spread } = measurement;
    let message = Message {
        sequence,
        time: form.time(taken_at.utc),
        value: *value,
        unit: &quantity.unit,
        origin: format!("{origin} {}", quantity.name),
        status: if value.is_some() { "success" } else { "fail" },
        spread: *spread,
        ts_quality: taken_at.unsynced.map(|_| "unsynced"),
        epoch: form.epoch(),
    };
    #[expect(clippy::expect_used, reason = "numbers, strings and null always have a JSON form")]
    serde_json::to_vec(&message).expect("a message is plain JSON")
}

/// The keys of a reading, and what is missing.
#[derive(Serialize)]
struct GapMessage<'a> {
    sequence: u64,
    #[serde(flatten)]
    time: Time,
    value: Option<f64>,
    unit: &'a str,
    origin: &'a str,
    status: &'a str,
    gap: Missing,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<String>,
}

#[derive(Serialize)]
struct Missing {
    first: u64,
    last: u64,
    lost: u64,
    reasons: BTreeMap<&'static str, u64>,
}

/// The message that tells of lost readings, under a number of its own.
///
/// It has the keys of a reading, with no value, so that a receiver of readings can take it, and the status `gap`.
pub fn encode_gap(sequence: u64, at: OffsetDateTime, gap: &Gap, form: Form) -> Vec<u8> {
    let reasons = gap.losses.reasons().map(|(reason, lost)| (reason.name(), lost)).collect();
    let message = GapMessage {
        sequence,
        time: form.time(at),
        value: None,
        unit: "",
        origin: "iotctl spool",
        status: "gap",
        gap: Missing { first: gap.first, last: gap.last, lost: gap.losses.total(), reasons },
        epoch: form.epoch(),
    };
    #[expect(clippy::expect_used, reason = "numbers, strings and null always have a JSON form")]
    serde_json::to_vec(&message).expect("a message is plain JSON")
}

/// ISO 8601 in UTC with six fractional digits, those of Python's `%Y-%m-%dT%H:%M:%S.%fZ`, even where they are zero.
fn timestamp(at: OffsetDateTime) -> String {
    let utc = at.checked_to_offset(UtcOffset::UTC).unwrap_or(at);
    let (year, month, day) = utc.to_calendar_date();
    let (hour, minute, second, micros) = utc.to_hms_micro();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z", u8::from(month))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::loss::Reason;
    use super::super::source::fault::ReadError;
    use super::super::source::reading::{HUMIDITY, Reading, TEMPERATURE};
    use super::*;

    fn sample(outcome: Result<Vec<Reading>, ReadError>) -> Sample {
        let taken_at = datetime!(2020-02-15 16:43:16.226983 UTC).into();
        let elapsed = std::time::Duration::ZERO;
        Sample { due: vec![0], taken_at, elapsed, origin: "BME680".into(), skipped: 0, outcome }
    }

    fn temperature(value: f64) -> Sample {
        sample(Ok(vec![Reading { quantity: TEMPERATURE, value: Some(value) }]))
    }

    fn text(sample: &Sample) -> String {
        written(25, &Measurement::of(sample, &TEMPERATURE), Form::default())
    }

    fn written(sequence: u64, measurement: &Measurement, form: Form) -> String {
        String::from_utf8(encode(sequence, measurement, form)).unwrap()
    }

    #[test]
    fn a_reading_becomes_exactly_the_message_of_the_tutorial() {
        assert_eq!(
            text(&temperature(21.58)),
            r#"{"sequence":25,"timestamp_utc":"2020-02-15T16:43:16.226983Z","value":21.58,"unit":"Cel","origin":"BME680 temperature","status":"success"}"#
        );
    }

    #[test]
    fn a_failed_read_keeps_every_key_and_has_no_value() {
        assert_eq!(
            text(&sample(Err(ReadError::NoNewData))),
            r#"{"sequence":25,"timestamp_utc":"2020-02-15T16:43:16.226983Z","value":null,"unit":"Cel","origin":"BME680 temperature","status":"fail"}"#
        );
    }

    #[test]
    fn what_is_not_a_number_is_a_failure() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(text(&temperature(value)).contains(r#""value":null,"#));
            assert!(text(&temperature(value)).ends_with(r#""status":"fail"}"#));
        }
    }

    #[test]
    fn a_quantity_that_the_sample_lacks_is_a_failure_with_its_own_unit() {
        assert_eq!(
            written(0, &Measurement::of(&temperature(20.0), &HUMIDITY), Form::default()),
            r#"{"sequence":0,"timestamp_utc":"2020-02-15T16:43:16.226983Z","value":null,"unit":"%RH","origin":"BME680 humidity","status":"fail"}"#
        );
    }

    #[test]
    fn a_whole_degree_is_still_a_decimal_number() {
        assert!(text(&temperature(21.0)).contains(r#""value":21.0,"#));
        assert!(text(&temperature(-40.0)).contains(r#""value":-40.0,"#));
    }

    #[test]
    fn a_window_says_more_behind_the_keys_of_a_reading() {
        let mut measurement = Measurement::of(&temperature(21.5), &TEMPERATURE);
        measurement.spread = Some(Spread { min: 21.0, max: 22.0, samples: 12 });
        let text = written(3, &measurement, Form::default());
        assert!(text.ends_with(r#""status":"success","min":21.0,"max":22.0,"samples":12}"#), "{text}");
    }

    #[test]
    fn the_time_can_be_the_epoch_seconds_of_the_tutorials_example() {
        let form = Form { timestamp: Timestamp::Epoch, epoch: Some(0xab) };
        assert_eq!(
            written(0, &Measurement::of(&temperature(23.6), &TEMPERATURE), form),
            r#"{"sequence":0,"utc_timestamp":1581784996,"value":23.6,"unit":"Cel","origin":"BME680 temperature","status":"success","epoch":"00000000000000ab"}"#
        );
    }

    #[test]
    fn a_time_that_nobody_vouches_for_is_marked() {
        let mut measurement = Measurement::of(&temperature(21.5), &TEMPERATURE);
        measurement.taken_at.unsynced = Some(std::time::Instant::now());
        let text = written(3, &measurement, Form { epoch: Some(1), ..Form::default() });
        assert!(text.ends_with(r#""status":"success","ts_quality":"unsynced","epoch":"0000000000000001"}"#), "{text}");
    }

    #[test]
    fn a_gap_has_the_keys_of_a_reading_and_says_what_is_missing() {
        let mut gap = Gap::of(17, 28, 12, Reason::Bytes);
        gap.merge(&Gap::of(29, 29, 1, Reason::DiskFull));
        let at = datetime!(2020-02-15 16:43:16.226983 UTC);
        assert_eq!(
            String::from_utf8(encode_gap(30, at, &gap, Form::default())).unwrap(),
            r#"{"sequence":30,"timestamp_utc":"2020-02-15T16:43:16.226983Z","value":null,"unit":"","origin":"iotctl spool","status":"gap","gap":{"first":17,"last":29,"lost":13,"reasons":{"bytes":12,"disk_full":1}}}"#
        );
    }

    #[test]
    fn the_timestamp_is_utc_with_six_digits_even_on_the_whole_second() {
        assert_eq!(timestamp(datetime!(2024-02-29 00:30:00 +1)), "2024-02-28T23:30:00.000000Z");
        assert_eq!(timestamp(datetime!(2026-01-02 03:04:05.000_007_999 UTC)), "2026-01-02T03:04:05.000007Z");
    }
}
