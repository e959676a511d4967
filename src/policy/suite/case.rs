//! The parts of a suite: policies and cases, as the file has them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::expect::Expect;
use crate::names::ThingName;
use crate::policy::facts::Facts;
use crate::topic::TopicName;

/// Where a policy comes from: a file or a template.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A policy document, relative to the suite.
    pub file: Option<PathBuf>,
    /// A template by name, or its file relative to the suite.
    pub template: Option<String>,
    /// Values of the template's variables.
    #[serde(default)]
    pub var: BTreeMap<String, String>,
    /// The thing, for templates that name it.
    pub thing: Option<ThingName>,
    /// The topic, for templates that name one.
    pub topic: Option<TopicName>,
    /// The thing group it is attached to; else it is attached to the certificate.
    pub group: Option<ThingName>,
}

/// One case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows, in a sentence.
    pub name: String,
    /// What must come of it.
    pub expect: Expect,
    /// Short form of an MQTT packet, such as `PUBLISH a/b retain`.
    pub packet: Option<String>,
    /// Else an action,
    pub action: Option<String>,
    /// and its resource: an ARN, `topic/a/b` or `a/b`.
    pub resource: Option<String>,
    /// What differs of the device.
    #[serde(default, rename = "as")]
    pub facts: Facts,
}
