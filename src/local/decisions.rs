//! What the broker decided and did: one record per event, kept in a bounded ring and sent to whoever listens.

use serde::Serialize;

use crate::policy::decision::Decision;

/// One thing that happened at the broker.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub timestamp_ms: u64,
    /// `connect`, `publish`, `subscribe`, `receive`, `disconnect`, `tls`.
    pub event: &'static str,
    /// The MQTT client id, once it is known.
    pub client_id: Option<String>,
    /// The certificate id of the connection, once it is known.
    pub certificate_id: Option<String>,
    /// Topic, topic filter or client id that was asked for.
    pub resource: Option<String>,
    /// The policy decision, where one was made.
    pub decision: Option<Decision>,
    /// Anything else a person needs to know, in a sentence.
    pub note: Option<String>,
}
