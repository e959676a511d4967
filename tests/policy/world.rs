//! A vector: policies, a connection, requests, and what is decided.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use iotctl::policy::decision::{Decision, Outcome};
use iotctl::policy::document::Document;
use iotctl::policy::engine::{Attached, decide};
use iotctl::policy::request::{Connection, Request, ThingFacts};
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) description: String,
    pub(crate) status: Status,
    pub(crate) policies: Vec<Policy>,
    pub(crate) connection: Facts,
    pub(crate) requests: Vec<Asked>,
    /// What comes of all requests together.
    pub(crate) decision: Outcome,
    pub(crate) because: String,
}

/// Where the expectation comes from (aws-iot/policies.md, section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    /// AWS says so.
    Documented,
    /// It follows from what AWS says.
    Derived,
    /// AWS does not say; the stricter answer is expected.
    Unverified,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) name: String,
    pub(crate) document: Value,
    #[serde(default)]
    pub(crate) deny_only: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) decision: Outcome,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Facts {
    pub(crate) client_id: Option<String>,
    pub(crate) thing: Option<Thing>,
    pub(crate) is_attached: Option<bool>,
    pub(crate) certificate_id: Option<String>,
    pub(crate) certificate: BTreeMap<String, Vec<String>>,
    pub(crate) source_ip: Option<IpAddr>,
    pub(crate) domain_name: Option<String>,
    pub(crate) persistent: bool,
    pub(crate) last_will: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Thing {
    pub(crate) name: String,
    pub(crate) type_name: Option<String>,
    pub(crate) attributes: BTreeMap<String, String>,
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy")
}

impl Vector {
    pub(crate) fn load(name: &str) -> Self {
        let path = folder().join(name).with_extension("json");
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    pub(crate) fn connection(&self) -> Connection {
        let facts = &self.connection;
        Connection {
            client_id: facts.client_id.as_ref().map(|id| id.parse().unwrap()),
            thing: facts.thing.as_ref().map(|thing| ThingFacts {
                name: thing.name.clone(),
                type_name: thing.type_name.clone(),
                attributes: thing.attributes.clone(),
            }),
            is_attached: facts.is_attached,
            certificate_id: facts.certificate_id.clone(),
            certificate: facts.certificate.clone(),
            source_ip: facts.source_ip,
            domain_name: facts.domain_name.clone(),
            persistent: facts.persistent,
            last_will: facts.last_will.as_ref().map(|arn| arn.parse().unwrap()),
        }
    }

    /// Every request with its decision.
    pub(crate) fn decide(&self) -> Vec<(Request, Decision)> {
        let connection = self.connection();
        let requests = self.requests.iter();
        requests
            .map(|asked| {
                let request = Request { action: asked.action.clone(), resource: asked.resource.clone() };
                let decision = under(&self.policies, &connection, &request);
                (request, decision)
            })
            .collect()
    }
}

/// Decides under policies that are still JSON.
pub(crate) fn under(policies: &[Policy], connection: &Connection, request: &Request) -> Decision {
    let documents = read(policies);
    decide(&attached(policies, &documents), connection, request)
}

pub(crate) fn read(policies: &[Policy]) -> Vec<Document> {
    policies.iter().map(|p| Document::parse(&p.name, &p.document.to_string()).unwrap()).collect()
}

pub(crate) fn attached<'a>(policies: &'a [Policy], documents: &'a [Document]) -> Vec<Attached<'a>> {
    let each = policies.iter().zip(documents);
    each.map(|(policy, document)| Attached { name: &policy.name, document, deny_only: policy.deny_only }).collect()
}
