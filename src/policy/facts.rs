//! What people say of a connection, and the connection that it makes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Deserializer};

use super::association::Attachment;
use super::checks::Scope;
use super::request::{Connection, ThingFacts};
use crate::names::{Arn, ClientId, ThingName};
use crate::topic::TopicName;

/// What is known of a connection; what is left out is the default of a device that uses MQTT.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// The client id; else the name of the thing.
    pub client_id: Option<ClientId>,
    /// The thing that the certificate is attached to.
    pub thing: Option<ThingName>,
    /// How it is attached; else `yes`.
    pub attached: Option<Attachment>,
    /// Type of the thing.
    pub thing_type: Option<ThingName>,
    /// Attributes of the thing.
    pub attributes: BTreeMap<String, String>,
    /// Groups of the thing whose policies count.
    pub groups: Vec<ThingName>,
    /// Attributes of the certificate, such as `Subject.CommonName`, each with its values.
    #[serde(deserialize_with = "one_or_many")]
    pub certificate: BTreeMap<String, Vec<String>>,
    /// Id of the certificate.
    pub certificate_id: Option<String>,
    /// Address of the peer.
    pub source_ip: Option<IpAddr>,
    /// Host name that it connects to.
    pub domain_name: Option<String>,
    /// Whether it asks for a persistent session.
    pub persistent: Option<bool>,
    /// Topic of its will.
    pub will: Option<TopicName>,
    /// Whether it comes over HTTP, where no client id and no thing are known.
    pub http: Option<bool>,
}

impl Facts {
    /// These facts, and those of `base` where these say nothing.
    pub fn over(self, base: &Self) -> Self {
        let merged = |mut base: BTreeMap<_, _>, own| {
            base.extend(own);
            base
        };
        let mut certificate = base.certificate.clone();
        certificate.extend(self.certificate);
        Self {
            client_id: self.client_id.or_else(|| base.client_id.clone()),
            thing: self.thing.or_else(|| base.thing.clone()),
            attached: self.attached.or(base.attached),
            thing_type: self.thing_type.or_else(|| base.thing_type.clone()),
            attributes: merged(base.attributes.clone(), self.attributes),
            groups: if self.groups.is_empty() { base.groups.clone() } else { self.groups },
            certificate,
            certificate_id: self.certificate_id.or_else(|| base.certificate_id.clone()),
            source_ip: self.source_ip.or(base.source_ip),
            domain_name: self.domain_name.or_else(|| base.domain_name.clone()),
            persistent: self.persistent.or(base.persistent),
            will: self.will.or_else(|| base.will.clone()),
            http: self.http.or(base.http),
        }
    }

    /// The connection that they make.
    pub fn connection(&self, scope: &Scope) -> Connection {
        let client_id = self.client_id.clone().or_else(|| self.thing.clone().map(ClientId::from));
        let mut connection = Connection {
            client_id: client_id.filter(|_| self.http != Some(true)),
            certificate_id: self.certificate_id.clone(),
            certificate: self.certificate.clone(),
            source_ip: self.source_ip,
            domain_name: self.domain_name.clone(),
            persistent: self.persistent == Some(true),
            last_will: self.will.as_ref().map(|topic| will(scope, topic)),
            ..Connection::default()
        };
        let thing = self.thing.as_ref().map(|name| ThingFacts {
            name: name.to_string(),
            type_name: self.thing_type.as_ref().map(ToString::to_string),
            attributes: self.attributes.clone(),
        });
        connection.associate(thing, self.attached.unwrap_or_default());
        connection
    }
}

/// The ARN of a will's topic, which is the value of `iot:LastWillTopic`.
pub fn will(scope: &Scope, topic: &TopicName) -> Arn {
    Arn {
        partition: scope.partition.clone(),
        region: scope.region.clone(),
        account: scope.account.clone(),
        resource: "topic".to_owned(),
        name: topic.to_string(),
    }
}

/// A value, or a list of values.
#[derive(Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Vec<String>>, D::Error> {
    let all: BTreeMap<String, Values> = BTreeMap::deserialize(deserializer)?;
    let list = |values| match values {
        Values::One(value) => vec![value],
        Values::Many(values) => values,
    };
    Ok(all.into_iter().map(|(name, values)| (name, list(values))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(toml: &str) -> Facts {
        toml::from_str(toml).unwrap()
    }

    fn connection(facts: &Facts) -> Connection {
        let scope = Scope {
            partition: "aws".into(),
            region: "us-east-1".parse().unwrap(),
            account: "123456789012".parse().unwrap(),
        };
        facts.connection(&scope)
    }

    #[test]
    fn a_thing_alone_is_an_attached_device_that_connects_by_its_name() {
        let connection = connection(&facts("thing = 'pump-7'\ncertificate = { 'Subject.CommonName' = 'x' }"));
        assert_eq!(connection.client_id.unwrap().as_str(), "pump-7");
        assert_eq!((connection.is_attached, connection.thing.unwrap().name), (Some(true), "pump-7".to_owned()));
        assert_eq!(connection.certificate["Subject.CommonName"], ["x"]);
    }

    #[test]
    fn over_http_there_is_no_client() {
        let connection = connection(&facts("thing = 'pump-7'\nhttp = true"));
        assert_eq!((connection.client_id, connection.thing, connection.is_attached), (None, None, None));
    }

    #[test]
    fn what_is_said_wins_over_what_was_said_before() {
        let base = facts("thing = 'a'\nattributes = { x = '1', y = '1' }\nattached = 'exclusive'\nwill = 'w'");
        let all = facts("client_id = 'b'\nattributes = { y = '2' }").over(&base);
        assert_eq!((all.client_id.clone().unwrap().as_str(), all.thing.clone().unwrap().as_str()), ("b", "a"));
        assert_eq!(all.attributes, [("x".into(), "1".into()), ("y".into(), "2".into())].into());
        let connection = connection(&all);
        assert_eq!(connection.is_attached, Some(true));
        assert_eq!(connection.last_will.unwrap().to_string(), "arn:aws:iot:us-east-1:123456789012:topic/w");
    }
}
