//! What the broker reads: all that policy decisions need of one certificate under one client id.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::entry::{CertificateStatus, Target};
use super::state::State;
use crate::policy::document::Document;
use crate::policy::engine::Attached;
use crate::policy::request::ThingFacts;

/// A policy that counts for a principal.
#[derive(Debug, Clone)]
pub struct EffectivePolicy {
    /// Its name.
    pub name: String,
    /// Its default version.
    pub document: Arc<Document>,
    /// Only its Deny statements count (policies.md, section 6).
    pub deny_only: bool,
}

/// A certificate as one connection sees it.
#[derive(Debug, Clone)]
pub struct PrincipalView {
    /// Its status.
    pub status: CertificateStatus,
    /// Last valid second since 1970.
    pub not_after: i64,
    /// The policies that count.
    pub policies: Vec<EffectivePolicy>,
    /// The thing associated with the connection (policies.md, 4.2).
    pub thing: Option<ThingFacts>,
    /// `iot:Connection.Thing.IsAttached`.
    pub is_attached: bool,
    /// `iot:Certificate.*` variables: path to values.
    pub certificate: BTreeMap<String, Vec<String>>,
}

impl EffectivePolicy {
    /// Policies as the engine takes them.
    pub fn attached(policies: &[Self]) -> Vec<Attached<'_>> {
        policies.iter().map(|p| Attached { name: &p.name, document: &p.document, deny_only: p.deny_only }).collect()
    }
}

impl State {
    /// What is known of a certificate when it connects as `client_id`.
    pub fn principal(&self, certificate_id: &str, client_id: &str) -> Option<PrincipalView> {
        let certificate = self.certificates.get(certificate_id)?;
        let thing = self.associated_thing(certificate_id, client_id);
        let mut policies = self.policies_of(&Target::Certificate(certificate_id.to_owned()), false);
        if let Some(name) = thing {
            policies.extend(self.group_policies(name, name != client_id));
        }
        Some(PrincipalView {
            status: certificate.status,
            not_after: certificate.not_after,
            policies,
            thing: thing.and_then(|name| self.facts(name)),
            is_attached: thing.is_some(),
            certificate: certificate.names.clone(),
        })
    }

    /// An exclusive thing whatever the client id, else the attached thing that the client id names.
    fn associated_thing(&self, certificate_id: &str, client_id: &str) -> Option<&str> {
        let attachments = self.principals.get(certificate_id)?;
        let associated = attachments.iter().find(|a| a.exclusive || a.thing == client_id);
        associated.map(|attachment| attachment.thing.as_str())
    }

    fn facts(&self, thing: &str) -> Option<ThingFacts> {
        let found = self.things.get(thing)?;
        Some(ThingFacts {
            name: thing.to_owned(),
            type_name: found.type_name.clone(),
            attributes: found.attributes.clone(),
        })
    }

    /// The policies of every group of a thing, and of all that those are in.
    pub(crate) fn group_policies(&self, thing: &str, deny_only: bool) -> Vec<EffectivePolicy> {
        let groups = self.groups_of(thing).flat_map(|group| self.lineage(group));
        groups.flat_map(|group| self.policies_of(&Target::Group(group.to_owned()), deny_only)).collect()
    }

    /// The policies of one target, each by its default version.
    pub(crate) fn policies_of(&self, target: &Target, deny_only: bool) -> Vec<EffectivePolicy> {
        let names = self.attached.get(target).into_iter().flatten();
        names.filter_map(|name| self.effective(name, deny_only)).collect()
    }

    /// A policy by its default version.
    pub(crate) fn effective(&self, name: &str, deny_only: bool) -> Option<EffectivePolicy> {
        let document = self.policies.get(name)?.default_version()?.document.clone();
        Some(EffectivePolicy { name: name.to_owned(), document, deny_only })
    }
}
