//! `[stream.NAME]`: what of a source goes to which topic.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::super::duration;
use super::topic::TopicTemplate;

/// A table and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Located<T> {
    /// The line of the table; of an inline table, that of its value.
    pub line: usize,
    /// What it says.
    pub value: T,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Located<T> {
    /// The line is the offset in bytes at first; whoever has the text makes a line of it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        Ok(Self { line: spanned.span().start, value: spanned.into_inner() })
    }
}

/// The settings of a stream. What is left out is that of the file, or none.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StreamSettings {
    /// Its source; may be left out if there is only one.
    pub source: Option<String>,
    /// What of the source; the name of the stream if left out.
    pub quantity: Option<String>,
    /// Where its messages go.
    pub topic: Option<TopicTemplate>,
    /// From one sample to the next.
    #[serde(deserialize_with = "duration::from_toml_if_there")]
    pub interval: Option<Duration>,
    /// How long after the start the first sample is taken.
    #[serde(deserialize_with = "duration::from_toml_if_there")]
    pub phase: Option<Duration>,
    /// A value that moved by less is no message.
    #[serde(deserialize_with = "width")]
    pub deadband: Option<f64>,
    /// The same, in percent of the last published value.
    #[serde(deserialize_with = "width")]
    pub deadband_percent: Option<f64>,
    /// The longest silence under a deadband.
    #[serde(deserialize_with = "duration::from_toml_if_there")]
    pub max_silence: Option<Duration>,
    /// One message for all samples of so long a time.
    #[serde(deserialize_with = "duration::from_toml_if_there")]
    pub window: Option<Duration>,
    /// Whether it is sampled.
    pub enabled: Option<bool>,
}

fn width<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let width = f64::deserialize(deserializer)?;
    match width.is_finite() && width > 0.0 {
        true => Ok(Some(width)),
        false => Err(serde::de::Error::custom(format!("{width} is no width; leave it out for none"))),
    }
}
