//! `iot:Certificate.*`: attributes of the client certificate, which may have several values.
//!
//! Source: AWS IoT Developer Guide, "X.509 Certificate AWS IoT Core policy variables"; the limits on values stand in
//! its archived text of 2022.

use std::borrow::Cow;
use std::fmt;

use crate::policy::request::Connection;

/// What every variable of a certificate starts with.
const PREFIX: &str = "iot:Certificate.";
/// Further values of an attribute are not seen.
const MOST_VALUES: usize = 5;
/// Longer values, in characters, are not substituted.
const LONGEST_VALUE: usize = 1024;
/// A value that holds one of these is not substituted.
const NEVER_SUBSTITUTED: [char; 5] = ['*', '$', '+', '?', '#'];
/// A policy writes these with a backslash before them.
const ESCAPED: [char; 8] = [',', '"', '\\', '+', '=', '<', '>', ';'];

const NAMES: [&str; 13] = [
    "DistinguishedNameQualifier",
    "Country",
    "Organization",
    "OrganizationalUnit",
    "State",
    "CommonName",
    "SerialNumber",
    "Title",
    "Surname",
    "GivenName",
    "Initials",
    "Pseudonym",
    "GenerationQualifier",
];
const ALTERNATIVE_NAMES: [&str; 5] =
    ["RFC822Name", "DNSName", "DirectoryName", "UniformResourceIdentifier", "IPAddress"];

/// An attribute, and which of its values is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Such as `iot:Certificate.Subject.CommonName`, without a suffix.
    pub name: String,
    /// The suffix.
    pub pick: Pick,
}

/// Which value of an attribute that has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// No suffix: the first.
    First,
    /// `.1` is the second, `.2` the third.
    Index(usize),
    /// `.List`: all, as a set.
    List,
}

impl Attribute {
    /// Reads a name with its suffix; `None` if AWS has no such attribute.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (base, pick) = match name.rsplit_once('.') {
            Some((base, "List")) => (base, Pick::List),
            Some((base, index)) if is_index(index) => (base, Pick::Index(index.parse().ok()?)),
            _ => (name, Pick::First),
        };
        is_known(base.strip_prefix(PREFIX)?).then(|| Self { name: base.to_owned(), pick })
    }

    pub(super) fn values<'a>(&self, connection: &'a Connection) -> Vec<Cow<'a, str>> {
        let all = self.raw(connection);
        match self.pick {
            Pick::List => all.iter().map(|value| escape(value)).collect(),
            _ => self.picked(all).map(escape).into_iter().collect(),
        }
    }

    pub(super) fn substitute<'a>(&self, connection: &'a Connection) -> Option<Cow<'a, str>> {
        let value = self.picked(self.raw(connection))?;
        let usable = !value.contains(NEVER_SUBSTITUTED) && value.chars().count() <= LONGEST_VALUE;
        usable.then(|| escape(value))
    }

    fn raw<'a>(&self, connection: &'a Connection) -> &'a [String] {
        let short = self.name.strip_prefix(PREFIX).unwrap_or_default();
        let found = connection.certificate.get(&self.name).or_else(|| connection.certificate.get(short));
        let all = found.map_or(&[][..], Vec::as_slice);
        all.get(..MOST_VALUES).unwrap_or(all)
    }

    fn picked<'a>(&self, all: &'a [String]) -> Option<&'a str> {
        let index = match self.pick {
            Pick::First => 0,
            Pick::Index(index) => index,
            Pick::List => return None,
        };
        all.get(index).map(String::as_str)
    }
}

/// The value of `iot:Certificate.AvailableKeys`.
pub(super) fn available_keys(connection: &Connection) -> Vec<Cow<'_, str>> {
    let with_values = connection.certificate.iter().filter(|(_, values)| !values.is_empty());
    with_values
        .map(|(name, _)| match name.starts_with(PREFIX) {
            true => Cow::Borrowed(name.as_str()),
            false => Cow::Owned(format!("{PREFIX}{name}")),
        })
        .collect()
}

fn is_index(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_known(path: &str) -> bool {
    let Some((party, name)) = path.split_once('.') else { return path == "SerialNumber" };
    let known = match name.strip_prefix("AlternativeName.") {
        Some(alternative) => ALTERNATIVE_NAMES.contains(&alternative),
        None => NAMES.contains(&name),
    };
    known && ["Issuer", "Subject"].contains(&party)
}

fn escape(value: &str) -> Cow<'_, str> {
    if !value.contains(ESCAPED) {
        return Cow::Borrowed(value);
    }
    let mut escaped = String::with_capacity(value.len() + 4);
    for c in value.chars() {
        if ESCAPED.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    Cow::Owned(escaped)
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.pick {
            Pick::First => Ok(()),
            Pick::Index(index) => write!(f, ".{index}"),
            Pick::List => f.write_str(".List"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(values: &[&str]) -> Connection {
        let values = values.iter().map(|v| (*v).to_owned()).collect();
        Connection { certificate: [("Subject.CommonName".to_owned(), values)].into(), ..Connection::default() }
    }

    fn attribute(suffix: &str) -> Attribute {
        Attribute::parse(&format!("iot:Certificate.Subject.CommonName{suffix}")).unwrap()
    }

    #[test]
    fn suffix_one_is_the_second_value_and_past_the_end_is_nothing() {
        let connection = with(&["a", "b"]);
        assert_eq!(attribute("").substitute(&connection).as_deref(), Some("a"));
        assert_eq!(attribute(".1").substitute(&connection).as_deref(), Some("b"));
        assert_eq!(attribute(".2").substitute(&connection), None);
        assert_eq!(attribute(".List").values(&connection), ["a", "b"]);
    }

    #[test]
    fn only_the_first_five_values_are_seen() {
        let connection = with(&["a", "b", "c", "d", "e", "f"]);
        assert_eq!(attribute(".4").substitute(&connection).as_deref(), Some("e"));
        assert_eq!(attribute(".5").substitute(&connection), None);
        assert_eq!(attribute(".List").values(&connection).len(), 5);
    }

    #[test]
    fn wildcards_and_overlong_values_are_not_substituted() {
        for value in ["a*", "a$", "a+", "a?", "a#", &"x".repeat(1025)] {
            assert_eq!(attribute("").substitute(&with(&[value])), None, "{value}");
        }
        assert!(attribute("").substitute(&with(&[&"x".repeat(1024)])).is_some());
    }

    #[test]
    fn special_characters_carry_a_backslash() {
        assert_eq!(attribute("").values(&with(&["Example, Inc"])), [r"Example\, Inc"]);
    }

    #[test]
    fn names_that_aws_does_not_list_are_unknown() {
        for name in ["Subject.Locality", "Subject", "Holder.CommonName", "Subject.AlternativeName.CommonName"] {
            assert_eq!(Attribute::parse(&format!("iot:Certificate.{name}")), None, "{name}");
        }
    }

    #[test]
    fn available_keys_are_full_names_of_what_has_values() {
        let mut connection = with(&["a"]);
        connection.certificate.insert("iot:Certificate.Subject.Country".into(), Vec::new());
        assert_eq!(available_keys(&connection), ["iot:Certificate.Subject.CommonName"]);
    }
}
