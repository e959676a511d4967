//! What a command line says of a connection.

use std::collections::BTreeMap;
use std::net::IpAddr;

use clap::Args;

use super::template::pair;
use crate::names::{ClientId, ThingName};
use crate::policy::association::Attachment;
use crate::policy::facts::Facts;
use crate::topic::TopicName;

/// The connection that asks.
#[derive(Debug, Args)]
#[command(next_help_heading = "The connection that asks")]
pub(super) struct FactFlags {
    /// Its client id [default: the name of the thing]
    #[arg(long, value_name = "ID")]
    client_id: Option<ClientId>,
    /// Whether its certificate is attached to the thing: yes, no, or exclusive [default: yes]
    #[arg(long, value_name = "HOW")]
    attached: Option<Attachment>,
    /// Type of the thing
    #[arg(long, value_name = "NAME")]
    thing_type: Option<ThingName>,
    /// Attribute of the thing; can be repeated
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = pair)]
    attributes: Vec<(String, String)>,
    /// Attribute of the certificate, such as Subject.CommonName=x; can be repeated
    #[arg(long = "certificate", value_name = "NAME=VALUE", value_parser = pair)]
    certificate: Vec<(String, String)>,
    /// Address of the peer
    #[arg(long, value_name = "ADDRESS")]
    source_ip: Option<IpAddr>,
    /// Host name that it connects to
    #[arg(long, value_name = "HOST")]
    domain_name: Option<String>,
    /// It asks for a persistent session
    #[arg(long)]
    persistent: bool,
    /// Topic of its will
    #[arg(long, value_name = "TOPIC")]
    will: Option<TopicName>,
    /// It comes over HTTP, where client and thing are not known
    #[arg(long)]
    http: bool,
}

impl FactFlags {
    /// The facts, with the thing that another flag names.
    pub(super) fn facts(&self, thing: Option<&ThingName>) -> Facts {
        let mut certificate: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &self.certificate {
            certificate.entry(name.clone()).or_default().push(value.clone());
        }
        Facts {
            client_id: self.client_id.clone(),
            thing: thing.cloned(),
            attached: self.attached,
            thing_type: self.thing_type.clone(),
            attributes: self.attributes.iter().cloned().collect(),
            certificate,
            source_ip: self.source_ip,
            domain_name: self.domain_name.clone(),
            persistent: self.persistent.then_some(true),
            will: self.will.clone(),
            http: self.http.then_some(true),
            ..Facts::default()
        }
    }
}
