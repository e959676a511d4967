//! Names that are plain text of a certain form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A name type: text that was checked once and is right from then on.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $type {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                let check: fn(&str) -> std::result::Result<(), Complaint> = $check;
                match check(text) {
                    Ok(()) => Ok(Self(text.to_owned())),
                    Err(complaint) => Err(complaint.into_error($what, text)),
                }
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
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A thing, thing type, thing group or billing group: 1 to 128 of `[a-zA-Z0-9:_-]`.
    ThingName, "thing name", |text| characters(text, 128, ":_-", "letters, digits, `:`, `_` and `-`")
);
name!(
    /// A named shadow: 1 to 64 of `[$a-zA-Z0-9:_-]`.
    ShadowName, "shadow name", |text| characters(text, 64, "$:_-", "letters, digits, `$`, `:`, `_` and `-`")
);
name!(
    /// An AWS IoT policy: 1 to 128 of `[\w+=,.@-]`.
    PolicyName, "policy name", |text| characters(text, 128, "_+=,.@-", "letters, digits and `_+=,.@-`")
);
name!(
    /// The name of a thing attribute: 1 to 128 of `[a-zA-Z0-9_.,@/:#-]`.
    AttributeName, "attribute name", |text| characters(text, 128, "_.,@/:#-", "letters, digits and `_.,@/:#-`")
);
name!(
    /// The value of a thing attribute: 0 to 800 of `[a-zA-Z0-9_.,@/:#=\[\]-]`, so no spaces.
    AttributeValue, "attribute value", |text| match text {
        "" => Ok(()),
        text => characters(text, 800, "_.,@/:#=[]-", "letters, digits and `_.,@/:#=[]-`, no spaces"),
    }
);
name!(
    /// An MQTT client id: 1 to 128 bytes of UTF-8, not starting with `$`.
    ClientId, "client id", |text| {
        if text.is_empty() || text.len() > 128 {
            return Err(Complaint::Length { bytes: text.len(), most: 128 });
        }
        if text.starts_with('$') || text.contains('\0') {
            return Err(Complaint::Characters { allowed: "a first character other than `$`, and no U+0000" });
        }
        Ok(())
    }
);
name!(
    /// An AWS Region, such as `eu-central-1`.
    Region, "region", |text| {
        let parts: Vec<&str> = text.split('-').collect();
        let number = parts.last().is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()));
        let words = parts.iter().rev().skip(1).all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase()));
        if parts.len() >= 3 && number && words { Ok(()) } else { Err(Complaint::Form { example: "eu-central-1" }) }
    }
);
name!(
    /// An AWS account id: twelve digits.
    AccountId, "account id", |text| {
        let digits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        if digits { Ok(()) } else { Err(Complaint::Form { example: "123456789012" }) }
    }
);

/// What is wrong with a name.
enum Complaint {
    Length { bytes: usize, most: usize },
    Characters { allowed: &'static str },
    Form { example: &'static str },
}

impl Complaint {
    fn into_error(self, what: &str, text: &str) -> Error {
        match self {
            Self::Length { bytes: 0, .. } => Error::usage(format!("{what} is empty")),
            Self::Length { bytes, most } => {
                Error::usage(format!("{what} has {bytes} bytes; AWS IoT takes at most {most}"))
            }
            Self::Characters { allowed } => {
                Error::usage(format!("{what} `{}` holds forbidden characters", text.escape_debug()))
                    .hint(format!("allowed are {allowed}"))
            }
            Self::Form { example } => Error::usage(format!("`{}` is no {what}", text.escape_debug()))
                .hint(format!("it looks like `{example}`")),
        }
    }
}

fn characters(text: &str, most: usize, extra: &str, allowed: &'static str) -> std::result::Result<(), Complaint> {
    if text.is_empty() || text.len() > most {
        return Err(Complaint::Length { bytes: text.len(), most });
    }
    match text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c)) {
        true => Ok(()),
        false => Err(Complaint::Characters { allowed }),
    }
}

impl From<ThingName> for ClientId {
    /// Every thing name is a valid client id: 128 ASCII characters, none of them `$`.
    fn from(name: ThingName) -> Self {
        Self(name.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thing_names_keep_to_the_pattern_of_aws() {
        assert!("plant1:pump_7-a".parse::<ThingName>().is_ok());
        for bad in ["", "a b", "a/b", "../a", "a.b", "ü", "a\n"] {
            assert!(bad.parse::<ThingName>().is_err(), "{bad:?} was taken");
        }
        assert!("x".repeat(129).parse::<ThingName>().is_err());
    }

    #[test]
    fn the_error_says_what_is_allowed() {
        let error = "my thing".parse::<ThingName>().unwrap_err();
        assert_eq!(error.message(), "thing name `my thing` holds forbidden characters");
        assert_eq!(error.hints(), ["allowed are letters, digits, `:`, `_` and `-`"]);
    }

    #[test]
    fn regions_and_accounts_have_a_form() {
        assert!("eu-central-1".parse::<Region>().is_ok());
        assert!("us-gov-west-1".parse::<Region>().is_ok());
        assert!("Frankfurt".parse::<Region>().is_err());
        assert!("123456789012".parse::<AccountId>().is_ok());
        assert!("12345678901".parse::<AccountId>().is_err());
    }

    #[test]
    fn client_ids_may_not_start_with_a_dollar() {
        assert!("sensor 1/ü".parse::<ClientId>().is_ok());
        assert!("$sys".parse::<ClientId>().is_err());
    }
}
