//! Settings: the environment, and files that people write.

use serde::{Deserialize, Deserializer};

pub mod connection;
pub mod duration;
pub mod environment;
pub mod feeder;
pub mod proxy;
pub mod spool;

/// A TOML value as a person wrote it, with or without quotes.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = toml::Value::deserialize(deserializer)?;
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}
