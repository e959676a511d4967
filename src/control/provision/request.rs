//! What is wanted: one device, described in full, and checked before anything is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::bundle::manifest::KeyOrigin;
use crate::error::{Error, Result};
use crate::names::{AccountId, AttributeName, AttributeValue, DataEndpoint, PolicyName, ThingName};
use crate::pki::csr::SigningRequest;
use crate::template::{Template, Variables};
use crate::topic::TopicName;

/// Attributes that a thing may have: without a thing type, and with one (AWS quotas page).
const MOST_ATTRIBUTES: (usize, usize) = (3, 50);
/// Groups that a thing may be in (AWS quotas page).
const MOST_GROUPS: usize = 10;

/// One device as it shall be.
#[derive(Debug, Clone)]
pub struct Request {
    /// The thing; also the client id.
    pub thing: ThingName,
    /// Folder of the bundles; this one goes into a folder with the thing's name.
    pub out: PathBuf,
    /// The policy, before its variables are filled in.
    pub template: Template,
    /// Values of the template's variables, without those that are known (account, region, thing).
    pub variables: Variables,
    /// Name of the policy; else `Request::policy_name` makes one.
    pub policy_name: Option<PolicyName>,
    /// What it publishes to.
    pub topics: Vec<TopicName>,
    /// Thing type; made if missing.
    pub thing_type: Option<ThingName>,
    /// Attributes that the thing must have; others that it has already stay.
    pub attributes: BTreeMap<AttributeName, AttributeValue>,
    /// Thing groups that it must be in; made if missing.
    pub groups: BTreeSet<ThingName>,
    /// Where the private key comes from.
    pub key: KeyPlan,
    /// Refuse any account but this.
    pub account: Option<AccountId>,
    /// Where the device connects to, instead of asking.
    pub data_endpoint: Option<DataEndpoint>,
    /// The roots of that endpoint (PEM), instead of Amazon's or the stand-in's.
    pub roots_pem: Option<String>,
    /// Go on with a certificate that does not carry the device's key.
    pub accept_foreign_key: bool,
}

/// Where the private key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlan {
    /// Made here, and never sent.
    Local,
    /// Made by AWS and sent once.
    Aws,
    /// Kept elsewhere; this is its signing request.
    Csr(SigningRequest),
}

impl KeyPlan {
    /// The same in the words of the manifest.
    pub(super) fn origin(&self) -> KeyOrigin {
        match self {
            Self::Local => KeyOrigin::Local,
            Self::Aws => KeyOrigin::Aws,
            Self::Csr(_) => KeyOrigin::External,
        }
    }
}

impl Request {
    /// Refuses (`Usage`) what AWS would refuse half-way.
    pub(super) fn check(&self) -> Result<()> {
        let (without_type, with_type) = MOST_ATTRIBUTES;
        let count = self.attributes.len();
        if self.thing_type.is_none() && count > without_type {
            return Err(Error::usage(format!(
                "{count} attributes need a thing type; without one AWS takes {without_type}"
            ))
            .hint("--thing-type NAME"));
        }
        if count > with_type {
            return Err(Error::usage(format!("{count} attributes are too many; AWS takes {with_type}")));
        }
        if self.groups.len() > MOST_GROUPS {
            return Err(Error::usage(format!("{} groups are too many; AWS takes {MOST_GROUPS}", self.groups.len())));
        }
        let empty = self.attributes.iter().find(|(_, value)| value.as_str().is_empty());
        empty.map_or(Ok(()), |(name, _)| {
            Err(Error::usage(format!("attribute `{name}` has no value; AWS drops such attributes"))
                .hint(format!("leave it out, or --attribute {name}=VALUE")))
        })
    }

    /// The policy's name: as given; else `iotctl-TEMPLATE` for a policy that all devices share, and `TEMPLATE-THING`
    /// for one that names the thing.
    pub(super) fn policy_name(&self) -> Result<PolicyName> {
        if let Some(name) = &self.policy_name {
            return Ok(name.clone());
        }
        let template = Path::new(&self.template.name).file_stem().unwrap_or_default().to_string_lossy();
        let name = match self.template.variables()?.contains("thing") {
            true => format!("{template}-{}", self.thing),
            false => format!("iotctl-{template}"),
        };
        // Thing names have `:`, file names anything; policy names do not.
        let name: String = name.chars().map(|c| if may_name_a_policy(c) { c } else { '-' }).collect();
        name.parse().map_err(|e: Error| e.hint("--policy-name NAME"))
    }
}

fn may_name_a_policy(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn request(template: Template) -> Request {
        Request {
            thing: "line:pump-7".parse().unwrap(),
            out: "certs".into(),
            template,
            variables: Variables::new(),
            policy_name: None,
            topics: Vec::new(),
            thing_type: None,
            attributes: BTreeMap::new(),
            groups: BTreeSet::new(),
            key: KeyPlan::Local,
            account: None,
            data_endpoint: None,
            roots_pem: None,
            accept_foreign_key: false,
        }
    }

    fn attributes(count: usize) -> BTreeMap<AttributeName, AttributeValue> {
        (0..count).map(|n| (format!("a{n}").parse().unwrap(), "1".parse().unwrap())).collect()
    }

    #[test]
    fn a_policy_that_names_the_thing_is_named_after_it_and_another_is_shared() {
        let name = |template: Template| request(template).policy_name().unwrap().to_string();
        assert_eq!(name(Template::built_in("sensor").unwrap()), "iotctl-sensor");
        assert_eq!(name(Template::built_in("tutorial-publisher").unwrap()), "tutorial-publisher-line-pump-7");
        assert_eq!(name(Template::new("./my policies/line 22.json", "{{ thing }}")), "line-22-line-pump-7");
    }

    #[test]
    fn a_policy_name_that_would_be_too_long_says_how_to_give_one() {
        let error = request(Template::new("x".repeat(130), "")).policy_name().unwrap_err();
        assert_eq!(error.hints().last().map(String::as_str), Some("--policy-name NAME"));
    }

    #[test]
    fn attributes_beyond_the_limit_need_a_type() {
        let mut request = request(Template::new("t", ""));
        request.attributes = attributes(3);
        request.check().unwrap();
        request.attributes = attributes(4);
        assert_eq!(request.check().unwrap_err().hints(), ["--thing-type NAME"]);
        request.thing_type = Some("pump".parse().unwrap());
        request.check().unwrap();
        request.attributes = attributes(51);
        assert_eq!(request.check().unwrap_err().kind(), Kind::Usage);
    }

    #[test]
    fn an_attribute_without_a_value_is_refused() {
        let mut request = request(Template::new("t", ""));
        request.attributes = BTreeMap::from([("site".parse().unwrap(), "".parse().unwrap())]);
        assert!(request.check().unwrap_err().message().starts_with("attribute `site` has no value"));
    }
}
