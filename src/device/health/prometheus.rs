//! The status in the text format of Prometheus, version 0.0.4.
//!
//! Names by its conventions: a prefix, base units, `_total` for what only grows, a time as a timestamp in seconds.

use super::status::{State, Status};
use crate::device::clock::Synchrony;

/// What a scrape answers.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Every metric, each with its help and its type.
pub fn text(status: &Status) -> String {
    let mut text = Text::default();
    text.of("iotctl_build_info", "gauge", "Version of the program.");
    text.sample("iotctl_build_info", &[("version", &status.about.version)], 1.0);
    text.counter("iotctl_samples_total", "Times that a sensor was read.", status.samples);
    text.counter("iotctl_failed_samples_total", "Times that it gave no reading.", status.failed_samples);
    text.counter("iotctl_skipped_ticks_total", "Ticks without a sample.", status.skipped_ticks);
    text.counter("iotctl_too_long_lines_total", "Lines that AWS IoT would not take.", status.too_long_lines);
    text.counter("iotctl_published_messages_total", "Messages that the broker acknowledged.", status.published);
    text.counter("iotctl_parked_messages_total", "Messages that policy forbids, set aside.", status.parked);
    text.counter("iotctl_connections_total", "Connections that were made.", status.connections);
    text.of("iotctl_lost_readings_total", "counter", "Readings lost, by reason.");
    for (reason, lost) in &status.lost {
        text.sample("iotctl_lost_readings_total", &[("reason", reason)], *lost as f64);
    }
    text.gauge("iotctl_connected", "Whether the connection stands.", flag(status.state == State::Online));
    text.gauge("iotctl_queued_messages", "Messages that wait for their acknowledgement.", Some(status.waiting as f64));
    text.gauge("iotctl_moving", "Whether sensors and connection move.", flag(status.stalled.is_none()));
    let synchronized = if status.clock == Synchrony::Unknown { None } else { flag(status.clock == Synchrony::Synced) };
    text.gauge("iotctl_clock_synchronized", "Whether the clock was set from the network.", synchronized);
    let written = status.written_utc.unix_timestamp_nanos() as f64 / 1e9;
    let at = |age: Option<f64>| age.map(|age| written - age);
    text.gauge("iotctl_start_time_seconds", "When the feeder started.", at(Some(status.uptime_s)));
    text.gauge("iotctl_last_reading_timestamp_seconds", "When the last reading was taken.", at(status.reading_age_s));
    text.gauge("iotctl_last_puback_timestamp_seconds", "When the last acknowledgement came.", at(status.puback_age_s));
    text.0
}

fn flag(is_so: bool) -> Option<f64> {
    Some(if is_so { 1.0 } else { 0.0 })
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn of(&mut self, name: &str, kind: &str, help: &str) {
        self.0 += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.0 += &format!("{name}{labels} {value}\n");
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.of(name, "counter", help);
        self.sample(name, &[], value as f64);
    }

    /// A metric without a value is left out whole.
    fn gauge(&mut self, name: &str, help: &str, value: Option<f64>) {
        if let Some(value) = value {
            self.of(name, "gauge", help);
            self.sample(name, &[], value);
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
