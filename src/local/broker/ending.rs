//! How a connection ends.

use super::packet::Reason;
use super::router::Kick;
use super::wire::WireError;

/// Why, and by whom. Source: broker.md, section 8 (`disconnectReason`).
#[derive(Debug)]
pub(super) enum Ending {
    /// DISCONNECT.
    ByClient {
        /// MQTT 5, reason 4: the will is sent all the same.
        keeps_will: bool,
    },
    /// The network, or the peer without a word.
    Lost,
    /// Nothing came in one and a half times the keep-alive.
    KeepAlive,
    /// Another connection, or everybody's patience.
    Kicked(Kick),
    /// A policy forbids what it did; the decision has been recorded.
    Denied,
    /// It did what MQTT or AWS IoT does not allow.
    Misuse(String, Reason),
    /// Its certificate may not be connected any more.
    Revoked(String),
    /// The broker stops.
    Stopping,
}

impl Ending {
    pub(super) fn misuse(what: impl Into<String>, reason: Reason) -> Self {
        Self::Misuse(what.into(), reason)
    }

    pub(super) fn of(error: WireError) -> Self {
        match error {
            WireError::Lost(_) => Self::Lost,
            error => Self::Misuse(error.to_string(), error.reason()),
        }
    }

    /// What an MQTT 5 client is told.
    pub(super) fn reason(&self) -> Option<Reason> {
        match self {
            Self::ByClient { .. } | Self::Lost => None,
            Self::KeepAlive => Some(Reason::KeepAliveTimeout),
            Self::Kicked(Kick::TakenOver) => Some(Reason::SessionTakenOver),
            Self::Kicked(Kick::DoesNotRead) => Some(Reason::QuotaExceeded),
            Self::Denied => Some(Reason::NotAuthorized),
            Self::Misuse(_, reason) => Some(*reason),
            Self::Revoked(_) => Some(Reason::AdministrativeAction),
            Self::Stopping => Some(Reason::ServerShuttingDown),
        }
    }

    /// The same in AWS's words.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::ByClient { .. } => "CLIENT_INITIATED_DISCONNECT",
            Self::Lost => "CONNECTION_LOST",
            Self::KeepAlive => "MQTT_KEEP_ALIVE_TIMEOUT",
            Self::Kicked(Kick::TakenOver) => "DUPLICATE_CLIENTID",
            Self::Kicked(Kick::DoesNotRead) => "THROTTLED",
            Self::Denied => "AUTH_ERROR",
            Self::Misuse(..) => "CLIENT_ERROR",
            Self::Revoked(_) => "FORBIDDEN_ACCESS",
            Self::Stopping => "SERVER_INITIATED_DISCONNECT",
        }
    }

    /// Every end but the client's own DISCONNECT sends the will (broker.md, section 6).
    pub(super) fn sends_will(&self) -> bool {
        !matches!(self, Self::ByClient { keeps_will: false } | Self::Stopping)
    }

    /// What a person reads; nothing where there is nothing to know.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            Self::ByClient { .. } | Self::Stopping => None,
            Self::Lost => Some("the connection was lost".to_owned()),
            Self::KeepAlive => Some("nothing came within 1.5 times the keep-alive".to_owned()),
            Self::Kicked(Kick::TakenOver) => {
                Some("another connection has the same client id: one of two devices must get another".to_owned())
            }
            Self::Kicked(Kick::DoesNotRead) => Some("it does not read what it subscribed to".to_owned()),
            Self::Denied => Some("closed because of the denial, as AWS IoT does".to_owned()),
            Self::Misuse(what, _) => Some(format!("closed because of {what}")),
            Self::Revoked(objection) => Some(format!("closed: {objection}")),
        }
    }
}
