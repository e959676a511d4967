//! What the broker decided and did: one record per event, sent to whoever listens, and written to a file if one is given.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::policy::decision::Decision;

/// Records that a slow listener may be behind.
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
    /// The thing that the connection is associated with (policies.md, 4.2), if any.
    pub thing: Option<String>,
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
    /// A request that the Device Shadow service rejected; policy had allowed it.
    Shadow,
}

impl Record {
    /// An event of which nothing else is known yet.
    pub fn of(event: Event, timestamp_ms: u64) -> Self {
        Self {
            timestamp_ms,
            event,
            client_id: None,
            certificate_id: None,
            thing: None,
            resource: None,
            decision: None,
            note: None,
        }
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
        let mut text = match self.is_refusal() && self.event != Event::Shadow {
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
#[derive(Clone)]
pub struct Decisions {
    listeners: broadcast::Sender<Record>,
    log: Option<Arc<Mutex<Log>>>,
}

/// A file that every record is written to, a line each.
type Log = Box<dyn Write + Send>;

impl Decisions {
    /// Records go to whoever listens, and all of them to `log`: a listener that is slow misses some.
    pub fn new(log: Option<Log>) -> Self {
        Self { listeners: broadcast::Sender::new(BEHIND), log: log.map(|log| Arc::new(Mutex::new(log))) }
    }

    /// Passes a record on.
    pub fn record(&self, record: Record) {
        if let (Some(log), Ok(line)) = (&self.log, serde_json::to_string(&record)) {
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = writeln!(log, "{line}") {
                tracing::error!("the decision log cannot be written: {error}");
            }
        }
        // Nobody has to listen.
        let _ = self.listeners.send(record);
    }

    /// Every record from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Record> {
        self.listeners.subscribe()
    }
}

impl std::fmt::Debug for Decisions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decisions").field("log", &self.log.is_some()).finish_non_exhaustive()
    }
}
