//! MQTT topic names and topic filters, with the limits of the AWS IoT message broker.
//!
//! Here `+` and `#` are wildcards. In an AWS IoT policy they are literal characters and `*`, `?` are the
//! wildcards: that other matcher is `policy::pattern`.
//!
//! Sources: MQTT 3.1.1 section 4.7; AWS General Reference, "AWS IoT Core endpoints and quotas", message broker.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The longest topic name or filter, in bytes of UTF-8.
pub const MAX_BYTES: usize = 256;
/// The most slashes in a topic name or filter: eight levels.
pub const MAX_SLASHES: usize = 7;

/// A topic that can be published to: no wildcards, at most 256 bytes and seven slashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicName(String);

/// A topic filter that can be subscribed to: `+` is one level, a last `#` is all that follow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicFilter(String);

impl TopicName {
    /// The topic as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TopicFilter {
    /// The filter as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a message on `topic` goes to a subscriber of this filter.
    ///
    /// AWS deviates from MQTT 3.1.1 section 4.7.1.2 here: `sensor/#` does not match `sensor`.
    /// A filter that starts with a wildcard does not match topics that start with `$` (section 4.7.2).
    pub fn matches(&self, topic: &str) -> bool {
        if topic.starts_with('$') && self.0.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = topic.split('/');
        for wanted in self.0.split('/') {
            match (wanted, levels.next()) {
                ("#", found) => return found.is_some(),
                ("+", Some(_)) => {}
                (wanted, Some(found)) if wanted == found => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }
}

impl TopicFilter {
    /// Whether `topic` would match if letter case did not count: it does, everywhere in MQTT.
    pub fn differs_only_in_case_from(&self, topic: &str) -> bool {
        !self.matches(topic) && Self(self.0.to_lowercase()).matches(&topic.to_lowercase())
    }

    /// A filter that takes in the same topics in any letters, from level `keep` on.
    pub fn in_any_letters_from(&self, keep: usize) -> Self {
        let widened = |(at, level)| if at < keep || level == "#" { level } else { "+" };
        Self(self.0.split('/').enumerate().map(widened).collect::<Vec<_>>().join("/"))
    }
}

impl FromStr for TopicName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        check_shared_limits("topic", text)?;
        if text.contains(['+', '#']) {
            return Err(Error::usage(format!("topic `{text}` holds a wildcard"))
                .hint("`+` and `#` belong in a topic filter; a message goes to one exact topic"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for TopicFilter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        check_shared_limits("topic filter", text)?;
        let levels: Vec<&str> = text.split('/').collect();
        for (at, level) in levels.iter().enumerate() {
            let last = at + 1 == levels.len();
            let whole = level.len() == 1;
            if level.contains('#') && !(whole && last) {
                return Err(Error::usage(format!("topic filter `{text}` has `#` in the wrong place"))
                    .hint("`#` stands alone as the last level, as in `factory/line1/#`"));
            }
            if level.contains('+') && !whole {
                return Err(Error::usage(format!("topic filter `{text}` has `+` in the wrong place"))
                    .hint("`+` stands alone for one whole level, as in `factory/+/temperature`"));
            }
        }
        Ok(Self(text.to_owned()))
    }
}

fn check_shared_limits(what: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::usage(format!("{what} is empty")));
    }
    if text.contains('\0') {
        return Err(Error::usage(format!("{what} holds the character U+0000, which MQTT forbids")));
    }
    if text.len() > MAX_BYTES {
        return Err(Error::usage(format!("{what} has {} bytes; AWS IoT takes at most {MAX_BYTES}", text.len())));
    }
    let slashes = counted_slashes(text);
    if slashes > MAX_SLASHES {
        return Err(Error::usage(format!(
            "{what} `{text}` has {slashes} slashes; AWS IoT takes at most {MAX_SLASHES}"
        )));
    }
    Ok(())
}

/// `$aws/rules/<rule>/` and `$share/<group>/` do not count against the limit (AWS quotas page).
fn counted_slashes(text: &str) -> usize {
    let all = text.matches('/').count();
    let free = if text.starts_with("$aws/rules/") {
        3
    } else if text.starts_with("$share/") {
        2
    } else {
        0
    };
    all.saturating_sub(free)
}

macro_rules! text_type {
    ($type:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $type {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                text.parse()
            }
        }
        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.0
            }
        }
    };
}
text_type!(TopicName);
text_type!(TopicFilter);

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(filter: &str, topic: &str) -> bool {
        filter.parse::<TopicFilter>().unwrap().matches(topic)
    }

    #[test]
    fn wildcards_stand_for_levels() {
        assert!(matches("a/+/c", "a/b/c"));
        assert!(matches("a/+/c", "a//c"));
        assert!(!matches("a/+", "a/b/c"));
        assert!(matches("#", "a/b/c"));
        assert!(matches("a/#", "a/b/c"));
        assert!(matches("+/+", "/a"));
        assert!(!matches("+", "/a"));
    }

    #[test]
    fn hash_does_not_match_the_parent_level_on_aws() {
        assert!(!matches("sensor/#", "sensor"));
        assert!(matches("sensor/#", "sensor/"));
    }

    #[test]
    fn leading_wildcards_do_not_reach_dollar_topics() {
        assert!(!matches("#", "$aws/things/t/shadow/update"));
        assert!(!matches("+/things/#", "$aws/things/t"));
        assert!(matches("$aws/things/+/shadow/#", "$aws/things/t/shadow/update"));
    }

    #[test]
    fn a_topic_in_other_letters_is_no_match_and_is_known_as_a_twin() {
        let filter: TopicFilter = "BME680/+/temperature".parse().unwrap();
        assert!(filter.differs_only_in_case_from("bme680/x/temperature"));
        assert!(!filter.differs_only_in_case_from("BME680/x/temperature"), "it matches");
        assert!(!filter.differs_only_in_case_from("bme680/x/humidity"));
        assert_eq!(filter.in_any_letters_from(1).as_str(), "BME680/+/+");
        let all: TopicFilter = "A/b/#".parse().unwrap();
        assert_eq!(all.in_any_letters_from(0).as_str(), "+/+/#");
    }

    #[test]
    fn limits_of_aws_are_refused_by_name() {
        assert!("a/b/c/d/e/f/g/h".parse::<TopicName>().is_ok());
        assert!("a/b/c/d/e/f/g/h/i".parse::<TopicName>().is_err());
        assert!("$aws/rules/r/a/b/c/d/e/f/g/h".parse::<TopicName>().is_ok());
        assert!("x".repeat(257).parse::<TopicName>().is_err());
        assert!("a/+".parse::<TopicName>().is_err());
        assert!("a/#/b".parse::<TopicFilter>().is_err());
        assert!("a/b+".parse::<TopicFilter>().is_err());
        assert!("".parse::<TopicFilter>().is_err());
    }
}
