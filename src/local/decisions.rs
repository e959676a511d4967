//! What the broker decided and did: one record per event, kept in a bounded ring and sent to whoever listens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::policy::decision::Decision;

/// Records that are kept, and records that a slow listener may be behind.
const KEPT: usize = 10_000;
const BEHIND: usize = 4_096;

/// One thing that happened at the broker.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub timestamp_ms: u64,
    /// What.
    pub event: Event,
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

/// The kinds of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A TLS handshake that failed.
    Tls,
    /// A CONNECT.
    Connect,
    /// A PUBLISH from a client.
    Publish,
    /// One filter of a SUBSCRIBE.
    Subscribe,
    /// A delivery to a client.
    Receive,
    /// A connection that ended.
    Disconnect,
}

impl Record {
    /// An event of which nothing else is known yet.
    pub fn of(event: Event, timestamp_ms: u64) -> Self {
        Self { timestamp_ms, event, client_id: None, certificate_id: None, resource: None, decision: None, note: None }
    }

    /// Whether something was refused.
    pub fn is_refusal(&self) -> bool {
        match &self.decision {
            Some(decision) => !decision.is_allowed(),
            None => self.note.is_some() && self.event != Event::Disconnect,
        }
    }

    /// Who and what in a line; on a denial the reasons below it.
    pub fn summary(&self) -> String {
        let event = format!("{:?}", self.event).to_lowercase();
        let who = self.client_id.as_deref().map_or_else(|| self.certificate_shown(), |id| format!("`{}`", shown(id)));
        let what = self.resource.as_deref().map_or_else(String::new, |resource| format!(" `{}`", shown(resource)));
        let mut text = match self.is_refusal() {
            true => format!("DENIED {event}{what} of {who}"),
            false => format!("{event}{what} of {who}"),
        };
        let reasons = self.decision.as_ref().filter(|d| !d.is_allowed()).map(Decision::explain);
        for line in reasons.iter().chain(&self.note).flat_map(|reason| reason.lines()) {
            text += &format!("\n  {line}");
        }
        text
    }

    fn certificate_shown(&self) -> String {
        match self.certificate_id.as_deref().and_then(|id| id.get(..12)) {
            Some(id) => format!("certificate {id}…"),
            None => "an unknown client".to_owned(),
        }
    }
}

/// Names come from clients, and must not drive the terminal.
fn shown(text: &str) -> String {
    text.escape_debug().to_string()
}

/// Where records go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Decisions {
    kept: Arc<Mutex<VecDeque<Record>>>,
    listeners: broadcast::Sender<Record>,
}

impl Default for Decisions {
    fn default() -> Self {
        Self { kept: Arc::default(), listeners: broadcast::Sender::new(BEHIND) }
    }
}

impl Decisions {
    /// Keeps a record and tells whoever listens.
    pub fn record(&self, record: Record) {
        // Nobody has to listen.
        let _ = self.listeners.send(record.clone());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(record);
    }

    /// Every record from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Record> {
        self.listeners.subscribe()
    }

    /// The last records, the oldest first.
    pub fn recent(&self) -> Vec<Record> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
