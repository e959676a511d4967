//! The state of the stand-in: things, certificates, policies and what is attached to what.

use std::sync::Arc;

use crate::policy::document::Document;
use crate::policy::request::ThingFacts;

/// Cheap handle on the shared state.
#[derive(Debug, Clone, Default)]
pub struct Registry;

/// Only `Active` certificates may connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateStatus {
    /// May connect.
    Active,
    /// Known, may not connect.
    Inactive,
    /// Withdrawn.
    Revoked,
}

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

/// All that policy decisions need of one certificate under one client id.
#[derive(Debug, Clone)]
pub struct PrincipalView {
    /// Its status.
    pub status: CertificateStatus,
    /// `notAfter`, in seconds since 1970.
    pub not_after: i64,
    /// The policies that count.
    pub policies: Vec<EffectivePolicy>,
    /// The thing associated with the connection (policies.md, 4.2).
    pub thing: Option<ThingFacts>,
    /// `iot:Connection.Thing.IsAttached`.
    pub is_attached: bool,
    /// `iot:Certificate.*` variables: path to values.
    pub certificate: std::collections::BTreeMap<String, Vec<String>>,
}

impl Registry {
    /// Rises with every change, so that a session knows when its view is old.
    pub fn generation(&self) -> u64 {
        0
    }

    /// What is known of a certificate (id = lower-case hex SHA-256 of its DER) when it connects as `client_id`.
    pub fn principal(&self, certificate_id: &str, client_id: &str) -> Option<PrincipalView> {
        let _ = (certificate_id, client_id);
        None
    }

    /// Account of the stand-in, as it stands in every ARN.
    pub fn account(&self) -> &str {
        "000000000000"
    }

    /// Region of the stand-in, as it stands in every ARN.
    pub fn region(&self) -> &str {
        "us-east-1"
    }
}
