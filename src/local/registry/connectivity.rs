//! Which clients are connected, as fleet indexing tells it: the thing is the one whose name is the client id.
//!
//! Kept apart from the state, because no policy depends on it: a change must not make every session look again.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// Clients that are remembered after they have gone; more would be somebody who makes up client ids.
const MOST_REMEMBERED: usize = 100_000;

/// Whether a client is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    /// It is.
    pub connected: bool,
    /// Since when, in milliseconds since 1970-01-01T00:00:00Z.
    pub since_ms: u64,
    /// Why it has gone, in AWS's words (broker.md, section 8).
    pub disconnect_reason: Option<&'static str>,
}

/// By client id.
#[derive(Debug, Default)]
pub(super) struct Connectivity(RwLock<HashMap<String, Presence>>);

impl Connectivity {
    pub(super) fn set(&self, client_id: &str, presence: Presence) {
        let mut clients = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MOST_REMEMBERED {
            clients.retain(|_, presence| presence.connected);
        }
        clients.insert(client_id.to_owned(), presence);
    }

    pub(super) fn get(&self, client_id: &str) -> Option<Presence> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(client_id).copied()
    }
}
