//! `bundle.json`: what a bundle is and how far its making got.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::error::{Error, Result};
use crate::names::{AccountId, Arn, ClientId, DataEndpoint, MQTT_PORT, PolicyName, Region, ThingName};
use crate::topic::TopicName;

/// The schema that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// Whether a bundle can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Being made: `iotctl provision --thing NAME` again finishes it.
    Pending,
    /// Whole: the certificate is active and everything is attached.
    Ready,
}

/// Where the private key came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyOrigin {
    /// Made here; it never left this machine.
    Local,
    /// Made by AWS (CreateKeysAndCertificate) and sent once.
    Aws,
    /// Held elsewhere (a CSR was given): the bundle has no key file.
    External,
}

/// The content of `bundle.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    pub schema: u32,
    /// Whether the bundle can be used.
    pub state: State,
    /// The thing.
    pub thing: ThingName,
    /// The client id it connects with.
    pub client_id: ClientId,
    /// Host of the message broker.
    pub endpoint: Option<String>,
    /// Port of the message broker.
    pub port: u16,
    /// Region of the thing.
    pub region: Option<Region>,
    /// Account of the thing.
    pub account: Option<AccountId>,
    /// Lower-case hex id of the certificate.
    pub certificate_id: Option<String>,
    /// ARN of the certificate.
    pub certificate_arn: Option<Arn>,
    /// The policy attached to it.
    pub policy: Option<PolicyName>,
    /// What the device publishes to; the first is the default of `iotctl run`.
    pub topics: Vec<TopicName>,
    /// Where the private key came from.
    pub key: KeyOrigin,
    /// When a certificate was asked for: written before the call, so that a later run knows to look for one.
    #[serde(with = "time::serde::rfc3339::option", default)]
    pub requested_at: Option<OffsetDateTime>,
    /// SHA-256 of every other file of the bundle.
    pub files: BTreeMap<String, String>,
    /// The program that wrote this.
    pub made_by: String,
}

impl Manifest {
    /// The manifest of a bundle that was just begun.
    pub fn pending(thing: ThingName, key: KeyOrigin) -> Self {
        Self {
            schema: SCHEMA,
            state: State::Pending,
            client_id: thing.clone().into(),
            thing,
            endpoint: None,
            port: MQTT_PORT,
            region: None,
            account: None,
            certificate_id: None,
            certificate_arn: None,
            policy: None,
            topics: Vec::new(),
            key,
            requested_at: None,
            files: BTreeMap::new(),
            made_by: format!("iotctl {}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// Reads `bundle.json`; `origin` is its path.
    pub fn parse(origin: &str, json: &str) -> Result<Self> {
        let unreadable =
            |e: serde_json::Error| Error::bad_input(format!("`{origin}` is not a bundle manifest")).because(e);
        let value: serde_json::Value = serde_json::from_str(json).map_err(unreadable)?;
        match value.get("schema").and_then(serde_json::Value::as_u64) {
            Some(found) if found != u64::from(SCHEMA) => {
                Err(Error::bad_input(format!("`{origin}` has schema {found}; this iotctl reads schema {SCHEMA}"))
                    .hint("use the iotctl that made it, or a newer one"))
            }
            // Parsed again from the text, for the sake of line and column in the error.
            _ => serde_json::from_str(json).map_err(unreadable),
        }
    }

    /// The text of `bundle.json`.
    pub fn to_json(&self) -> Result<String> {
        let text =
            serde_json::to_string_pretty(self).map_err(|e| Error::failed("cannot write the manifest").because(e))?;
        Ok(text + "\n")
    }

    /// Where the device connects to.
    pub fn data_endpoint(&self) -> Result<DataEndpoint> {
        let host = self.endpoint.as_deref().ok_or_else(|| Error::bad_input("the bundle names no endpoint"))?;
        let endpoint: DataEndpoint = host.parse()?;
        Ok(DataEndpoint { port: self.port, ..endpoint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest::pending("pump-7".parse().unwrap(), KeyOrigin::Local)
    }

    #[test]
    fn a_manifest_comes_back_as_it_was() {
        let mut manifest = manifest();
        manifest.requested_at = Some(time::macros::datetime!(2026-11-24 12:00 UTC));
        manifest.topics = vec!["sensors/pump-7/temperature".parse().unwrap()];
        let text = manifest.to_json().unwrap();
        assert_eq!(Manifest::parse("bundle.json", &text).unwrap(), manifest);
    }

    #[test]
    fn a_newer_schema_is_refused_with_the_cure() {
        let text = manifest().to_json().unwrap().replace("\"schema\": 1", "\"schema\": 9");
        let error = Manifest::parse("bundle.json", &text).unwrap_err();
        assert_eq!(error.message(), "`bundle.json` has schema 9; this iotctl reads schema 1");
    }

    #[test]
    fn a_bad_field_is_named_with_its_line() {
        let text = manifest().to_json().unwrap().replace("\"pump-7\"", "\"pump 7\"");
        let error = Manifest::parse("bundle.json", &text).unwrap_err();
        assert!(error.to_string().contains("line 4"), "{error}");
    }
}
