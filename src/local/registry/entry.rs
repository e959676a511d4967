//! What the registry keeps of each object.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::policy::document::Document;

/// Seconds since 1970-01-01T00:00:00Z, with fractions, as AWS writes times.
pub type Epoch = f64;

/// A thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// `thingId`.
    pub id: String,
    /// Its type.
    pub type_name: Option<String>,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// From 1; one more with each update.
    pub version: u64,
}

/// A thing type.
#[derive(Debug, Clone, PartialEq)]
pub struct ThingType {
    /// `thingTypeId`.
    pub id: String,
    /// `thingTypeProperties`, as given.
    pub properties: serde_json::Value,
    /// When it was made.
    pub created: Epoch,
    /// When it was deprecated.
    pub deprecated: Option<Epoch>,
}

/// A static thing group.
#[derive(Debug, Clone, PartialEq)]
pub struct ThingGroup {
    /// `thingGroupId`.
    pub id: String,
    /// The group it is in.
    pub parent: Option<String>,
    /// `thingGroupProperties`, as given.
    pub properties: serde_json::Value,
    /// From 1; one more with each update.
    pub version: u64,
    /// When it was made.
    pub created: Epoch,
}

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

impl CertificateStatus {
    /// As AWS writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Inactive => "INACTIVE",
            Self::Revoked => "REVOKED",
        }
    }
}

/// A device certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificate {
    /// Rises with each registration: lists are in this order.
    pub serial: u64,
    /// PEM text.
    pub pem: String,
    /// Whether it may connect.
    pub status: CertificateStatus,
    /// `DEFAULT`, or `SNI_ONLY` where it was registered without a CA.
    pub mode: &'static str,
    /// When it was registered.
    pub created: Epoch,
    /// When its status last changed.
    pub modified: Epoch,
    /// One more with each change of status.
    pub version: u64,
    /// First valid second since 1970.
    pub not_before: i64,
    /// Last valid second since 1970.
    pub not_after: i64,
    /// `iot:Certificate.*`: path to values.
    pub names: BTreeMap<String, Vec<String>>,
}

/// A policy with its versions.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Rises with each creation: lists are in this order.
    pub serial: u64,
    /// By number; at most five.
    pub versions: BTreeMap<u64, PolicyVersion>,
    /// The version that counts.
    pub default: u64,
    /// Numbers are never given twice.
    pub next: u64,
    /// When it was made.
    pub created: Epoch,
    /// When the default last changed.
    pub modified: Epoch,
}

/// One document of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyVersion {
    /// As it was sent.
    pub text: String,
    /// The same, parsed.
    pub document: Arc<Document>,
    /// When it was made.
    pub created: Epoch,
}

/// What a policy can be attached to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A certificate, by id.
    Certificate(String),
    /// A static thing group, by name.
    Group(String),
}

/// A thing that a certificate is attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The thing.
    pub thing: String,
    /// The connection is the thing's whatever the client id (`EXCLUSIVE_THING`).
    pub exclusive: bool,
}
