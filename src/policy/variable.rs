//! Policy variables and condition keys: `iot:ClientId` and the others, and what they stand for on a connection.
//!
//! Sources: AWS IoT Developer Guide, "Basic AWS IoT Core policy variables", "Thing policy variables", "X.509
//! Certificate AWS IoT Core policy variables"; the connect keys from "Connect policy examples".

use std::borrow::Cow;
use std::fmt;

use super::request::Connection;

mod certificate;

pub use certificate::{Attribute, Pick};

/// What stands between `${` and `}`, or is the key of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// `iot:ClientId`.
    ClientId,
    /// `aws:SourceIp`; there is no `iot:SourceIp`.
    SourceIp,
    /// `iot:DomainName`.
    DomainName,
    /// `iot:CertificateId`.
    CertificateId,
    /// `iot:Connection.Thing.ThingName`.
    ThingName,
    /// `iot:Connection.Thing.ThingTypeName`.
    ThingTypeName,
    /// `iot:Connection.Thing.Attributes[<name>]`.
    ThingAttribute(String),
    /// `iot:Connection.Thing.IsAttached`.
    IsAttached,
    /// `iot:ConnectAttributes`: a set.
    ConnectAttributes,
    /// `iot:LastWillTopic`: an ARN.
    LastWillTopic,
    /// `iot:Certificate.AvailableKeys`: the names of all certificate variables that have values.
    AvailableKeys,
    /// `iot:Certificate.<attribute>`.
    Certificate(Attribute),
    /// Any other name. It never has a value here, and what AWS does with it is open.
    Unknown(String),
}

impl Variable {
    /// Reads a name; letter case counts.
    pub fn parse(name: &str) -> Self {
        match name {
            "iot:ClientId" => Self::ClientId,
            "aws:SourceIp" => Self::SourceIp,
            "iot:DomainName" => Self::DomainName,
            "iot:CertificateId" => Self::CertificateId,
            "iot:Connection.Thing.ThingName" => Self::ThingName,
            "iot:Connection.Thing.ThingTypeName" => Self::ThingTypeName,
            "iot:Connection.Thing.IsAttached" => Self::IsAttached,
            "iot:ConnectAttributes" => Self::ConnectAttributes,
            "iot:LastWillTopic" => Self::LastWillTopic,
            "iot:Certificate.AvailableKeys" => Self::AvailableKeys,
            name => Self::parse_compound(name).unwrap_or_else(|| Self::Unknown(name.to_owned())),
        }
    }

    fn parse_compound(name: &str) -> Option<Self> {
        if let Some(attribute) = name.strip_prefix("iot:Connection.Thing.Attributes[") {
            return Some(Self::ThingAttribute(attribute.strip_suffix(']')?.to_owned()));
        }
        Attribute::parse(name).map(Self::Certificate)
    }

    /// All values, for a condition that has this variable as its key. Absent is empty.
    pub fn values<'a>(&'a self, connection: &'a Connection) -> Vec<Cow<'a, str>> {
        match self {
            Self::ConnectAttributes => connect_attributes(connection).into_iter().map(Cow::Borrowed).collect(),
            Self::AvailableKeys => certificate::available_keys(connection),
            Self::Certificate(attribute) => attribute.values(connection),
            single => single.single(connection).into_iter().collect(),
        }
    }

    /// The text that takes the place of `${...}`; `None` where nothing is substituted. Sets cannot be.
    pub fn substitute<'a>(&'a self, connection: &'a Connection) -> Option<Cow<'a, str>> {
        match self {
            Self::Certificate(attribute) => attribute.substitute(connection),
            single => single.single(connection),
        }
    }

    /// What a person is shown: the value, or the values with commas between.
    pub fn describe(&self, connection: &Connection) -> Option<String> {
        let values = self.values(connection);
        (!values.is_empty()).then(|| values.join(", "))
    }

    fn single<'a>(&'a self, connection: &'a Connection) -> Option<Cow<'a, str>> {
        let thing = connection.thing.as_ref();
        let text = match self {
            Self::ClientId => connection.client_id.as_ref()?.as_str(),
            Self::SourceIp => return Some(connection.source_ip?.to_canonical().to_string().into()),
            Self::DomainName => connection.domain_name.as_deref()?,
            Self::CertificateId => connection.certificate_id.as_deref()?,
            Self::ThingName => &thing?.name,
            Self::ThingTypeName => thing?.type_name.as_deref()?,
            Self::ThingAttribute(name) => thing?.attributes.get(name)?,
            Self::IsAttached if connection.is_attached? => "true",
            Self::IsAttached => "false",
            Self::LastWillTopic => return Some(connection.last_will.as_ref()?.to_string().into()),
            Self::ConnectAttributes | Self::AvailableKeys | Self::Certificate(_) | Self::Unknown(_) => return None,
        };
        Some(Cow::Borrowed(text))
    }
}

fn connect_attributes(connection: &Connection) -> Vec<&'static str> {
    let asked = [(connection.persistent, "PersistentConnect"), (connection.last_will.is_some(), "LastWill")];
    asked.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect()
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientId => "iot:ClientId",
            Self::SourceIp => "aws:SourceIp",
            Self::DomainName => "iot:DomainName",
            Self::CertificateId => "iot:CertificateId",
            Self::ThingName => "iot:Connection.Thing.ThingName",
            Self::ThingTypeName => "iot:Connection.Thing.ThingTypeName",
            Self::ThingAttribute(name) => return write!(f, "iot:Connection.Thing.Attributes[{name}]"),
            Self::IsAttached => "iot:Connection.Thing.IsAttached",
            Self::ConnectAttributes => "iot:ConnectAttributes",
            Self::LastWillTopic => "iot:LastWillTopic",
            Self::AvailableKeys => "iot:Certificate.AvailableKeys",
            Self::Certificate(attribute) => return attribute.fmt(f),
            Self::Unknown(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::ThingFacts;
    use super::*;

    fn value(name: &str, connection: &Connection) -> Option<String> {
        Variable::parse(name).substitute(connection).map(Cow::into_owned)
    }

    #[test]
    fn every_name_comes_back_as_it_was_written() {
        for name in [
            "iot:ClientId",
            "aws:SourceIp",
            "iot:DomainName",
            "iot:CertificateId",
            "iot:Connection.Thing.ThingName",
            "iot:Connection.Thing.ThingTypeName",
            "iot:Connection.Thing.Attributes[site]",
            "iot:Connection.Thing.IsAttached",
            "iot:ConnectAttributes",
            "iot:LastWillTopic",
            "iot:Certificate.AvailableKeys",
            "iot:Certificate.SerialNumber",
            "iot:Certificate.Subject.CommonName.1",
            "iot:Certificate.Issuer.AlternativeName.DNSName.List",
        ] {
            let variable = Variable::parse(name);
            assert!(!matches!(variable, Variable::Unknown(_)), "{name} is not known");
            assert_eq!(variable.to_string(), name);
        }
    }

    #[test]
    fn the_slip_of_the_examples_pages_is_no_variable() {
        assert_eq!(Variable::parse("iot:Thing.ThingName"), Variable::Unknown("iot:Thing.ThingName".into()));
        assert_eq!(Variable::parse("iot:clientid"), Variable::Unknown("iot:clientid".into()));
        assert_eq!(Variable::parse("iot:SourceIp"), Variable::Unknown("iot:SourceIp".into()));
        assert!(matches!(Variable::parse("iot:Connection.Thing.Attributes[x"), Variable::Unknown(_)));
    }

    #[test]
    fn thing_variables_need_an_associated_thing() {
        let mut connection = Connection::default();
        assert_eq!(value("iot:Connection.Thing.ThingName", &connection), None);
        assert_eq!(value("iot:Connection.Thing.IsAttached", &connection), None);
        connection.is_attached = Some(false);
        assert_eq!(value("iot:Connection.Thing.IsAttached", &connection).as_deref(), Some("false"));
        let attributes = [("site".to_owned(), "plant1".to_owned())].into();
        connection.thing = Some(ThingFacts { name: "t1".into(), type_name: None, attributes });
        assert_eq!(value("iot:Connection.Thing.ThingName", &connection).as_deref(), Some("t1"));
        assert_eq!(value("iot:Connection.Thing.ThingTypeName", &connection), None);
        assert_eq!(value("iot:Connection.Thing.Attributes[site]", &connection).as_deref(), Some("plant1"));
        assert_eq!(value("iot:Connection.Thing.Attributes[Site]", &connection), None);
    }

    #[test]
    fn an_ipv4_peer_on_a_dual_stack_socket_is_written_as_ipv4() {
        let source_ip = Some("::ffff:192.0.2.1".parse().unwrap());
        let connection = Connection { source_ip, ..Connection::default() };
        assert_eq!(value("aws:SourceIp", &connection).as_deref(), Some("192.0.2.1"));
    }

    #[test]
    fn connect_attributes_are_a_set_and_cannot_be_substituted() {
        let last_will = Some("arn:aws:iot:us-east-1:123456789012:topic/will".parse().unwrap());
        let connection = Connection { persistent: true, last_will, ..Connection::default() };
        let key = Variable::ConnectAttributes;
        assert_eq!(key.values(&connection), ["PersistentConnect", "LastWill"]);
        assert_eq!(key.substitute(&connection), None);
        assert!(key.values(&Connection::default()).is_empty());
    }
}
