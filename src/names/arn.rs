//! Amazon Resource Names of AWS IoT.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::{AccountId, Region};
use crate::error::{Error, Result};

/// `arn:<partition>:iot:<region>:<account>:<type>/<name>`, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The Region the object lives in.
    pub region: Region,
    /// The account that owns it.
    pub account: AccountId,
    /// What it is: `thing`, `cert`, `policy`, `topic`, `topicfilter`, `client`.
    pub resource: String,
    /// Its name; topics hold slashes.
    pub name: String,
}

impl Arn {
    /// The ARN of another object of the same partition, region and account.
    pub fn sibling(&self, resource: &str, name: &str) -> Self {
        Self { resource: resource.to_owned(), name: name.to_owned(), ..self.clone() }
    }
}

impl FromStr for Arn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::bad_input(format!("`{}` is not an ARN of AWS IoT", text.escape_debug()));
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iot", region, account, rest] = parts[..] else { return Err(wrong()) };
        let (resource, name) = rest.split_once('/').ok_or_else(wrong)?;
        Ok(Self {
            partition: partition.to_owned(),
            region: region.parse()?,
            account: account.parse()?,
            resource: resource.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, resource, name } = self;
        write!(f, "arn:{partition}:iot:{region}:{account}:{resource}/{name}")
    }
}

impl TryFrom<String> for Arn {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> String {
        arn.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_comes_back_as_it_was() {
        let text = "arn:aws:iot:eu-west-1:123456789012:topic/a:b/c";
        let arn: Arn = text.parse().unwrap();
        assert_eq!((arn.resource.as_str(), arn.name.as_str()), ("topic", "a:b/c"));
        assert_eq!(arn.to_string(), text);
        assert_eq!(arn.sibling("cert", "x").to_string(), "arn:aws:iot:eu-west-1:123456789012:cert/x");
    }

    #[test]
    fn other_services_are_refused() {
        assert!("arn:aws:s3:::bucket".parse::<Arn>().is_err());
        assert!("arn:aws:iot:eu-west-1:123456789012:nothing".parse::<Arn>().is_err());
    }
}
