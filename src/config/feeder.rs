//! `feeder.toml`: what `iotctl run` does with a bundle.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::proxy::{self, Route};
use super::spool::{QueueKind, SpoolSettings};
use super::{connection, duration};
use crate::error::{Error, Result};
use crate::topic::TopicName;

pub mod clock;
pub mod csv;
pub mod files;
pub mod frozen;
pub mod modbus;
pub mod remote;
pub mod source;
pub mod stream;
pub mod topic;

use clock::ClockTrust;
use remote::RemoteSettings;
use source::{SourceSettings, first_bus};
use stream::{Located, StreamSettings};
use topic::TopicTemplate;

/// Which sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Sensor {
    /// Bosch BME680 on the I2C bus, at 0x76 or 0x77
    Bme680,
    /// A simulated BME680, register by register, under the same driver
    Sim,
    /// No sensor: what comes in by the socket is all
    None,
}

/// `[input]`: finished payloads from other programs.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputSettings {
    /// A UNIX socket whose clients write lines.
    pub socket: Option<PathBuf>,
    /// Where they go; the topic of the file if left out.
    pub topic: Option<TopicTemplate>,
}

/// The settings of a feeder.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeederSettings {
    /// What it publishes to; with several streams, a template.
    pub topic: Option<TopicTemplate>,
    /// From one reading to the next.
    #[serde(default = "five_seconds", deserialize_with = "duration::from_toml")]
    pub interval: Duration,
    /// 0 or 1; AWS IoT has no QoS 2.
    #[serde(default = "at_least_once", deserialize_with = "zero_or_one")]
    pub qos: u8,
    /// Which sensor.
    #[serde(default = "bme680")]
    pub sensor: Sensor,
    /// The I2C bus of the sensor.
    #[serde(default = "first_bus")]
    pub bus: PathBuf,
    /// Where readings wait for their acknowledgement; on the disk if not given and there is a bundle.
    pub queue: Option<QueueKind>,
    /// How the queue on the disk is kept.
    #[serde(default)]
    pub spool: SpoolSettings,
    /// Most messages a second; 50, and 40 more at once, if not given.
    #[serde(default, deserialize_with = "connection::drain")]
    pub drain: Option<u8>,
    /// Longest silence towards the broker; 30 s if not given.
    #[serde(default, deserialize_with = "connection::keep_alive")]
    pub keep_alive: Option<Duration>,
    /// What the first connection of a service is spread over, so that a fleet does not come back in one second.
    #[serde(default, deserialize_with = "connection::start_jitter")]
    pub start_jitter: Option<Duration>,
    /// The way to the broker; that of the environment if not given.
    #[serde(default, deserialize_with = "proxy::from_toml")]
    pub proxy: Option<Route>,
    /// The key of the time in a message.
    #[serde(default)]
    pub timestamp: Timestamp,
    /// Whether messages say which life of the queue they are from.
    #[serde(default)]
    pub epoch: bool,
    /// What says that the clock is right.
    #[serde(default)]
    pub clock: ClockTrust,
    /// Payloads of other programs.
    #[serde(default)]
    pub input: InputSettings,
    /// What steers it while it runs.
    #[serde(default)]
    pub remote: RemoteSettings,
    /// Where Prometheus is answered; nowhere if not given.
    pub metrics: Option<SocketAddr>,
    /// The sources, by name; none: the one `sensor`.
    #[serde(default)]
    pub source: BTreeMap<String, Located<SourceSettings>>,
    /// The streams, by name; none: every quantity of every source, or the temperature of the one `sensor`.
    #[serde(default)]
    pub stream: BTreeMap<String, Located<StreamSettings>>,
}

/// The key of the time in a message, and how it is written. The tutorial has both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timestamp {
    /// `timestamp_utc`, ISO 8601 with microseconds.
    #[default]
    Iso,
    /// `utc_timestamp`, whole seconds since 1970.
    Epoch,
}

impl Default for FeederSettings {
    /// The tutorial's: a reading every 5 s, QoS 1, the BME680 of a Raspberry Pi.
    fn default() -> Self {
        Self {
            topic: None,
            interval: five_seconds(),
            qos: at_least_once(),
            sensor: bme680(),
            bus: first_bus(),
            queue: None,
            spool: SpoolSettings::default(),
            drain: None,
            keep_alive: None,
            start_jitter: None,
            proxy: None,
            timestamp: Timestamp::default(),
            epoch: false,
            clock: ClockTrust::default(),
            input: InputSettings::default(),
            remote: RemoteSettings::default(),
            metrics: None,
            source: BTreeMap::new(),
            stream: BTreeMap::new(),
        }
    }
}

impl FeederSettings {
    /// Reads `feeder.toml`; a fault is named with file, line and field (exit code 65).
    pub fn read(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).map_err(|e| Error::bad_input(format!("cannot read `{shown}`")).because(e))?;
        Self::parse(&shown.to_string(), &text)
    }

    /// Parses the text of `feeder.toml`.
    pub fn parse(origin: &str, text: &str) -> Result<Self> {
        let mut settings: Self = toml::from_str(text).map_err(|error| fault(origin, text, &error))?;
        let line = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        settings.source.values_mut().for_each(|source| source.line = line(source.line));
        settings.stream.values_mut().for_each(|stream| stream.line = line(stream.line));
        settings.check_lines(origin)?;
        Ok(settings)
    }

    /// One voice at a time: two sources on one serial line would speak into each other's answers.
    fn check_lines(&self, origin: &str) -> Result<()> {
        let mut seen = BTreeMap::new();
        for (name, source) in &self.source {
            let Some(device) = source.value.serial_line() else { continue };
            if let Some(other) = seen.insert(device, name) {
                let line = source.line;
                return Err(Error::bad_input(format!(
                    "`{origin}`, line {line}, `source.{name}`: `{device}` is the line of source `{other}`"
                ))
                .hint(format!("put its points into [source.{other}], each with its `unit_id`")));
            }
        }
        Ok(())
    }

    /// The file that a new bundle gets.
    pub fn file_for(topic: &TopicName) -> String {
        format!(
            "# What `iotctl run` does with this bundle; its flags win over this file.\n\n\
             # The topic, which policy.json must allow\n\
             topic = \"{topic}\"\n\
             # From one reading to the next: \"500ms\", \"5s\", \"2m\"\n\
             interval = \"5s\"\n\
             # 1: every reading arrives at least once; 0: at most once\n\
             qos = 1\n\
             # \"bme680\", \"sim\" for a simulated one, or \"none\"\n\
             sensor = \"bme680\"\n\
             # The I2C bus it hangs on\n\
             bus = \"/dev/i2c-1\"\n\
             # Where readings wait for their acknowledgement: \"disk\" or \"memory\"\n\
             queue = \"disk\"\n\n\
             [spool]\n\
             # \"every\" reading safe from a power cut, or all of so much time together, such as \"200ms\"\n\
             sync = \"every\"\n\
             # How much may wait; max_count and max_age are bounds too\n\
             max_bytes = \"1GiB\"\n\
             # What gives way: \"drop-oldest\", \"drop-newest\", or \"block\"\n\
             when_full = \"drop-oldest\"\n"
        )
    }
}

fn five_seconds() -> Duration {
    Duration::from_secs(5)
}

fn at_least_once() -> u8 {
    1
}

fn bme680() -> Sensor {
    Sensor::Bme680
}

/// A fault with file, line and field.
fn fault(origin: &str, text: &str, error: &toml::de::Error) -> Error {
    let at = error.span().map_or(0, |span| span.start);
    let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    let written = text.lines().nth(line - 1).unwrap_or_default();
    let field =
        written.split_once('=').map_or_else(|| written.trim().trim_matches(['[', ']']), |(field, _)| field.trim());
    let is_field = field.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && !field.is_empty();
    let place =
        if is_field { format!("`{origin}`, line {line}, `{field}`") } else { format!("`{origin}`, line {line}") };
    Error::bad_input(format!("{place}: {}", error.message().trim_end()))
        .hint(
            "the settings are: topic, interval, qos, sensor, bus, queue, drain, keep_alive, start_jitter, proxy, timestamp, epoch, clock, metrics",
        )
        .hint("and tables: [spool], [input], [remote], [source.NAME], [stream.NAME]; every key: docs/feeder.md")
}

fn zero_or_one<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u8, D::Error> {
    match u8::deserialize(deserializer)? {
        qos @ 0..=1 => Ok(qos),
        qos => Err(serde::de::Error::custom(format!("AWS IoT has QoS 0 and 1, not {qos}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_new_bundle_says_what_the_defaults_are() {
        let topic: TopicName = "sensors/pump-7/temperature".parse().unwrap();
        let settings = FeederSettings::parse("feeder.toml", &FeederSettings::file_for(&topic)).unwrap();
        let queue = Some(QueueKind::Disk);
        assert_eq!(
            settings,
            FeederSettings { topic: Some(topic.as_str().parse().unwrap()), queue, ..FeederSettings::default() }
        );
    }

    #[test]
    fn an_empty_file_is_the_tutorial() {
        assert_eq!(FeederSettings::parse("feeder.toml", "").unwrap(), FeederSettings::default());
    }

    #[test]
    fn a_fault_is_named_with_file_line_and_field() {
        let cases = [
            ("qos = 1\ninterval = \"soon\"\n", "`feeder.toml`, line 2, `interval`: `soon` is not a duration"),
            ("\nqos = 2\n", "`feeder.toml`, line 2, `qos`: AWS IoT has QoS 0 and 1, not 2"),
            ("colour = 1\n", "`feeder.toml`, line 1, `colour`: unknown field `colour`"),
            ("topic = \"a/+\"\n", "`feeder.toml`, line 1, `topic`: topic `a/+` holds a wildcard"),
            ("sensor = \"bme280\"\n", "`feeder.toml`, line 1, `sensor`: unknown variant `bme280`"),
            ("qos 1\n", "`feeder.toml`, line 1"),
            (
                "clock = \"atomic\"\n",
                "`feeder.toml`, line 1, `clock`: `atomic` is neither `auto`, `trusted` nor the path",
            ),
            ("drain = 101\n", "`feeder.toml`, line 1, `drain`: AWS IoT takes 100 messages a second"),
            ("keep_alive = 10\n", "`feeder.toml`, line 1, `keep_alive`: AWS IoT takes a keep-alive of 30 to 1200"),
            ("queue = \"tape\"\n", "`feeder.toml`, line 1, `queue`: unknown variant `tape`"),
            ("[spool]\nsync = \"maybe\"\n", "`feeder.toml`, line 2, `sync`: `maybe` is neither `every` nor a time"),
            ("[spool]\nmax_bytes = 5\n", "`feeder.toml`, line 2, `max_bytes`: `5` is too small"),
            ("[spool]\nmax_count = 0\n", "`feeder.toml`, line 2, `max_count`: a queue of no readings"),
            ("[spool]\nmax_age = \"old\"\n", "`feeder.toml`, line 2, `max_age`: `old` is not a duration"),
            ("\n[spool]\nwhen_full = \"wait\"\n", "`feeder.toml`, line 3, `when_full`: unknown variant `wait`"),
        ];
        for (text, wanted) in cases {
            let error = FeederSettings::parse("feeder.toml", text).unwrap_err();
            assert!(error.message().starts_with(wanted), "{error}");
        }
    }
}
