//! What is known of the connection, and what is asked.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use crate::names::{Arn, ClientId};

/// What the broker knows of a connection when it decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// `iot:ClientId`; absent over HTTP.
    pub client_id: Option<ClientId>,
    /// The thing this connection is associated with (policies.md, 4.2), if any.
    pub thing: Option<ThingFacts>,
    /// `iot:Connection.Thing.IsAttached`; absent over HTTP.
    pub is_attached: Option<bool>,
    /// `iot:CertificateId`.
    pub certificate_id: Option<String>,
    /// The attributes of the certificate, each with its values in order, under the name of the variable:
    /// `iot:Certificate.Subject.CommonName`. The prefix `iot:Certificate.` may be left out.
    pub certificate: BTreeMap<String, Vec<String>>,
    /// `aws:SourceIp`.
    pub source_ip: Option<IpAddr>,
    /// `iot:DomainName`: the SNI of the connection.
    pub domain_name: Option<String>,
    /// `iot:ConnectAttributes`: the client asked for a persistent session.
    pub persistent: bool,
    /// `iot:LastWillTopic`, as the ARN of a topic; its presence is `LastWill` in `iot:ConnectAttributes`.
    pub last_will: Option<Arn>,
}

/// The registry entry of the associated thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ThingFacts {
    /// `iot:Connection.Thing.ThingName`.
    pub name: String,
    /// `iot:Connection.Thing.ThingTypeName`.
    pub type_name: Option<String>,
    /// `iot:Connection.Thing.Attributes[<name>]`.
    pub attributes: BTreeMap<String, String>,
}

/// What is asked: one action on one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Such as `iot:Publish`.
    pub action: String,
    /// Such as `arn:aws:iot:us-east-1:123456789012:topic/a/b`.
    pub resource: String,
}
