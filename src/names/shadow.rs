//! Which shadow: a thing has one without a name, the classic one, and any number of named ones.

use std::fmt;

use super::text::{ShadowName, ThingName};

/// The shadow of a thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShadowAddress {
    /// Whose it is.
    pub thing: ThingName,
    /// Its name; the classic shadow has none.
    pub name: Option<ShadowName>,
}

impl ShadowAddress {
    /// What all its topics begin with, as `$aws/things/pump-7/shadow/name/iotctl`
    /// (AWS IoT Developer Guide, "Device Shadow MQTT topics").
    pub fn prefix(&self) -> String {
        match &self.name {
            None => format!("$aws/things/{}/shadow", self.thing),
            Some(name) => format!("$aws/things/{}/shadow/name/{name}", self.thing),
        }
    }

    /// The shadow of a topic, and what of the topic comes behind [`ShadowAddress::prefix`] and its slash.
    pub fn of_topic(topic: &str) -> Option<(Self, &str)> {
        let (thing, rest) = topic.strip_prefix("$aws/things/")?.split_once("/shadow/")?;
        let (name, rest) = match rest.strip_prefix("name/") {
            None => (None, rest),
            Some(rest) => {
                let (name, rest) = rest.split_once('/')?;
                (Some(name.parse().ok()?), rest)
            }
        };
        Some((Self { thing: thing.parse().ok()?, name }, rest))
    }
}

impl fmt::Display for ShadowAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            None => write!(f, "the classic shadow of `{}`", self.thing),
            Some(name) => write!(f, "shadow `{name}` of `{}`", self.thing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_says_which_shadow_it_is_of() {
        let taken = |topic| ShadowAddress::of_topic(topic).map(|(address, rest)| (address.prefix(), rest));
        let classic = "$aws/things/pump-7/shadow";
        assert_eq!(taken("$aws/things/pump-7/shadow/update/delta"), Some((classic.to_owned(), "update/delta")));
        let named = "$aws/things/pump-7/shadow/name/iotctl";
        assert_eq!(taken("$aws/things/pump-7/shadow/name/iotctl/get"), Some((named.to_owned(), "get")));
        for other in ["a/b", "$aws/things/a b/shadow/get", "$aws/things/a/shadow/name/get", "$aws/things/a/jobs/get"] {
            assert_eq!(taken(other), None, "{other}");
        }
    }
}
