//! How `iotctl run` treats its connection: how fast, how quiet, how soon.

use std::time::Duration;

use serde::Deserializer;

use super::{duration, words};

/// Publishes a second that AWS IoT takes on one connection; what is over that it throws away (AWS General Reference,
/// "AWS IoT Core endpoints and quotas", "Publish requests per second per connection").
pub const MOST_A_SECOND: u8 = 100;
/// The keep-alive that AWS IoT takes; it moves others to the nearest of these and tells MQTT 3 clients nothing.
const KEEP_ALIVE: std::ops::RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_secs(1200);

/// What the first connections of services are spread over: AWS IoT takes 100 CONNECTs a second and account in its small
/// regions, and a power cut ends for a whole plant at once.
pub const SERVICE_SPREAD: Duration = Duration::from_secs(30);

/// Parses how many messages a second may go out: 1 to 100.
pub fn parse_drain(text: &str) -> Result<u8, String> {
    let number: u64 = text.trim().parse().map_err(|_| format!("`{text}` is not a whole number of messages"))?;
    match u8::try_from(number) {
        Ok(0) => Err("0 messages a second would send none".into()),
        Ok(rate @ 1..=MOST_A_SECOND) => Ok(rate),
        _ => Err(format!(
            "AWS IoT takes {MOST_A_SECOND} messages a second on a connection and throws away what is over that"
        )),
    }
}

/// Parses a keep-alive: 30 seconds to 20 minutes.
pub fn parse_keep_alive(text: &str) -> Result<Duration, String> {
    let time = duration::parse(text)?;
    let is_whole = time.subsec_nanos() == 0;
    match KEEP_ALIVE.contains(&time) && is_whole {
        true => Ok(time),
        false => Err(format!("AWS IoT takes a keep-alive of 30 to 1200 whole seconds, not `{text}`")),
    }
}

/// Parses the spread of the first connection: a duration, or 0 for none.
pub fn parse_start_jitter(text: &str) -> Result<Duration, String> {
    if text.trim().trim_end_matches('s') == "0" { Ok(Duration::ZERO) } else { duration::parse(text) }
}

pub(super) fn drain<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    parse_drain(&words(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

pub(super) fn keep_alive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parse_keep_alive(&words(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

pub(super) fn start_jitter<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parse_start_jitter(&words(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_aws_takes_is_refused_with_the_quota() {
        assert_eq!((parse_drain("2"), parse_drain("100")), (Ok(2), Ok(100)));
        assert!(parse_drain("101").unwrap_err().contains("AWS IoT takes 100 messages a second"));
        assert!(parse_drain("70000").unwrap_err().contains("AWS IoT takes 100"));
        for text in ["0", "-1", "fast", "", "2.5"] {
            assert!(parse_drain(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_keep_alive_is_30_to_1200_seconds() {
        let secs = |seconds| Ok(Duration::from_secs(seconds));
        assert_eq!((parse_keep_alive("30"), parse_keep_alive("20m")), (secs(30), secs(1200)));
        for text in ["29", "1201s", "0", "30.5", "often"] {
            assert!(parse_keep_alive(text).is_err(), "{text}");
        }
    }

    #[test]
    fn no_spread_is_a_spread_of_nothing() {
        for text in ["0", "0s", " 0 "] {
            assert_eq!(parse_start_jitter(text), Ok(Duration::ZERO), "{text}");
        }
        assert_eq!(parse_start_jitter("30s"), Ok(Duration::from_secs(30)));
        assert!(parse_start_jitter("s").is_err());
    }
}
